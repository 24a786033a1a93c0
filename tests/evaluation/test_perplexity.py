"""Perplexity of models and of counts, on the same masked nucleotides."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch

from rnamarks.corpus.store import HELD, Corpus, write_corpus
from rnamarks.errors import InputError
from rnamarks.evaluation.context_counts import ContextCounts
from rnamarks.evaluation.perplexity import COLUMNS, judge_baselines, judge_sets, summarise
from rnamarks.models.language import Language
from rnamarks.models.language_files import load_language
from rnamarks.models.tokens import CLS, EOS, MASK, A, N, T, letters_to_tokens
from rnamarks.training.masking import MaskedBatch
from rnamarks.training.pretrain import OUTPUTS, pretrain
from rnamarks.training.settings import MaskingSettings, TrainingSettings
from rnamarks.training.targets.masked import TASK

TINY = {"width": 16, "blocks": 1, "heads": 2}


def chain(random: np.random.Generator, length: int) -> np.ndarray:
    """A C G U in turn, with a jump in one of ten places."""
    return A + (random.integers(4) + np.where(random.random(length) < 0.1, 2, 1).cumsum()) % 4


def stored(path, sequences, held) -> Corpus:
    n = len(sequences)
    flags = np.where(held, HELD["cluster"], 0)
    write_corpus(path, sequences, members=np.arange(n), offsets=np.arange(n + 1), held=flags, about={})
    return Corpus(path)


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    random = np.random.default_rng(1)
    sequences = [chain(random, 40 + i % 30).astype(np.uint8) for i in range(400)]
    return stored(tmp_path / "c.lmdb", sequences, np.arange(400) % 8 == 0)


@pytest.fixture
def judged() -> pd.DataFrame:
    random = np.random.default_rng(2)
    text = ["".join("ACGU"[i] for i in random.integers(0, 4, 50)) for _ in range(60)]
    return pd.DataFrame({"name": range(60), "set": ["one"] * 40 + ["two"] * 20, "sequence": text})


def test_a_models_perplexity_is_that_of_its_history_and_its_interval_holds_it(corpus, judged, tmp_path):
    settings = TrainingSettings(batch_size=10, steps_per_epoch=4, epochs=1, validation_windows=30)
    history = pretrain(
        corpus.path, tmp_path / "m", TINY, settings, MaskingSettings(), seed=1, checkpoints=tmp_path / "k", report=str
    )
    network, _ = load_language(tmp_path / "m")
    found = judge_sets(network, corpus, judged, language="tiny", seed=4, most=30, draws=200)
    assert list(found) == list(COLUMNS)
    assert found["set"].tolist() == ["held", "one", "two"]
    held = found.iloc[0]
    assert held["perplexity"] == pytest.approx(history["perplexity"].iloc[-1], rel=1e-5)
    assert held["accuracy"] == pytest.approx(history["accuracy"].iloc[-1])
    assert (found["low"] < found["perplexity"]).all()
    assert (found["perplexity"] < found["high"]).all()
    assert found["sequences"].tolist() == [30, 30, 20]
    assert set(found["parameters"]) == {sum(one.numel() for one in network.parameters())}
    assert set(found["seed"]) == {4}


def test_counts_of_more_neighbours_come_nearer_to_a_chain(corpus, judged):
    found = judge_baselines(corpus, judged, draws=100).set_index(["language", "set"])
    held = found.xs("held", level="set")["perplexity"]
    assert 1.2 < held["kmer7"] < held["markov3"] < held["composition"] < 4
    # of random letters nothing is known but where they are shown
    assert found.loc[("composition", "one"), "perplexity"] == pytest.approx(
        math.exp(0.8 * math.log(4) + 0.2 * 0.7), rel=0.1
    )
    assert found.loc[("kmer7", "one"), "perplexity"] > found.loc[("composition", "one"), "perplexity"]
    assert found.loc[("kmer7", "held"), "parameters"] == 3 * 4**6


def test_what_is_not_known_of_the_neighbours_is_left_out():
    counts = ContextCounts(3, 3)
    text = "ACGUACGGNACCGUUAGCA"
    counts.add([letters_to_tokens(text), letters_to_tokens("GGCA")])

    def expected(before: str, after: str) -> np.ndarray:
        """Straight from the definition."""
        letters = [one[i] for one in (text, "GGCA") for i in range(len(one)) if match(one, i, before, after)]
        own = np.array([letters.count(letter) for letter in "ACGU"], float)
        total = len(letters)
        if not before and not after:
            return (own + 1) / (total + 17)
        lower = expected(before[1:], after) if len(before) >= len(after) else expected(before, after[:-1])
        return (own + 5 * lower) / (total + 5)

    def match(one: str, i: int, before: str, after: str) -> bool:
        return one[:i].endswith(before) and one[i + 1 :].startswith(after)

    shown = [CLS, *letters_to_tokens("GACG"), MASK, *letters_to_tokens("AC"), MASK, *letters_to_tokens("GU"), N, EOS]
    rows = np.array([5, 8])
    batch = MaskedBatch(np.array(shown, np.uint8), np.array([13]), rows, np.array([A, T]))
    nll, right = counts.losses(batch)
    first, second = expected("ACG", "AC"), expected("AC", "GU")
    np.testing.assert_allclose(nll, [-np.log(first[0]), -np.log(second[3])])
    assert right.tolist() == [first.argmax() == 0, second.argmax() == 3]


def test_what_is_shown_counts_as_the_masking_goes():
    """Shown A: it is the letter itself in 10 of 12 cases that are A, and random else."""
    counts = ContextCounts(0, 0)
    counts.add([letters_to_tokens("ACGU" * 1000)])
    batch = MaskedBatch(np.array([CLS, A, EOS], np.uint8), np.array([3]), np.array([1]), np.array([A]))
    nll, right = counts.losses(batch)
    assert right.tolist() == [True]
    assert math.exp(-nll[0]) == pytest.approx(0.12 / (0.12 + 3 * 0.02), rel=1e-2)


def test_intervals_are_of_sequences_not_nucleotides():
    rows = np.arange(1000)
    batch = MaskedBatch(np.zeros(1000, np.uint8), np.full(10, 100), rows, rows)
    spread = np.repeat(np.arange(10) / 10, 100)
    found = summarise(batch, spread, rows > 0, 2000)
    assert found["perplexity"] == pytest.approx(math.exp(spread.mean()))
    assert math.log(found["high"] / found["low"]) == pytest.approx(2 * 1.96 * spread.std() / math.sqrt(10), rel=0.15)


def test_nothing_to_judge_on_or_with_is_an_error(tmp_path):
    empty = stored(tmp_path / "c.lmdb", [np.full(20, A, np.uint8)], [False])
    torch.manual_seed(0)
    with pytest.raises(InputError, match="no RNA to judge"):
        judge_sets(Language(OUTPUTS, **TINY), empty, language="x")
    with pytest.raises(InputError, match="no head for masked tokens"):
        judge_sets(Language({"a": {"target": "label"}}, **TINY), empty, language="x")
    assert TASK in OUTPUTS
