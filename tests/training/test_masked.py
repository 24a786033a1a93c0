"""Pre-training: what is masked, in which order a corpus is read, and what is learned from it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from rnamarks.corpus.store import HELD, Corpus, write_corpus
from rnamarks.errors import InputError
from rnamarks.models.language import Language
from rnamarks.models.tokens import CLS, EOS, MASK, A, N, T
from rnamarks.training.masking import MaskedBatch, MaskedSampler, mask_batch, mask_tokens
from rnamarks.training.settings import MaskingSettings, TrainingSettings
from rnamarks.training.targets.base import TOGETHER
from rnamarks.training.targets.masked import TASK, MaskedTarget, split_batch
from rnamarks.training.trainer import train

TINY = {"width": 16, "blocks": 1, "heads": 2, "dropout": 0.0, "attention_dropout": 0.0}


def markov(seed: int, n: int, length: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Sequences of a first-order chain over A C G U, and its transitions."""
    random = np.random.default_rng(seed)
    chain = np.array(
        [[0.05, 0.85, 0.05, 0.05], [0.05, 0.05, 0.85, 0.05], [0.05, 0.05, 0.05, 0.85], [0.85, 0.05, 0.05, 0.05]]
    )
    states = np.empty((n, length), np.int64)
    states[:, 0] = random.integers(4, size=n)
    for at in range(1, length):
        states[:, at] = (random.random((n, 1)) > chain[states[:, at - 1]].cumsum(axis=1)).sum(axis=1)
    return [(row + A).astype(np.uint8) for row in states], chain


def stored(path, sequences, clusters=None, held=0.0) -> Corpus:
    n = len(sequences)
    clusters = np.arange(n) if clusters is None else np.asarray(clusters)
    members = np.argsort(clusters, kind="stable")
    begins = np.flatnonzero(np.r_[True, np.diff(clusters[members]) != 0])
    drawn = np.random.default_rng(5).random(clusters.max() + 1) < held
    flags = np.where(drawn[clusters], HELD["cluster"], 0).astype(np.uint8)
    write_corpus(path, sequences, members=members, offsets=np.r_[begins, n], held=flags, about={})
    return Corpus(path)


def test_of_the_nucleotides_15_percent_are_chosen_and_changed_80_10_10():
    random = np.random.default_rng(1)
    tokens = np.r_[CLS, random.integers(A, T + 1, 200_000), EOS].astype(np.uint8)
    changed, rows = mask_tokens(tokens, 0.15, random)
    n = len(rows)
    assert stats.binomtest(n, 200_000, 0.15).pvalue > 1e-4
    masked = int((changed[rows] == MASK).sum())
    drawn = changed[rows][changed[rows] != MASK]
    # a random letter is the old one in a fifth of the draws
    other = int((drawn != tokens[rows][changed[rows] != MASK]).sum())
    expected = np.array([0.8, 0.1 * 0.8, 0.1 + 0.1 * 0.2]) * n
    assert stats.chisquare([masked, other, n - masked - other], expected).pvalue > 1e-4
    new = drawn[drawn != tokens[rows][changed[rows] != MASK]]
    counts = np.array([(new == one).sum() for one in (*range(A, T + 1), N)])
    # each of A C G U is drawn where it was not before, N everywhere
    assert stats.chisquare(counts, np.array([0.75, 0.75, 0.75, 0.75, 1.0]) / 4 * len(new)).pvalue > 1e-4
    untouched = np.ones(len(tokens), bool)
    untouched[rows] = False
    np.testing.assert_array_equal(changed[untouched], tokens[untouched])
    assert {0, len(tokens) - 1}.isdisjoint(rows)


def test_a_short_sequence_has_one_chosen_nucleotide_at_least():
    for seed in range(20):
        _, rows = mask_tokens(np.array([CLS, A, EOS], np.uint8), 0.01, np.random.default_rng(seed))
        assert rows.tolist() == [1]


def test_a_long_sequence_is_read_in_part_and_its_ends_are_marked(tmp_path):
    corpus = stored(tmp_path / "c", [np.full(50, A, np.uint8), np.full(8, T, np.uint8)])
    starts = set()
    for seed in range(200):
        batch = mask_batch(corpus, np.array([0, 1]), 10, 0.15, np.random.default_rng(seed))
        assert batch.lengths[0] == 10
        assert batch.tokens[0] == CLS
        assert batch.tokens[9] == EOS
        long = batch.tokens[10:]
        assert batch.lengths[1] == len(long) == 10 + (long[0] == CLS) + (long[-1] == EOS)
        starts.add((bool(long[0] == CLS), bool(long[-1] == EOS)))
    assert starts == {(True, False), (False, True), (False, False)}


