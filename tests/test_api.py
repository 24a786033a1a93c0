"""Models from Python give what the commands give."""

from __future__ import annotations

import inspect
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import rnamarks
from rnamarks.api_page import _translated, page
from rnamarks.errors import InputError
from rnamarks.interpretation import attribution
from rnamarks.interpretation.attribution_files import attribute_windows
from rnamarks.models import checkpoint
from rnamarks.prediction import windows as prediction_windows
from rnamarks.prediction.scan import ScanOptions
from rnamarks.prediction.scanner import Outputs, Scanner
from rnamarks.prediction.windows import WindowScorer
from rnamarks.sequences import decode, encode

sys.path.append(str(Path(__file__).parent / "prediction"))

import scan_world

RNG = np.random.default_rng(3)
RNA = {name: "".join(RNG.choice(list("ACGU"), size)) for name, size in (("one", 300), ("two", 90))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return scan_world.build(tmp_path_factory.mktemp("made") / "small")


@pytest.fixture(scope="module")
def model(folder):
    return rnamarks.load(folder, device="cpu")


@pytest.fixture
def fasta(tmp_path) -> Path:
    (tmp_path / "my.fa").write_text("".join(f">{name}\n{sequence}\n" for name, sequence in RNA.items()))
    return tmp_path / "my.fa"


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_scan_is_that_of_the_command_and_leaves_nothing(model, folder, fasta, tmp_path, monkeypatch, mode):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    found = model.scan(RNA, mode=mode, task=["m6A", "Y"], alpha=0.5, ends="skip")
    assert list(scratch.iterdir()) == []
    said: list[str] = []
    options = ScanOptions(alpha=0.5, ends="skip", top=mode == "exact")
    Scanner(folder, mode=mode, device="cpu").run(
        fasta, options, Outputs(table=tmp_path / "sites.tsv"), tasks=["m6A", "Y"], warn=said.append
    )
    expected = pd.read_csv(tmp_path / "sites.tsv", sep="\t", keep_default_na=False, na_values=[""])
    assert list(found) == list(expected)
    assert set(found["task"]) == {"m6A", "Y"}
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-4)
    assert found.attrs["notes"] == said
    pd.testing.assert_frame_equal(
        model.scan(fasta, mode=mode, task="Y", alpha=0.5), model.scan(RNA, mode=mode, task="Y", alpha=0.5)
    )


def test_scan_of_a_genome_goes_on_where_its_annotation_has_no_utrs(model, tmp_path):
    text = "".join(RNG.choice(list("ACGT"), 400))
    (tmp_path / "g.fa").write_text(f">chr1\n{text}\n")
    rows = [f'chr1\tx\t{kind}\t101\t250\t.\t+\t0\tgene_id "g"; transcript_id "t";\n' for kind in ("exon", "CDS")]
    (tmp_path / "t.gtf").write_text("".join(rows))
    files = {"genome": tmp_path / "g.fa", "annotation": str(tmp_path / "t.gtf")}
    table = model.scan(**files, extend=(30, 90), task="m6A", alpha=None)
    assert set(table["length"]) == {30 + 150 + 90}
    assert (table["start"] + 70 == table["genome_start"]).all()
    assert {"utr3", "cds"} <= set(table["region"])
    assert any("3' end without UTR extended by 90 nt" in note for note in table.attrs["notes"])
    pd.testing.assert_frame_equal(table, model.scan(**files, extend=(30, 90), genes="g", task="m6A", alpha=None))
    alone = model.scan({"t": text[100:250]}, annotation=files["annotation"], task="m6A", alpha=None)
    pd.testing.assert_frame_equal(alone, model.scan(**files, task="m6A", alpha=None))
    for given, said in (
        ({"genome": files["genome"]}, "a genome alone has no transcripts"),
        ({**files, "genes": ["g", "h"]}, "no transcript or gene has that name"),
        ({"sequences": RNA, "genes": "g"}, "no annotation names genes"),
        ({"sequences": RNA, **files}, "give either sequences or a genome"),
        ({"sequences": RNA, "annotation": files["annotation"], "extend": (0, 5)}, "extend needs the genome"),
    ):
        with pytest.raises(InputError, match=said):
            model.scan(**given)


def test_text_dna_and_codes_are_one_and_a_list_has_indices_for_names(model):
    first, second = RNA.values()
    expected = model.scan([first, second], alpha=None)
    assert expected["sequence"].unique().tolist() == ["0", "1"]
    for other in ([first.lower().replace("u", "t"), encode(second)], pd.Series([first, second])):
        pd.testing.assert_frame_equal(model.scan(other, alpha=None), expected)


def test_predict_is_that_of_the_command(model, folder, fasta):
    windows = [RNA["one"][at : at + 27] for at in range(0, 200, 7)] + ["GGACU"]
    fasta.write_text("\n".join(windows) + "\n")
    scorer = WindowScorer(folder, "Y", device="cpu", warn=lambda line: None)
    expected = scorer.score(fasta)
    found = model.predict(windows, "Y")
    pd.testing.assert_frame_equal(found.drop(columns="name"), expected.drop(columns="name"))
    assert found["name"].tolist() == [str(at) for at in range(len(windows))]
    assert found["logit"].notna().any()
    assert [note.startswith("windows: ") for note in found.attrs["notes"]] == [True, True]
    codes = np.stack([encode(window) for window in windows[:-1]])
    pd.testing.assert_frame_equal(model.predict(codes, task="Y"), found.iloc[:-1])


