"""Base pairs in files, from probabilities, and against a known structure."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnamarks.errors import InputError
from rnamarks.structure.decoding import allowed_pairs, compare_pairs, decode
from rnamarks.structure.pairs import (
    Structure,
    format_structure,
    layers,
    pseudoknotted,
    read_brackets,
    read_structures,
    sorted_pairs,
    write_brackets,
)


@st.composite
def matchings(draw):
    """Random pairs of distinct positions, pseudoknots and all."""
    n = draw(st.integers(1, 40))
    order = draw(st.permutations(range(n)))
    count = draw(st.integers(0, n // 2))
    return n, sorted_pairs((order[2 * i], order[2 * i + 1]) for i in range(count))


@settings(max_examples=200, deadline=None)
@given(matchings())
def test_every_structure_survives_each_format(case):
    n, pairs = case
    if len(layers(pairs)) <= 30:
        np.testing.assert_array_equal(read_brackets(write_brackets(pairs, n)), pairs)
    for rows in layers(pairs):
        chosen = pairs[rows]
        assert not any(a < c < b < d for a, b in chosen.tolist() for c, d in chosen.tolist())


@pytest.mark.parametrize("kind", ["dbn", "bpseq", "ct"])
@pytest.mark.parametrize("packed", [False, True])
def test_files_come_back_as_they_were(kind, packed, tmp_path):
    pairs = read_brackets("((..[[.))..]].")
    structure = Structure("x", "GGAACCAUUAAGGA", pairs)
    path = tmp_path / f"x.{kind}{'.gz' if packed else ''}"
    opened = gzip.open if packed else open
    with opened(path, "wt") as handle:
        handle.write(format_structure(structure, kind))
    [found] = read_structures(path)
    assert found[:2] == structure[:2]
    np.testing.assert_array_equal(found.pairs, pairs)


BPRNA = "#Name: {}\n#Length:  8 \n#PageNumber: 1\nGGAAAACC\n((....))\n"


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_files_of_bprna_have_their_name_in_a_comment_or_are_called_after_it(ending, tmp_path):
    beside = 'EEHHHHEE\nNNNNNNNN\nS1 1..2 "GG" 7..8 "CC"\nsegment1 2bp 1..2 GG 7..8 CC\n'
    texts = {
        "one.dbn": BPRNA.format("bpRNA_CRW_1"),
        "two.dbn": BPRNA.format("a") + BPRNA.format("b"),
        "bare.dbn": "GGAAAACC\n((....))\n",
        "one.st": BPRNA.format("bpRNA_RFAM_7").replace("GGAA", "#Warning: odd\nGGAA", 1) + beside,
        "two.st": BPRNA.format("a") + beside + BPRNA.format("b") + beside,
        "bare.st": "GGAAAACC\n((....))\n" + beside,
    }
    found = {}
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text.replace("\n", ending).encode())
        structures = list(read_structures(tmp_path / name))
        found[name] = [one.name for one in structures]
        for one in structures:
            assert one.sequence == "GGAAAACC"
            assert one.pairs.tolist() == [[0, 7], [1, 6]]
    assert found == {
        "one.dbn": ["bpRNA_CRW_1"],
        "two.dbn": ["a", "b"],
        "bare.dbn": ["bare"],
        "one.st": ["bpRNA_RFAM_7"],
        "two.st": ["a", "b"],
        "bare.st": ["bare"],
    }


def test_pseudoknots_are_the_pairs_of_the_shorter_stem():
    pairs = read_brackets("(((..[[.)))..]].")
    assert pseudoknotted(pairs).sum() == 2
    np.testing.assert_array_equal(pairs[pseudoknotted(pairs)], [[5, 14], [6, 13]])
    assert not pseudoknotted(read_brackets("((..))(..)")).any()
    assert not len(pseudoknotted(read_brackets("....")))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.dbn", ">a\nACGU\n(..\n", "x.dbn:3: 4 nt and 3 signs"),
        ("x.dbn", ">a\nACGU\n((.)\n", "x.dbn:3: position 1 of the dot-bracket is never closed"),
        ("x.dbn", ">a\nACGU\n..))\n", "x.dbn:3: position 3 of the dot-bracket closes nothing"),
        ("x.dbn", ">a\nACGU\n..!.\n", "x.dbn:3: position 3 is no sign"),
        ("x.dbn", ">a\nACGU\n", "x.dbn:2: the last structure is cut off"),
        ("x.dbn", "a\nACGU\n....\n", "x.dbn:1: not a name behind >"),
        ("x.dbn", "ACGU\n", "x.dbn:1: the last structure is cut off"),
        ("x.dbn", "#Name: a\nACGU\n#Name: b\nACGU\n....\n", "x.dbn:3: the structure above is cut off"),
        ("x.dbn", "ACGU\n....\n#Name: b\nACGU\n....\n", "x.dbn:3: the structure above is cut off (found 'ACGU')"),
        ("x.st", "#Name: a\nACGU\n", "x.st:2: the structure is cut off (found 'a')"),
        ("x.st", "#Name: a\nACGU\n#Name: b\nACGU\n....\n", "x.st:3: the structure is cut off"),
        ("x.st", "#Name: a\nACGU\n...\n", "x.st:3: 4 nt and 3 signs (found 'a')"),
        ("x.st", "", "x.st:1: the structure is cut off"),
        ("x.bpseq", "1 A 2\n2 C 0\n", "nucleotide 1 pairs with 2, but not 2 with 1"),
        ("x.bpseq", "1 A 9\n", "nucleotide 1 pairs with 9"),
        ("x.bpseq", "1 A 0\n3 C 0\n", "x.bpseq:2: nucleotide 2 is missing"),
        ("x.bpseq", "1 A\n", "x.bpseq:1: not a line of the format"),
        ("x.ct", "3 x\n1 A 0 2 0 1\n", "1 nucleotides where 3 should be"),
        ("x.ct", "x 3\n", "x.ct:1: the first line has no length"),
        ("x.txt", "", "not a file of structures"),
    ],
)
def test_faults_of_a_file_are_named_with_their_line(name, text, message, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as caught:
        list(read_structures(tmp_path / name))
    assert message in str(caught.value)


def test_two_partners_cannot_be_written():
    with pytest.raises(InputError, match="two partners"):
        write_brackets(np.array([[0, 5], [0, 9]]), 10)


def test_only_canonical_pairs_with_a_loop_may_form():
    mask = allowed_pairs("GAAAC")
    assert np.argwhere(mask).tolist() == [[0, 4]]
    assert not allowed_pairs("GAAC").any()
    assert allowed_pairs("gaaat").tolist() == allowed_pairs("GAAAU").tolist()
    assert allowed_pairs("NNNNN", canonical=False, shortest_loop=2).sum() == 6
    assert not allowed_pairs("NNNNN").any()


def greedy(probabilities: np.ndarray, sequence: str, threshold: float) -> list[list[int]]:
    """The published rule, step by step: best pair, then its rows and columns are cleared."""
    left = np.where(allowed_pairs(sequence) & (probabilities > threshold), probabilities, 0.0)
    found = []
    while left.max() > 0:
        i, j = np.unravel_index(left.argmax(), left.shape)
        found.append([int(i), int(j)])
        for at in (i, j):
            left[at, :] = left[:, at] = 0
    return sorted(found)


@pytest.mark.parametrize("seed", range(20))
def test_decoding_is_the_published_rule(seed):
    random = np.random.default_rng(seed)
    sequence = "".join(random.choice(list("ACGU"), 40))
    probabilities = np.round(random.random((40, 40)), 2)
    for threshold in (0.0, 0.5, 0.9):
        assert decode(probabilities, sequence, threshold).tolist() == greedy(probabilities, sequence, threshold)


@pytest.mark.parametrize("seed", range(20))
def test_agreement_is_that_of_relaxed_matrices(seed):
    random = np.random.default_rng(seed)

    def draw() -> np.ndarray:
        return sorted_pairs((i, j) for i, j in random.integers(0, 30, (12, 2)).tolist() if i != j)

    found, known = draw(), draw()
    for relaxed in (False, True):

        def matrix(pairs: np.ndarray) -> np.ndarray:
            plain = np.zeros((34, 34))
            plain[tuple((pairs + 2).T)] = 1
            return plain

        def wide(pairs: np.ndarray, relaxed: bool = relaxed) -> np.ndarray:
            plain = matrix(pairs)
            moved = [plain] + [np.roll(plain, step, axis) for step in (1, -1) for axis in (0, 1)]
            return np.max(moved, axis=0) if relaxed else plain

        precision = (matrix(found) * wide(known)).sum() / len(found)
        recall = (matrix(known) * wide(found)).sum() / len(known)
        agreed = compare_pairs(found, known, relaxed=relaxed)
        assert agreed.precision == pytest.approx(precision)
        assert agreed.recall == pytest.approx(recall)
    assert compare_pairs(found, found) == (1, 1, 1)
    assert compare_pairs(found[:0], known) == (0, 0, 0)
