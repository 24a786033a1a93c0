"""Weights under the original's names give the logits that its equations give, computed here in numpy."""

from __future__ import annotations

import json
import pickle
from itertools import product

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from rnamarks.errors import InputError
from rnamarks.models.checkpoint import load_model
from rnamarks.models.directory import ModelConfig
from rnamarks.models.original_multirm import ORIGINAL_HEADS, convert_original, import_original
from rnamarks.sequences import encode_windows

WORDS_94 = ["".join(word) for word in product("ACGT", repeat=3)]
WORDS_94 += [word.replace("T", "N", 1) for word in WORDS_94 if "T" in word][:30]


def original(words: int, heads: int = 12, *, dims=300, units=256, attention=100, hidden=128, seed=0) -> dict:
    """Random weights under the original's names and in its shapes."""
    random = np.random.default_rng(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.from_numpy(random.normal(scale=1 / np.sqrt(shape[-1]), size=shape).astype(np.float32))

    state = {"embed.embedding.weight": draw(words, dims) * dims**0.5}
    for end in ("", "_reverse"):
        state[f"NaiveBiLSTM.weight_ih_l0{end}"] = draw(4 * units, dims)
        state[f"NaiveBiLSTM.weight_hh_l0{end}"] = draw(4 * units, units)
        state[f"NaiveBiLSTM.bias_ih_l0{end}"] = draw(4 * units)
        state[f"NaiveBiLSTM.bias_hh_l0{end}"] = draw(4 * units)
    for name, rows, columns in (("W1", attention, 2 * units), ("W2", attention, 2 * units), ("V", heads, attention)):
        state[f"Attention.{name}.weight"], state[f"Attention.{name}.bias"] = draw(rows, columns) * 3, draw(rows)
    for head in range(heads):
        state[f"NaiveFC{head}.0.weight"], state[f"NaiveFC{head}.0.bias"] = draw(hidden, 2 * units) * 3, draw(hidden)
        state[f"NaiveFC{head}.3.weight"], state[f"NaiveFC{head}.3.bias"] = draw(1, hidden) * 3, draw(1)
    return state


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def one_direction(vectors: np.ndarray, weights: dict[str, np.ndarray], end: str) -> np.ndarray:
    """Hidden states of one LSTM direction; Hochreiter and Schmidhuber with forget gates, gates in the order i f g o."""
    kernel, recurrent = weights[f"NaiveBiLSTM.weight_ih_l0{end}"], weights[f"NaiveBiLSTM.weight_hh_l0{end}"]
    bias = weights[f"NaiveBiLSTM.bias_ih_l0{end}"] + weights[f"NaiveBiLSTM.bias_hh_l0{end}"]
    units = recurrent.shape[1]
    hidden, cell, states = np.zeros(units), np.zeros(units), []
    for vector in vectors:
        i, f, g, o = np.split(kernel @ vector + recurrent @ hidden + bias, 4)
        cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
        hidden = sigmoid(o) * np.tanh(cell)
        states.append(hidden)
    return np.array(states)


def by_hand(state: dict[str, torch.Tensor], words: list[str], sequence: str) -> tuple[np.ndarray, np.ndarray]:
    """The original's logits, (heads,), and attention, (heads, places), of one sequence, in float64."""
    weights = {name: tensor.double().numpy() for name, tensor in state.items()}
    places = [words.index(sequence[i : i + 3]) for i in range(len(sequence) - 2)]
    vectors = weights["embed.embedding.weight"][places]
    forward = one_direction(vectors, weights, "")
    backward = one_direction(vectors[::-1], weights, "_reverse")
    y = np.concatenate([forward, backward[::-1]], axis=1)
    z = np.concatenate([forward[-1], backward[-1]])

    def dense(name: str, x: np.ndarray) -> np.ndarray:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    scores = dense("Attention.V", np.tanh(dense("Attention.W1", y) + dense("Attention.W2", z)))
    attention = np.exp(scores - scores.max(axis=0))
    attention = (attention / attention.sum(axis=0)).T
    logits = [
        dense(f"NaiveFC{head}.3", np.maximum(dense(f"NaiveFC{head}.0", context), 0))[0]
        for head, context in enumerate(attention @ y)
    ]
    return np.array(logits), attention


def sequences(n: int, width: int, words: list[str]) -> list[str]:
    random = np.random.default_rng(7)
    drawn = ["".join(random.choice(list("ACGT"), width)) for _ in range(n)]
    # one whose last word holds an N that the original knows
    known = next(word for word in words if word.endswith("N"))
    drawn[0] = drawn[0][: width - 3] + known
    return [text for text in drawn if all(text[i : i + 3] in words for i in range(width - 2))]


def test_equals_an_independent_forward_pass(tmp_path):
    state = original(len(WORDS_94))
    torch.save(state, tmp_path / "trained_model_51seqs.pkl")
    written = import_original(tmp_path / "trained_model_51seqs.pkl", WORDS_94, ORIGINAL_HEADS, tmp_path / "model")
    assert written.hyperparameters == {
        "embedding": "word2vec", "dims": 300, "units": 256, "attention": 100, "hidden": 128
    }  # fmt: skip
    model, config = load_model(tmp_path / "model")
    assert config == written
    texts = sequences(6, 51, WORDS_94)
    assert len(texts) >= 5
    codes = torch.from_numpy(encode_windows(texts))
    network = model.members[0]
    with torch.inference_mode():
        together, attention = network.forward_all(codes).numpy(), network.attend(codes).numpy()
        singly = np.concatenate([network.forward_all(row[None]).numpy() for row in codes])
        by_head = np.stack([model(codes, head).numpy() for head in ORIGINAL_HEADS], axis=1)
    for row, text in enumerate(texts):
        logits, weights = by_hand(state, WORDS_94, text)
        for found in (together[row], singly[row], by_head[row]):
            np.testing.assert_allclose(found, logits, atol=1e-5, rtol=0)
        np.testing.assert_allclose(attention[row], weights, atol=1e-5, rtol=0)
    assert np.ptp(together) > 0.1
    assert attention.max() > 3 / 49


SIZES = {"dims": 6, "units": 4, "attention": 3, "hidden": 5}


@pytest.mark.parametrize("known", [94, 105, 125])
def test_any_vocabulary_and_either_kind_of_file(tmp_path, known):
    every = ["".join(word) for word in product("acguN", repeat=3)]
    words = list(np.random.default_rng(known).permutation(every)[:known])
    state = original(known, 2, **SIZES)
    save_file(state, tmp_path / "weights.safetensors")
    torch.save(state, tmp_path / "weights.pkl")
    for name in ("weights.safetensors", "weights.pkl"):
        import_original(tmp_path / name, words, ["Y", "I"], tmp_path / "model", window=21)
        model, config = load_model(tmp_path / "model")
        assert (config.window, config.heads) == (21, ["Y", "I"])
        table = model.members[0].embedding.table()
        assert int((table.abs().sum(dim=1) > 0).sum()) == known
        for row, word in enumerate(words):
            assert torch.equal(table[every.index(word)], state["embed.embedding.weight"][row])


def test_the_legacy_file_format_is_read(tmp_path):
    path = tmp_path / "weights.pkl"
    torch.save(original(94, 1, **SIZES), path, _use_new_zipfile_serialization=False)
    assert import_original(path, WORDS_94, ["m6A"], tmp_path / "model").heads == ["m6A"]


def test_more_of_the_configuration_is_written(tmp_path):
    save_file(original(94, 1, **SIZES), tmp_path / "w.safetensors")
    import_original(tmp_path / "w.safetensors", WORDS_94, ["m6A"], tmp_path / "model", config={"motif": "DRACH"})
    document = json.loads((tmp_path / "model" / "config.json").read_text())
    assert document["motif"] == "DRACH"
    assert document["modification"] == ""
    assert ModelConfig("multirm", ["m6A"], 51).calibration == document["calibration"] == {}


def changed(**others) -> dict:
    return original(94, 2, **SIZES) | others


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (changed(**{"NaiveCNN.weight": torch.zeros(2)}), "has a tensor that the original has not.*NaiveCNN"),
        (changed(**{"module.embed.embedding.weight": torch.zeros(2)}), "has a tensor that the original has not"),
        (changed(**{"Attention.V.weight": torch.zeros(3, 3)}), r"Attention.V.weight has another shape than \(2, 3\)"),
        (changed(**{"embed.embedding.weight": torch.zeros(93, 6)}), "94 words and 2 heads"),
        (changed(**{"embed.embedding.weight": torch.zeros(94)}), "is no matrix"),
        (changed(**{"NaiveFC1.0.bias": torch.full((5,), torch.nan)}), "no finite real number.*NaiveFC1.0.bias"),
        (changed(**{"NaiveFC1.0.bias": torch.zeros(5, dtype=torch.int64)}), "no finite real number"),
        (changed(epoch=3), "what is no tensor.*epoch"),
        ({}, r"lacks a tensor.*embed\.embedding\.weight"),
        ({key: value for key, value in changed().items() if key != "NaiveFC1.3.bias"}, r"lacks.*NaiveFC1\.3\.bias"),
        (original(94, 3, **SIZES), r"has a tensor that the original has not for 2 heads.*NaiveFC2"),
    ],
    ids=[
        "unknown",
        "prefixed",
        "heads",
        "words",
        "flat",
        "nan",
        "integers",
        "number",
        "empty",
        "missing",
        "more heads",
    ],
)
def test_state_dicts_that_do_not_fit(state, message):
    with pytest.raises(InputError, match=message):
        convert_original(state, WORDS_94, ["a", "b"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([*WORDS_94[:93], "AAAA"], "word 94 is no 3-mer.*AAAA"),
        ([*WORDS_94[:93], "aaa"], "word 94 is there twice"),
        ([*WORDS_94[:93], "UUU"], "word 94 is there twice"),
        ([*WORDS_94[:93], "AXA"], "no nucleotide"),
    ],
)
def test_words_that_do_not_fit(words, message):
    with pytest.raises(InputError, match=message):
        convert_original(changed(), words, ["a", "b"])