def test_a_missing_calibration_is_noted_each_time_and_nothing_is_printed(folder, tmp_path, capsys):
    uncalibrated = tmp_path / "small"
    shutil.copytree(folder, uncalibrated)
    config = json.loads((uncalibrated / "config.json").read_text())
    (uncalibrated / "config.json").write_text(json.dumps(config | {"calibration": {}}))
    model = rnamarks.load(uncalibrated, device="cpu")
    for _ in range(2):
        found = model.predict([RNA["two"][:27]], "I")
        assert found["probability"].isna().all()
        assert "the model has no calibration for I: probability is left empty" in found.attrs["notes"]
    assert capsys.readouterr().out == ""


def test_weights_are_read_once_and_the_batch_size_holds_for_all_that_is_asked(folder, monkeypatch):
    read, sizes = [], []
    load_model, score_windows = checkpoint.load_model, attribution.score_windows
    for module in (checkpoint, prediction_windows):
        monkeypatch.setattr(module, "load_model", lambda folder: read.append(folder) or load_model(folder))
    monkeypatch.setattr(
        attribution,
        "score_windows",
        lambda *given, batch_size, **more: sizes.append(batch_size) or score_windows(*given, **more),
    )
    model = rnamarks.load(folder, device="cpu", batch_size=7)
    windows = ["A" * 27]
    for task in ("I", "Y"):
        model.predict(windows, task)
    for _ in range(2):
        model.explain(windows, "I", method="mutagenesis")
    assert read == [folder]
    assert set(sizes) == {7}


@pytest.mark.parametrize("method", ["integrated_gradients", "mutagenesis"])
def test_explain_is_that_of_the_command(model, folder, fasta, method):
    centres = [at for at in range(13, 280) if RNA["one"][at] == "U"][:5]
    windows = {f"w{at}": RNA["one"][at - 13 : at + 14] for at in centres}
    fasta.write_text("".join(f">{name}\n{window}\n" for name, window in windows.items()))
    found = model.explain(windows, "Y", method=method)
    assert found.contributions.shape == (5, 4, 27)
    table, checks = next(attribute_windows(folder, "Y", fasta, method=method, device="cpu"))
    np.testing.assert_allclose(found.nucleotides.ravel(), table["attribution"], rtol=1e-5)
    np.testing.assert_allclose(found.logits, checks["logit"], rtol=1e-5)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda model: model.scan("ACGU"), "this is one text, not a list"),
        (lambda model: model.scan("my.fa"), "to scan a file, give a pathlib.Path"),
        (lambda model: model.scan({"a b": "ACGU"}), "not one printable word (found 'a b')"),
        (lambda model: model.scan(["ACGU", "AC!U"]), "sequence 1: letter 3 is no nucleotide"),
        (lambda model: model.scan(["ACGU", ""]), "sequence 1: the sequence is empty"),
        (lambda model: model.scan([np.array([0, 7])]), "sequence 0: not a sequence"),
        (lambda model: model.scan([]), "there is no sequence"),
        (lambda model: model.scan(["ACGU"], task="m7G"), "choose one of m6A, m6Am, I, Y, m5C"),
        (lambda model: model.predict(["ACGU"]), "there are several tasks"),
        (lambda model: model.explain([RNA["two"][:27], "AAAAA"], "m6A"), "does not have DRACH around the middle"),
        (lambda model: model.explain(["UUUUU"], "Y", method="guess"), "no such method of attribution"),
        (lambda model: rnamarks.load("m7G"), "no model of that name comes with this installation"),
    ],
)
def test_what_cannot_be_used_is_named(model, ask, said):
    with pytest.raises(rnamarks.InputError) as error:
        ask(model)
    assert said in str(error.value)


def test_the_page_shows_every_method_and_parameter():
    text = page()
    for function in (rnamarks.load, *(getattr(rnamarks.Model, name) for name in ("scan", "predict", "explain"))):
        section = (
            text.partition(f"## rnamarks.{function.__name__}\n")[2]
            or text.partition(f"### Model.{function.__name__}\n")[2]
        )
        section = section.partition("\n## ")[0].partition("\n### ")[0]
        assert section.startswith(f"\n```python\n{function.__name__}(")
        for name in set(inspect.signature(function).parameters) - {"self"}:
            assert f"- `{name}`" in section
        assert "**Returns**" in section
        assert "**Raises**" in section
    assert not re.search(r":\w+:`|(?<!`)``\w|^-{3}", text, re.MULTILINE)


def test_an_example_on_the_page_keeps_what_it_answers():
    shown = "".join(_translated("What.\n\nExamples\n--------\n>>> add(\n...     1, 2)\n3.25\n"))
    assert "```python\nadd(\n    1, 2)\n3.25\n```" in shown


def test_the_module_offers_what_it_says():
    assert {name: getattr(rnamarks, name) is not None for name in rnamarks.__all__} == dict.fromkeys(
        ["InputError", "Model", "__version__", "load"], True
    )
    with pytest.raises(AttributeError, match="no attribute predictor"):
        _ = rnamarks.predictor
    assert decode(encode(RNA["two"])) == RNA["two"]
