"""``rnamarks lm``: from a checkpoint to numbers."""

from __future__ import annotations

import io
import shutil
import sys
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch

from checkpoints import built, released
from example_worlds import hairpins, labelled, valued
from rnamarks.cli import main
from rnamarks.models.language import Language
from rnamarks.models.language_files import save_language
from rnamarks.models.packing import Pack
from rnamarks.models.settings.language import LANGUAGE_SIZES
from rnamarks.models.tokens import tokenise
from rnamarks.prediction.language import tile_step, tiles_of
from rnamarks.prediction.score import pick_device
from rnamarks.structure.pairs import pairs_of, read_structures, write_brackets
from rnamarks.training.precision import can_bfloat16
from rnamarks.training.trainer import _Training

SEQUENCES = {"a": "ACGUACGUNN", "b|x": "gggaaat", "c": "AUG" * 30, "d": "ACGUACGUAC"}


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*words, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["rnamarks", *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def model() -> Language:
    return built()


@pytest.fixture
def folder(tmp_path, model, run) -> Path:
    torch.save(released(model), tmp_path / "x.pt")
    code, out, _ = run("lm", "import", tmp_path / "x.pt", tmp_path / "model")
    assert code == 0
    assert f"{sum(one.numel() for one in model.parameters()):,} weights" in out
    return tmp_path / "model"


@pytest.fixture
def fasta(tmp_path) -> Path:
    path = tmp_path / "x.fa"
    path.write_text("".join(f">{name} more\n{sequence}\n" for name, sequence in SEQUENCES.items()))
    return path


@pytest.mark.parametrize("tokens", [[], ["--tokens", 1]])
def test_logits_are_those_of_the_checkpoint_whatever_is_computed_at_once(folder, model, fasta, tmp_path, run, tokens):
    assert run("lm", "logits", "--model", folder, fasta, "--out", tmp_path / "x.npz", *tokens)[0] == 0
    found = np.load(tmp_path / "x.npz")
    assert list(found) == list(SEQUENCES)
    for name, sequence in SEQUENCES.items():
        with torch.no_grad():
            expected = model(Pack.of([tokenise(sequence)]), "masked").numpy()
        assert found[name].dtype == np.float32
        assert found[name].shape == (len(sequence) + 2, 22)
        np.testing.assert_allclose(found[name], expected, atol=1e-5)


def test_vectors_come_per_token_or_pooled_as_npz_or_table(folder, fasta, tmp_path, run):
    for pool, name in (("none", "t.npz"), ("cls", "c.npz"), ("mean", "m.npz"), ("mean", "m.parquet")):
        code, _, error = run("lm", "embed", "--model", folder, fasta, "--out", tmp_path / name, "--pool", pool)
        assert (code, error) == (0, "")
    tokens, first, mean = (np.load(tmp_path / name) for name in ("t.npz", "c.npz", "m.npz"))
    table = pd.read_parquet(tmp_path / "m.parquet").set_index("name")
    for name, sequence in SEQUENCES.items():
        assert tokens[name].shape == (len(sequence) + 2, 80)
        np.testing.assert_array_equal(first[name], tokens[name][0])
        np.testing.assert_allclose(mean[name], tokens[name][1:-1].mean(axis=0), atol=1e-6)
        np.testing.assert_array_equal(table.loc[name], mean[name])


@pytest.mark.parametrize(("command", "name"), [("embed", "x.tsv"), ("logits", "x.parquet"), ("embed", "x.npy")])
def test_no_other_form_hides_under_a_name(folder, fasta, tmp_path, run, command, name):
    code, _, error = run("lm", command, "--model", folder, fasta, "--out", tmp_path / name)
    assert (code, error.count("\n")) == (2, 1)
    assert f"{name}: it is not written in that form (found '{Path(name).suffix}'); choose one of .npz" in error
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("ending", ["tsv", "csv", "tsv.gz", "parquet"])
def test_a_table_is_read_as_fasta_is(folder, fasta, tmp_path, run, ending):
    table = pd.DataFrame({"value": 1.5, "sequence": SEQUENCES.values(), "id": SEQUENCES.keys()})
    path = tmp_path / f"x.{ending}"
    if ending == "parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, sep="," if ending == "csv" else "\t", index=False, lineterminator="\r\n")
    for file, out in ((fasta, "fasta.npz"), (path, "table.npz")):
        assert run("lm", "embed", "--model", folder, file, "--out", tmp_path / out) == (0, "", "")
    expected, found = np.load(tmp_path / "fasta.npz"), np.load(tmp_path / "table.npz")
    assert list(found) == list(expected)
    for name in SEQUENCES:
        np.testing.assert_array_equal(found[name], expected[name])


def test_rows_without_names_are_counted(folder, tmp_path, run):
    (tmp_path / "x.csv").write_text('# seed=1\nsequence,note\nACGU,"a, b"\n\nGGGG,\n')
    assert run("lm", "embed", "--model", folder, tmp_path / "x.csv", "--out", tmp_path / "x.npz")[0] == 0
    assert list(np.load(tmp_path / "x.npz")) == ["1", "2"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.tsv", "name\tseq\na\tACGU\n", "x.tsv: the table has no column sequence (found 'name, seq')"),
        ("x.tsv", "name\tsequence\na\tACGU\nb\t\n", "x.tsv:3: a row has no sequence (found 'b')"),
        ("x.csv", "name,sequence\na,ACGU,1\n", "x.csv:2: a row has another number of fields"),
        ("x.tsv", "name\tsequence\na\tACGU\na\tACGU\n", "x.tsv:3: two sequences have one name"),
        ("x.csv", "", "x.csv: the table is empty"),
        ("x.tsv", "name\tsequence\n", "x.tsv: the table has no rows"),
        ("x.tsv", f"name\tsequence\n{70_000 * 'a'}\tACGU\n", "a name has more than 65000 bytes (found 'aaaa"),
    ],
)
def test_faults_of_a_table_are_named(folder, tmp_path, run, name, text, message):
    (tmp_path / name).write_text(text)
    code, _, error = run("lm", "embed", "--model", folder, tmp_path / name, "--out", tmp_path / "x.npz")
    assert code == 2
    assert message in error
    assert not (tmp_path / "x.npz").exists()


