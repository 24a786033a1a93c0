from __future__ import annotations

import numpy as np
import pytest

from rnamarks.datasets.redundancy import (
    CLUSTERINGS,
    cdhit_similar,
    mmseqs_clusters,
    neighbour_clusters,
    word_length,
)
from rnamarks.errors import InputError

COMPLEMENT = str.maketrans("ACGU", "UGCA")


def reverse_complement(sequence: str) -> str:
    return sequence.translate(COMPLEMENT)[::-1]


@pytest.mark.parametrize(
    ("identity", "length"), [(0.75, 4), (0.8, 5), (0.85, 6), (0.88, 7), (0.9, 8), (0.95, 10), (1, 10)]
)
def test_word_length_follows_the_identity(identity, length):
    assert word_length(identity) == length


@pytest.mark.parametrize("identity", [0.7, 1.01, 80])
def test_identity_that_cdhit_cannot_serve(identity):
    with pytest.raises(InputError, match=r"0\.75 to 1"):
        word_length(identity)


@pytest.mark.parametrize("prefilter", [True, False])
def test_similar_windows_are_found_and_others_are_not(
    tools, generator, windows_at_random, with_substitutions, prefilter
):
    train = windows_at_random(generator, 60)
    near = [with_substitutions(sequence, 15, generator) for sequence in train[:20]]
    shifted = [
        sequence[15:] + tail for sequence, tail in zip(train[20:30], windows_at_random(generator, 10, 15), strict=True)
    ]
    gapped = [s[:50] + s[53:] + "ACG" for s in train[30:40]]
    far = [with_substitutions(sequence, 35, generator) for sequence in train[40:50]]
    antisense = [reverse_complement(sequence) for sequence in train[50:60]]
    fresh = windows_at_random(generator, 20)
    mask = cdhit_similar(train, near + shifted + gapped + far + antisense + fresh, prefilter=prefilter)
    assert mask.dtype == bool
    assert mask.tolist() == [True] * 40 + [False] * 40


@pytest.mark.parametrize("prefilter", [True, False])
def test_padding_is_no_similarity_and_hides_none(tools, generator, windows_at_random, prefilter):
    a, b, c = windows_at_random(generator, 3)
    train = ["N" * 60 + a[60:], b, "N" * 101]
    test = ["N" * 60 + c[60:], a, b[:50] + "N" * 51, "N" * 101, "N" * 100 + "A"]
    assert cdhit_similar(train, test, prefilter=prefilter).tolist() == [False, True, True, True, False]


def test_windows_shorter_than_cdhit_takes(tools, generator, windows_at_random):
    train = ["ACGUA", "N" * 96 + "CCCCC", *windows_at_random(generator, 2)]
    assert cdhit_similar(train, ["ACGUA", "ACGUU", "N" * 96 + "CCCCC"], prefilter=False).tolist() == [True, False, True]
    assert cdhit_similar([], ["ACGU" * 20]).tolist() == [False]
    assert cdhit_similar(["ACGU" * 20], []).tolist() == []


def test_strand_counts_for_neighbours_but_not_for_linclust(tools, generator, windows_at_random):
    sequences = windows_at_random(generator, 50)
    both = sequences + [reverse_complement(sequence) for sequence in sequences]
    assert len(np.unique(neighbour_clusters(both))) == 100
    assert len(np.unique(mmseqs_clusters(both))) == 50


@pytest.mark.parametrize("name", ["linclust", "neighbours"])
def test_clusters_join_close_variants_and_copies(tools, generator, windows_at_random, with_substitutions, name):
    roots = windows_at_random(generator, 30)
    close = [with_substitutions(sequence, 5, generator) for sequence in roots]
    labels = CLUSTERINGS[name]([*roots, *close, roots[0], "N" * 101, "N" * 101, "ACGUA", "ACGUA"], identity=0.8)
    assert labels[:30].tolist() == list(range(30))
    assert labels[30:60].tolist() == list(range(30))
    assert labels[60] == 0
    assert labels[61] == labels[62]
    assert labels[63] == labels[64]
    assert len(np.unique(labels)) == 32


def test_neighbour_clusters_leave_no_pair_apart(tools, generator, windows_at_random, with_substitutions):
    roots = windows_at_random(generator, 40)
    steps = [roots]
    for _ in range(3):
        steps.append([with_substitutions(sequence, 14, generator) for sequence in steps[-1]])
    chain = [sequence for step in steps for sequence in step]
    labels = neighbour_clusters(chain, identity=0.8)
    assert labels.tolist() == list(range(40)) * 4


def test_only_copies_cluster_without_a_clustering():
    assert CLUSTERINGS["none"](["ACGU", "ACGG", "ACGU"]).tolist() == [0, 1, 0]


def test_prefilter_changes_nothing_on_real_windows(tools, deepm6aseq):
    zebrafish = deepm6aseq[deepm6aseq["species"] == "zebrafish"]
    train = zebrafish.loc[zebrafish["given"] == "train", "sequence"].tolist()[:1500]
    test = zebrafish.loc[zebrafish["given"] == "test", "sequence"].tolist()[:300]
    plain = cdhit_similar(train, test, prefilter=False)
    assert plain.sum() > 0
    assert np.array_equal(cdhit_similar(train, test), plain)
