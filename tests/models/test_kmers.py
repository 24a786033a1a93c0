"""K-mer features by hand."""

from __future__ import annotations

import numpy as np
import pytest

from rnamarks.models import kmers
from rnamarks.models.kmers import is_centred, kmer_codes, kmer_counts, kmer_features, log_ratio, motif_starts
from rnamarks.sequences import encode_windows

SETTINGS = {"longest": 2, "motif": "DRACH", "motif_offset": 2, "reach": 3}


@pytest.fixture
def codes():
    """Random windows of 31 nt, a twentieth of the letters N, DRACH planted in every other one."""
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 4, (60, 31)).astype(np.uint8)
    codes[generator.random(codes.shape) < 0.05] = 4
    codes[::2, 13:18] = encode_windows(["GGACU"])
    return codes


def test_kmers_by_hand():
    codes = encode_windows(["AACNGU", "UUUUUU"])
    assert kmer_codes(codes, 2).tolist() == [[0, 1, -1, -1, 11], [15] * 5]
    counts = kmer_counts(codes, 3)
    assert counts.shape == (2, 64)
    assert counts[0, 1] == 1
    assert counts[0].sum() == 1
    assert counts[1, 63] == 4
    assert kmer_codes(codes, 7).shape == (2, 0)


def test_motif_starts_do_not_run_over_the_edge():
    codes = encode_windows(["CCGGA", "CUGGA", "GGACU", "GGANU"])
    row, start = motif_starts(codes, "GGAC")
    assert (row.tolist(), start.tolist()) == ([2], [0])
    row, start = motif_starts(encode_windows(["GGACAGACU"]), "DRACH")
    assert start.tolist() == [0, 4]


def test_centred_windows_are_told_from_others():
    middles = np.full((200, 7), 1, dtype=np.uint8)
    middles[:, 3] = 0
    assert is_centred(middles)
    middles[:2, 3] = 2
    assert is_centred(middles), "1 in 100 may differ"
    middles[2, 3] = 2
    assert not is_centred(middles)
    middles[2:4, 3] = 0
    middles[4:, 3] = 4
    assert not is_centred(middles), "an unknown middle says nothing"
    middles[:, 3] = 3
    assert is_centred(middles), "whatever the letter"
    assert not is_centred(np.full((5, 7), 4, dtype=np.uint8))


def test_log_ratio_by_hand():
    positive, negative = np.array([[3.0, 1.0], [0.0, 0.0]]), np.array([[1.0, 1.0], [2.0, 0.0]])
    expected = np.log([[(4 / 6) / (2 / 4), (2 / 6) / (2 / 4)], [(1 / 2) / (3 / 4), (1 / 2) / (1 / 4)]])
    assert log_ratio(positive, negative, 1.0) == pytest.approx(expected)
    assert log_ratio(positive.T, negative.T, 1.0, axis=0) == pytest.approx(expected.T)


def test_features_count_kmers_and_name_places(codes):
    found = kmer_features(codes, centred=False, **SETTINGS)
    assert found.shape == (60, 4 + 16 + 31 * 4 + 6 * 16)
    assert found.dtype == np.float32
    assert found[:, :4].toarray() == pytest.approx(np.sqrt(kmer_counts(codes, 1)))
    assert found[:, 4:20].toarray() == pytest.approx(np.sqrt(kmer_counts(codes, 2)))
    ones = found[:, 20 : 20 + 124].toarray().reshape(60, 31, 4)
    assert np.array_equal(ones, np.eye(5)[codes][:, :, :4])


def test_features_around_the_motif(codes):
    around = kmer_features(codes, centred=False, **SETTINGS)[:, -96:].toarray().reshape(60, 6, 16) ** 2
    row, start = motif_starts(codes, "DRACH")
    # offset 0 from the motif's A is always A followed by C
    assert around[:, 3, 1] == pytest.approx(np.bincount(row, minlength=60))
    first = np.zeros((60, 16))
    for window, place in zip(row, start + 2 - 3, strict=True):
        if place >= 0 and (codes[window, place : place + 2] < 4).all():
            first[window, codes[window, place] * 4 + codes[window, place + 1]] += 1
    assert first.any()
    assert around[:, 0] == pytest.approx(first)


def test_centred_windows_add_trinucleotides_by_place(codes):
    without = kmer_features(codes, centred=False, **SETTINGS)
    found = kmer_features(codes, centred=True, **SETTINGS)
    places = found[:, 20 + 124 : 20 + 124 + 29 * 64].toarray().reshape(60, 29, 64)
    assert found.shape[1] == without.shape[1] + 29 * 64
    known = kmer_codes(codes, 3)
    assert np.array_equal(places.sum(axis=2) > 0, known >= 0)
    assert np.array_equal(places.argmax(axis=2)[known >= 0], known[known >= 0])


def test_no_motif_leaves_its_features_out(codes):
    found = kmer_features(codes, centred=False, **SETTINGS | {"motif": ""})
    assert found.shape == (60, 4 + 16 + 31 * 4)


def test_blocks_of_rows_change_nothing(codes, monkeypatch):
    whole = kmer_features(codes, centred=True, **SETTINGS)
    monkeypatch.setattr(kmers, "ROWS_AT_ONCE", 7)
    assert (whole != kmer_features(codes, centred=True, **SETTINGS)).nnz == 0