@pytest.mark.parametrize(("sequences", "kind"), [([1, 2], "int64"), ([b"ACGU", b"GGGG"], "binary")])
def test_sequences_of_parquet_are_text(folder, tmp_path, run, sequences, kind):
    table = pd.DataFrame({"id": ["a", "b"], "sequence": sequences})
    table.to_parquet(tmp_path / "x.parquet")
    code, _, error = run("lm", "embed", "--model", folder, tmp_path / "x.parquet", "--out", tmp_path / "x.npz")
    assert (code, error.count("\n")) == (2, 1)
    assert f"x.parquet: the column sequence is no text (found '{kind}')" in error
    table.assign(sequence=pd.Categorical(["ACGU", "GGGG"])).to_parquet(tmp_path / "x.parquet")
    assert run("lm", "embed", "--model", folder, tmp_path / "x.parquet", "--out", tmp_path / "x.npz")[0] == 0
    table[:0].assign(sequence=pd.array([], "string")).to_parquet(tmp_path / "x.parquet")
    code, _, error = run("lm", "embed", "--model", folder, tmp_path / "x.parquet", "--out", tmp_path / "x.npz")
    assert (code, "the table has no rows" in error) == (2, True), error


def test_a_models_own_weights_are_not_imported_over_it(folder, run):
    before = (folder / "config.json").read_bytes()
    code, _, error = run("lm", "import", folder / "weights.safetensors", folder)
    assert (code, "weights.safetensors is the checkpoint; choose another output" in error) == (2, True), error
    assert (folder / "config.json").read_bytes() == before


