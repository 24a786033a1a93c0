"""Windows around positions."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnamarks.errors import InputError
from rnamarks.sequences import decode, decode_windows, encode
from rnamarks.sites.motifs import find_motif
from rnamarks.sites.windows import cut_windows, lay, lay_chunks


def found_in_chunks(sequences, motif, offset, width, chunk_nt):
    """(sequence, position, window) of each occurrence of a motif, from sequences laid end to end."""
    for first, laid in lay_chunks(sequences, width // 2, chunk_nt):
        at = find_motif(laid.codes, motif, offset)
        if len(at):
            owner, position = laid.owner(at)
            windows = decode_windows(laid.windows(at, width))
            yield from zip((owner + first).tolist(), position.tolist(), windows, strict=True)


def by_slicing(text: str, position: int, width: int) -> str:
    padded = "N" * width + text + "N" * width
    start = position + width - width // 2
    return padded[start : start + width]


@settings(max_examples=100, deadline=None)
@given(st.text("ACGUN", min_size=1, max_size=30), st.sampled_from([1, 3, 11, 101]))
def test_cut_equals_slicing(text, width):
    windows = cut_windows(encode(text), np.arange(len(text)), width)
    assert windows.dtype == np.uint8
    assert decode_windows(windows) == [by_slicing(text, position, width) for position in range(len(text))]


def test_no_positions():
    assert cut_windows(encode("ACGU"), np.zeros(0, dtype=int), 101).shape == (0, 101)


@pytest.mark.parametrize("position", [-1, 4])
def test_a_site_off_the_end(position):
    with pytest.raises(InputError, match="off the end of its sequence of 4 nt"):
        cut_windows(encode("ACGU"), [0, position], 5)


@pytest.mark.parametrize("width", [0, 100, -3])
def test_a_window_without_a_middle(width):
    with pytest.raises(InputError, match="odd number"):
        cut_windows(encode("ACGU"), [0], width)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.text("AACGU", max_size=40), max_size=8),
    st.sampled_from([1, 20, 10_000]),
    st.sampled_from([1, 5, 41]),
    st.sampled_from([("DRACH", 2), ("A", 0), ("NN", 1)]),
    st.booleans(),
)
def test_chunks_equal_one_transcript_at_a_time(texts, chunk_nt, width, motif_offset, as_text):
    motif, offset = motif_offset
    sequences = texts if as_text else [encode(text) for text in texts]
    expected = [
        (number, position, by_slicing(text, position, width))
        for number, text in enumerate(texts)
        for position in find_motif(encode(text), motif, offset).tolist()
    ]
    found = list(found_in_chunks(iter(sequences), motif, offset, width, chunk_nt))
    assert found == expected


def test_windows_do_not_reach_into_the_neighbour():
    found = list(found_in_chunks(["GGACU", "GGACU"], "DRACH", 2, 11, 100))
    assert found == [(0, 2, "NNNGGACUNNN"), (1, 2, "NNNGGACUNNN")]
    assert not list(found_in_chunks(["UGGA", "CUGG"], "DRACH", 2, 1, 100))


def test_laid_sequences():
    laid = lay(["AC", "", "G"], 2)
    assert decode(laid.codes) == "NNACNNNNGNN"
    assert laid.starts.tolist() == [2, 6, 8]
    owner, position = laid.owner(np.array([2, 3, 8]))
    assert (owner.tolist(), position.tolist()) == ([0, 0, 2], [0, 1, 0])
    assert [first for first, _ in lay_chunks(["A" * 10] * 5, 1, 20)] == [0, 2, 4]


def test_memory_is_that_of_one_chunk():
    rng = np.random.default_rng(0)
    one = rng.integers(0, 4, 5000, dtype=np.uint8)

    def peak(n_transcripts: int) -> int:
        tracemalloc.start()
        for _ in lay_chunks((one for _ in range(n_transcripts)), 50, 100_000):
            pass
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(10)
    assert peak(400) < 1.1 * peak(60)
