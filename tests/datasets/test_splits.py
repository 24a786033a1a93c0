from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnamarks.datasets.redundancy import cdhit_similar
from rnamarks.datasets.schemes import split_windows
from rnamarks.datasets.splits import check_scheme, guarded_split, paper_split
from rnamarks.errors import InputError


@pytest.fixture
def world(generator, windows_at_random, with_substitutions, make_windows) -> pd.DataFrame:
    """Three species of 60 genes, most in orthogroups, four windows a gene; some windows are near copies of others."""
    frames = []
    for species in ("human", "mouse", "zebrafish"):
        n = 240
        sequences = windows_at_random(generator, n)
        for at in range(0, n - 1, 15):
            sequences[at] = with_substitutions(sequences[generator.integers(n)], 5, generator)
        gene = np.repeat(np.arange(60), 4)
        frames.append(
            pd.DataFrame(
                {
                    "species": species,
                    "sequence": sequences,
                    "label": generator.integers(0, 2, n),
                    "gene": [f"g{number}" for number in gene],
                    "orthogroup": [f"og{number}" if number < 40 else "" for number in gene],
                }
            )
        )
    return make_windows(pd.concat(frames, ignore_index=True))


@pytest.mark.slow
def test_paper_split_has_its_shares_and_no_similar_test_windows(tools, world):
    split = paper_split(world, seed=3)
    table = world.assign(split=split.splits)
    for _, rows in table.groupby("species"):
        counts = rows["split"].value_counts()
        assert counts["train"] == pytest.approx(168, abs=2)
        assert counts["test"] + counts.get("", 0) >= 48
        train, valid, test = (
            rows.loc[rows["split"] == split, "sequence"].tolist() for split in ("train", "valid", "test")
        )
        assert not cdhit_similar(train + valid, test, prefilter=False).any()
        assert not cdhit_similar(train, valid, prefilter=False).any()
    drops = split.drops
    assert (drops.groupby("subject")["rows"].sum() == 240).all()
    assert drops.loc[drops["reason"] == "kept", "rows"].sum() == (split.splits != "").sum()
    assert drops["reason"].str.contains("at least 80% similar").any()
    assert set(drops["source"]) == {"paper"}


@pytest.mark.slow
def test_paper_split_is_stratified_and_depends_on_seed_and_name_only(tools, world):
    world = world[world["species"] != "zebrafish"].groupby("species").head(160).reset_index(drop=True)
    first = paper_split(world, seed=3).splits
    assert np.array_equal(paper_split(world, seed=3).splits, first)
    assert not np.array_equal(paper_split(world, seed=4).splits, first)
    alone = world[world["species"] == "mouse"].reset_index(drop=True)
    assert np.array_equal(paper_split(alone, seed=3).splits, first[world["species"] == "mouse"])
    kept = world[first == "train"].groupby("species")["label"].mean()
    assert np.allclose(kept, world.groupby("species")["label"].mean(), atol=0.02)


def test_published_splits_are_kept_and_their_exact_copies_counted(deepm6aseq):
    split = paper_split(deepm6aseq)
    table = deepm6aseq.assign(split=split.splits)
    drops = split.drops[split.drops["reason"].str.startswith("test window is an exact copy")]
    assert dict(zip(drops["subject"], drops["rows"], strict=True)) == {"human": 13, "mouse": 8, "zebrafish": 35}
    was_test = table["given"] == "test"
    assert set(table.loc[was_test, "split"]) == {"test", ""}
    assert set(table.loc[~was_test, "split"]) <= {"train", "valid", ""}
    train = table[~was_test]
    shares = (train["split"] == "valid").groupby([train["species"], train["label"]]).mean()
    assert np.allclose(shares, 1 / 8, atol=0.002)
    for _, rows in table.groupby("species"):
        assert not rows.loc[rows["split"] == "test", "sequence"].isin(rows.loc[~was_test, "sequence"]).any()


def test_published_splits_with_a_validation_split_stay_as_they_are(world):
    given_splits = np.resize(["train"] * 7 + ["valid"] + ["test"] * 2, len(world))
    split = paper_split(world.assign(given=given_splits))
    kept = split.splits != ""
    assert np.array_equal(split.splits[kept], given_splits[kept])