def test_a_row_of_parquet_without_a_name_is_a_fault_as_it_is_in_text(folder, tmp_path, run):
    table = pd.DataFrame({"id": ["a", None], "sequence": ["ACGU", "GGGG"]})
    for name, write in (("x.parquet", table.to_parquet), ("x.csv", table.to_csv)):
        write(tmp_path / name, index=False)
        code, _, error = run("lm", "embed", "--model", folder, tmp_path / name, "--out", tmp_path / "x.npz")
        assert (code, "no name" in error) == (2, True), error


def test_bfloat16_changes_little_and_is_refused_by_another_name(folder, fasta, tmp_path, run):
    for precision in ("32-true", "bf16-mixed"):
        words = ("lm", "logits", "--model", folder, fasta, "--out", tmp_path / f"{precision}.npz")
        code, _, error = run(*words, "--precision", precision)
        assert code == 0
    whole, half = (np.load(tmp_path / f"{precision}.npz") for precision in ("32-true", "bf16-mixed"))
    for name in SEQUENCES:
        assert half[name].dtype == np.float32
        np.testing.assert_allclose(half[name], whole[name], atol=0.05)
    # asked outside of inference, in which the commands ask
    able = can_bfloat16(pick_device("auto"))
    assert any((half[name] != whole[name]).any() for name in SEQUENCES) == able
    assert ("precision 32-true" in error) != able
    code, _, error = run(*words, "--precision", "half")
    assert code == 2
    assert "no such precision (found 'half'); choose one of 32-true, bf16-mixed" in error


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (">a\nACGU\n>a\nACGU\n", "bad.fa:3: two sequences have one name"),
        (">a\nMKLV\n", "bad.fa:1: a: 1 of 4 letters are no nucleotides"),
        ("ACGU\n", "a sequence has no name"),
        (">a\n>b\nACGU\n", "the record has no sequence"),
    ],
)
def test_faults_of_the_input_leave_no_output(folder, tmp_path, run, text, message):
    (tmp_path / "bad.fa").write_text(text)
    code, _, error = run("lm", "logits", "--model", folder, tmp_path / "bad.fa", "--out", tmp_path / "x.npz")
    assert code == 2
    assert message in error
    assert not (tmp_path / "x.npz").exists()


def test_unknown_letters_and_long_sequences_are_counted(folder, tmp_path, run):
    text = f">a\n{'ACGU' * 300}\n>b\nACGUACGUXACGUZ\n"
    code, _, error = run("lm", "embed", "--model", folder, "-", "--out", tmp_path / "x.npz", stdin=text)
    assert code == 0
    assert "letters that are no nucleotides and became <unk>: 2" in error
    assert "longer than the 1022 nt of pre-training: 1 of 2 sequences; they were read as a whole" in error
    assert np.load(tmp_path / "x.npz")["a"].shape == (1202, 80)


def test_another_kind_of_model_is_refused(folder, fasta, tmp_path, run):
    config = folder / "config.json"
    before = config.read_text()
    config.write_text(before.replace('"feedforward": 213', '"feedforward": 212'))
    code, _, error = run("lm", "embed", "--model", folder, fasta, "--out", tmp_path / "x.npz")
    assert code == 2
    assert "the weights do not fit the network" in error
    config.write_text(before)
    code, _, error = run("score", "--model", folder, fasta, "--out", tmp_path / "x.tsv")
    assert code == 2
    assert "reads whole sequences, not windows" in error


class Tuned(NamedTuple):
    """A tuned model and the network that it must be."""

    folder: Path
    network: Language


@pytest.fixture
def tuned(tmp_path, run, request) -> Tuned:
    """A model with one more head, through a directory."""
    torch.manual_seed(4)
    sizes, outputs = {"width": 40, "blocks": 1, "heads": 20}, {"masked": {"target": "masked"}} | request.param
    network = Language(outputs, **sizes).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    threshold = {"structure": 0.4} if "structure" in outputs else None
    save_language(tmp_path / "tuned", network, sizes, outputs, threshold=threshold)
    return Tuned(tmp_path / "tuned", network)


