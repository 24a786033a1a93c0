"""The windows that a teacher is asked about."""

from __future__ import annotations

import numpy as np
import pytest

from rnamarks.sequences import UNKNOWN
from rnamarks.training import lessons
from rnamarks.training.lessons import Pool
from rnamarks.training.sampler import TaskData
from rnamarks.training.settings import DistillationSettings

WINDOW = 41


@pytest.fixture(scope="module")
def training():
    """300 windows of one task and 40 of another; every tenth is modified."""
    random = np.random.default_rng(0)
    return {
        task: TaskData(random.integers(0, 4, (n, WINDOW)).astype(np.uint8), np.arange(n) % 10 == 0)
        for task, n in {"m6A": 300, "Y": 40}.items()
    }


def make(training, receptive=21, **settings):
    return Pool(training, receptive, DistillationSettings(**({"minimum": 100, "maximum": 200} | settings)), seed=1)


def everything(pool):
    return np.concatenate([pool.codes(block) for block in range(pool.n_blocks)])


def test_tasks_get_as_many_windows_as_asked_for(training):
    pool = make(training, copies=0.5)
    own, made = (np.bincount(pool.origin[mask], minlength=2) for mask in (pool.own, ~pool.own))
    np.testing.assert_array_equal(own, [200, 40])
    np.testing.assert_array_equal(made, [100, 60])
    assert len(pool) == 400


def test_where_windows_are_left_out_the_rarer_label_stays(training):
    pool = make(training)
    kept = pool.parent[(pool.origin == 0) & pool.own]
    assert len(np.unique(kept)) == 200
    assert training["m6A"].labels[kept].sum() == 30
    few = make(training, maximum=20)
    assert training["m6A"].labels[few.parent[(few.origin == 0) & few.own]].sum() == 10


def test_own_windows_come_unchanged_and_only_once(training):
    pool = make(training)
    codes = everything(pool)
    for task, data in enumerate(training.values()):
        rows = np.flatnonzero(pool.own & (pool.origin == task))
        assert len(set(pool.parent[rows])) == len(rows)
        np.testing.assert_array_equal(codes[rows], data.codes[pool.parent[rows]])


def test_each_kind_of_change_does_what_it_says(training):
    pool = make(training, copies=4.0, mutation_rate=0.2)
    codes = everything(pool)
    parents = np.stack(
        [list(training.values())[task].codes[row] for task, row in zip(pool.origin, pool.parent, strict=True)]
    )
    middle = WINDOW // 2
    kinds = [pool.kind == kind for kind in range(5)]
    assert min(kind.sum() for kind in kinds) > 100
    _, moved, ended, mutated, shuffled = kinds
    shifts = [
        [s for s in range(-10, 11) if np.array_equal(made[10:31], parent[10 - s : 31 - s])]
        for made, parent in zip(codes[moved], parents[moved], strict=True)
    ]
    assert all(shifts), "moved by no more than the spare flanks, so what is read is all letters"
    assert len({shift[0] for shift in shifts}) == 21
    lost = codes[ended] == UNKNOWN
    assert not lost[:, middle].any()
    assert (lost.any(axis=1) & (lost[:, :middle].any(axis=1) != lost[:, middle:].any(axis=1))).all()
    np.testing.assert_array_equal(codes[ended][~lost], parents[ended][~lost])
    assert (np.diff(lost.astype(int), axis=1) != 0).sum(axis=1).max() == 1
    changed = codes[mutated] != parents[mutated]
    assert not changed[:, middle].any()
    assert changed.mean() == pytest.approx(0.2 * 0.75, abs=0.01)
    near = slice(middle - 3, middle + 4)
    np.testing.assert_array_equal(codes[shuffled][:, near], parents[shuffled][:, near])
    np.testing.assert_array_equal(np.sort(codes[shuffled], axis=1), np.sort(parents[shuffled], axis=1))
    assert (codes[shuffled] != parents[shuffled]).any(axis=1).all()


def test_without_spare_flanks_moved_windows_end_in_n(training):
    pool = make(training, receptive=WINDOW, copies=4.0)
    moved = everything(pool)[pool.kind == 1]
    lost = (moved == UNKNOWN).sum(axis=1)
    assert lost.max() == WINDOW // 4
    assert not (moved[:, WINDOW // 2] == UNKNOWN).any()


def test_blocks_are_the_same_whenever_they_are_asked_for(training, monkeypatch):
    monkeypatch.setattr(lessons, "BLOCK", 64)
    pool, again = make(training, copies=2.0), make(training, copies=2.0)
    assert pool.n_blocks == -(-len(pool) // 64)
    for block in reversed(range(pool.n_blocks)):
        np.testing.assert_array_equal(pool.codes(block), again.codes(block))
    assert sum(len(pool.codes(block)) for block in range(pool.n_blocks)) == len(pool)
