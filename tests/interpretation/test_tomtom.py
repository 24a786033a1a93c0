"""p-values of motif pairs against independent calculations, and what is built on them."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import false_discovery_control

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.interpretation.filters import filter_motifs
from rnamarks.interpretation.motif_files import read_motifs
from rnamarks.interpretation.motif_matches import (
    DE_NOVO,
    FILTER,
    RULES,
    Database,
    QuerySet,
    annotation_table,
    compare_sets,
    match_logos,
    name_discovered,
    rank_pairs,
    reported,
    shuffled,
)
from rnamarks.interpretation.pwm import PWM
from rnamarks.interpretation.tomtom import compare, compare_columns, read_tomtom
from rnamarks.models.registry import build_model
from rnamarks.sequences import encode
from rnamarks.tasks import Task

HUMAN = Task("m6A_human", species="human", modification="m6A")


def word(name, letters, top=0.9, left=0, right=0, alternative=""):
    matrix = np.full((left + len(letters) + right, 4), 0.25)
    matrix[left : left + len(letters)] = (1 - top) / 3
    matrix[np.arange(left, left + len(letters)), encode(letters)] = top
    return PWM(name, matrix, alternative=alternative)


@pytest.fixture(scope="module")
def database():
    """Sixty motifs of 5 to 8 nt, clear and vague columns mixed."""
    generator = np.random.default_rng(11)
    return [
        PWM(
            f"t{at:02d}",
            generator.dirichlet(np.full(4, generator.choice([0.15, 0.5, 2.0])), int(generator.integers(5, 9))),
            alternative=f"GENE{at}",
        )
        for at in range(60)
    ]


@pytest.fixture(scope="module")
def queries(database):
    """Random motifs, one that is a target with flanks, and a noisy copy of another."""
    generator = np.random.default_rng(12)
    flanked = np.concatenate([np.full((3, 4), 0.25), database[7].frequencies, np.full((2, 4), 0.25)])
    noisy = 0.7 * database[20].frequencies + 0.3 * generator.dirichlet(np.ones(4), database[20].width)
    return [
        *(PWM(f"q{at}", generator.dirichlet(np.full(4, 0.6), width)) for at, width in enumerate((4, 6, 9, 18))),
        PWM("flanked", flanked),
        PWM("noisy", noisy),
    ]


class Reference:
    """The same statistic on plain floats, with its null distribution drawn by lot."""

    def __init__(self, query, targets, draws=20_000, seed=1):
        self.query, self.width = query.frequencies, query.width
        pool = np.concatenate([target.frequencies for target in targets])
        distance = np.linalg.norm(self.query[:, None] - pool[None], axis=2)
        self.medians = np.median(-distance, axis=1)
        self.scores = -distance - self.medians[:, None]
        self.generator = np.random.default_rng(seed)
        self.draws = draws

    def spans(self, length):
        """(target column under the query's first, first query column, one past the last) of all offsets."""
        return [(offset, max(0, -offset), min(self.width, length - offset)) for offset in range(1 - self.width, length)]

    def observed(self, target):
        totals = []
        for offset, a, b in self.spans(target.width):
            gap = self.query[a:b] - target.frequencies[a + offset : b + offset]
            totals.append((-np.linalg.norm(gap, axis=1) - self.medians[a:b]).sum())
        best = int(np.argmax(totals))
        offset, a, b = self.spans(target.width)[best]
        return totals[best], offset, b - a

    def totals(self, columns, a, b, offset):
        return sum(self.scores[at, columns[:, at + offset]] for at in range(a, b))

    def joint_p(self, score, length):
        """Best of all offsets of one random target: the offsets share its columns."""
        columns = self.generator.integers(0, self.scores.shape[1], (self.draws, length))
        best = np.full(self.draws, -np.inf)
        for offset, a, b in self.spans(length):
            best = np.maximum(best, self.totals(columns, a, b, offset))
        return (best >= score).mean()

    def independent_p(self, score, length):
        """Best of all offsets, each with random columns of its own: what Tomtom computes."""
        below = 1.0
        for offset, a, b in self.spans(length):
            columns = self.generator.integers(0, self.scores.shape[1], (self.draws, length))
            below *= 1 - (self.totals(columns, a, b, offset) >= score).mean()
        return 1 - below


def test_p_values_agree_with_draws(queries, database):
    rows = []
    for query in queries:
        reference = Reference(query, database)
        pairs = compare([query], database).set_index("target")
        for target in database[::4]:
            score, offset, overlap = reference.observed(target)
            row = pairs.loc[target.name]
            rows.append(
                {
                    "p": row["p"],
                    "independent": reference.independent_p(score, target.width),
                    "joint": reference.joint_p(score, target.width),
                    "offset": row["offset"] == offset,
                    "overlap": row["overlap"] == overlap,
                }
            )
    table = pd.DataFrame(rows)
    frequent = table[table["independent"] > 0.003]
    assert len(frequent) > 70
    ratio = np.log(frequent["p"] / frequent["independent"])
    # the rest is the rounding of scores to a hundredth of their range, and the draws
    assert ratio.abs().median() < 0.03
    assert ratio.abs().max() < 0.35
    assert np.corrcoef(frequent["p"], frequent["independent"])[0, 1] > 0.999
    # offsets that share columns: Tomtom's assumption errs little, and on average to the safe side
    shared = np.log(frequent["p"] / frequent["joint"].clip(lower=1e-4))
    assert -0.1 < shared.median() < 0.3
    assert shared.abs().max() < 0.8
    # equal scores after rounding may lie at different offsets
    assert table["offset"].mean() > 0.93
    assert table["overlap"].mean() > 0.93
    rare = table[table["independent"] < 0.001]
    assert (rare["p"] < 0.003).all()


def test_p_values_are_those_of_memelite(queries, database):
    tomtom = pytest.importorskip("memelite", reason="memelite is not installed").tomtom
    own = compare_columns([q.frequencies for q in queries], [t.frequencies for t in database])
    columns = [[np.asfortranarray(motif.frequencies.T) for motif in motifs] for motifs in (queries, database)]
    with warnings.catch_warnings():
        # it warns of few targets
        warnings.simplefilter("ignore")
        theirs = tomtom(*columns, reverse_complement=False, n_jobs=1)
    kept = own[0] > 1e-9
    off = np.abs(np.log10(theirs[0][kept] / own[0][kept]))
    assert off.max() < 0.25
    assert np.median(off) < 0.01
    assert (theirs[2] == own[1]).mean() > 0.9
    assert (theirs[3] == own[2]).mean() > 0.9


def test_table_of_pairs(queries, database):
    pairs = compare(queries, database, database="made")
    assert list(pairs.columns) == column_names("motif_matches", first="query", last="engine")
    assert len(pairs) == len(queries) * 60
    assert pairs["query"].drop_duplicates().tolist() == [query.name for query in queries]
    assert np.allclose(pairs["e"], 60 * pairs["p"])
    mine = pairs[pairs["query"] == "q2"]
    assert (np.diff(mine["p"]) >= 0).all()
    assert np.allclose(mine["q"], false_discovery_control(mine["p"]))
    best = pairs.drop_duplicates("query").set_index("query")
    assert best.loc["flanked", "target_name"] == "GENE7"
    # three of the query's columns lie before the target
    assert best.loc["flanked", "offset"] == -3
    assert best.loc["flanked", "overlap"] == database[7].width
    assert best.loc["flanked", "q"] < 0.001
    assert best.loc["noisy", "target_name"] == "GENE20"
    assert best.loc["noisy", "offset"] == 0
    assert set(pairs["engine"]) == {"builtin"}
    assert pairs["p"].between(0, 1).all()


def test_reverse_complements_are_no_matches(database):
    query = word("q", "GGACUGA")
    forward, backward = word("plus", "GGACUGA", 0.85), word("minus", "UCAGUCC", 0.85)
    pairs = compare([query], [*database, forward, backward]).set_index("target")
    assert pairs.loc["plus", "p"] < 1e-4
    assert pairs.loc["minus", "p"] > 0.05


def test_a_query_begins_inside_the_target(database):
    pairs = compare([word("q", "ACUGA")], [*database, word("long", "UUGACUGAU", 0.85)])
    best = pairs.iloc[0]
    assert (best["target"], best["offset"], best["overlap"]) == ("long", 3, 5)


def test_p_values_of_random_motifs_are_uniform(database):
    generator = np.random.default_rng(5)
    pool = np.concatenate([motif.frequencies for motif in database])
    random = [PWM(f"r{at}", pool[generator.integers(0, len(pool), 8)]) for at in range(100)]
    p = compare(random, database)["p"]
    for level in (0.01, 0.05, 0.2, 0.5):
        assert (p < level).mean() == pytest.approx(level, rel=0.3)


def test_few_targets_are_said_and_one_is_an_error(database):
    said = []
    compare([word("q", "GGACU")], database[:30], database="small", warn=said.append)
    assert said == ["small has 30 motifs: p-values are rough below 50"]
    compare([word("q", "GGACU")], database, warn=said.append)
    assert len(said) == 1
    with pytest.raises(InputError, match="several targets"):
        compare([word("q", "GGACU")], database[:1])
    assert compare([], database).empty


def test_wide_and_narrow_queries_together(database):
    queries = [word("wide", "GGACU", left=40, right=41), word("narrow", "GGA")]
    pairs = compare(queries, database)
    assert pairs["p"].between(0, 1).all()
    assert pairs["overlap"].max() <= 8


def test_ggacu_in_real_databases(shared_data):
    folder = shared_data / "motifs" / "cisbp_rna_meme"
    for species in ("Homo_sapiens", "Mus_musculus", "Pan_troglodytes"):
        targets = read_motifs(folder / f"{species}.meme.gz").motifs
        pairs = compare([word("writer", "GGACU"), word("core", "GGAC")], targets)
        best = pairs.groupby("query").head(2)
        # proteins that bind GGAC are the nearest, but a motif of 5 nt is too short to be significant
        assert {name.upper() for name in best["target_name"]} == {"FXR2", "FMR1"}
        assert (best["p"] < 0.02).all()
        assert (best["q"] > 0.05).all()


def test_filters_of_an_untrained_network_match_no_more_than_shuffled_ones(shared_data):
    torch.manual_seed(1)
    sizes = {"filters": 60, "channels": 4, "lstm_units": 4, "attention_heads": 1, "attention_width": 4, "dense": 4}
    network = build_model("mass", ["human"], 61, sizes)
    codes = np.random.default_rng(2).integers(0, 4, (400, 61)).astype(np.uint8)
    filters = filter_motifs(network, codes, threshold="half_max")
    targets = read_motifs(shared_data / "motifs" / "cisbp_rna_meme" / "Homo_sapiens.meme.gz").motifs
    table = annotation_table(filters.motifs, targets, filters=60, shuffles=19)
    rows = table[table["rule"] == "q < 0.05"]
    assert (rows["fraction"] < 0.2).all()
    assert (rows["fraction"] <= rows["null_high"] + 0.05).all()
    # the released code's rule is met by nearly every filter, shuffled or not
    assert (table.loc[table["rule"] == "E < 10", ["fraction", "null_fraction"]] > 0.9).all(axis=None)


@pytest.mark.slow
def test_annotation_beside_shuffled_filters(database):
    generator = np.random.default_rng(8)
    copies = [
        PWM(f"f{at}", 0.85 * motif.frequencies + 0.15 * generator.dirichlet(np.ones(4), motif.width))
        for at, motif in enumerate(database[:20])
    ]
    table = annotation_table(copies, database, filters=40, database="made", shuffles=30, seed=2)
    assert set(table.columns) == set(column_names("motif_annotated", task_columns=False)) - {"predictor", "task"}
    assert list(zip(table["null"], table["rule"], strict=True)) == [
        (null, rule) for null in ("columns", "nucleotides") for rule in RULES
    ]
    rows = table[table["rule"] == "q < 0.05"]
    assert (rows["annotated"] >= 15).all()
    assert (rows["fraction"] == rows["annotated"] / 40).all()
    assert (rows["null_high"] < rows["fraction"]).all()
    assert rows["p"].to_numpy() == pytest.approx(1 / 31)
    assert (rows["null_low"] <= rows["null_fraction"]).all()
    again = annotation_table(copies, database, filters=40, database="made", shuffles=30, seed=2)
    pd.testing.assert_frame_equal(table, again)
    none = annotation_table([], database, filters=40, shuffles=2)
    assert (none["annotated"] == 0).all()
    assert (none["p"] == 1).all()
    with pytest.raises(InputError, match="no filters"):
        annotation_table([], database, filters=0)


def test_shuffling_keeps_what_it_says(database):
    generator = np.random.default_rng(3)
    motif = database[3]
    by_column = shuffled([motif], "columns", generator)[0]
    assert sorted(map(tuple, by_column.frequencies)) == sorted(map(tuple, motif.frequencies))
    by_letter = [shuffled([motif], "nucleotides", generator)[0] for _ in range(40)]
    for other in by_letter:
        assert np.allclose(np.sort(other.frequencies, axis=1), np.sort(motif.frequencies, axis=1))
        assert not np.array_equal(other.frequencies, motif.frequencies)
        assert np.allclose(other.information(), motif.information())
    with pytest.raises(InputError, match="columns, nucleotides"):
        shuffled([motif], "rotation", generator)


def test_ranks_show_nothing_twice():
    pairs = pd.DataFrame(
        {
            "query": ["f1", "f1", "f2", "f3", "f4"],
            "target": ["M1", "M2", "M1", "M3", "M4"],
            "target_name": ["A", "B", "A", "B", "C"],
            "p": [0.01, 0.001, 0.0005, 0.002, 0.5],
        }
    )
    assert rank_pairs(pairs, FILTER, 3).tolist() == [0, 2, 1, 0, 3]
    assert rank_pairs(pairs, FILTER, 1).tolist() == [0, 0, 1, 0, 0]
    assert rank_pairs(pairs, DE_NOVO).tolist() == [1, 0, 2, 3, 4]
    # the first motif leads whatever it resembles
    assert rank_pairs(pairs, "attention", 3).tolist() == [1, 0, 0, 2, 3]
    pairs["own"] = [False, True, False, True, False]
    assert rank_pairs(pairs, "attention", 3, own=True).tolist() == [0, 1, 0, 0, 0]
    assert not rank_pairs(pairs.assign(own=False), "attention", 3, own=True).any()


def test_reported_pairs_are_the_accepted_and_each_best(queries, database):
    pairs = compare(queries, database).assign(own=False)
    pairs.loc[7, "own"] = True
    kept = reported(pairs)
    assert set(kept["query"]) == set(pairs["query"])
    accepted = (pairs["q"] < 0.05) | (pairs["e"] < 10)
    assert len(kept) == (accepted | pairs["own"] | ~pairs["query"].duplicated()).sum()
    assert kept["own"].sum() == 1


def test_logos_are_aligned(queries, database):
    pairs = compare(queries, database, database="made")
    pairs["rank"] = rank_pairs(pairs, FILTER, 1)
    logos = match_logos(pairs, queries, database)
    target, query = (logos[logos["role"] == role] for role in ("target", "query"))
    assert set(target["motif"]) == {"t07"}
    assert query["position"].tolist() == list(range(-3, database[7].width + 2))
    over = query.set_index("position").loc[target["position"], list("ACGU")].to_numpy()
    assert np.allclose(over, target[list("ACGU")])
    assert target[list("ACGU")].to_numpy().sum() == pytest.approx(database[7].information().sum())


def test_sets_of_models_and_tasks(queries, database):
    mouse, rat = Task("mouse", species="mouse"), Task("rat", species="rat")
    sets = [
        QuerySet("multi", HUMAN, FILTER, queries, 10),
        QuerySet("single", HUMAN, FILTER, queries[:2], 10),
        QuerySet("multi", mouse, FILTER, [], 10),
        QuerySet("multi", rat, FILTER, queries, 10),
        QuerySet(DE_NOVO, HUMAN, DE_NOVO, queries[4:]),
        QuerySet("multi", HUMAN, "attention", queries[4:], null=[queries[:2], [], queries[4:]]),
    ]
    databases = [
        Database("one", database, "human"),
        Database("two", database[:55], "human"),
        Database("one", database, "mouse"),
    ]
    said = []
    tables = compare_sets(sets, databases, shuffles=2, report=said.append)
    assert list(tables.matches.columns) == column_names("motif_matches", task_columns=False)
    assert list(tables.annotated.columns) == column_names("motif_annotated", task_columns=False)
    assert list(tables.logos.columns) == column_names("motif_logos", task_columns=False)
    assert "multi, m6A_human: 6 motifs against one" in said
    assert set(tables.matches["task"]) == {"m6A_human"}
    # mouse has filters, none informative
    counts = tables.annotated.groupby(["predictor", "task"]).size().to_dict()
    assert counts == {("multi", "m6A_human"): 8, ("single", "m6A_human"): 8, ("multi", "mouse"): 4}
    ranks = tables.logos.groupby(["predictor", "method", "database"])["rank"].unique().map(sorted).to_dict()
    assert ranks["multi", FILTER, "one"] == [1, 2, 3]
    assert ranks[DE_NOVO, DE_NOVO, "two"] == [1, 2]
    assert (tables.matches["q_all"] >= tables.matches["p"]).all()
    drawn = tables.matches[tables.matches["method"] == "attention"]
    assert set(drawn["null_draws"]) == {3}
    # one draw of three holds the motifs themselves
    assert drawn.loc[drawn["rank"] == 1, "null_p"].min() == pytest.approx(0.5)
    discovered = pd.DataFrame({"task": ["m6A_human"] * 3, "motif": ["flanked", "noisy", "other"], "p": [0.1, 0.2, 0.3]})
    named = name_discovered(discovered, tables.matches)
    assert list(named.columns) == ["task", "motif", "p", *column_names("motif_discovered", first="database")]
    assert named["target_name"].tolist() == ["GENE7", "GENE20", ""]
    assert named["database"].tolist() == ["one", "one", ""]
    with pytest.raises(InputError, match="both motifs and a database"):
        compare_sets(sets[3:4], databases)
    none = compare_sets(sets, [])
    assert none.matches.empty
    assert name_discovered(discovered, none.matches)["target"].tolist() == [""] * 3
    everywhere = compare_sets(sets[3:4], [Database("any", database)], shuffles=1, report=said.append)
    assert set(everywhere.matches["task"]) == {"rat"}


HEADER = (
    "Query_ID\tTarget_ID\tOptimal_offset\tp-value\tE-value\tq-value\tOverlap\tQuery_consensus\tTarget_consensus\t"
    "Orientation\n"
)
MATCHES = (
    "f2\tt07\t-3\t1.0e-07\t6.0e-06\t2.0e-06\t7\tAAGGACT\tGGACU\t+\n"
    "f1\tt03\t2\t0.02\t1.2\t0.3\t5\tGGACU\tAAGGACU\t+\n"
    "f2\tt03\t0\t1.0e-09\t6.0e-08\t2.0e-08\t5\tAAGGACT\tAAGGACU\t+\n"
)
TAIL = (
    "\n# Tomtom (Motif Comparison Tool): Version 5.1.1 compiled on Feb 17 2020 at 11:59:03\n"
    "# The format of this file is described at http://meme-suite.org//doc/tomtom-output-format.html.\n"
    "# tomtom -no-ssc -norc -dist ed -min-overlap 1 -evalue -thresh 10 -text -verbosity 1 queries.meme targets.meme\n"
)
OLD_HEADER = (
    "#Query ID\tTarget ID\tOptimal offset\tp-value\tE-value\tq-value\tOverlap\tQuery consensus\tTarget consensus\t"
    "Orientation\n"
)
OLD_MATCHES = (
    "f2\tt07\t-3\t1e-07\t6e-06\t2e-06\t7\tAAGGACU\tGGACU\t+\n"
    "f1\tt03\t2\t0.02\t1.2\t0.3\t5\tGGACU\tAAGGACU\t+\n"
    "f2\tt03\t0\t1e-09\t6e-08\t2e-08\t5\tAAGGACU\tAAGGACU\t+\n"
)


@pytest.mark.parametrize(
    "text",
    [HEADER + MATCHES + TAIL, OLD_HEADER + OLD_MATCHES, (OLD_HEADER + OLD_MATCHES).replace("\n", "\r\n")],
    ids=["version 5", "version 4", "version 4, lines of DOS"],
)
def test_output_of_the_meme_suite(tmp_path, database, text):
    """Version 5 writes names with underscores and says below the table what it ran; version 4 writes neither."""
    (tmp_path / "tomtom.tsv").write_bytes(text.encode())
    pairs = read_tomtom(tmp_path / "tomtom.tsv", database, database="made")
    assert list(pairs.columns) == column_names("motif_matches", first="query", last="engine")
    assert pairs["query"].tolist() == ["f2", "f2", "f1"]
    assert pairs["target_name"].tolist() == ["GENE3", "GENE7", "GENE3"]
    assert pairs["offset"].tolist() == [0, -3, 2]
    assert pairs["query_consensus"].iloc[0] == "AAGGACU"
    assert set(pairs["engine"]) == {"meme_suite"}
    assert set(pairs["targets"]) == {60}
    only = read_tomtom(tmp_path / "tomtom.tsv", database, queries=[word("f1", "GGACU")])
    assert only["query"].tolist() == ["f1"]
    tables = compare_sets(
        [QuerySet("multi", HUMAN, FILTER, [word("f1", "GGACU"), word("f2", "GGACU", left=2)], 2)],
        [Database("made", database, "human")],
        pairs_of=lambda one, known: read_tomtom(tmp_path / "tomtom.tsv", known.motifs, database=known.name),
    )
    counts = tables.annotated.set_index("rule")
    assert counts["annotated"].to_dict() == {"q < 0.05": 1, "E < 10": 2}
    assert counts[["null_fraction", "p"]].isna().all(axis=None)
    assert tables.matches[["q_all", "q_own", "null_p"]].isna().all(axis=None)
    assert tables.matches["rank"].tolist() == [1, 0, 0]
    assert list(tables.logos.columns) == column_names("motif_logos", task_columns=False)


def test_tomtom_without_a_match(tmp_path, database):
    (tmp_path / "tomtom.tsv").write_text(HEADER + TAIL)
    assert read_tomtom(tmp_path / "tomtom.tsv", database).empty


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the table is empty"),
        ("Query_ID\tTarget_ID\n", "tomtom.tsv:1: the table lacks e, offset"),
        (HEADER + MATCHES.replace("0.02", "x"), "tomtom.tsv:3: the p is malformed"),
        (HEADER + "f1\tt03\n", "tomtom.tsv:2: the p is malformed"),
        (HEADER + MATCHES.replace("\t+", "\t-"), "tomtom.tsv:2: the match is on the other strand"),
        (HEADER + MATCHES.replace("t03", "t99"), "tomtom.tsv:3: the target is not in the database"),
    ],
)
def test_broken_tomtom_tables(tmp_path, database, text, words):
    (tmp_path / "tomtom.tsv").write_text(text)
    with pytest.raises(InputError, match=words):
        read_tomtom(tmp_path / "tomtom.tsv", database)