@pytest.mark.parametrize("tuned", [{"structure": {"target": "pairs", "channels": 8, "blocks": 1}}], indirect=True)
def test_structures_are_called_at_the_models_threshold(tuned, fasta, tmp_path, run):
    table = tmp_path / "p.tsv"
    command = ("lm", "fold", "--model", tuned.folder, fasta, "--out", tmp_path / "x.dbn", "--probabilities", table)
    code, _, error = run(*command)
    assert code == 0
    assert "threshold 0.4; structures with a pseudoknot: " in error
    chances = pd.read_csv(table, sep="\t", keep_default_na=False)
    found = list(read_structures(tmp_path / "x.dbn"))
    assert [one.name for one in found] == list(SEQUENCES)
    assert sum(len(one.pairs) for one in found) > 3
    for one in found:
        assert one.sequence == SEQUENCES[one.name].upper().replace("T", "U")
        own = chances[chances["name"] == one.name].set_index(["i", "j"])["probability"]
        with torch.no_grad():
            [logits] = tuned.network(Pack.of([tokenise(one.sequence)]), "structure")
        for i, j in one.pairs.tolist():
            assert own[i, j] > 0.4
            assert own[i, j] == pytest.approx(torch.sigmoid(logits[i, j]).item(), rel=1e-4)
            assert {one.sequence[i], one.sequence[j]} in ({"A", "U"}, {"C", "G"}, {"G", "U"})
    code, out, _ = run("lm", "fold", "--model", tuned.folder, fasta, "--threshold", 1)
    assert code == 0
    assert out.splitlines()[2] == "." * 10
    code, _, error = run(*command, "--arcs", tmp_path / "x.svg")
    assert code == 0
    assert (tmp_path / "x.svg").read_text().count('id="axes_') == len(SEQUENCES)
    code, _, error = run(*command, "--arcs", tmp_path / "x.png")
    assert code == 2
    assert "arcs are drawn as SVG" in error
    code, _, error = run("lm", "fold", "--model", tuned.folder, fasta, "--out", tmp_path / "x.ct")
    assert code == 2
    assert ".ct holds one RNA" in error
    assert not (tmp_path / "x.ct").exists()


@pytest.mark.parametrize("tuned", [{"splice": {"target": "label", "hidden": 8}}], indirect=True)
def test_splice_sites_get_a_probability(tuned, fasta, tmp_path, run):
    assert run("lm", "splice", "--model", tuned.folder, fasta, "--out", tmp_path / "x.tsv")[0] == 0
    found = pd.read_csv(tmp_path / "x.tsv", sep="\t")
    for row in found.itertuples():
        with torch.no_grad():
            logit = tuned.network(Pack.of([tokenise(SEQUENCES[row.name])]), "splice").item()
        assert row.logit == pytest.approx(logit, abs=1e-5)
        assert row.probability == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-5)
        assert row.length == len(SEQUENCES[row.name])
    code, _, error = run("lm", "mrl", "--model", tuned.folder, fasta)
    assert code == 2
    assert "the model has no head for value" in error


@pytest.mark.parametrize(
    "tuned", [{"ribosome_loading": {"target": "value", "channels": 8, "blocks": 1}}], indirect=True
)
def test_loads_are_in_the_units_of_training(tuned, fasta, run):
    code, out, _ = run("lm", "mrl", "--model", tuned.folder, fasta)
    assert code == 0
    found = pd.read_csv(io.StringIO(out), sep="\t").set_index("name")["load"]
    head = tuned.network.heads["ribosome_loading"]
    for name, sequence in SEQUENCES.items():
        with torch.no_grad():
            value = tuned.network(Pack.of([tokenise(sequence)]), "ribosome_loading") * head.spread + head.mean
        assert found[name] == pytest.approx(max(0.0, value.item()), abs=1e-5)


