"""Terms of the gene ontology: files, tests against scipy, species together, the real Arabidopsis case."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest
from scipy import stats

pytest.importorskip("goatools")

from rnamarks.biology.gene_annotations import Associations, read_associations, read_ontology
from rnamarks.biology.ontology import enrich, enrich_sets, shared_terms, top_genes
from rnamarks.dictionary import column_names
from rnamarks.errors import InputError

OBO = """format-version: 1.2
data-version: made

[Term]
id: GO:0003674
name: molecular_function
namespace: molecular_function

[Term]
id: GO:0000001
name: binding
namespace: molecular_function
alt_id: GO:0000099
is_a: GO:0003674 ! molecular_function

[Term]
id: GO:0000002
name: RNA binding
namespace: molecular_function
is_a: GO:0000001 ! binding

[Term]
id: GO:0000003
name: transport
namespace: molecular_function
is_a: GO:0003674 ! molecular_function

[Term]
id: GO:0000004
name: loop
namespace: molecular_function
is_a: GO:0003674
relationship: part_of GO:0000003 ! transport

[Term]
id: GO:0008150
name: biological_process
namespace: biological_process

[Term]
id: GO:0000005
name: decay
namespace: biological_process
is_a: GO:0008150 ! biological_process

[Term]
id: GO:0000006
name: gone
namespace: molecular_function
is_obsolete: true

