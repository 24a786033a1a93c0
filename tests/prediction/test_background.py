"""Unmodified bases for a null distribution."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

sys.path.insert(0, str(Path(__file__).parent))

import marks_world

from rnamarks.cli import main
from rnamarks.errors import InputError
from rnamarks.models.directory import read_config
from rnamarks.prediction.background import Seen, unmodified_windows
from rnamarks.prediction.exact import load_engine
from rnamarks.prediction.significance import NULL
from rnamarks.sequences import decode, decode_windows, encode
from rnamarks.sites.windows import cut_windows
from rnamarks.tables import write_parquet

CENTRE = marks_world.WINDOW // 2


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return marks_world.build(tmp_path_factory.mktemp("model"), members=1, student=False)


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
    width = marks_world.WINDOW
    places = np.arange(301 - width + 1)
    windows = np.lib.stride_tricks.sliding_window_view(negatives, width, axis=1)[:, places]
    trained = decode_windows(windows[:5].reshape(-1, width)[windows[:5, :, CENTRE].ravel() == 1])
    edited = decode_windows(windows[5][windows[5, :, CENTRE] == 0])
    paths = {}
    for head in marks_world.HEADS:
        texts = {"m5C": trained, "I": edited}.get(head, trained[:1])
        frame = pd.DataFrame({"sequence": texts})
        frame["label"], frame["guarded"] = (1, "test") if head == "I" else (0, "train")
        frame["gene"] = "seen" if head == "m5C" else ""
        paths[head] = folder / f"{head}.parquet"
        write_parquet(frame, paths[head])
    return paths


def test_no_base_of_training_and_no_positive_is_in_the_null(model, splits, window_file, negatives):
    windows, source = unmodified_windows(model, splits, split="guarded", n=5000, seed=1, files=window_file)
    assert "long.fa" in source
    seen = {decode(codes) for codes in windows["m5C"]}
    trained = set(pd.read_parquet(splits["m5C"])["sequence"])
    edited = set(pd.read_parquet(splits["I"])["sequence"])
    assert not seen & trained
    assert not {decode(codes) for codes in windows["I"]} & edited
    # another mark of the same base may have them
    assert {decode(codes) for codes in windows["Y"]}
    assert len(seen) > 1000
    for head, (base, _, _) in marks_world.MARKS.items():
        assert (windows[head][:, CENTRE] == "ACGU".index(base)).all()
        assert not (windows[head] == 0).all(axis=1).any(), "the positive of the file is left out"
    assert Seen(splits, "guarded").genes == {"seen"}


def test_the_same_seed_draws_the_same_bases(model, splits, window_file):
    options = {"split": "guarded", "n": 150, "files": window_file}
    first, again, other = (unmodified_windows(model, splits, seed=seed, **options)[0] for seed in (1, 1, 2))
    for head in marks_world.HEADS:
        assert len(first[head]) <= 150
        np.testing.assert_array_equal(first[head], again[head])
    assert not np.array_equal(first["Y"], other["Y"])


def test_too_few_bases_are_refused(model, splits, tmp_path):
    short = tmp_path / "short.fa"
    short.write_text(">N1\n" + "ACGUGGACU" * 5 + "\n")
    files = [{"file": short, "format": "fasta_tagged", "label": None}]
    with pytest.raises(InputError, match="unmodified bases were found for"):
        unmodified_windows(model, splits, split="guarded", n=200, seed=1, files=files)


def null_command(*arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["rnamarks", "null", "--device", "cpu", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
    return end.value.code or 0


def test_a_background_of_ones_own(tmp_path, capsys):
    model = marks_world.build(tmp_path / "model", members=1)
    before = {path.name: path.read_bytes() for path in model.iterdir()}
    text = "".join(np.random.default_rng(8).choice(list("ACGU"), 9000))
    (tmp_path / "mine.fa").write_text(f">a\n{text.replace('U', 't')}\n>b\nAC\n")
    assert null_command(tmp_path / "mine.fa", "--model", model, "--out", tmp_path / "new", "--bases", 300) == 0
    assert "Y: 300 bases, so p goes down to 0.0033" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in model.iterdir()} == before
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(before)
    config, _ = read_config(tmp_path / "new")
    assert config.null["source"] == "bases of mine.fa, all taken as unmodified"
    codes = encode(text)
    at = np.flatnonzero(codes == 3)
    for mode, prefix in (("exact", ""), ("fast", "student.")):
        engine = load_engine(model, mode, device="cpu").engine
        possible = engine.windows(cut_windows(codes, at, marks_world.WINDOW), "Y")
        null = load_file(tmp_path / "new" / NULL)
        assert len(null[f"{prefix}Y"]) == 300 > len(null[f"{prefix}m6A"])
        assert np.isclose(null[f"{prefix}Y"][:, None], possible, atol=1e-5).any(axis=1).all()


@pytest.mark.parametrize(
    ("text", "out", "said"),
    [
        (">a\n" + "ACGU" * 200 + "\n", "model", "the directory is there already"),
        (">a\n" + "ACGU" * 200 + "\n", "new", "only 0 bases fit m6A"),
        ("", "new", "no sequence"),
    ],
)
def test_backgrounds_that_will_not_do(tmp_path, capsys, text, out, said):
    model = marks_world.build(tmp_path / "model", members=1, student=False)
    before = (model / NULL).read_bytes()
    (tmp_path / "mine.fa").write_text(text)
    assert null_command(tmp_path / "mine.fa", "--model", model, "--out", tmp_path / out) == 2
    assert said in capsys.readouterr().err
    assert (model / NULL).read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.fa", "model"]