@pytest.mark.parametrize("tuned", [{"x": {"target": "label", "hidden": 8, "labels": 3}}], indirect=True)
def test_labels_without_names_are_numbers(tuned, fasta, tmp_path, run):
    assert run("lm", "classify", "--model", tuned.folder, fasta, "--out", tmp_path / "x.tsv")[0] == 0
    found = pd.read_csv(tmp_path / "x.tsv", sep="\t")
    assert list(found) == ["name", "length", "label", "0", "1", "2"]
    for row, (name, sequence) in zip(found.to_dict("records"), SEQUENCES.items(), strict=True):
        with torch.no_grad():
            chances = torch.softmax(tuned.network(Pack.of([tokenise(sequence)]), "x")[0], 0)
        assert (row["name"], row["label"]) == (name, int(chances.argmax()))
        np.testing.assert_allclose([row[str(label)] for label in range(3)], chances, atol=1e-5)
    code, out, error = run("lm", "splice", "--model", tuned.folder, fasta)
    assert (code, out) == (2, "")
    assert "the model tells other labels than 0 and 1, a site (found '0, 1, 2'); use rnamarks lm classify" in error


@pytest.mark.parametrize("tuned", [{"x": {"target": "label", "hidden": 8, "names": ["donor", "none"]}}], indirect=True)
def test_the_probability_of_another_label_is_none_of_a_splice_site(tuned, fasta, run):
    code, _, error = run("lm", "splice", "--model", tuned.folder, fasta)
    assert (code, "(found 'donor, none'); use rnamarks lm classify" in error) == (2, True), error


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "examples", "command"),
    [
        ("pairs", hairpins(48), "fold"),
        ("label", labelled(48, ("donor", "none")), "classify"),
        ("value", valued(48), "mrl"),
    ],
)
def test_a_tuned_model_says_of_a_file_what_it_predicted(tmp_path, run, monkeypatch, target, examples, command):
    monkeypatch.setitem(LANGUAGE_SIZES, "nano", {"width": 16, "blocks": 1, "heads": 2})
    if target == "pairs":
        brackets = [write_brackets(pairs_of(one), len(one)) for one in examples["partners"]]
        examples = examples.drop(columns="partners").assign(structure=brackets)
    examples.to_csv(tmp_path / "x.tsv", sep="\t", index=False)
    options = ("--target", target, "--fold", "given", "--way", "scratch", "--size", "nano")
    changes = ("--set", "epochs=2", "--set", "learning_rate=0.01", "--checkpoints", tmp_path / "k")
    code, out, _ = run("lm", "finetune", tmp_path / "x.tsv", tmp_path / "m", *options, *changes)
    assert (code, out) == (0, f"predictions of 16 examples in {tmp_path / 'm' / 'predictions.parquet'}\n")
    found = pd.read_parquet(tmp_path / "m" / "predictions.parquet").merge(examples[["example", "sequence"]])
    (tmp_path / "y.fa").write_text("".join(f">{row.example}\n{row.sequence}\n" for row in found.itertuples()))
    code, out, _ = run("lm", command, "--model", tmp_path / "m", tmp_path / "y.fa")
    assert code == 0
    if target == "pairs":
        expected = [write_brackets(pairs_of(one), len(one)) for one in found["predicted"]]
        assert out.splitlines()[2::3] == expected
        return
    table = pd.read_csv(io.StringIO(out), sep="\t")
    if target == "value":
        np.testing.assert_allclose(table["load"], found["predicted"].clip(lower=0), rtol=1e-5)
    else:
        assert table["label"].tolist() == found["predicted"].tolist()
        np.testing.assert_allclose(table[["donor", "none"]], np.vstack(found["probability"]), atol=1e-5)


