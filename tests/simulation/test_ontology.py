"""The ontology and its annotations parse, and the planted term belongs to genes of high capacity."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import fisher_exact

from rnamarks.files import open_text
from rnamarks.tables import read_parquet
from rnamarks_simulation import ontology
from rnamarks_simulation.truth import gene_truth, stream

KINDS = {"illegal", "not", "obsolete", "alternative", "unannotated", "planted"}


def rows_of(path):
    with open_text(path) as handle:
        lines = [line.rstrip("\n").split("\t") for line in handle if not line.startswith("!")]
    good = [
        row
        for row in lines
        if len(row) == 17 and row[1] and len(row[4]) == 10 and row[12].startswith("taxon:") and row[8] in "FPC"
    ]
    return lines, good


def enrichment(genes, carries):
    """p value of the planted term among the tenth of the genes with the highest capacity."""
    top = genes["capacity"].rank(ascending=False) <= len(genes) / 10
    table = [[(carries & top).sum(), (~carries & top).sum()], [(carries & ~top).sum(), (~carries & ~top).sum()]]
    return fisher_exact(table, alternative="greater").pvalue


def test_the_ontology_is_a_tree_with_second_parents_over_three_roots():
    every = ontology.terms()
    known = {term.identifier: term for term in every}
    assert len(known) == len(every) >= 50
    roots = [term for term in every if not term.parents]
    assert [(term.name, term.identifier) for term in roots] == [
        (namespace, root) for namespace, (root, _, _) in ontology.NAMESPACES.items()
    ]
    for term in every:
        seen, reached = set(), list(term.parents)
        while reached:
            parent = known[reached.pop()]
            seen.add(parent.identifier)
            reached += parent.parents
        assert term.identifier not in seen
        assert not term.parents or ontology.NAMESPACES[term.namespace][0] in seen
    assert max(len(term.parents) for term in every) == 2


@pytest.mark.parametrize("species", ["human", "rat", "zebrafish"])
def test_annotations_hold_the_stated_traps(downstream, species):
    truth, metadata = read_parquet(downstream / "truth_genes.parquet")
    truth = truth[truth["species"] == species].set_index("gene")
    counts = metadata["annotations"][species]
    assert set(counts) == KINDS
    lines, good = rows_of(downstream / f"{species}.gaf.gz")
    assert len(lines) - len(good) == counts["illegal"] == 4
    planted = {metadata["planted_term"]["term"], metadata["planted_term"]["alternative"]}
    negated = [row for row in good if row[3].startswith("NOT|")]
    assert len(negated) == counts["not"] == 8
    assert not truth.loc[[row[1] for row in negated], "planted_term"].any()
    assert sum(row[4] == metadata["planted_term"]["obsolete"] for row in good) == counts["obsolete"] == 3
    carriers = {row[1] for row in good if row[4] in planted and "NOT" not in row[3]}
    assert len(carriers) == counts["planted"]
    assert sum(row[4] == metadata["planted_term"]["alternative"] for row in good) == counts["alternative"]
    named = {row[1] for row in good}
    coding = truth[truth["biotype"] == "protein_coding"]
    assert named <= set(coding.index)
    assert len(coding) - len(named) == counts["unannotated"]
    assert carriers == set(coding.index[coding["planted_term"]]) & named
    assert {row[2] for row in good if row[1] == coding.index[0]} <= {coding["gene_name"].iloc[0]}


def test_the_planted_term_is_enriched_in_every_species_and_shared_by_orthologues(downstream):
    truth, _ = read_parquet(downstream / "truth_genes.parquet")
    coding = truth[truth["biotype"] == "protein_coding"]
    for _, part in coding.groupby("species"):
        assert enrichment(part, part["planted_term"]) < 1e-3
    shared = coding.groupby(["orthogroup", "species"])["planted_term"].any().unstack().dropna().astype(float)
    assert np.corrcoef(shared["human"], shared["chimp"])[0, 1] > 0.6
    assert np.corrcoef(shared["human"], shared["pig"])[0, 1] > 0.2


@pytest.mark.slow
def test_the_planted_term_is_enriched_by_chance_alone_in_the_null_world(world):
    genes = gene_truth(world)
    human = genes[(genes["species"] == "human") & (genes["biotype"] == "protein_coding")]
    rejected, shares = [], []
    for seed in range(200):
        made = ontology.carriers(human, stream(replace(world, seed=seed), "planted term"), null=True)
        rejected.append(enrichment(human, made) < 0.05)
        shares.append(made.mean())
    # Fisher's exact test keeps below its level with so few genes
    assert np.mean(rejected) < 0.08
    assert np.mean(shares) == pytest.approx(0.2 * 0.9 + 0.8 * 0.03, abs=0.03)


def test_goatools_reads_the_files_and_finds_the_term(downstream, tmp_path):
    parser = pytest.importorskip("goatools.obo_parser")
    from goatools.anno.gaf_reader import GafReader
    from goatools.goea.go_enrichment_ns import GOEnrichmentStudyNS

    truth, metadata = read_parquet(downstream / "truth_genes.parquet")
    planted = metadata["planted_term"]["term"]
    _, good = rows_of(downstream / "human.gaf.gz")
    # goatools ends the process at a line that is cut short
    gaf = tmp_path / "human.gaf"
    gaf.write_text("!gaf-version: 2.2\n" + "".join("\t".join(row) + "\n" for row in good))
    with contextlib.redirect_stdout(io.StringIO()):
        graph = parser.GODag(str(downstream / "go.obo"), load_obsolete=True, prt=None)
        annotations = GafReader(str(gaf), prt=None, godag=graph)
        by_namespace = annotations.get_ns2assc()
        human = truth[(truth["species"] == "human") & (truth["biotype"] == "protein_coding")]
        top = human.nlargest(round(len(human) / 10), "capacity")["gene"]
        study = GOEnrichmentStudyNS(
            set(human["gene"]), {"MF": by_namespace["MF"]}, graph, propagate_counts=True, methods=["fdr_bh"], log=None
        )
        results = study.run_study(set(top), prt=None)
    assert len({term.item_id for term in graph.values()}) == len(ontology.terms()) + 1
    assert graph[metadata["planted_term"]["alternative"]].item_id == planted
    assert graph[metadata["planted_term"]["obsolete"]].is_obsolete
    assert Counter(term.namespace for term in graph.values() if term.level == 0 and not term.is_obsolete) == Counter(
        list(ontology.NAMESPACES)
    )
    found = {result.GO: result for result in results}
    assert found[planted].enrichment == "e"
    assert found[planted].p_fdr_bh < 0.01
    assert found[planted].p_fdr_bh == min(result.p_fdr_bh for result in results if result.enrichment == "e")
