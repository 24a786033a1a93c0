from __future__ import annotations

import numpy as np
import pytest

from rnamarks.datasets.neighbours import best_identity, neighbours, padded_codes
from rnamarks.errors import InputError


def planted_recall(queries, sources, targets, **options) -> float:
    pairs = neighbours(queries, targets, min_identity=0.8, **options)
    found = set(zip(pairs["query"], pairs["target"], strict=True))
    return float(np.mean([(query, source) in found for query, source in enumerate(sources)]))


@pytest.mark.parametrize(("word", "least"), [(9, 0.98), (11, 0.95)])
def test_recall_of_planted_neighbours_among_real_windows(tools, deepm6aseq, generator, with_substitutions, word, least):
    human = deepm6aseq[(deepm6aseq["species"] == "human") & (deepm6aseq["given"] == "train")]
    targets = human["sequence"].tolist()[::10]
    sources = generator.choice(len(targets), 200, replace=False).tolist()
    queries = [with_substitutions(targets[source], 20, generator) for source in sources]
    assert planted_recall(queries, sources, targets, word=word) >= least


@pytest.mark.parametrize("shift", [1, 10, 20])
def test_shifted_windows_have_the_identity_of_their_overlap(tools, generator, windows_at_random, shift):
    transcripts = windows_at_random(generator, 30, 121)
    targets = [transcript[:101] for transcript in transcripts]
    queries = [transcript[shift : shift + 101] for transcript in transcripts]
    pairs = neighbours(queries, targets, min_identity=0.8)
    assert pairs["query"].tolist() == list(range(30))
    assert pairs["target"].tolist() == list(range(30))
    assert np.allclose(pairs["identity"], (101 - shift) / 101)


@pytest.mark.parametrize("n", [1, 5, 10, 20])
def test_identity_counts_substitutions_wherever_they_fall(tools, generator, windows_at_random, n):
    targets = windows_at_random(generator, 30)
    other = {"A": "C", "C": "G", "G": "U", "U": "A"}
    queries = ["".join(other[letter] for letter in sequence[:n]) + sequence[n:] for sequence in targets]
    queries += [sequence[:-n] + "".join(other[letter] for letter in sequence[-n:]) for sequence in targets]
    pairs = neighbours(queries, targets, min_identity=0.75)
    assert pairs["target"].tolist() == list(range(30)) * 2
    assert (pairs["identity"] >= (101 - n) / 101 - 1e-9).all()
    # an alignment with a gap can by chance match more
    assert np.isclose(pairs["identity"], (101 - n) / 101).mean() > 0.9


def test_gapped_neighbours_are_found(tools, generator, windows_at_random):
    targets = windows_at_random(generator, 20)
    queries = [sequence[:50] + sequence[54:] + "ACGU" for sequence in targets]
    pairs = neighbours(queries, targets, min_identity=0.9)
    assert pairs["query"].tolist() == pairs["target"].tolist() == list(range(20))


def test_padding_counts_for_nothing(tools, generator, windows_at_random):
    a, b = windows_at_random(generator, 2)
    padded = "N" * 50 + a[50:]
    pairs = neighbours(
        [padded, "N" * 101, "N" * 80 + a[80:]], [a, padded, b, "N" * 101, "N" * 80 + a[80:]], min_identity=0.8
    )
    assert pairs[["query", "target"]].to_numpy().tolist() == [[0, 0], [0, 1]]
    assert pairs["identity"].tolist() == [1.0, 1.0]


def test_against_itself_every_pair_but_no_window_with_itself(tools, generator, windows_at_random):
    a, b = windows_at_random(generator, 2)
    pairs = neighbours([a, b, a, "N" * 101], min_identity=0.8)
    assert pairs[["query", "target"]].to_numpy().tolist() == [[0, 2], [2, 0]]


def test_nothing_to_find(tools, generator, windows_at_random):
    a, b = windows_at_random(generator, 2)
    for queries, targets in (([], [a]), ([a], []), ([a], [b]), (["N" * 101], [a])):
        pairs = neighbours(queries, targets, min_identity=0.8)
        assert list(pairs) == ["query", "target", "identity"]
        assert pairs.empty


def test_best_identity_is_the_highest_of_each_group(tools, generator, windows_at_random, with_substitutions):
    a, b = windows_at_random(generator, 2)
    targets = [with_substitutions(a, 10, generator), with_substitutions(a, 4, generator), a, b]
    best = best_identity([a], targets, np.array(["x", "x", "y", "y"]))
    assert best["group"].tolist() == ["x", "y"]
    assert best["identity"].tolist() == pytest.approx([97 / 101, 1.0])


def test_codes_of_windows_of_several_lengths():
    assert padded_codes(["AC", "GUNA", ""]).tolist() == [[0, 1, 4, 4], [2, 3, 4, 0], [4, 4, 4, 4]]
    assert padded_codes([]).shape == (0, 0)


def test_identity_out_of_range():
    with pytest.raises(InputError, match="0 to 1"):
        neighbours(["ACGU"], ["ACGU"], min_identity=80)