@pytest.mark.slow
def test_guarded_split_keeps_what_belongs_together(tools, world):
    splits, drops, components = split_windows(world, seed=5)
    check_scheme(splits, "guarded")
    assert (splits["guarded"] != "").all()
    assert components["windows"].sum() == len(world)
    assert components["windows"].is_monotonic_decreasing
    shares = pd.crosstab([splits["species"], splits["label"]], splits["guarded"], normalize="index")
    assert np.allclose(shares[["train", "valid", "test"]], [0.7, 0.1, 0.2], atol=0.04)
    assert set(drops["source"]) == {"paper", "guarded"}
    with pytest.raises(InputError, match="lies in two splits of the scheme paper"):
        check_scheme(splits, "paper")


@pytest.mark.slow
def test_guarded_splits_have_no_similar_windows(tools, world):
    splits = split_windows(world, seed=5)[0]
    test = splits.loc[splits["guarded"] == "test", "sequence"].tolist()
    rest = splits.loc[splits["guarded"] != "test", "sequence"].tolist()
    assert not cdhit_similar(rest, test, prefilter=False).any()


@st.composite
def relations(draw) -> tuple[pd.DataFrame, np.ndarray]:
    n = draw(st.integers(1, 60))
    column = lambda values: draw(st.lists(st.sampled_from(values), min_size=n, max_size=n))  # noqa: E731
    gene = column(["", *(f"g{i}" for i in range(15))])
    frame = pd.DataFrame(
        {
            "task": column(["human_m6A", "mouse_m6A", "human_Y"]),
            "species": column(["human", "mouse"]),
            "sequence": column(["ACGUN" + format(i, "05b").translate({48: "A", 49: "C"}) for i in range(32)]),
            "label": column([0, 1]),
            "gene": gene,
            "orthogroup": column(["", "", "", *(f"og{i}" for i in range(6))]),
            "chrom": column(["", "chr1", "chr2"]),
            "genome_start": draw(st.lists(st.integers(-1, 100_000), min_size=n, max_size=n)),
            "strand": column(["+", "-"]),
        }
    )
    return frame, np.array(draw(st.lists(st.integers(0, 40), min_size=n, max_size=n)))


@pytest.mark.slow
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(relations(), st.integers(0, 5))
def test_invariants_of_the_guarded_split(drawn, seed):
    windows, clusters = drawn
    split = guarded_split(windows, seed=seed, clusters=clusters)
    table = windows.assign(guarded=split.splits)
    check_scheme(table, "guarded", clusters)
    assert set(split.splits) <= {"train", "valid", "test", ""}
    assert split.drops["rows"].sum() == len(windows)
    assert np.array_equal(np.sort(np.unique(split.component)), np.arange(len(split.components)))
    sizes = split.components.set_index("component")["windows"]
    assert np.array_equal(np.bincount(split.component), sizes.sort_index())
    split_of = split.components.set_index("component")["split"]
    used = split.splits != ""
    assert np.array_equal(split.splits[used], split_of.loc[split.component[used]])
    if not (split.components["note"] == "similarity edges cut").any():
        assert used.all()
    again = guarded_split(windows, seed=seed, clusters=clusters)
    assert np.array_equal(again.splits, split.splits)


def of_task(task, species, n, *, gene="", seed=0):
    letters = np.random.default_rng([seed, len(task)]).choice(list("ACGU"), size=(n, 41))
    return pd.DataFrame(
        {
            "task": task,
            "species": species,
            "sequence": ["".join(row) for row in letters],
            "label": np.arange(n) % 2,
            "gene": [f"{gene}{i % 7}" if gene else "" for i in range(n)],
        }
    )


def test_a_gene_of_a_species_stays_together_whatever_the_task(make_windows):
    tables = [
        of_task("human_m6A", "human", 140, gene="g", seed=1),
        of_task("human_I", "human", 140, gene="g", seed=2),
        of_task("mouse_m6A", "mouse", 140, gene="g", seed=3),
    ]
    windows = make_windows(pd.concat(tables, ignore_index=True))
    options = {"clustering": "none", "fractions": (0.6, 0.2, 0.2), "counts": (5, 5)}
    splits, _, components = split_windows(windows, **options)
    assert (splits.groupby(["species", "gene"])["guarded"].nunique() == 1).all()
    assert len(components) == 14
    assert sorted(components["tasks"]) == [1] * 7 + [2] * 7
    assert (components["genes"] == 1).all()