class Harmful:
    """Would write a file when unpickled."""

    def __init__(self, path) -> None:
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_files_that_are_no_weights(tmp_path):
    def read(name: str) -> None:
        import_original(tmp_path / name, WORDS_94, ["a", "b"], tmp_path / "model")

    (tmp_path / "text.pkl").write_text("no weights\n")
    (tmp_path / "text.safetensors").write_text("no weights\n")
    (tmp_path / "empty.pkl").touch()
    torch.save(torch.zeros(3), tmp_path / "tensor.pkl")
    (tmp_path / "harmful.pkl").write_bytes(pickle.dumps({"embed": Harmful(tmp_path / "trace")}, protocol=2))
    torch.save({"embed": Harmful(tmp_path / "trace")}, tmp_path / "zip.pkl")
    torch.save(changed(epoch=3), tmp_path / "more.pkl")
    for name in ("text.pkl", "text.safetensors", "empty.pkl", "harmful.pkl", "zip.pkl"):
        with pytest.raises(InputError, match=f"{name}: not a file of tensors alone"):
            read(name)
    with pytest.raises(InputError, match="not a state dict"):
        read("tensor.pkl")
    with pytest.raises(InputError, match=r"more\.pkl: the state dict holds what is no tensor"):
        read("more.pkl")
    with pytest.raises(InputError, match="no such file"):
        read("nothing.pkl")
    assert not (tmp_path / "trace").exists()
    assert not (tmp_path / "model").exists()