def test_a_setting_of_no_such_name_is_an_error(tmp_path, run):
    valued(12).to_csv(tmp_path / "x.tsv", sep="\t", index=False)
    command = ("lm", "finetune", tmp_path / "x.tsv", tmp_path / "m", "--target", "value", "--fold", "given")
    code, _, error = run(*command, "--way", "scratch", "--size", "nano", "--set", "shift=3")
    assert code == 2
    assert "there is no setting shift" in error
    code, _, error = run(*command, "--set", "epochs=[")
    assert code == 2
    assert "the value of --set epochs is no YAML (found '[')" in error
    code, _, error = run(*command, "--set", "=3")
    assert (code, "--set is no NAME=VALUE" in error) == (2, True), error
    code, _, error = run(*command)
    assert code == 2
    assert "no language model (found 'finetuned')" in error
    valued(12).drop(columns="value").to_csv(tmp_path / "x.tsv", sep="\t", index=False)
    code, _, error = run(*command, "--way", "scratch", "--size", "nano")
    assert (code, "x.tsv: the examples lack the column value" in error) == (2, True), error


class Killed(BaseException):
    """What no handler of errors catches."""


@pytest.fixture
def families(tmp_path) -> Path:
    """40 RNAs of 12 families."""
    random = np.random.default_rng(7)
    lines = []
    for family in range(12):
        first = random.choice(list("ACGU"), 120)
        for member in range(1 + family % 4 + family // 6):
            own = np.where(random.random(120) < 0.05, random.choice(list("ACGU"), 120), first)
            lines.append(f">{family}_{member}\n{''.join(own)}\n")
    (tmp_path / "families.fa").write_text("".join(lines) + ">short\nACGU\n")
    return tmp_path / "families.fa"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("mmseqs") is None, reason="mmseqs is not on PATH")
