"""What resembles a test leaves a corpus: what lies in the other always, what aligns nearly as full alignments say."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
from Bio.Align import PairwiseAligner

from rnamarks.corpus.apart import COVERAGE, SHORTEST_PART, Kept, find_relatives
from rnamarks.corpus.build import STAGE, build_corpus
from rnamarks.corpus.contained import Needles, hashed_words, join
from rnamarks.corpus.formats import read_rna
from rnamarks.corpus.store import Corpus
from rnamarks.models.tokens import letters_to_tokens
from rnamarks.sites.drops import KEPT

needs_mmseqs = pytest.mark.skipif(shutil.which("mmseqs") is None, reason="mmseqs is not on PATH")
COMPLEMENT = str.maketrans("ACGU", "UGCA")


def rna(seed: int, length: int) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGU"), length))


def texts(sequences):
    return join([letters_to_tokens(sequence) for sequence in sequences])


def substituted(sequence: str, every: int) -> str:
    return "".join(
        "ACGU"[("ACGU".index(letter) + 1) % 4] if at % every == 1 else letter for at, letter in enumerate(sequence)
    )


def test_contained_sequences_are_found_wherever_they_begin():
    whole = [rna(1, 400), rna(2, 90), "A" * 200, "ACGU" * 3, ""]
    parts = [whole[0][:16], whole[0][-40:], whole[1], whole[0][100:250], "A" * 20, rna(3, 50), whole[0][5:20], "N" * 30]
    others = texts(whole)
    found = set(Needles(texts(parts)).within(others, hashed_words(others)))
    assert found == {(0, 0), (1, 0), (2, 1), (3, 0), (4, 2)}
    # a sequence does not go on in its neighbour
    glued = texts([rna(4, 30), rna(5, 30)])
    across = texts([(rna(4, 30) + rna(5, 30))[20:40]])
    assert not list(Needles(across).within(glued, hashed_words(glued)))


@pytest.fixture
def world(tmp_path):
    test, valid = rna(10, 120), rna(11, 60)
    corpus = {
        "copy": test,
        "holds": rna(12, 700) + valid + rna(13, 300),
        "turned": rna(14, 30) + test[10:40][::-1].translate(COMPLEMENT),
        "piece": test[20:40],
        "turned_piece": test[50:75][::-1].translate(COMPLEMENT),
        "near": substituted(test, 6),
        "turned_near": substituted(test, 6)[::-1].translate(COMPLEMENT),
        "far": substituted(test, 3),
        "unrelated": rna(15, 500),
        "small": rna(16, 20),
    }
    path = tmp_path / "c.fa"
    path.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in corpus.items()))
    return path, list(corpus), [("fold", "test", [test, rna(17, 80)]), ("fold", "valid", [valid.replace("U", "T")])]


@needs_mmseqs
def test_relatives_leave_a_corpus_and_are_counted(world, tmp_path):
    path, names, apart = world
    drops = build_corpus(
        {"c": path}, tmp_path / "c.lmdb", apart=apart, relatives=tmp_path / "relatives.tsv", report=lambda line: None
    )
    corpus = Corpus(tmp_path / "c.lmdb")
    # 30 of 60 nt are no relative: an alignment of 40 nt is asked for, or one sequence within the other
    kept = ["turned", "far", "unrelated", "small"]
    texts_of = {name: letters_to_tokens(text).tobytes() for name, text in read_rna(path)}
    assert {corpus[i].tobytes() for i in range(len(corpus))} == {texts_of[name] for name in kept}
    assert drops.rows(KEPT, stage=STAGE) == len(kept)
    assert drops.rows("at least 0.8 identical to fold (test)") == 5
    assert drops.rows("at least 0.8 identical to fold (valid)") == 1
    table = pd.read_csv(tmp_path / "relatives.tsv", sep="\t").set_index("split")
    assert table.loc["test", ["examples", "related", "fraction", "removed", "left"]].tolist() == [2, 1, 0.5, 5, 0]
    assert table.loc["valid", ["examples", "related", "removed", "left"]].tolist() == [1, 1, 1, 0]
    assert len(names) == len(kept) + 6


@needs_mmseqs
def test_without_anything_apart_nothing_leaves(world, tmp_path):
    path, names, _ = world
    drops = build_corpus({"c": path}, tmp_path / "c.lmdb", report=lambda line: None)
    assert drops.rows(KEPT, stage=STAGE) == len(names)


def exact(one: str, other: str, aligner: PairwiseAligner) -> bool:
    """Whether the best local alignment on either strand makes two sequences relatives at 0.8."""
    shorter = min(len(one), len(other))
    for turned in (other, other[::-1].translate(COMPLEMENT)):
        if aligner.score(one, turned) < 0.3 * shorter:
            continue
        counts = aligner.align(one, turned)[0].counts()
        columns = counts.identities + counts.mismatches + counts.gaps
        if counts.identities >= 0.8 * shorter:
            return True
        if counts.identities >= 0.8 * columns and columns >= max(COVERAGE * shorter, SHORTEST_PART):
            return True
    return False


@needs_mmseqs
@pytest.mark.slow
def test_real_relatives_are_those_of_exact_alignments(shared_data):
    aligner = PairwiseAligner(mode="local", match_score=2, mismatch_score=-3, open_gap_score=-5, extend_gap_score=-2)
    random = np.random.default_rng(1)
    pool = []
    for name in ("rnafm_tutorial/RF00001.fasta.gz", "collections/GtRNAdb.fasta.gz"):
        distinct = sorted({text.upper().replace("T", "U") for _, text in read_rna(shared_data / "ncrna" / name)})
        # letters other than A, C, G and U have no complement here
        plain = [text for text in distinct if 30 <= len(text) <= 200 and not set(text) - set("ACGU")]
        pool.append([plain[i] for i in random.permutation(len(plain))[:80]])
    corpus, examples = [text for part in pool for text in part[:60]], [text for part in pool for text in part[60:]]
    sets = [Kept(str(number), "test", [text]) for number, text in enumerate(examples)]
    found, left = find_relatives(texts(corpus), sets, report=lambda line: None)
    known = np.array([[exact(one, other, aligner) for other in examples] for one in corpus])
    assert known.any(axis=1).sum() > 30
    # 98 % of a larger sample; these are a few dozen, many of them just at 0.8
    assert found.removed[known.any(axis=1)].mean() >= 0.9
    assert found.related[known.any(axis=0)].mean() >= 0.9
    # the margin takes more, but not what is far
    assert found.removed.sum() < 1.5 * known.any(axis=1).sum()
    assert not left.any()
