"""What a scan has scored so far, taken up again by another."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest

from rnamarks.prediction.kept import Kept


def add_block(kept: Kept, value: float) -> None:
    for name in ("a.logit", "a.top"):
        kept.append(name, np.full(3, value))
    kept.end_block()


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "scan"
    folder.mkdir()
    return folder


def test_a_block_that_is_broken_off_is_made_again(tmp_path, folder):
    kept = Kept(tmp_path, folder, "x")
    add_block(kept, 1.0)
    kept.append("a.logit", np.full(3, 9.0))
    kept.close()
    kept = Kept(tmp_path, folder, "x")
    assert kept.blocks == 1
    add_block(kept, 2.0)
    for name in ("a.logit", "a.top"):
        assert kept.read(name, float, 0, 6).tolist() == [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]
    kept.close()


def test_a_disk_that_takes_only_a_part_says_why(tmp_path, folder, monkeypatch):
    def write(descriptor: int, data: memoryview, at: int) -> int:
        if at >= 16:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return written(descriptor, data[: 16 - at], at)

    written = os.pwrite
    kept = Kept(tmp_path, folder, "x")
    monkeypatch.setattr(os, "pwrite", write)
    with pytest.raises(OSError, match="No space left") as caught:
        kept.append("a.logit", np.ones(3))
    assert caught.value.errno == errno.ENOSPC
    monkeypatch.undo()
    kept.close()
    assert Kept(tmp_path, folder, "x").blocks == 0