def test_a_pass_has_each_training_cluster_once_and_members_change(tmp_path):
    # every sequence is told by its length
    sequences = [np.full(20 + i, A, np.uint8) for i in range(60)]
    clusters = np.repeat(np.arange(20), 3)
    corpus = stored(tmp_path / "c", sequences, clusters, held=0.2)
    held = set(clusters[corpus.held > 0])
    assert 0 < len(held) < 20
    sampler = MaskedSampler(corpus, batch_size=4, longest=1022, fraction=0.15, held="cluster", seed=1)
    assert sampler.steps_per_pass == (20 - len(held)) // 4
    seen = []
    for number in range(3):
        batches = [sampler.batch(number * sampler.steps_per_pass + step) for step in range(sampler.steps_per_pass)]
        members = np.concatenate([batch.lengths - 22 for batch in batches])
        drawn = clusters[members]
        assert len(set(drawn)) == len(drawn)
        assert held.isdisjoint(drawn)
        seen.append(tuple(members))
    assert len(set(seen)) == 3
    again = MaskedSampler(corpus, batch_size=4, longest=1022, fraction=0.15, held="cluster", seed=1).batch(7)
    for one, other in zip(again, sampler.batch(7), strict=True):
        np.testing.assert_array_equal(one, other)


def target(corpus, seed=1, **masking) -> MaskedTarget:
    settings = TrainingSettings(batch_size=16, steps_per_epoch=5, validation_windows=40)
    return MaskedTarget(corpus, settings, MaskingSettings(**masking), seed)


@pytest.fixture
def corpus(tmp_path):
    sequences = [np.random.default_rng(i).integers(A, T + 1, 5 + i % 37).astype(np.uint8) for i in range(200)]
    return stored(tmp_path / "c", sequences, held=0.1)


def test_parts_of_a_batch_give_its_gradient(corpus):
    torch.manual_seed(0)
    network = Language({TASK: {"target": "masked"}}, **TINY)

    def gradient(most: int) -> torch.Tensor:
        asked = target(corpus, tokens=most)
        batch = asked.batch(TOGETHER, 0)
        parts = list(asked.parts(batch))
        assert len(parts) == (1 if most > 1000 else 16 if most == 1 else len(parts))
        network.zero_grad()
        for part in parts:
            loss, _ = asked.loss(network, TOGETHER, *map(torch.from_numpy, part))
            (loss * asked.weight(part, batch)).backward()
        return torch.cat([one.grad.flatten() for one in network.parameters() if one.grad is not None])

    whole = gradient(10_000)
    for most in (1, 60):
        torch.testing.assert_close(gradient(most), whole, rtol=1e-4, atol=1e-6)


def test_parts_hold_the_batch_and_no_more(corpus):
    batch = target(corpus).batch(TOGETHER, 3)
    for most in (1, 45, 100, 10_000):
        parts = list(split_batch(MaskedBatch(*batch), most))
        assert all(len(part.tokens) <= most or len(part.lengths) == 1 for part in parts)
        np.testing.assert_array_equal(np.concatenate([part.tokens for part in parts]), batch.tokens)
        np.testing.assert_array_equal(np.concatenate([part.truth for part in parts]), batch.truth)
        starts = np.cumsum([0, *(len(part.tokens) for part in parts)])[:-1]
        rows = np.concatenate([part.rows + start for part, start in zip(parts, starts, strict=True)])
        np.testing.assert_array_equal(rows, batch.rows)


def test_a_perplexity_that_no_number_holds_is_infinite(corpus):
    network, asked = Language({TASK: {"target": "masked"}}, **TINY), target(corpus)
    with torch.no_grad():
        for parameter in network.heads.parameters():
            parameter += 1e4 * torch.randn_like(parameter)
    recorded = {TOGETHER: torch.tensor([[1e6, 0.0, 1.0, 1.0, 1.0, 1.0]])}
    score, [row] = asked.validate(network, asked.stages[0], recorded, torch.device("cpu"))
    assert -np.inf < score < -1000
    assert row["perplexity"] == np.inf
    assert "training perplexity inf" in asked.pace(network, recorded, 1.0, torch.device("cpu"), 1)[1]


def test_nothing_and_all_held_out_is_an_error(tmp_path):
    corpus = stored(tmp_path / "c", [np.full(20, A, np.uint8)])
    with pytest.raises(InputError, match="no sequence is held out"):
        target(corpus)
    corpus = stored(tmp_path / "d", [np.full(20, A, np.uint8)], held=1.0)
    with pytest.raises(InputError, match="d: all clusters are held out"):
        target(corpus)


@pytest.mark.slow
def test_perplexity_on_a_markov_chain_comes_near_its_entropy(tmp_path):
    """A masked nucleotide between two known ones of the chain; one whose neighbour is masked, too, is harder."""
    sequences, chain = markov(1, 3000, 30)
    corpus = stored(tmp_path / "c", sequences, held=0.1)
    settings = TrainingSettings(
        batch_size=64,
        steps_per_epoch=100,
        epochs=6,
        learning_rate=5e-3,
        head_learning_rate=5e-3,
        schedule="one_cycle",
        warm_up=0.1,
    )
    torch.manual_seed(0)
    network = Language({TASK: {"target": "masked"}}, **(TINY | {"width": 32, "blocks": 2, "heads": 2}))
    asked = MaskedTarget(corpus, settings, MaskingSettings(), 1)
    result = train(network, asked, settings, seed=1, checkpoints=tmp_path / "k", report=lambda line: None)
    found = result.history[-1]["nll"]
    # entropy of a nucleotide given both neighbours
    joint = 0.25 * chain[:, :, None] * chain[None, :, :]
    given = joint / joint.sum(axis=1, keepdims=True)
    entropy = -(joint * np.log(given)).sum()
    assert entropy < found < entropy + 0.25
    assert result.history[0]["nll"] > found
