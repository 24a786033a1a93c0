"""3-mers are numbered in base 5, and their vectors depend on windows and seed alone."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnamarks.errors import InputError
from rnamarks.models.kmer_vectors import KMERS, fit_kmer_vectors, kmer_numbers
from rnamarks.sequences import encode


def windows(n: int = 60, width: int = 31, letters: int = 4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, letters, (n, width)).astype(np.uint8)


def test_kmers_are_in_the_order_of_their_numbers():
    assert len(KMERS) == 125
    assert [KMERS[number] for number in (0, 1, 4, 5, 25, 124)] == ["AAA", "AAC", "AAN", "ACA", "CAA", "NNN"]


@given(st.text("ACGUN", min_size=3, max_size=60))
def test_numbers_name_the_kmers_of_a_sequence(text):
    codes = encode(text)
    numbers = kmer_numbers(codes)
    assert numbers.dtype == codes.dtype
    assert [KMERS[number] for number in numbers] == [text[i : i + 3] for i in range(len(text) - 2)]
    assert kmer_numbers(torch.from_numpy(codes).long()).tolist() == numbers.tolist()


def test_kmers_that_are_never_seen_get_zeros():
    codes = windows()
    codes[0, -1] = 4
    table = fit_kmer_vectors(codes, dims=8, seed=1)
    assert table.shape == (125, 8)
    assert table.dtype == np.float32
    seen = set(kmer_numbers(codes).ravel().tolist())
    assert {number for number in range(125) if table[number].any()} == seen
    assert len(seen) == 65


def test_the_seed_decides():
    codes = windows()
    table = fit_kmer_vectors(codes, dims=8, seed=1)
    np.testing.assert_array_equal(table, fit_kmer_vectors(codes, dims=8, seed=1))
    assert np.abs(table - fit_kmer_vectors(codes, dims=8, seed=2)).max() > 1e-3


@pytest.mark.slow
def test_the_hash_of_text_has_no_part_in_it():
    program = (
        "import numpy as np, hashlib; from rnamarks.models.kmer_vectors import fit_kmer_vectors; "
        "codes = np.random.default_rng(0).integers(0, 4, (20, 31)).astype(np.uint8); "
        "print(hashlib.sha256(fit_kmer_vectors(codes, dims=8, seed=3).tobytes()).hexdigest())"
    )
    found = set()
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        found.add(done.stdout)
    assert len(found) == 1


def test_kmers_of_one_context_are_alike():
    """In sequences of two kinds that never mix, the k-mers of one kind lie closer together than to the other's."""
    random = np.random.default_rng(0)
    weak, strong = random.choice([0, 3], (300, 31)), random.choice([1, 2], (300, 31))
    table = fit_kmer_vectors(np.concatenate([weak, strong]).astype(np.uint8), dims=16, epochs=20, seed=0)
    kinds = [[KMERS.index(a + b + c) for a in pair for b in pair for c in pair] for pair in ("AU", "CG")]
    unit = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9)
    inside = min((unit[kind] @ unit[kind].T).mean() for kind in kinds)
    assert inside > (unit[kinds[0]] @ unit[kinds[1]].T).mean() + 0.5


def test_more_windows_than_wanted_are_drawn_from():
    codes = windows(200)
    few = fit_kmer_vectors(codes, dims=4, seed=0, most_kmers=29 * 20)
    assert np.isfinite(few).all()
    np.testing.assert_array_equal(few, fit_kmer_vectors(codes, dims=4, seed=0, most_kmers=29 * 20))
    assert np.abs(few - fit_kmer_vectors(codes, dims=4, seed=0)).max() > 0


def test_windows_that_hold_nothing():
    with pytest.raises(InputError, match="there are none"):
        fit_kmer_vectors(np.zeros((0, 31), dtype=np.uint8), dims=4, seed=0)
    with pytest.raises(ValueError, match="2 nt hold no k-mer"):
        fit_kmer_vectors(windows(width=2), dims=4, seed=0)
    table = fit_kmer_vectors(np.full((5, 31), 4, dtype=np.uint8), dims=4, seed=0)
    assert np.flatnonzero(table.any(axis=1)).tolist() == [124]


def test_without_gensim_the_message_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "gensim.models", None)
    with pytest.raises(InputError, match="gensim, which is not installed"):
        fit_kmer_vectors(windows(), dims=4, seed=0)
