"""Unmodified nucleotides for a null distribution."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

sys.path.insert(0, str(Path(__file__).parent))

import scan_world

from rnamarks.cli import main
from rnamarks.errors import InputError
from rnamarks.models.directory import CARD, NULL, sidecar_settings
from rnamarks.prediction import background
from rnamarks.prediction.background import MINIMUM, unmodified_windows
from rnamarks.prediction.bases import find_sites
from rnamarks.prediction.engine import score_each
from rnamarks.prediction.modes import load_engine
from rnamarks.prediction.unmodified import Seen, draw_unmodified, unlisted_sequences
from rnamarks.sequences import decode, decode_windows, encode
from rnamarks.sites.windows import cut_windows
from rnamarks.tables import write_parquet, write_tsv
from rnamarks.tasks import Task

CENTRE = scan_world.WINDOW // 2
(DRACH,) = scan_world.DRACH


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return scan_world.build(tmp_path_factory.mktemp("model"), members=1, student=False)


@pytest.fixture(scope="module")
def negatives():
    """Long unmodified windows."""
    return np.random.default_rng(3).integers(0, 4, (40, 301)).astype(np.uint8)


@pytest.fixture(scope="module")
def window_file(negatives, tmp_path_factory):
    path = tmp_path_factory.mktemp("windows") / "long.fa"
    records = [f">N{number}\n{decode(codes)}" for number, codes in enumerate(negatives)]
    path.write_text("\n".join([*records, ">P1", "A" * 301]) + "\n")
    return [{"file": path, "format": "fasta_tagged", "label": None}]


@pytest.fixture(scope="module")
def splits(negatives, tmp_path_factory):
    """Training holds every window around a C of the first five long ones; I is at each A of the sixth."""
    folder = tmp_path_factory.mktemp("splits")
    width = scan_world.WINDOW
    places = np.arange(301 - width + 1)
    windows = np.lib.stride_tricks.sliding_window_view(negatives, width, axis=1)[:, places]
    trained = decode_windows(windows[:5].reshape(-1, width)[windows[:5, :, CENTRE].ravel() == 1])
    edited = decode_windows(windows[5][windows[5, :, CENTRE] == 0])
    paths = {}
    for task in scan_world.NAMES:
        texts = {"m5C": trained, "I": edited}.get(task, trained[:1])
        frame = pd.DataFrame({"sequence": texts})
        frame["label"], frame["guarded"] = (1, "test") if task == "I" else (0, "train")
        frame["gene"] = "seen" if task == "m5C" else ""
        paths[task] = folder / f"{task}.parquet"
        write_parquet(frame, paths[task])
    return paths


def test_no_base_of_training_and_no_positive_is_in_the_null(model, splits, window_file, negatives):
    windows, source = unmodified_windows(model, splits, scheme="guarded", n=5000, seed=1, files=window_file)
    windows = {name: drawn.codes for name, drawn in windows.items()}
    assert "long.fa" in source
    seen = {decode(codes) for codes in windows["m5C"]}
    trained = set(pd.read_parquet(splits["m5C"])["sequence"])
    edited = set(pd.read_parquet(splits["I"])["sequence"])
    assert not seen & trained
    assert not {decode(codes) for codes in windows["I"]} & edited
    # another task of the same base may have them
    assert {decode(codes) for codes in windows["Y"]}
    assert len(seen) > 1000
    for task, (base, _, _) in scan_world.PLACES.items():
        assert (windows[task][:, CENTRE] == "ACGU".index(base)).all()
        assert not (windows[task] == 0).all(axis=1).any(), "the positive of the file is left out"
    assert set().union(*Seen(splits, "guarded").genes.values()) == {"seen"}


def test_the_same_seed_draws_the_same_bases(model, splits, window_file):
    options = {"scheme": "guarded", "n": 150, "files": window_file}
    first, again, other = (unmodified_windows(model, splits, seed=seed, **options)[0] for seed in (1, 1, 2))
    for task in scan_world.NAMES:
        assert len(first[task].codes) <= 150
        np.testing.assert_array_equal(first[task].codes, again[task].codes)
    assert not np.array_equal(first["Y"].codes, other["Y"].codes)


def test_nucleotides_are_drawn_evenly_and_known_ones_not_at_all():
    rng = np.random.default_rng(4)
    (task,) = [task for task in scan_world.TASKS if task.name == "I"]
    codes = [rng.integers(0, 4, n).astype(np.uint8) for n in (300, 2700)]
    sequences = [("a", codes[0], None, None), ("b", codes[1], None, None)]
    known = {"I": {"b": np.flatnonzero(codes[1] == 0)[1:]}}
    windows = draw_unmodified(sequences, [task], 5, 10_000, 0, known)["I"].codes
    assert len(windows) == (codes[0] == 0).sum() + 1
    assert (windows[:, 2] == 0).all()
    few = [len(draw_unmodified(sequences, [task], 5, 50, seed)["I"].codes) for seed in range(3)]
    assert few == [50] * 3
    once, again = (draw_unmodified(sequences, [task], 5, 50, 7)["I"].codes for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, draw_unmodified(sequences, [task], 5, 50, 8)["I"].codes)


def test_tasks_of_one_base_share_what_is_drawn_but_not_what_is_known():
    codes = np.random.default_rng(4).integers(0, 4, 4000).astype(np.uint8)
    places = np.flatnonzero(codes == 0)
    tasks = [Task(name, base="A") for name in ("x", "y")]
    known = {"x": {"s": places[:300]}}
    drawn = draw_unmodified([("s", codes, None, None)], tasks, 25, 200, 0, known)
    both = {row.tobytes() for row in drawn["x"].codes} & {row.tobytes() for row in drawn["y"].codes}
    listed = {row.tobytes() for row in cut_windows(codes, places[:300], 25)}
    assert len(both) > 100
    assert not listed & {row.tobytes() for row in drawn["x"].codes}
    assert listed & {row.tobytes() for row in drawn["y"].codes}


def test_sequences_may_be_unmodified_for_some_tasks_only():
    codes = np.zeros(500, dtype=np.uint8)
    tasks = [Task(name, base="A") for name in ("human", "mouse")]
    drawn = draw_unmodified([("s", codes, ["mouse"], None)], tasks, 5, 200, 0)
    assert (len(drawn["human"].codes), len(drawn["mouse"].codes)) == (0, 200)


def test_transcripts_of_several_species(tiny_model, write_transcripts, splits, tmp_path):
    """Each task has transcripts and lists of its own; genes of training windows are left out."""
    rng = np.random.default_rng(5)
    paths, listed = {}, {}
    for at, name in enumerate(("human", "mouse")):
        texts = ["".join(rng.choice(list("ACGU"), 9000)) for _ in range(2)]
        rows = [
            {"transcript": f"{name}{row}", "gene": gene, "sequence": text, "chrom": "chr1", "strand": "+"}
            | {"exon_starts": [row * 10_000], "exon_ends": [row * 10_000 + 9000]}
            for row, (gene, text) in enumerate(zip(("seen", "new"), texts, strict=True))
        ]
        paths[name] = write_transcripts(*rows, name=f"{name}.parquet")
        sites = find_sites(encode(texts[1]), DRACH)
        frame = pd.DataFrame(
            {"chrom": "chr1", "start": sites[: 40 * at + 9] + 10_000, "end": sites[: 40 * at + 9] + 10_001}
        )
        frame["strand"], frame["modification"], frame["source"], frame["support"] = "+", "m6A", "list", 1
        write_tsv(frame, tmp_path / f"{name}.tsv", {"assembly": "x"})
        listed[name] = cut_windows(encode(texts[1]), sites, 21)
    given = {name: splits["m5C"] for name in paths}
    for name in given:
        frame = pd.DataFrame({"sequence": ["A" * 21], "label": [0], "guarded": ["train"], "gene": ["seen"]})
        given[name] = tmp_path / f"{name}.split.parquet"
        write_parquet(frame, given[name])
    windows, source = unmodified_windows(
        tiny_model,
        given,
        scheme="guarded",
        n=5000,
        seed=1,
        transcripts=paths,
        sites={name: [tmp_path / f"{name}.tsv"] for name in paths},
    )
    assert "no list calls modified" in source
    everywhere = {name: given[name].with_suffix(".all") for name in given}
    for path in everywhere.values():
        frame = pd.DataFrame({"sequence": ["A" * 21] * 2, "label": 0, "guarded": "train", "gene": ["seen", "new"]})
        write_parquet(frame, path)
    more, said = unmodified_windows(
        tiny_model,
        everywhere,
        scheme="guarded",
        n=5000,
        seed=1,
        transcripts=paths,
        sites={name: [tmp_path / f"{name}.tsv"] for name in paths},
    )
    assert "in the middle of no training window" in said, "where every gene was trained on, only windows are left out"
    assert all(len(more[name].codes) > len(windows[name].codes) for name in paths)
    for at, name in enumerate(paths):
        assert {row.tobytes() for row in windows[name].codes} == {row.tobytes() for row in listed[name][40 * at + 9 :]}
        assert len(windows[name].codes) >= MINIMUM


def test_genes_of_one_name_in_two_species_are_two(write_transcripts):
    """What a task was trained on leaves out genes of its own species, for all tasks of that species."""
    tasks = [
        Task(name, species=name[:5], target="site", base="A", modification="m6A", motif="DRACH", motif_offset=2)
        for name in ("human", "mouse", "mouse2")
    ]
    rows = [{"transcript": gene, "gene": gene, "sequence": "GGACU"} for gene in ("one", "two", "three")]
    paths = {name: write_transcripts(*rows, name=f"{name}.parquet") for name in ("human", "mouse")}
    paths["mouse2"] = paths["mouse"]
    genes = {"human": {"one"}, "mouse": {"two"}, "mouse2": {"three"}}
    found = unlisted_sequences(paths, {name: [] for name in paths}, tasks, genes, {})
    assert [(name, only) for name, _, only, _ in found] == [
        ("two", ["human"]),
        ("three", ["human"]),
        ("one", ["mouse", "mouse2"]),
    ]


def test_too_few_bases_are_refused(model, splits, tmp_path):
    short = tmp_path / "short.fa"
    short.write_text(">N1\n" + "ACGUGGACU" * 5 + "\n")
    files = [{"file": short, "format": "fasta_tagged", "label": None}]
    with pytest.raises(InputError, match="unmodified nucleotides were found for"):
        unmodified_windows(model, splits, scheme="guarded", n=200, seed=1, files=files)


def null_command(*arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["rnamarks", "null", "--device", "cpu", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
    return end.value.code or 0


def test_a_background_of_ones_own(tmp_path, capsys):
    model = scan_world.build(tmp_path / "model", members=1)
    (model / CARD).write_text("card")
    before = {path.name: path.read_bytes() for path in model.iterdir()}
    text = "".join(np.random.default_rng(8).choice(list("ACGU"), 9000))
    (tmp_path / "mine.fa").write_text(f">a\n{text.replace('U', 't')}\n>b\nAC\n")
    assert null_command(tmp_path / "mine.fa", "--model", model, "--out", tmp_path / "new", "--bases", 300) == 0
    assert "Y: 300 bases, so p goes down to 0.0033" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in model.iterdir()} == before
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(before)
    settings = sidecar_settings(tmp_path / "new", NULL)
    assert settings["source"] == "nucleotides of mine.fa, all taken as unmodified"
    codes = encode(text)
    at = np.flatnonzero(codes == 3)
    for mode in ("exact", "fast"):
        engine = load_engine(model, mode, device="cpu").engine
        possible = score_each(engine, {"Y": cut_windows(codes, at, scan_world.WINDOW)})["Y"]
        null = load_file(tmp_path / "new" / NULL)
        assert len(null[f"{mode}.Y"]) == 300 > len(null[f"{mode}.m6A"])
        assert np.isclose(null[f"{mode}.Y"][:, None], possible, atol=1e-5).any(axis=1).all()


@pytest.mark.parametrize(
    ("text", "out", "said"),
    [
        (">a\n" + "ACGU" * 200 + "\n", "model", "the directory is there already"),
        (">a\n" + "ACGU" * 200 + "\n", "new", "only 0 unmodified nucleotides were found for m6A"),
        ("", "new", "no sequence"),
    ],
)
def test_backgrounds_that_will_not_do(tmp_path, capsys, text, out, said):
    model = scan_world.build(tmp_path / "model", members=1, student=False)
    before = (model / NULL).read_bytes()
    (tmp_path / "mine.fa").write_text(text)
    assert null_command(tmp_path / "mine.fa", "--model", model, "--out", tmp_path / out) == 2
    assert said in capsys.readouterr().err
    assert (model / NULL).read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.fa", "model"]


def test_a_directory_made_by_another_process_meanwhile_stays(tmp_path, capsys, monkeypatch):
    model = scan_world.build(tmp_path / "model", members=1, student=False)
    (tmp_path / "mine.fa").write_text(">a\n" + "".join(np.random.default_rng(8).choice(list("ACGU"), 9000)) + "\n")
    dead = tmp_path / ".rnamarks-null" / "work-dead"
    dead.mkdir(parents=True)
    (dead / "lock").touch()

    def add_null(*_, **__):
        (tmp_path / "new").mkdir()
        (tmp_path / "new" / CARD).write_text("theirs")

    monkeypatch.setattr(background, "add_null", add_null)
    assert null_command(tmp_path / "mine.fa", "--model", model, "--out", tmp_path / "new", "--bases", 100) == 2
    assert "the directory is there already" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "new").iterdir()] == [CARD]
    # what a dead process left is gone
    assert not dead.parent.exists()
