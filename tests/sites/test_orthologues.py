"""Orthologue tables become groups of genes."""

from __future__ import annotations

import pytest

from rnamarks.errors import InputError
from rnamarks.sites.orthologues import ORTHOLOGUE_FORMATS

SCIENTIFIC = {"human": "Homo sapiens", "mouse": "Mus musculus", "rat": "Rattus norvegicus"}
HEADER = (
    "gene_stable_id\tprotein_stable_id\tspecies\tidentity\thomology_type\thomology_gene_stable_id\thomology_species\n"
)


def pair(gene, other, species, kind="ortholog_one2one"):
    return f"{gene}\tP\thomo_sapiens\t90\t{kind}\t{other}\t{species}\n"


def test_compara_pairs_become_groups(tmp_path):
    path = tmp_path / "compara.tsv"
    path.write_text(
        HEADER
        + pair("ENSG1", "ENSMUSG1", "mus_musculus")
        + pair("ENSG1", "ENSRNOG1", "rattus_norvegicus")
        + pair("ENSG2", "ENSMUSG2", "mus_musculus", "ortholog_one2many")
        + pair("ENSG2", "ENSMUSG3", "mus_musculus", "ortholog_one2many")
        + pair("ENSG1", "ENSG2", "homo_sapiens", "other_paralog")
        + pair("ENSG3", "ENSDARG1", "danio_rerio")
    )
    table = ORTHOLOGUE_FORMATS["compara"](path, SCIENTIFIC)
    groups = {name: set(part["gene"]) for name, part in table.groupby("orthogroup")}
    assert groups == {"ENSG1": {"ENSG1", "ENSMUSG1", "ENSRNOG1"}, "ENSG2": {"ENSG2", "ENSMUSG2", "ENSMUSG3"}}
    assert set(table["species"]) == {"human", "mouse", "rat"}


def test_compara_without_the_species_is_refused(tmp_path):
    path = tmp_path / "compara.tsv"
    path.write_text(HEADER + pair("ENSG3", "ENSDARG1", "danio_rerio"))
    with pytest.raises(InputError, match="no pair of orthologues"):
        ORTHOLOGUE_FORMATS["compara"](path, SCIENTIFIC)


def test_named_groups_are_taken_as_they_are(tmp_path):
    path = tmp_path / "groups.tsv"
    path.write_text("species\tgene\torthogroup\nhuman\tA\tg1\nmouse\tB\tg1\nyeast\tC\tg1\nhuman\tA\tg1\n")
    table = ORTHOLOGUE_FORMATS["orthogroups"](path, SCIENTIFIC)
    assert table["gene"].tolist() == ["A", "B"]
    path.write_text("species\tgene\torthogroup\nhuman\tA\tg1\nhuman\tA\tg2\n")
    with pytest.raises(InputError, match="two orthogroups"):
        ORTHOLOGUE_FORMATS["orthogroups"](path, SCIENTIFIC)


def test_a_compara_row_without_a_value_is_refused(tmp_path):
    path = tmp_path / "compara.tsv"
    header = "gene_stable_id\tspecies\thomology_type\thomology_gene_stable_id\thomology_species\n"
    path.write_text(header + "A\thomo_sapiens\t\tB\tmus_musculus\n")
    with pytest.raises(InputError, match="a row has no homology_type"):
        ORTHOLOGUE_FORMATS["compara"](path, SCIENTIFIC)


def test_genes_named_like_missing_values_stay(tmp_path):
    path = tmp_path / "groups.tsv"
    path.write_text("species\tgene\torthogroup\nhuman\tNA\tnan\nmouse\tNone\tnan\n")
    table = ORTHOLOGUE_FORMATS["orthogroups"](path, SCIENTIFIC)
    assert table[["gene", "orthogroup"]].to_numpy().tolist() == [["NA", "nan"], ["None", "nan"]]
