"""Modifications that lie together are found to, those that do not are not, and missing coordinates are said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnamarks.biology.proximity import (
    NO_COORDINATES,
    NULLS,
    distances,
    draw_positions,
    lay_places,
    mean_distance,
    measure_proximity,
    sites_of,
)
from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.sequences import decode, encode
from rnamarks.tables import read_tsv, write_parquet
from rnamarks.tasks import Task
from stand_in import run_script

ROOT = Path(__file__).resolve().parents[2]
BASES = {"m6A": "A", "m5C": "C", "Y": "U", "m1A": "A"}


def tasks_of(*names, species="human"):
    return [Task(name, species=species, modification=name, base=BASES[name]) for name in names]


def measure(windows, world, *names, **options):
    """The table of one species."""
    transcripts = {} if world is None else {"human": world}
    return measure_proximity(windows, transcripts, tasks_of(*(names or windows)), **options)


def make_world(n=40, length=600, seed=0):
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "transcript": [f"t{at}" for at in range(n)],
            "sequence": [decode(generator.integers(0, 4, length).astype(np.uint8)) for _ in range(n)],
            "cds_start": np.where(np.arange(n) % 4, 100, -1),
            "cds_end": np.where(np.arange(n) % 4, 400, -1),
        }
    )


def windows_of(pairs):
    frame = pd.DataFrame(pairs, columns=["transcript", "start"])
    return frame.assign(label=1)


def draw_sites(world, base, per_transcript, generator, low=0, high=600):
    """Random positions of a base on every transcript."""
    pairs = []
    for name, sequence in zip(world["transcript"], world["sequence"], strict=True):
        places = np.flatnonzero(encode(sequence) == encode(base)[0])
        places = places[(places >= low) & (places < high)]
        pairs += [(name, int(place)) for place in generator.choice(places, per_transcript, replace=False)]
    return windows_of(pairs)


def near(world, sites, base, reach, generator):
    """For each site a position of a base within reach."""
    sequences = dict(zip(world["transcript"], world["sequence"], strict=True))
    pairs = []
    for name, position in zip(sites["transcript"], sites["start"], strict=True):
        places = np.flatnonzero(encode(sequences[name]) == encode(base)[0])
        close = places[np.abs(places - position) <= reach]
        if len(close):
            pairs.append((name, int(generator.choice(close))))
    return windows_of(sorted(set(pairs)))


def test_nearest_by_hand():
    there, back = distances(np.array([5, 10, 40]), np.array([8, 30]))
    assert there.tolist() == [3, 2, 10]
    assert back.tolist() == [2, 10]
    assert [part.tolist() for part in distances(np.array([5]), np.array([5]))] == [[0], [0]]
    assert mean_distance(np.array([[0], [7]]), np.array([[9], [7]])) == pytest.approx([np.log(10), 0])


def test_distances_are_the_smallest_of_all():
    generator = np.random.default_rng(11)
    for _ in range(20):
        first, second = (np.unique(generator.integers(0, 90, size=size)) for size in generator.integers(1, 30, size=2))
        apart = np.abs(first[:, None] - second)
        there, back = distances(first, second)
        assert there.tolist() == apart.min(axis=1).tolist()
        assert back.tolist() == apart.min(axis=0).tolist()


def test_sites_need_coordinates():
    frame = windows_of([("t1", 5), ("t1", 5), ("", 7), ("t2", -1), ("t2", 9)])
    frame.loc[4, "label"] = 0
    assert sites_of(frame).to_dict("list") == {"transcript": ["t1"], "start": [5]}
    with pytest.raises(InputError, match="start"):
        sites_of(frame.drop(columns="start"))


def test_places_and_pools():
    world = pd.DataFrame(
        {"transcript": ["a", "b"], "sequence": ["AACAAGAACA", "CAACA"], "cds_start": [2, -1], "cds_end": [6, -1]}
    )
    sites = pd.DataFrame({"transcript": ["b", "a", "a", "gone", "a"], "start": [2, 9, 3, 1, 2]})
    places, left_out = lay_places(sites, world, motif="A", offset=0)
    # one transcript is not there, and position 2 of a holds a C
    assert left_out == 2
    assert places.transcript.tolist() == [0, 0, 1]
    assert places.position.tolist() == [3, 9, 2]
    assert places.candidates.tolist() == [0, 1, 3, 4, 6, 7, 9, 1, 2, 4]
    assert places.size["transcript"].tolist() == [7, 7, 3]
    assert places.size["region"].tolist() == [2, 3, 3]
    assert places.candidates[places.first["region"]].tolist() == [3, 6, 1]
    motif, _ = lay_places(sites, world, motif="AAC", offset=1)
    assert motif.candidates.tolist() == [1, 7, 2]


@pytest.mark.parametrize("null", NULLS)
def test_draws_keep_what_they_promise(null):
    world = make_world(12)
    generator = np.random.default_rng(1)
    sites = sites_of(draw_sites(world, "A", 30, generator))
    places, _ = lay_places(sites, world, motif="A", offset=0)
    seen = []
    for drawn in draw_positions(places, null, generator, 20):
        letters = [world["sequence"].iat[row][at] for row, at in zip(places.transcript, drawn, strict=True)]
        assert set(letters) == {"A"}
        keys = places.transcript * 1000 + drawn
        assert len(np.unique(keys)) == len(keys)
        if null != "transcript":
            coding = world["cds_start"].to_numpy()[places.transcript] >= 0
            region = np.digitize(places.position, [100, 400])
            assert (np.digitize(drawn, [100, 400]) == region)[coding].all()
        seen.append(drawn)
    assert np.ptp(np.stack(seen), axis=0).min() > 0


def test_rotation_keeps_clusters():
    world = make_world(30)
    world[["cds_start", "cds_end"]] = -1
    places_of = [np.flatnonzero(encode(text) == 0) for text in world["sequence"]]
    pairs = [
        (name, int(at)) for name, places in zip(world["transcript"], places_of, strict=True) for at in places[40:46]
    ]
    places, _ = lay_places(sites_of(windows_of(pairs)), world, motif="A", offset=0)
    generator = np.random.default_rng(2)

    def span(drawn):
        sorted_rows = np.sort(drawn.reshape(30, 6), axis=1)
        return np.median(sorted_rows[:, -1] - sorted_rows[:, 0])

    assert span(draw_positions(places, "rotation", generator)) < 60
    assert span(draw_positions(places, "transcript", generator)) > 200


def test_planted_neighbours_are_found():
    world = make_world()
    generator = np.random.default_rng(3)
    first = draw_sites(world, "A", 2, generator)
    windows = {"m6A": first, "m5C": near(world, first, "C", 20, generator), "Y": draw_sites(world, "U", 2, generator)}
    table = measure(windows, world, permutations=199, seed=1)
    assert list(table.columns) == column_names("proximity")
    assert len(table) == 9
    for null in NULLS:
        rows = table[table["null"] == null].set_index(["task_a", "task_b"])
        close, far = rows.loc["m6A", "m5C"], rows.loc["m6A", "Y"]
        assert close["distance"] < 20
        assert close["ratio"] < 0.4
        assert close["z"] < -4
        assert close["q"] < 0.05
        assert close["distance"] < close["null_low"] < close["null_distance"] < close["null_high"]
        assert far["p"] > 0.02
        assert 0.7 < far["ratio"] < 1.4
    assert table["coincident"].eq(0).all()
    assert table.equals(measure(windows, world, permutations=199, seed=1))


def test_pairs_lie_within_a_species():
    world = make_world(12)
    generator = np.random.default_rng(12)
    tasks = [
        Task(f"{species}_{name}", species=species, modification=name, base=BASES[name])
        for species in ("human", "mouse")
        for name in ("m6A", "m5C", "Y")
    ]
    windows = {task.name: draw_sites(world, task.base, 2, generator) for task in tasks}
    options = {"nulls": ("region",), "permutations": 49}
    table = measure_proximity(windows, {"human": world, "mouse": world}, tasks, **options)
    pairs = [("m6A", "m5C"), ("m6A", "Y"), ("m5C", "Y")]
    assert list(zip(table["species"], table["task_a"], table["task_b"], strict=True)) == [
        (species, f"{species}_{a}", f"{species}_{b}") for species in ("human", "mouse") for a, b in pairs
    ]
    # a species' numbers do not hang on the other's
    mouse = measure_proximity(windows, {"mouse": world}, tasks[3:], **options)
    pd.testing.assert_frame_equal(table[table["species"] == "mouse"].reset_index(drop=True), mouse)
    assert set(measure_proximity(windows, {"mouse": world}, tasks, **options)["reason"][:3]) == {NO_COORDINATES}


def test_a_common_region_is_no_attraction():
    world = make_world(60)
    world[["cds_start", "cds_end"]] = [100, 400]
    generator = np.random.default_rng(4)
    windows = {name: draw_sites(world, base, 2, generator, 400, 600) for name, base in (("m6A", "A"), ("m5C", "C"))}
    table = measure(windows, world, permutations=199, seed=2).set_index("null")
    assert table.loc["transcript", "q"] < 0.05
    assert table.loc["transcript", "ratio"] < 1
    assert table.loc["region", "q"] > 0.05
    assert table.loc["rotation", "p"] > 0.05


def test_p_is_uniform_without_attraction():
    p, by_rank = [], []
    for seed in range(12):
        world = make_world(10, 300, seed)
        generator = np.random.default_rng(100 + seed)
        windows = {name: draw_sites(world, base, 2, generator, 0, 300) for name, base in list(BASES.items())[:3]}
        table = measure(windows, world, nulls=("transcript",), permutations=399, seed=seed)
        p += table["p"].tolist()
        by_rank += table["p_rank"].tolist()
    assert 0.35 < np.mean(p) < 0.65
    assert np.mean(np.array(p) < 0.05) < 0.15
    assert np.abs(np.subtract(p, by_rank)).mean() < 0.05


def test_coincident_positions_are_counted():
    world = make_world(8)
    sites = draw_sites(world, "A", 3, np.random.default_rng(5))
    table = measure({"m6A": sites, "m1A": sites}, world, nulls=("transcript",), permutations=99)
    assert table["coincident"].tolist() == [24]
    assert table["distance"].tolist() == [0]
    assert table["p_rank"].iloc[0] == pytest.approx(0.02)
    assert table["p"].iloc[0] < 0.01


def test_windows_without_coordinates_say_so():
    bare = pd.DataFrame({"transcript": ["", ""], "start": [-1, -1], "label": [1, 0]})
    table = measure({"m6A": bare, "m5C": bare}, None)
    assert set(table["reason"]) == {NO_COORDINATES}
    assert table["p"].isna().all()
    assert (table["transcripts"] == 0).all()
    world = make_world(8)
    known = draw_sites(world, "A", 1, np.random.default_rng(6))
    mixed = measure({"m6A": known, "m5C": bare}, world, permutations=9)
    assert set(mixed["reason"]) == {NO_COORDINATES}
    few = {"m6A": known[:3], "m5C": draw_sites(world, "C", 1, np.random.default_rng(7))}
    table = measure(few, world, permutations=9)
    assert set(table["reason"]) == {"fewer than 5 transcripts hold both"}


def test_sites_off_their_base_are_told():
    world = make_world(8)
    sites = draw_sites(world, "G", 2, np.random.default_rng(8))
    told = []
    table = measure({"m6A": sites, "m5C": sites}, world, permutations=9, report=told.append)
    assert told[0] == "m6A: 16 of 16 sites lie on no transcript, or not on A"
    assert set(table["reason"]) == {NO_COORDINATES}


def test_bad_requests():
    with pytest.raises(InputError, match="no such null"):
        measure({}, None, nulls=("luck",))
    with pytest.raises(InputError, match="at least 1"):
        measure({}, None, permutations=0)
    assert measure({"m6A": windows_of([])}, None).empty


@pytest.mark.parametrize("known", [True, False])
def test_script(tmp_path, known):
    world = make_world(10)
    generator = np.random.default_rng(9)
    inputs = {"windows": []}
    for name in ("m6A", "m5C"):
        frame = draw_sites(world, BASES[name], 2, generator)
        if not known:
            frame = frame.assign(transcript="", start=-1)
        write_parquet(frame, tmp_path / f"{name}.parquet")
        inputs["windows"].append(tmp_path / f"{name}.parquet")
    if known:
        write_parquet(world, tmp_path / "transcripts.parquet")
        inputs["transcripts"] = [tmp_path / "transcripts.parquet"]
    params = {
        "tasks": [task.record() for task in tasks_of("m6A", "m5C")],
        "species": ["human"] if known else [],
        "seed": 1,
    }
    outputs = {"table": tmp_path / "table.tsv"}
    run_script("biology/measure_proximity", tmp_path / "log", inputs=inputs, outputs=outputs, params=params)
    table, metadata = read_tsv(tmp_path / "table.tsv")
    assert list(table.columns) == column_names("proximity")
    assert len(table) == 3
    assert table["p"].notna().all() == known
    assert metadata == ({} if known else {"reason": NO_COORDINATES})
