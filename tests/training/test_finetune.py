"""Fine-tuning learns planted rules, freezes what it says, goes on where it was killed, and names what it cannot use."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from example_worlds import hairpins, labelled, letters, table, valued
from language_models import save_tiny
from patience import TORCHRUN, run_patiently
from rnamarks.errors import InputError
from rnamarks.models.language import Language
from rnamarks.models.language_files import load_language, save_language
from rnamarks.models.packing import Pack
from rnamarks.models.tokens import tokenise
from rnamarks.structure.decoding import compare_pairs, decode
from rnamarks.structure.pairs import pairs_of, partners_of
from rnamarks.tables import write_parquet
from rnamarks.training import trainer
from rnamarks.training.finetune import TARGETS, finetune
from rnamarks.training.settings import FinetuneSettings
from rnamarks.training.targets.base import TOGETHER
from rnamarks.training.targets.pairs import THRESHOLDS, Called, best_threshold
from rnamarks.training.tuning_data import read_example_table, split_examples

TINY = {"width": 16, "blocks": 3, "heads": 2, "dropout": 0.1, "attention_dropout": 0.1}
HEADS = {"pairs": {"channels": 8, "blocks": 1}, "label": {"hidden": 8}, "value": {"channels": 8, "blocks": 1}}
WORLDS = {"pairs": hairpins(48), "label": labelled(48, ("no", "yes")), "value": valued(48)}


@pytest.fixture
def language(tmp_path):
    torch.manual_seed(2)
    outputs = {"masked": {"target": "masked"}}
    network = Language(outputs, **TINY)
    save_language(tmp_path / "language", network, TINY, outputs)
    return tmp_path / "language"


@pytest.fixture
def tune(tmp_path, language):
    def tune(target, examples=None, way="finetuned", folder="m", fold="given", **changes):
        options = {name: changes.pop(name) for name in ("cache", "seed", "model", "sizes", "head") if name in changes}
        settings = {"epochs": 2, "batch_size": 8, "learning_rate": 3e-3} | changes
        return finetune(
            WORLDS[target] if examples is None else examples,
            fold,
            tmp_path / folder,
            target=target,
            settings=FinetuneSettings.for_target(target, settings, way),
            checkpoints=tmp_path / "k",
            device="cpu",
            report=lambda line: None,
            way=way,
            **{"model": language, "head": HEADS[target], "seed": 1} | options,
        )

    return tune


def weights(folder) -> dict[str, torch.Tensor]:
    return load_language(folder)[0].state_dict()


@pytest.mark.slow
def test_base_pairs_of_hairpins_are_learned(tune, tmp_path):
    examples = hairpins(150)
    found = tune("pairs", examples, "scratch", epochs=8, batch_size=4, learning_rate=1e-2, head={"channels": 16})
    assert found["split"].tolist() == ["valid"] * 25 + ["test"] * 25
    test = found[found["split"] == "test"]
    own = [compare_pairs(pairs_of(row.predicted), pairs_of(row.partners)).f1 for row in test.itertuples()]
    # pairs called at random among those that may form
    random = np.random.default_rng(1)
    chance = []
    for row in test.merge(examples[["example", "sequence"]], on="example").itertuples():
        called = decode(random.random((row.length, row.length)), row.sequence, 0.5)
        chance.append(compare_pairs(called, pairs_of(row.partners)).f1)
    assert np.mean(own) > np.mean(chance) + 0.4

    network, config = load_language(tmp_path / "m")
    [chosen] = config.thresholds["structure"]
    for row in test.merge(examples[["example", "sequence"]], on="example").itertuples():
        with torch.no_grad():
            [logits] = network(Pack.of([tokenise(row.sequence)]), "structure")
        pairs = decode(torch.sigmoid(logits).numpy(), row.sequence, chosen["probability"])
        np.testing.assert_array_equal(partners_of(pairs, row.length), row.predicted)


@pytest.mark.slow
@pytest.mark.parametrize("names", [("no", "yes"), ("a", "b", "c")])
def test_labels_are_learned(tune, tmp_path, names):
    examples = labelled(180, names)
    found = tune("label", examples, epochs=6, learning_rate=1e-2)
    assert (found["label"] == found["predicted"]).mean() > 0.75
    assert np.vstack(found["probability"]).shape == (60, len(names))
    np.testing.assert_allclose(np.vstack(found["probability"]).sum(axis=1), 1, rtol=1e-6)
    network, config = load_language(tmp_path / "m")
    assert config.hyperparameters["outputs"]["label"]["names"] == list(names)
    sequence = examples.set_index("example")["sequence"]
    with torch.no_grad():
        logits = network(Pack.of([tokenise(sequence[found["example"][3]])]), "label")[0]
    expected = torch.softmax(logits if len(names) > 2 else torch.cat([torch.zeros(1), logits]), 0)
    np.testing.assert_allclose(found["probability"][3], expected, atol=1e-5)


@pytest.mark.slow
def test_values_are_learned_in_their_units(tune, tmp_path):
    found = tune("value", valued(180), epochs=8, learning_rate=1e-2, head_epochs=1, decay=1.0)
    for _, rows in found.groupby("split"):
        assert np.corrcoef(rows["value"], rows["predicted"])[0, 1] > 0.9
        assert (rows["value"] - rows["predicted"]).abs().mean() < 1.5
    history = pd.read_csv(tmp_path / "m" / "history.tsv", sep="\t")
    assert history["r2"].max() > 0.7
    assert (history["score"] == history["r2"]).all()


def test_thresholds_are_tried_without_decoding_again():
    random = np.random.default_rng(4)
    called, known, chances = [], [], []
    for _ in range(6):
        sequence = letters(random, 30)
        probabilities = random.random((30, 30)) ** 3
        pairs = decode(probabilities, sequence, THRESHOLDS[0])
        called.append(Called(pairs, probabilities[pairs[:, 0], pairs[:, 1]]))
        known.append(partners_of(decode(random.random((30, 30)), sequence, 0.7), 30))
        chances.append((probabilities, sequence))
    threshold, means = best_threshold(called, known)
    scores = [
        np.mean([compare_pairs(decode(p, s, t), pairs_of(k)).f1 for (p, s), k in zip(chances, known, strict=True)])
        for t in THRESHOLDS
    ]
    assert means["f1"] == pytest.approx(max(scores))
    assert threshold == THRESHOLDS[int(np.argmax(scores))]


@pytest.mark.parametrize("target", ["pairs", "label", "value"])
def test_the_loss_is_the_mean_over_examples_and_parts_give_its_gradient(target):
    splits, _ = split_examples(WORLDS[target], "given", target)
    torch.manual_seed(0)
    sizes = TINY | {"dropout": 0.0, "attention_dropout": 0.0}
    head = HEADS[target] | ({"dropout": 0.0} if target == "value" else {})
    network = Language({"t": {"target": target, **head}}, **sizes)

    def gradient(**changes):
        settings = FinetuneSettings.for_target(target, {"batch_size": 7, **changes})
        asked = TARGETS[target](splits["train"], splits["valid"], settings, 3, task="t")
        asked.prepare(network, 3)
        batch = asked.batch(TOGETHER, 2)
        parts = list(asked.parts(batch))
        network.zero_grad()
        total = 0.0
        for part in parts:
            loss, _ = asked.loss(network, TOGETHER, *map(torch.from_numpy, part))
            (loss * asked.weight(part, batch)).backward()
            total += loss.item() * asked.weight(part, batch)
        for index in range(3):
            np.testing.assert_array_equal(np.concatenate([part[index] for part in parts]), batch[index])
        return (
            len(parts),
            total,
            torch.cat([one.grad.flatten() for one in network.parameters() if one.grad is not None]),
        )

    count, loss, whole = gradient()
    assert count == 1
    for changes in ({"tokens": 1}, {"tokens": 60}, {"pairs": 1500} if target == "pairs" else {"tokens": 40}):
        count, again, parts = gradient(**changes)
        assert count == (7 if changes == {"tokens": 1} else count) > 1
        assert again == pytest.approx(loss, rel=1e-5)
        torch.testing.assert_close(parts, whole, rtol=1e-3, atol=1e-5)


def test_the_loss_of_pairs_is_over_the_upper_triangle_alone():
    splits, _ = split_examples(WORLDS["pairs"], "given", "pairs")
    asked = TARGETS["pairs"](splits["train"], splits["valid"], FinetuneSettings(batch_size=1), 1, task="t")
    network = Language({"t": {"target": "pairs", **HEADS["pairs"]}}, **TINY).eval()
    rows, lengths, partners = asked.batch(TOGETHER, 0)
    loss, _ = asked.loss(network, TOGETHER, *map(torch.from_numpy, (rows, lengths, partners)))
    with torch.no_grad():
        [logits] = network(Pack.of([rows]), "t")
    truth = torch.zeros_like(logits)
    for i, j in pairs_of(partners).tolist():
        truth[i, j] = 1
    upper = torch.triu_indices(len(partners), len(partners), 1)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits[*upper], truth[*upper])
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_batches_are_of_one_size_and_every_example_comes_as_often():
    splits, _ = split_examples(WORLDS["value"], "given", "value")
    settings = FinetuneSettings(batch_size=12, steps_per_epoch=0)
    asked = TARGETS["value"](splits["train"], splits["valid"], settings, 3, task="t")
    assert asked.steps_per_epoch == 3
    batches = [asked.batch(TOGETHER, visit) for visit in range(8)]
    assert {len(lengths) for _, lengths, _ in batches} == {12}
    # 96 draws of 32 examples; the answers tell them apart
    _, counts = np.unique(np.concatenate([answers for *_, answers in batches]), return_counts=True)
    _, known = np.unique(np.asarray(splits["train"].answers, np.float32), return_counts=True)
    np.testing.assert_array_equal(counts, 3 * known)
    for one, other in zip(asked.batch(TOGETHER, 1), batches[1], strict=True):
        np.testing.assert_array_equal(one, other)


def test_blocks_join_from_the_last_and_what_is_frozen_stays_as_it_is(tune, tmp_path, language, monkeypatch):
    before = weights(language)
    snapshots = []
    end = trainer._Training._end_epoch

    def keep(self):
        snapshots.append({name: value.clone() for name, value in self.network.state_dict().items()})
        end(self)

    monkeypatch.setattr(trainer._Training, "_end_epoch", keep)
    tune("value", epochs=7, head_epochs=2, blocks_per=1, every=2, weight_decay=0.1, average_decay=0.5)

    def moved(epoch: int) -> set[str]:
        earlier = snapshots[epoch - 1] if epoch else before
        names = [name for name in snapshots[epoch] if name.startswith("trunk.") and name in earlier]
        return {
            ".".join(name.split(".")[1:3] if "blocks" in name else name.split(".")[1:2])
            for name in names
            if not torch.equal(snapshots[epoch][name], earlier[name])
        }

    last = {"norm", "blocks.2"}
    everything = last | {"blocks.1", "blocks.0", "embedding"}
    assert [moved(epoch) for epoch in range(7)] == [
        set(),
        set(),
        last,
        last,
        last | {"blocks.1"},
        last | {"blocks.1"},
        everything,
    ]


def test_from_scratch_all_is_trained_from_the_first_step_at_the_rate_of_the_head(tune, tmp_path, language):
    tune("label", way="scratch", epochs=1, learning_rate=1e-9, head_learning_rate=1e-2, head_epochs=1)
    torch.manual_seed(1)
    first = Language({"label": {"target": "label", "hidden": 8}}, **TINY).state_dict()
    found, pretrained = weights(tmp_path / "m"), weights(language)
    for name, value in found.items():
        assert (value - first[name]).abs().max() > 1e-4, name
        assert name not in pretrained or not torch.equal(pretrained[name], value)
    tune("label", way="scratch", folder="sizes", model=None, sizes=TINY, epochs=1)
    assert set(weights(tmp_path / "sizes")) == set(found)


@pytest.mark.parametrize("target", ["pairs", "label", "value"])
def test_a_frozen_trunk_keeps_its_weights_and_predicts_the_same_from_the_cache(tune, tmp_path, language, target):
    plain = tune(target, way="frozen", folder="plain", epochs=3)
    cached = tune(target, way="frozen", folder="cached", epochs=3, cache=tmp_path / "cache")
    [file] = (tmp_path / "cache").glob("*")
    stamp = file.stat().st_mtime_ns
    again = tune(target, way="frozen", folder="again", epochs=3, cache=tmp_path / "cache", seed=2)
    assert file.stat().st_mtime_ns == stamp
    for folder in ("plain", "cached", "again"):
        found = weights(tmp_path / folder)
        for name, value in weights(language).items():
            assert not name.startswith("trunk.") or torch.equal(found[name], value)
    one, other = (json.loads((tmp_path / name / "config.json").read_text()) for name in ("plain", "cached"))
    assert one["tasks"] == other["tasks"]
    if target == "pairs":
        same = [np.array_equal(a, b) for a, b in zip(plain["predicted"], cached["predicted"], strict=True)]
        assert np.mean(same) > 0.8
    elif target == "label":
        np.testing.assert_allclose(np.vstack(plain["probability"]), np.vstack(cached["probability"]), atol=5e-3)
        assert not np.allclose(np.vstack(plain["probability"]), np.vstack(again["probability"]), atol=5e-3)
    else:
        np.testing.assert_allclose(plain["predicted"], cached["predicted"], atol=0.05)


@pytest.mark.parametrize("target", ["pairs", "label", "value"])
def test_the_head_alone_is_trained_over_random_weights_too(tune, tmp_path, language, target):
    plain = tune(target, way="untrained", folder="plain", model=None, sizes=TINY, epochs=2)
    cached = tune(target, way="untrained", folder="cached", epochs=2, cache=tmp_path / "cache")
    tune(target, way="untrained", folder="other", epochs=2, cache=tmp_path / "cache", seed=2)
    assert len(list((tmp_path / "cache").glob("*.npy"))) == 2
    torch.manual_seed(1)
    drawn = Language({"masked": {"target": "masked"}}, **TINY).state_dict()
    found, other = weights(tmp_path / "cached"), weights(tmp_path / "other")
    trunk = [name for name in found if name.startswith("trunk.")]
    assert all(torch.equal(found[name], drawn[name]) for name in trunk)
    assert not all(torch.equal(found[name], weights(language)[name]) for name in trunk)
    assert not all(torch.equal(found[name], other[name]) for name in trunk)
    if target == "value":
        np.testing.assert_allclose(plain["predicted"], cached["predicted"], atol=0.05)


def test_vectors_of_random_weights_are_those_of_the_weights_that_were_drawn(tune, tmp_path, monkeypatch):
    def vectors():
        return len(list((tmp_path / "cache").glob("*.npy")))

    options = {"way": "untrained", "epochs": 1, "cache": tmp_path / "cache"}
    tune("label", folder="first", **options)
    tune("label", folder="again", **options, head={"hidden": 4})
    assert vectors() == 1
    # as another version of torch, or of the code that draws, would
    seeded = torch.manual_seed
    monkeypatch.setattr(torch, "manual_seed", lambda seed: seeded(seed + 100))
    tune("label", folder="other", **options)
    assert vectors() == 2
    one, other = (weights(tmp_path / folder)["trunk.embedding.weight"] for folder in ("first", "other"))
    assert not torch.equal(one, other)


class Killed(BaseException):
    """What no handler of errors catches."""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["finetuned", "frozen"])
def test_killed_at_any_step_it_ends_with_the_same_weights(tune, tmp_path, monkeypatch, way):
    changes = {"epochs": 4, "head_epochs": 1, "blocks_per": 1, "every": 1, "way": way}
    if way == "frozen":
        changes["cache"] = tmp_path / "cache"
    tune("pairs", folder="whole", **changes)
    expected = (tmp_path / "whole" / "weights.safetensors").read_bytes()
    for path in (tmp_path / "k").rglob("*.*"):
        path.unlink()
    step = trainer._Training._step
    # in the first epoch, at the end of one, and where a block has just joined
    for after in (2, 2, 5):
        left = iter(range(after))

        def killed(self, *arguments, left=left):
            if next(left, None) is None:
                raise Killed
            step(self, *arguments)

        with monkeypatch.context() as patch:
            patch.setattr(trainer, "SAVE_SECONDS", 0.0)
            patch.setattr(trainer._Training, "_step", killed)
            with pytest.raises(Killed):
                tune("pairs", folder="killed", **changes)
        assert not (tmp_path / "killed").exists()
    tune("pairs", folder="killed", **changes)
    assert (tmp_path / "killed" / "weights.safetensors").read_bytes() == expected


def test_another_sequence_changes_no_prediction_but_its_own(tune):
    examples = WORLDS["value"].assign(value=WORLDS["value"]["value"])
    found = tune("value", examples, epochs=1)
    changed = examples.copy()
    row = changed.index[changed["fold_given"] == "test"][2]
    changed.loc[row, "sequence"] = "C" * 70
    again = tune("value", changed, epochs=1)
    differs = ~np.isclose(found["predicted"], again["predicted"], rtol=1e-5)
    assert found["example"][differs].tolist() == [changed.loc[row, "example"]]


def test_folds_that_differ_in_what_is_tested_share_one_training(tune, tmp_path):
    examples = WORLDS["value"]
    tested = examples["fold_given"] == "test"
    others = examples["fold_given"].mask(tested & (tested.cumsum() > 3), "")
    examples = examples.assign(fold_other=others)
    tune("value", examples, epochs=1)
    found = tune("value", examples, fold="other", folder="other", epochs=1)
    assert found.loc[found["split"] == "test", "example"].tolist() == examples.loc[others == "test", "example"].tolist()
    assert len(list((tmp_path / "k").iterdir())) == 1
    assert (tmp_path / "m" / "weights.safetensors").read_bytes() == (
        tmp_path / "other" / "weights.safetensors"
    ).read_bytes()


def test_one_nucleotide_and_long_sequences_are_predicted_and_long_ones_are_not_trained_on(tune, tmp_path):
    longest = max(map(len, WORLDS["pairs"]["sequence"]))
    more = table([("A", np.array([-1])), ("ACGU" * 50, np.full(200, -1))] * 9, "partners")
    more["example"] = "x" + more["example"]
    lines = []
    examples = pd.concat([WORLDS["pairs"], more], ignore_index=True)
    found = finetune(
        examples,
        "given",
        tmp_path / "m",
        target="pairs",
        model=None,
        sizes=TINY,
        way="scratch",
        head=HEADS["pairs"],
        settings=FinetuneSettings.for_target("pairs", {"epochs": 1, "batch_size": 8, "longest": longest}),
        seed=1,
        checkpoints=tmp_path / "k",
        device="cpu",
        report=lines.append,
    )
    assert f"longer than {longest} nt and not trained on: 6" in lines[0]
    lengths = found["length"].to_numpy()
    assert {1, 200} <= set(lengths)
    assert [len(one) for one in found["predicted"]] == lengths.tolist()
    with pytest.raises(InputError, match=r"every example of the split 'train' is longer than 2 nt; raise longest"):
        tune("pairs", longest=2)
    absolute = TINY | {"positions": "absolute", "longest": 100}
    with pytest.raises(InputError, match=r"has more than the 98 nt that the model has positions for \(found 200\)"):
        tune("pairs", examples, "scratch", model=None, sizes=absolute)


def spoiled(target: str, column: str, value: object) -> pd.DataFrame:
    """Examples of which the fourth, of the training split, has another entry."""
    examples = WORLDS[target].copy()
    entries = list(examples[column])
    entries[3] = value
    return examples.assign(**{column: entries})


NOTHING = WORLDS["value"][WORLDS["value"]["fold_given"] != "valid"]
SAME = WORLDS["label"].assign(label="yes")
TRAINED_SAME = WORLDS["label"].assign(
    label=["yes" if fold == "train" else "no" for fold in WORLDS["label"]["fold_given"]]
)
TWICE = pd.concat([WORLDS["value"], WORLDS["value"].tail(1)])


@pytest.mark.parametrize(
    ("target", "examples", "said"),
    [
        ("value", NOTHING, "no example is in the split 'valid' of the fold (found 'given')"),
        ("value", WORLDS["label"], "the examples lack the column value"),
        (
            "value",
            WORLDS["value"].rename(columns={"fold_given": "fold_own"}),
            "no such fold (found 'given'); choose one",
        ),
        ("value", spoiled("value", "value", np.nan), "example e3: the value is not a finite number (found nan)"),
        ("value", WORLDS["value"].assign(value=1.0), "all values of the split 'train' are the same (found 1.0)"),
        ("value", TWICE, "two examples have one name (found 'e47')"),
        ("value", spoiled("value", "sequence", ""), "example e3: the sequence is empty"),
        ("value", spoiled("value", "sequence", "MKLVFFW"), "example e3: 3 of 7 letters are no nucleotides"),
        ("value", spoiled("value", "fold_given", "dev"), "fold_given holds what is no split (found 'dev')"),
        ("label", SAME, "the examples have a single label (found 'yes')"),
        ("label", TRAINED_SAME, "the split 'train' has a single label (found 'yes')"),
        ("label", spoiled("label", "label", None), "example e3: the label is no text"),
        ("pairs", spoiled("pairs", "partners", np.array([1, 0])), "example e3: not a partner for each of"),
        ("pairs", spoiled("pairs", "partners", None), "example e3: not a partner for each of"),
    ],
)
def test_what_cannot_be_used_is_named_before_anything_is_trained(tune, tmp_path, target, examples, said):
    with pytest.raises(InputError) as caught:
        tune(target, examples)
    assert said in str(caught.value)
    assert not (tmp_path / "k").exists()


def test_partners_must_be_mutual_and_inside():
    frame = table([("ACGUACGU", np.full(8, -1))] * 12, "partners")
    for partners, said in (
        ([1, -1, -1, -1, -1, -1, -1, -1], "partners are not mutual"),
        ([0, -1, -1, -1, -1, -1, -1, -1], "partners are not mutual"),
        ([8, -1, -1, -1, -1, -1, -1, -1], r"a partner lies outside the sequence \(found 8\)"),
        ([-2, -1, -1, -1, -1, -1, -1, -1], r"a partner lies outside the sequence \(found -2\)"),
    ):
        entries = list(frame["partners"])
        entries[0] = np.array(partners)
        with pytest.raises(InputError, match=said):
            split_examples(frame.assign(partners=entries), "given", "pairs")


def test_a_fold_without_test_examples_has_predictions_of_the_validation_split(tune):
    found = tune("value", WORLDS["value"][WORLDS["value"]["fold_given"] != "test"], epochs=1)
    assert set(found["split"]) == {"valid"}


def test_settings_are_the_published_ones_changed_by_target_and_way():
    pairs = FinetuneSettings.for_target("pairs", {})
    assert (pairs.epochs, pairs.patience, pairs.learning_rate, pairs.head_learning_rate) == (15, 15, 1e-4, 1e-4)
    assert [pairs.trained_blocks(epoch, 33) for epoch in (0, 2, 3, 5, 6, 14)] == [-1, -1, 3, 3, 6, 12]
    value = FinetuneSettings.for_target("value", {"epochs": 9})
    assert [value.trained_blocks(epoch, 6) for epoch in (4, 5)] == [-1, 6]
    values = {"learning_rate": 1e-3, "scratch": {"epochs": 30}, "frozen": {"learning_rate": 0.1}}
    read = {way: FinetuneSettings.for_target("label", values, way) for way in ("finetuned", "frozen", "scratch")}
    assert {way: (one.epochs, one.head_learning_rate) for way, one in read.items()} == {
        "finetuned": (2, 1e-3),
        "frozen": (2, 0.1),
        "scratch": (30, 1e-3),
    }
    with pytest.raises(InputError, match=r"there is no setting downstream\.x\.training\.shift"):
        FinetuneSettings.for_target("label", {"shift": 1}, where="downstream.x.training.")
    with pytest.raises(InputError, match="no such target"):
        FinetuneSettings.for_target("site", {})


def test_tables_are_read_with_dot_brackets_from_text_and_parquet(tmp_path):
    path = tmp_path / "x.tsv"
    path.write_text("example\tsequence\tstructure\tfold_a\n1\tGGGAAACCC\t(((...)))\ttrain\n2\tACGU\t....\t\n")
    frame = read_example_table(path)
    assert frame["partners"][0].tolist() == [8, 7, 6, -1, -1, -1, 2, 1, 0]
    assert frame["example"].tolist() == ["1", "2"]
    assert frame["fold_a"].tolist() == ["train", ""]
    write_parquet(frame.drop(columns="partners").assign(structure=["(((...)))", "...."]), tmp_path / "x.parquet")
    pd.testing.assert_frame_equal(read_example_table(tmp_path / "x.parquet"), frame)
    path.write_text("example\tsequence\tstructure\tfold_a\n1\tGGG\t(((\ttrain\n")
    with pytest.raises(InputError, match=r"x\.tsv:2: 1: position 1 of the dot-bracket is never closed"):
        read_example_table(path)


@pytest.mark.parametrize("target", list(TARGETS))
def test_shares_have_the_gradient_of_the_batch(target, language):
    splits, _ = split_examples(WORLDS[target], "given", target)
    settings = FinetuneSettings.for_target(target, {"batch_size": 7, "tokens": 60}, "finetuned")
    task = {"pairs": "structure"}.get(target, target)
    asked = TARGETS[target](splits["train"], splits["valid"], settings, 1, task=task)
    network = Language(
        {task: {"target": target, "labels": 1} | HEADS[target]}
        if target == "label"
        else {task: {"target": target} | HEADS[target]},
        **TINY,
    ).eval()
    batch = asked.batch(TOGETHER, 0)

    def gradients(count):
        network.zero_grad()
        seen = 0
        for rank in range(count):
            for part in asked.share(batch, rank, count):
                loss, told = asked.loss(network, TOGETHER, *map(torch.from_numpy, part))
                (loss * asked.weight(part, batch)).backward()
                seen += int(told[1])
        assert seen == 7
        return [one.grad.clone() for one in network.parameters() if one.grad is not None]

    whole = gradients(1)
    assert any(one.abs().max() > 0 for one in whole)
    for one, other in zip(whole, gradients(3), strict=True):
        torch.testing.assert_close(other, one, atol=1e-6, rtol=1e-4)
    with pytest.raises(InputError, match="more processes than sequences of a batch"):
        asked.share(batch, 0, 8)


@pytest.mark.slow
def test_two_processes_tune_as_one_does(tune, tmp_path):
    # each process drops others
    language = save_tiny(tmp_path / "plain", dropout=0.0, attention_dropout=0.0)
    examples, one_step = labelled(48, ("no", "yes")), {"epochs": 1, "steps_per_epoch": 1, "batch_size": 8}
    alone = tune("label", examples, model=language, **one_step)
    examples.to_parquet(tmp_path / "e.parquet")
    words = ["-m", "rnamarks.cli", "lm", "finetune", tmp_path / "e.parquet"]
    settings = one_step | {"learning_rate": 3e-3, "head.hidden": 8}
    said = {}
    for way in ("finetuned", "frozen"):
        options = {"--target": "label", "--fold": "given", "--model": language, "--way": way, "--device": "cpu"}
        options["--checkpoints"] = tmp_path / "together"
        command = [*TORCHRUN, *words, tmp_path / way, *(word for pair in options.items() for word in pair)]
        command += [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
        path = str(Path(trainer.__file__).parents[2])
        said[way] = run_patiently(
            list(map(str, command)), env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        )
    assert said["finetuned"].returncode == 0, said["finetuned"].stderr
    assert said["finetuned"].stdout.count("predictions of") == 1
    found = pd.read_parquet(tmp_path / "finetuned" / "predictions.parquet")
    np.testing.assert_allclose(np.vstack(found["probability"]), np.vstack(alone["probability"]), atol=1e-3)
    assert "the head alone is trained in one process" in said["frozen"].stderr
    assert not (tmp_path / "frozen").exists()
