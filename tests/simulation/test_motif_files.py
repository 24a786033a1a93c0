"""Motif files parse, hold the planted words, and their decoys are none of them."""

from __future__ import annotations

import numpy as np
import pytest

from rnamarks.files import open_text
from rnamarks.tables import read_parquet
from rnamarks_simulation.motif_files import DECOYS, PLANTED, motifs, write_meme


def consensus(probabilities):
    return "".join("ACGU"[letter] for letter in probabilities.argmax(axis=1))


@pytest.mark.parametrize("seed", range(3))
def test_planted_words_stand_in_the_middle_and_nowhere_else(seed):
    chosen = motifs(np.random.default_rng(seed))
    assert len(chosen) == DECOYS + len(PLANTED) == len({identifier for identifier, _, _ in chosen})
    assert [identifier for identifier, _, _ in chosen] == sorted(identifier for identifier, _, _ in chosen)
    words = [word for _, word in PLANTED.values()]
    for _, name, probabilities in chosen:
        assert probabilities.sum(axis=1) == pytest.approx(1)
        assert probabilities.min() > 0.004
        text = consensus(probabilities)
        if name in PLANTED:
            assert text[1:-1] == PLANTED[name][1]
            assert len(text) == 7
        else:
            assert 5 <= len(text) <= 8
            padded = "." * 4 + text + "." * 4
            for word in words:
                overlays = [padded[at : at + 5] for at in range(len(padded) - 4)]
                assert max(sum(a == b for a, b in zip(word, part, strict=True)) for part in overlays) <= 3


def test_information_is_that_of_real_binding_motifs():
    contents = [
        (2 + (probabilities * np.log2(probabilities)).sum(axis=1)).sum()
        for _, _, probabilities in motifs(np.random.default_rng(1))
    ]
    # the 97 human motifs of CISBP-RNA have a median of 8.3 bits and 5.5 to 10.3 between the 5th and 95th percentile
    assert 7 < np.median(contents) < 9.5
    assert 4 < min(contents) < max(contents) < 13


def test_an_independent_reader_gets_the_same_matrices(tmp_path):
    reader = pytest.importorskip("memelite.io")
    chosen = motifs(np.random.default_rng(2))
    write_meme(chosen, tmp_path / "plain.meme")
    write_meme(chosen, tmp_path / "inferred.meme", inferred=True)
    plain, inferred = (reader.read_meme(str(tmp_path / f"{name}.meme")) for name in ("plain", "inferred"))
    assert list(plain) == [f"{identifier} {name}" for identifier, name, _ in chosen]
    assert next(iter(inferred)) == f"{chosen[0][0]} ({chosen[0][1].capitalize()})_(RBD_1.00)"
    for (_, _, probabilities), first, second in zip(chosen, plain.values(), inferred.values(), strict=True):
        assert first == pytest.approx(probabilities.T, abs=1e-6)
        assert np.array_equal(first, second)


def test_files_of_a_world_name_the_planted_motifs(downstream):
    _, metadata = read_parquet(downstream / "truth_genes.parquet")
    with open_text(downstream / "human.cisbp_rna.meme.gz") as handle:
        text = handle.read()
    assert text.startswith("MEME version 4\n\nALPHABET= ACGU\n")
    assert len(metadata["planted_motifs"]) == 5
    for entry in metadata["planted_motifs"]:
        assert f"MOTIF {entry['motif']} {entry['protein']}\n" in text
    with open_text(downstream / "zebrafish.cisbp_rna.meme.gz") as handle:
        other = handle.read()
    assert "(Writr1)_(RBD_1.00)\n" in other
    assert "WRITR1" not in other
