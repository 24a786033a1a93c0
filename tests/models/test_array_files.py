"""Files of arrays are the same bytes for the same content."""

from __future__ import annotations

import numpy as np
from safetensors import safe_open

from rnamarks.models.array_files import read_arrays, write_arrays

ABOUT = {
    "weights": "a" * 64,
    "format": "made",
    "settings": '{"source": "Ψ of \\"mine\\"\\n"}',
    "sha256": "b",
    "e": "\x01\x7f/",
}


def test_the_order_of_what_is_said_changes_nothing(tmp_path):
    arrays = {"b": np.arange(6.0).reshape(2, 3).T, "a": np.array([1, 2], np.uint8)}
    for turn in range(8):
        write_arrays(tmp_path / str(turn), arrays, dict(list(ABOUT.items())[::-1] if turn % 2 else ABOUT))
    assert len({(tmp_path / str(turn)).read_bytes() for turn in range(8)}) == 1
    read = read_arrays(tmp_path / "0")
    assert {name: array.tolist() for name, array in read.items()} == {name: a.tolist() for name, a in arrays.items()}
    with safe_open(tmp_path / "0", "np") as handle:
        assert handle.metadata() == ABOUT