def test_a_split_may_have_so_many_windows_of_each_label(make_windows):
    frame = make_windows(of_task("m6A", "", 200))
    counted = frame.assign(split=paper_split(frame, counts=(10, 5)).splits).groupby(["split", "label"]).size()
    assert counted["valid"].tolist() == [10, 10]
    assert counted["test"].tolist() == [5, 5]
    assert counted["train"].tolist() == [85, 85]
    with pytest.raises(InputError, match="too few windows"):
        paper_split(frame.head(20), counts=(10, 5))


def test_windows_without_gene_travel_with_their_neighbourhood(make_windows):
    start = np.arange(0, 40_000 * 50, 40_000).repeat(4) + np.tile([0, 9_000, 18_000, 27_000], 50)
    windows = pd.DataFrame({"species": "human", "label": np.arange(200) % 2, "chrom": "chr1", "genome_start": start})
    windows["sequence"] = [format(i, "08b").translate({48: "A", 49: "C"}) for i in range(200)]
    windows["strand"] = "+"
    split = guarded_split(make_windows(windows))
    assert len(split.components) == 50
    assert (pd.Series(split.splits).groupby(start // 40_000).nunique() == 1).all()
    antisense = windows.assign(strand=np.where(np.arange(200) % 2, "+", "-"))
    assert len(guarded_split(make_windows(antisense)).components) == 200


def test_a_component_too_large_is_cut_at_similarity_only(make_windows):
    n = 300
    windows = make_windows(
        pd.DataFrame(
            {
                "species": "human",
                "sequence": [format(i, "09b").translate({48: "A", 49: "C"}) for i in range(n)],
                "label": np.arange(n) % 2,
                "gene": [f"g{i // 3}" for i in range(n)],
            }
        )
    )
    clusters = np.arange(n)
    clusters[3:n:3] = clusters[2 : n - 1 : 3]
    split = guarded_split(windows, clusters=clusters)
    assert len(split.components) == 100
    assert set(split.components["note"]) == {"similarity edges cut"}
    check_scheme(windows.assign(guarded=split.splits), "guarded", clusters)
    left_out = split.drops[split.drops["reason"].str.contains("component that was cut")]["rows"].sum()
    assert 0 < left_out == (split.splits == "").sum() < 60
    whole = guarded_split(windows, clusters=clusters, limit=1.0)
    assert len(whole.components) == 1
    assert (whole.splits == "train").all()


def test_a_component_of_genes_alone_is_kept_whole_and_noted(make_windows):
    windows = make_windows(
        pd.DataFrame(
            {
                "species": "human",
                "sequence": [format(i, "07b").translate({48: "A", 49: "C"}) for i in range(100)],
                "label": 1,
                "gene": ["big"] * 60 + [f"g{i}" for i in range(40)],
            }
        )
    )
    split = guarded_split(windows, clusters=np.arange(100))
    assert split.components.loc[0, ["note", "windows", "split"]].tolist() == ["larger than the limit", 60, "train"]
    assert (split.splits != "").all()
    assert (split.splits == "test").sum() == 20


@pytest.mark.parametrize("fractions", [(0.7, 0.2, 0.2), (1.0, 0.0, 0.0), (0.5, 0.5), (0.9, -0.1, 0.2)])
def test_shares_that_do_not_add_up(world, fractions):
    for split in (paper_split, guarded_split):
        with pytest.raises(InputError, match="add up to 1"):
            split(world, fractions=fractions)


def test_mistakes_in_the_windows(world):
    partly = world.assign(given=np.where(np.arange(len(world)) % 2, "train", ""))
    with pytest.raises(InputError, match="human came split, but 120 of its 240 windows"):
        paper_split(partly)
    with pytest.raises(InputError, match="without a test split"):
        paper_split(world.assign(given="train"))
    with pytest.raises(InputError, match="too few windows of label 0"):
        paper_split(world.assign(label=[0] + [1] * (len(world) - 1)))
    with pytest.raises(InputError, match="720 windows and a cluster for 3"):
        guarded_split(world, clusters=np.arange(3))


def test_a_table_without_rows(world):
    split = guarded_split(world.iloc[:0], clusters=np.zeros(0, dtype=int))
    assert len(split.splits) == 0
    assert split.components.empty
