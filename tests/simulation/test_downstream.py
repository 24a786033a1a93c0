"""The further files of a world: all there, the same bytes again, and no more than a flag between the worlds."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from rnamarks.errors import InputError
from rnamarks.files import sha256_of
from rnamarks.sites.species import select_species
from rnamarks.tables import read_parquet, read_tsv
from rnamarks_simulation.downstream import write_downstream
from rnamarks_simulation.files import ROOT_FILES, files_of
from rnamarks_simulation.parameters import WorldParameters
from rnamarks_simulation.world import simulate, write_world

SMALL = WorldParameters(genes=12, chromosomes=2)


@pytest.fixture(scope="module")
def small(register, tree):
    return simulate(select_species(register, ["human", "mouse", "zebrafish"]), tree, SMALL, seed=7)


def hashes(folder):
    return {path.name: sha256_of(path) for path in sorted(folder.iterdir())}


def test_every_file_is_written_and_named(small, tmp_path):
    written = write_downstream(small, tmp_path, root="mouse")
    written += write_world(small, tmp_path)
    expected = set(files_of("clade", ["human", "mouse", "zebrafish"], root="mouse"))
    assert {path.name for path in written} == expected == {path.name for path in tmp_path.iterdir()}
    _, metadata = read_parquet(tmp_path / "truth_genes.parquet")
    assert metadata["root"] == "mouse"


def test_same_seed_same_bytes_and_the_null_world_differs_where_it_should(small, tmp_path):
    for name, made in (("a", small), ("b", small), ("null", replace(small, null=True)), ("c", replace(small, seed=8))):
        write_downstream(made, tmp_path / name)
    a, b, null, other = (hashes(tmp_path / name) for name in ("a", "b", "null", "c"))
    assert a == b
    same = {name for name in a if a[name] == null[name]}
    assert same >= {"go.obo", *(f"{species}.cisbp_rna.meme.gz" for species in ("human", "mouse", "zebrafish"))}
    assert not same & {f"human.{name}" for name in ROOT_FILES}
    assert {name for name in a if a[name] == other[name]} == {"go.obo"}


def test_literature_names_a_third_of_the_conserved_genes(downstream):
    truth, metadata = read_parquet(downstream / "truth_genes.parquet")
    table, _ = read_tsv(downstream / "literature.tsv", ["gene", "support", "reference"])
    assert table["gene"].is_unique
    human = truth[truth["species"] == "human"].set_index("gene_name")
    conserved = human.index[human["conserved"]]
    supported = table["gene"].isin(conserved).sum()
    assert supported == -(-len(conserved) // 3)
    assert len(table) > supported
    assert set(truth.loc[truth["literature"], "gene_name"]) == set(table["gene"])
    assert metadata["conserved_orthogroups"] >= 8
    assert not table.map(lambda text: "10." in text).any(axis=None)


def test_literature_of_the_null_world_is_as_long(downstream, null_downstream):
    first, second = (pd.read_csv(folder / "literature.tsv", sep="\t") for folder in (downstream, null_downstream))
    assert len(first) == len(second)
    assert set(first["gene"]) != set(second["gene"])


def test_one_species_of_few_genes(register, tree, tmp_path):
    made = simulate(select_species(register, ["arabidopsis"]), tree, WorldParameters(genes=2, chromosomes=1), seed=3)
    write_downstream(made, tmp_path)
    truth, _ = read_parquet(tmp_path / "truth_genes.parquet")
    assert 1 <= len(truth) <= 3


def test_the_root_has_to_be_simulated(small, tmp_path):
    with pytest.raises(InputError, match="choose from human, mouse, zebrafish"):
        write_downstream(small, tmp_path, root="yak")
