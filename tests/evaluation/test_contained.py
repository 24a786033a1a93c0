"""Windows inside wider windows."""

from __future__ import annotations

import numpy as np
import pytest

from rnamarks.evaluation import contained
from rnamarks.evaluation.contained import find_contained
from rnamarks.sequences import decode_windows, encode_windows


def by_text(short, wide):
    """The same one by one."""
    texts, wides = decode_windows(short), decode_windows(wide)
    return (
        [any(text in other for other in wides) for text in texts],
        [any(text in other for text in texts) for other in wides],
    )


@pytest.mark.parametrize("width", [3, 5, 9])
def test_it_is_what_looking_for_each_text_gives(width):
    random = np.random.default_rng(width)
    short = random.integers(0, 5, (40, width)).astype(np.uint8)
    wide = random.integers(0, 5, (60, 9)).astype(np.uint8)
    for at, (row, offset) in enumerate([(3, 0), (3, 9 - width), (50, (9 - width) // 2)]):
        short[at] = wide[row, offset : offset + width]
    short[7] = short[0]
    inside, holds = find_contained(short, wide, chunk_nt=7 * 9)
    assert (inside.tolist(), holds.tolist()) == by_text(short, wide)
    assert inside[[0, 1, 2, 7]].all()
    assert holds[[3, 50]].all()


def test_a_hash_that_many_share_changes_nothing(monkeypatch):
    def poor(codes, width):
        for offset in range(codes.shape[1] - width + 1):
            yield codes[:, offset : offset + width].sum(axis=1).astype(np.uint64) % np.uint64(3)

    monkeypatch.setattr(contained, "_hashes", poor)
    random = np.random.default_rng(1)
    short, wide = (random.integers(0, 4, (50, width)).astype(np.uint8) for width in (4, 8))
    inside, holds = find_contained(short, wide)
    assert (inside.tolist(), holds.tolist()) == by_text(short, wide)
    assert 0 < inside.sum() < 50


def test_every_letter_of_a_wide_window_counts():
    wide = np.random.default_rng(2).integers(0, 4, (200, 101)).astype(np.uint8)
    short = np.repeat(wide[:, 30:71], 41, axis=0)
    rows = np.arange(len(short))
    short[rows, rows % 41] ^= 1
    assert not find_contained(short, wide)[0].any()
    assert find_contained(wide[:, 30:71], wide)[0].all()


def test_no_window_holds_none():
    none, some = np.zeros((0, 0), dtype=np.uint8), encode_windows(["ACGU"])
    assert [len(found) for found in find_contained(none, some)] == [0, 1]
    assert not find_contained(some, np.zeros((0, 9), dtype=np.uint8))[0].any()