def test_a_killed_pre_training_ends_as_one_that_was_not(families, fasta, tmp_path, run, monkeypatch):
    monkeypatch.setitem(LANGUAGE_SIZES, "nano", {"width": 16, "blocks": 1, "heads": 2})
    code, out, error = run("lm", "corpus", families, "--out", tmp_path / "c", "--held", 0.3, "--seed", 2)
    assert code == 0
    counts = pd.read_csv(io.StringIO(out), sep="\t").set_index("reason")["rows"]
    assert counts["shorter than 16 nt"] == 1
    assert counts["kept"] == 36
    assert counts["note: clusters"] == 12
    assert "12 clusters" in error
    command = ("lm", "pretrain", tmp_path / "c", tmp_path / "m", "--epochs", 3, "--steps", 4, "--batch", 5)
    code, out, _ = run(*command, "--checkpoints", tmp_path / "one")
    assert code == 0
    assert out.startswith("perplexity of held-out nucleotides ")
    whole = (tmp_path / "m" / "weights.safetensors").read_bytes()
    history = pd.read_csv(tmp_path / "m" / "history.tsv", sep="\t")
    assert history["epoch"].tolist() == [1, 2, 3]
    np.testing.assert_allclose(history["perplexity"], np.exp(history["nll"]))

    steps = iter(range(7))
    step = _Training._step

    def killed(self, *arguments):
        if next(steps, None) is None:
            raise Killed
        step(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr("rnamarks.training.trainer.SAVE_SECONDS", 0.0)
        patch.setattr(_Training, "_step", killed)
        with pytest.raises(Killed):
            run(*command, "--checkpoints", tmp_path / "two")
    assert run(*command, "--checkpoints", tmp_path / "two")[0] == 0
    assert (tmp_path / "m" / "weights.safetensors").read_bytes() == whole
    assert run("lm", "logits", "--model", tmp_path / "m", fasta, "--out", tmp_path / "x.npz")[0] == 0
    assert np.load(tmp_path / "x.npz")["a"].shape == (12, 22)


@pytest.fixture
def long_fasta(tmp_path) -> Path:
    """An RNA of 10,000 nt behind a short one."""
    random = np.random.default_rng(8)
    path = tmp_path / "long.fa"
    path.write_text(">short\nACGUACGU\n>long\n" + "".join(random.choice(list("ACGU"), 10_000)) + "\n")
    return path


def test_a_long_sequence_is_read_in_tiles_that_overlap_and_it_is_said(folder, model, long_fasta, tmp_path, run):
    code, _, error = run("lm", "logits", "--model", folder, long_fasta, "--out", tmp_path / "x.npz", "--tile", 400)
    assert code == 0
    assert (
        "longer than 400 nt: 1 of 2 sequences; they were read in tiles of 400 nt that overlap by 100 or more" in error
    )
    assert "read as a whole" not in error
    found = np.load(tmp_path / "x.npz")
    assert found["long"].shape == (10_002, 22)
    tokens = tokenise(long_fasta.read_text().splitlines()[3])
    # places in the middle of the first, of the second and of the last tile
    for start, end, places in ((0, 401, (0, 100)), (301, 701, (401, 600)), (9601, 10_002, (9700, 10_002))):
        with torch.no_grad():
            own = model(Pack.of([tokens[start:end]]), "masked").numpy()
        inner = slice(places[0] - start, places[1] - start)
        np.testing.assert_allclose(found["long"][slice(*places)], own[inner], atol=1e-5)
    command = ("lm", "embed", "--model", folder, long_fasta, "--tile", 400)
    for pool in ("none", "cls", "mean"):
        assert run(*command, "--pool", pool, "--out", tmp_path / f"{pool}.npz")[0] == 0
    vectors, first, mean = (np.load(tmp_path / f"{pool}.npz")["long"] for pool in ("none", "cls", "mean"))
    np.testing.assert_array_equal(first, vectors[0])
    np.testing.assert_allclose(mean, vectors[1:-1].mean(axis=0), atol=1e-5)


@pytest.mark.parametrize("tile", [16, 17, 30, 31, 100, 101])
def test_tiles_cover_a_sequence_of_any_length(tile):
    for length in range(tile + 1, 4 * tile):
        starts = tiles_of(length, tile)
        assert starts[0] == 0
        assert starts[-1] == length - tile
        assert all(0 < after - before <= tile_step(tile) for before, after in pairwise(starts))


def test_learned_positions_bound_the_tile(long_fasta, tmp_path, run):
    sizes = {"width": 16, "blocks": 1, "heads": 2, "positions": "absolute", "longest": 102}
    torch.manual_seed(1)
    save_language(
        tmp_path / "m", Language({"masked": {"target": "masked"}}, **sizes), sizes, {"masked": {"target": "masked"}}
    )
    code, _, error = run("lm", "embed", "--model", tmp_path / "m", long_fasta, "--out", tmp_path / "x.npz")
    assert code == 0
    assert "read in tiles of 100 nt" in error
    assert np.load(tmp_path / "x.npz")["long"].shape == (10_002, 16)


@pytest.mark.parametrize(
    ("tuned", "command", "limit"),
    [
        ({"structure": {"target": "pairs", "channels": 8, "blocks": 1}}, "fold", 2000),
        ({"splice": {"target": "label", "hidden": 8}}, "splice", 4096),
        ({"kind": {"target": "label", "hidden": 8, "labels": 3}}, "classify", 4096),
        ({"ribosome_loading": {"target": "value", "channels": 8, "blocks": 1}}, "mrl", 4096),
    ],
    indirect=["tuned"],
)
def test_what_reads_a_sequence_as_a_whole_names_its_limit(tuned, command, limit, long_fasta, tmp_path, run):
    words = ("lm", command, "--model", tuned.folder, long_fasta, "--out", tmp_path / "x.tsv")
    code, _, error = run(*words)
    assert code == 2
    assert f"long.fa:3: long is longer than the {limit} nt that are read at most" in error
    assert "raise --longest" in error
    assert not (tmp_path / "x.tsv").exists()