[Typedef]
id: part_of
name: part of
"""


@pytest.fixture
def write(tmp_path):
    def to(text, name):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return to


@pytest.fixture
def ontology(write):
    return read_ontology(write(OBO, "terms.obo.gz"))


def gaf(gene, term="GO:0000002", qualifier="enables", evidence="IDA", aspect="F", **changes):
    fields = ["DB", f"id_{gene}", gene, qualifier, term, "PMID:1", evidence, "", aspect, "", f"syn_{gene}|also_{gene}"]
    fields += ["protein", "taxon:9606", "20200101", "DB", "", ""]
    for at, value in changes.items():
        fields[int(at[1:])] = value
    return "\t".join(fields)


def test_ontology_is_read_whatever_its_line_ends(write, ontology, capfd):
    crlf = read_ontology(write("\ufeff" + OBO.rstrip().replace("\n", "\r\n"), "crlf.obo"))
    assert set(crlf) == set(ontology)
    assert "GO:0000006" not in ontology
    assert ontology["GO:0000099"].item_id == "GO:0000001"
    assert capfd.readouterr() == ("", ""), "goatools speaks to the log alone"


def test_broken_ontologies_are_named(write):
    for text, message in (
        ("gene\tterm\n", r"the file holds no term .found 'gene"),
        (OBO.replace("is_a: GO:0000001", "is_a: GO:7777777"), "a parent that the ontology lacks.*GO:7777777"),
        ("[Term]\nid: GO:0000006\nname: gone\nis_obsolete: true\n", "every term of the ontology is obsolete"),
    ):
        with pytest.raises(InputError, match=message):
            read_ontology(write(text, "bad.obo"))


def test_gaf_lines_are_read_by_each_identifier(write):
    path = write(
        "!gaf-version: 2.2\n" + gaf("A") + "\n" + gaf("A", "GO:0000003") + "\r\n" + gaf("B") + "\n", "a.gaf.gz"
    )
    both = {"GO:0000002", "GO:0000003"}
    assert read_associations(path).terms == {"A": both, "B": {"GO:0000002"}}
    assert set(read_associations(path, identifier="object").terms) == {"id_A", "id_B"}
    assert read_associations(path, identifier="synonym").terms["also_A"] == both
    with pytest.raises(InputError, match="choose one of symbol, object, synonym"):
        read_associations(path, identifier="name")


def test_illegal_lines_are_counted_by_reason_and_end_nothing(write):
    lines = [
        gaf("A"),
        "DB\tshort\tline",
        gaf("B", _1=""),
        gaf("B", _2=" "),
        gaf("C", "GO:12"),
        gaf("C", evidence=""),
        gaf("D", aspect="X"),
        gaf("D", _12="NCBITaxon:"),
        gaf("E", _13="yesterday"),
        gaf("E", qualifier="NOT|enables"),
        gaf("F", evidence="ND"),
    ]
    found = read_associations(write("\n".join(lines) + "\n", "bad.gaf"))
    assert found.terms == {"A": {"GO:0000002"}}
    assert found.counts == {
        "lines": 11,
        "illegal: fewer than 15 fields": 1,
        "illegal: no GO id": 1,
        "illegal: no aspect among F, P, C": 1,
        "illegal: no date": 1,
        "illegal: no taxon": 1,
        "illegal: without a symbol": 1,
        "illegal: without an object id": 1,
        "illegal: without evidence": 1,
        "kept": 1,
        "note: evidence ND": 1,
        "note: qualified by NOT": 1,
    }
    with pytest.raises(
        InputError, match=r"bad2\.gaf:1: no line of the annotations can be used \(2 illegal: no GO id\)"
    ):
        read_associations(write(gaf("C", "GO:12") + "\n" + gaf("D", "x") + "\n", "bad2.gaf"))
    with pytest.raises(InputError, match="the file holds no annotation"):
        read_associations(write("!gaf-version: 2.2\n", "empty.gaf"))


def test_lists_of_terms_are_read_and_their_faults_counted(write):
    text = "A\tGO:0000001;GO:0000002\nB\tGO:0000003\nA\tGO:0000003\nC\t\nD GO:0000001\nE\tterm\n"
    found = read_associations(write(text, "lists.txt"))
    assert found.terms == {"A": {"GO:0000001", "GO:0000002", "GO:0000003"}, "B": {"GO:0000003"}}
    assert (found.counts["kept"], found.counts["illegal: no GO id"], found.counts["note: gene without a term"]) == (
        3,
        1,
        1,
    )


def test_top_genes_are_a_share_with_ties():
    capacity = pd.Series([5.0, 1, 4, 4, np.nan, 0, 2, 3, 1, 1, 1], index=list("abcdefghijk"))
    assert top_genes(capacity, 0.1) == ["a"]
    assert top_genes(capacity, 0.2) == ["a", "c", "d"]
    assert top_genes(pd.Series([np.nan])) == []
    assert len(top_genes(pd.Series(np.arange(121.0)), 0.1)) == 13
    assert len(top_genes(pd.Series(np.arange(30.0)), 0.1)) == 3
    with pytest.raises(InputError, match=r"give 0\.1 for a tenth"):
        top_genes(capacity, 10)


def made_terms():
    """100 genes; 20 bind RNA, 12 of these among the first 30, which are the study."""
    genes = [f"g{number}" for number in range(100)]
    terms = {gene: {"GO:0000003"} for gene in genes[10:90]}
    for gene in [*genes[:12], *genes[60:68]]:
        terms.setdefault(gene, set()).add("GO:0000002")
    terms["g0"] |= {"GO:0000099", "GO:0000006", "GO:5555555"}
    return genes, genes[:30], terms


def test_p_values_are_fishers_by_an_independent_count(ontology):
    genes, study, terms = made_terms()
    found = enrich(study, genes, terms, ontology).set_index("term")
    for term, holders in (
        ("GO:0000002", {gene for gene in terms if "GO:0000002" in terms[gene]}),
        ("GO:0000001", {gene for gene in terms if terms[gene] & {"GO:0000001", "GO:0000002", "GO:0000099"}}),
        ("GO:0000003", {gene for gene in terms if "GO:0000003" in terms[gene]}),
    ):
        k, size = len(holders & set(study)), len(holders)
        table = [[k, 30 - k], [size - k, 70 - size + k]]
        assert found.at[term, "p"] == pytest.approx(stats.fisher_exact(table, alternative="greater").pvalue)
        assert found.at[term, "fold"] == pytest.approx(k / 30 / (size / 100))
        assert (found.at[term, "study"], found.at[term, "population"]) == (k, size)
    assert found["q"].to_numpy() == pytest.approx(stats.false_discovery_control(found["p"]))
    assert terms["g0"] >= {"GO:0000006", "GO:5555555"}, "the annotations stay as they were"


def test_intervals_hold_the_estimate_and_flags_follow_the_level(ontology):
    genes, study, terms = made_terms()
    found = enrich(study, genes, terms, ontology, smallest=1)
    for name in ("fold", "odds"):
        middle = found["fold" if name == "fold" else "odds_ratio"]
        assert (found[f"{name}_low"] <= middle).all()
        assert (middle <= found[f"{name}_high"]).all()
    assert (found["raw"] == (found["p"] < 0.05)).all()
    assert (found["significant"] == (found["q"] < 0.05)).all()
    assert found.loc[found["term"] == "GO:0000002", "genes"].iloc[0].split(", ") == sorted(f"g{n}" for n in range(12))


def test_options_choose_terms(ontology):
    genes, study, terms = made_terms()
    terms = terms | {gene: terms.get(gene, set()) | {"GO:0000004"} for gene in genes[95:]} | {"g50": {"GO:0000005"}}
    assert "GO:0003674" not in set(enrich(study, genes, terms, ontology, smallest=1)["term"]), "no root"
    assert list(enrich(study, genes, terms, ontology, smallest=30)["term"]) == ["GO:0000003"]
    process = enrich(study, genes, terms, ontology, namespace="biological_process", smallest=1)
    assert list(process["name"]) == ["decay"]


def test_nothing_to_test_gives_an_empty_table(ontology):
    assert enrich([], ["a"], {"a": {"GO:0000002"}}, ontology).empty
    assert enrich(["a"], ["a"], {}, ontology).empty
    assert enrich(["a"], ["a"], {"a": {"GO:0000002"}}, ontology, smallest=5).empty


def make_capacity(species=("human", "mouse"), predictors=("multi", "single"), n=100):
    parts = []
    for name in species:
        for predictor in predictors:
            genes = [f"{name}{number}" for number in range(n)]
            parts.append(
                pd.DataFrame({"gene": genes, "gene_name": [f"g{number}" for number in range(n)]}).assign(
                    transcripts=name, task=name, predictor=predictor, capacity=np.linspace(1, 0, n)
                )
            )
    return pd.concat(parts, ignore_index=True)


def test_species_are_enriched_by_themselves_and_compared(ontology):
    _, _, terms = made_terms()
    found = {"human": Associations(terms, {"lines": 9}), "mouse": Associations(terms, {"lines": 9})}
    frame, mapping = enrich_sets(make_capacity(), found, ontology, fraction=0.3)
    assert (list(frame.columns), list(mapping.columns)) == (
        column_names("terms", task_columns=False),
        column_names("terms_mapping", task_columns=False),
    )
    human = frame[(frame["transcripts"] == "human") & (frame["predictor"] == "multi")].set_index("name")
    assert human.at["RNA binding", "study"] == 12
    assert human.at["RNA binding", "q"] < 0.05
    assert human.at["RNA binding", "genes"].startswith("human0, human1, human10")
    row = mapping.iloc[0]
    assert (row["tested"], row["mapped"], row["study"], row["identifier"]) == (100, 90, 30, "gene_name")
    assert row["unmapped_fraction"] == pytest.approx(0.1)
    assert "terms that the ontology lacks: 2" in row["notes"]
    shared = shared_terms(frame.assign(modification="m6A"))
    assert list(shared.columns) == column_names("terms_shared")
    best = shared[shared["predictor"] == "multi"].set_index("name").loc["RNA binding"]
    assert best[["tested", "raw", "significant"]].tolist() == [2, 2, 2]
    assert best["raw_transcripts"] == "human, mouse"
    assert shared["predictor"].drop_duplicates().tolist() == ["multi", "single"]


def test_background_is_what_was_tested_or_what_is_annotated(ontology):
    _, _, terms = made_terms()
    found = {"human": Associations(terms, {})}
    capacity = make_capacity(["human"], ["multi"])
    for background, size in (("tested", 100), ("annotated", 90)):
        frame, mapping = enrich_sets(capacity, found, ontology, fraction=0.3, background=background)
        assert set(frame["population_size"]) == {size}
        assert mapping["population"].tolist() == [size]
    with pytest.raises(InputError, match="choose one of tested, annotated"):
        enrich_sets(capacity, found, ontology, background="genome")


def test_genes_of_another_naming_are_an_error_unless_allowed(ontology):
    found = {"human": Associations({"YAL001C": {"GO:0000002"}, "g1": {"GO:0000002"}}, {}, "human.gaf")}
    capacity = make_capacity(["human"], ["multi"])
    with pytest.raises(InputError, match=r"human\.gaf: only 1 of 100 tested genes of human"):
        enrich_sets(capacity, found, ontology)
    _, mapping = enrich_sets(capacity, found, ontology, minimum=0)
    assert mapping["unmapped_fraction"].tolist() == [0.99]
    twice = pd.concat([capacity, capacity.head(1)])
    with pytest.raises(InputError, match=r"names a gene of human twice.*human0"):
        enrich_sets(twice, found, ontology, minimum=0)


def test_no_species_with_annotations_gives_empty_tables(ontology):
    frame, mapping = enrich_sets(make_capacity(), {}, ontology)
    assert frame.empty
    assert mapping.empty
    assert shared_terms(frame.assign(modification="m6A")).empty


def test_by_chance_few_terms_pass(ontology):
    _, _, terms = made_terms()
    rates = []
    for seed in range(60):
        random = np.random.default_rng(seed)
        study = random.choice([f"g{n}" for n in range(100)], 30, replace=False)
        rates += enrich(study, [f"g{n}" for n in range(100)], terms, ontology)["raw"].tolist()
    assert np.mean(rates) <= 0.08, "Fisher's test is conservative"


@pytest.fixture(scope="module")
def arabidopsis(shared_data):
    folder = shared_data / "downstream/go"
    lists = [
        gzip.decompress((folder / f"goatools_{name}.gz").read_bytes()).decode().split()
        for name in ("study", "population")
    ]
    return (
        *lists,
        read_associations(folder / "goatools_association.gz"),
        read_ontology(folder / "goatools_goslim_generic.obo.gz"),
    )


def test_real_case_agrees_with_an_independent_count(arabidopsis):
    study, population, found, ontology = arabidopsis
    assert len(found.terms) == 34284
    frame = enrich(study, population, found.terms, ontology, smallest=1)
    assert len(frame) > 25
    assert frame["name"].iloc[:2].tolist() == ["peptidase activity", "kinase activity"]
    assert (frame["significant"].sum(), frame["raw"].sum()) == (3, 4)
    everyone, chosen = set(population), set(study) & set(population)
    for row in frame.to_dict("records"):
        # the ontology also knows alternative identifiers, which old annotations use
        wanted = {t for t in ontology if row["term"] in {ontology[t].item_id, *ontology[t].get_all_parents()}}
        holders = {gene for gene in everyone if found.terms.get(gene, set()) & wanted}
        k, size = len(holders & chosen), len(holders)
        assert (row["study"], row["population"]) == (k, size), row["name"]
        table = [[k, len(chosen) - k], [size - k, len(everyone) - len(chosen) - size + k]]
        assert row["p"] == pytest.approx(stats.fisher_exact(table, alternative="greater").pvalue)


def test_real_gaf_with_illegal_lines(shared_data):
    folder = shared_data / "downstream/go"
    found = read_associations(folder / "goatools_goa_human_illegal.gaf.gz")
    assert found.counts == {"lines": 68, "illegal: no taxon": 1, "illegal: without an object id": 1, "kept": 66}
    assert found.terms["DNAJC25-GNG10"] == {"GO:0003924", "GO:0004871", "GO:0005834", "GO:0007186"}
    assert read_associations(folder / "goatools_fig2a.gaf.gz").counts == {"lines": 100, "kept": 100}
