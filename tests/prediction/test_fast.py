"""Scores of windows in fast mode, and the comparison of the modes on labelled windows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.evaluation.bootstrap import interval, resampled_metrics, two_sided_p
from rnamarks.models.student import Student
from rnamarks.prediction import fast
from rnamarks.prediction.fast import agreement, compare_modes, score_fast
from rnamarks.prediction.score import score_windows
from rnamarks.training.sampler import TaskData


@pytest.fixture(scope="module")
def student():
    torch.manual_seed(0)
    return Student(["Am", "Y"], receptive=21, filters=8, channels=6, hidden=5)


@pytest.fixture(scope="module")
def windows():
    """Windows of two tasks, of different sizes."""
    random = np.random.default_rng(1)
    return {
        task: TaskData(random.integers(0, 5, (n, 21)).astype(np.uint8), random.random(n) < 0.3)
        for task, n in {"Y": 90, "Am": 50}.items()
    }


class Slow(nn.Module):
    """A model whose logit of a window is the student's and a little noise that depends on the window."""

    def __init__(self, student):
        super().__init__()
        self.student = student

    def forward(self, codes, task):
        return self.student(codes)[:, self.student.tasks.index(task)] + 0.05 * torch.sin(codes.float().sum(dim=1))


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_the_size_of_a_batch_changes_no_score(student, windows, batch_size):
    codes = windows["Y"].codes
    logits = score_fast(student, codes, batch_size=batch_size)
    assert (logits.shape, logits.dtype) == ((90, 2), np.float32)
    np.testing.assert_allclose(logits, score_fast(student, codes), atol=1e-5)


def test_no_windows_have_no_scores(student):
    assert score_fast(student, np.zeros((0, 21), dtype=np.uint8)).shape == (0, 2)


def test_agreement_is_of_ranks():
    scores = np.array([0.1, 3.0, -2.0, 8.0])
    assert agreement(scores, np.exp(scores)) == pytest.approx(1.0)
    assert agreement(scores, -scores) == pytest.approx(-1.0)
    assert agreement(np.array([1, 2, 2, 3]), np.array([1, 2, 3, 4])) == pytest.approx(4.5 / np.sqrt(4.5 * 5))
    assert agreement(scores, np.ones(4)) == agreement(np.ones(4), scores) == 0.0


def test_the_interval_is_that_of_a_paired_bootstrap(student, windows):
    model = Slow(student)
    table = compare_modes(model, student, windows, n=300, seed=5)
    assert list(table.columns) == column_names("modes", task_columns=False)
    assert list(table["task"]) == ["Y", "Am", "mean"]
    data = windows["Y"]
    fast, exact = score_fast(student, data.codes)[:, 1], score_windows(model, data.codes, "Y")
    values, draws = resampled_metrics(data.labels, np.stack([exact, fast]), n=300, seed=5)
    differences = draws["auroc"][1] - draws["auroc"][0]
    found = table.iloc[0]
    assert [found["exact"], found["fast"]] == values["auroc"].tolist()
    expected = (values["auroc"][1] - values["auroc"][0], *interval(differences), two_sided_p(differences))
    assert tuple(found[["difference", "low", "high", "p"]]) == pytest.approx(expected, abs=1e-12)
    assert found["agreement"] == pytest.approx(agreement(fast, exact))
    assert (found["n_positive"], found["n_negative"]) == (data.labels.sum(), (~data.labels).sum())


def test_the_same_scores_differ_by_nothing(student, windows):
    class Same(Slow):
        def forward(self, codes, task):
            return self.student(codes)[:, self.student.tasks.index(task)]

    table = compare_modes(Same(student), student, windows, n=50)
    assert (table[["difference", "low", "high"]] == 0).all(axis=None)
    np.testing.assert_allclose(table["p"], 1.0)
    np.testing.assert_allclose(table["agreement"], 1.0)


def test_tasks_are_resampled_by_streams_of_their_own(student, windows):
    twice = {"Am": windows["Am"], "Y": windows["Am"]}
    draws = compare_modes(Slow(student), student, twice, n=400, seed=2)
    spans = draws["high"] - draws["low"]
    assert spans.iloc[2] < 0.9 * spans.iloc[:2].mean()


@pytest.mark.parametrize("labels", [np.zeros(50, dtype=bool), np.ones(50, dtype=bool)])
def test_both_labels_are_needed(student, windows, labels):
    with pytest.raises(InputError):
        compare_modes(Slow(student), student, {"Am": TaskData(windows["Am"].codes, labels)})


def test_unknown_tasks_and_nothing_at_all_are_refused(student, windows):
    with pytest.raises(InputError, match=r"no such task .*m6A.*; choose one of Am, Y"):
        compare_modes(Slow(student), student, {"m6A": windows["Y"]})
    with pytest.raises(InputError, match="no windows"):
        compare_modes(Slow(student), student, {})


def test_bases_far_apart_are_scored_by_distinct_windows_as_the_whole_sequence_is(student, monkeypatch):
    random = np.random.default_rng(2)
    flank = np.full(10, 4, dtype=np.uint8)
    transcript = np.concatenate([flank, random.integers(0, 4, 900).astype(np.uint8), flank])
    changed = transcript.copy()
    changed[500] ^= 1
    codes = np.concatenate([transcript, changed])
    both = np.array([10, 200, 495, 800])
    sites = {"Y": np.concatenate([both, both + len(transcript)]), "Am": np.array([496, 496 + len(transcript)])}
    asked = []

    def score(student, windows, **options):
        asked.append(len(windows))
        return score_fast(student, windows, **options)

    monkeypatch.setattr(fast, "score_fast", score)
    found = fast.FastEngine(student).score(codes, sites).logits
    # of those on both transcripts two lie near the change
    assert asked == [7]
    logits = student.scan(codes).numpy()
    for task, at in sites.items():
        np.testing.assert_allclose(found[task], logits[at, student.tasks.index(task)], atol=1e-5)
    monkeypatch.setattr(fast, "SPARSE", 10**6)
    whole = fast.FastEngine(student).score(codes, sites).logits
    assert asked == [7]
    for task in sites:
        np.testing.assert_allclose(found[task], whole[task], atol=1e-5)
