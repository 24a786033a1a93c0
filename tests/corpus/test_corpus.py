"""From FASTA files to the store, and what is left of it when things go wrong."""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from rnamarks.corpus.build import STAGE, build_corpus
from rnamarks.corpus.store import HELD, Corpus, write_corpus
from rnamarks.errors import InputError
from rnamarks.models.tokens import letters_to_tokens
from rnamarks.sites.drops import KEPT

needs_mmseqs = pytest.mark.skipif(shutil.which("mmseqs") is None, reason="mmseqs is not on PATH")
COMPLEMENT = str.maketrans("ACGU", "UGCA")


def rna(seed: int, length: int) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGU"), length))


def mutated(sequence: str, seed: int, fraction: float) -> str:
    random = np.random.default_rng([seed, 9])
    letters = np.array(list(sequence))
    chosen = random.random(len(letters)) < fraction
    letters[chosen] = random.choice(list("ACGU"), int(chosen.sum()))
    return "".join(letters)


def fasta(path, records) -> str:
    text = "".join(f">{name} described\n{sequence}\n" for name, sequence in records)
    opened = gzip.open(path, "wt") if str(path).endswith(".gz") else open(path, "w")  # noqa: SIM115
    with opened as handle:
        handle.write(text)
    return path


@pytest.fixture
def built(tmp_path):
    family = [rna(1, 300)]
    family += [mutated(family[0], seed, 0.05) for seed in (1, 2)]
    antisense = mutated(family[0], 3, 0.05)[::-1].translate(COMPLEMENT)
    first = fasta(
        tmp_path / "first.fa.gz",
        [
            *((f"f{i}", one) for i, one in enumerate(family)),
            ("anti", antisense),
            ("dna", rna(2, 200).replace("U", "T").lower()),
            ("short", rna(3, 15)),
            ("edge", rna(4, 16)),
            ("odd", rna(5, 100) + "?" * 10),
            ("protein", "MKLV" * 20),
            ("iupac", rna(6, 50) + "RYN"),
        ],
    )
    second = fasta(tmp_path / "second.fa", [("again", rna(2, 200)), ("long", rna(7, 900)), ("other", rna(8, 120))])

    def build(**options):
        options = {"longest": 800, "held": 0.5, "report": lambda line: None, **options}
        drops = build_corpus({"first": first, "second": second}, tmp_path / "corpus.lmdb", **options)
        return Corpus(tmp_path / "corpus.lmdb"), drops

    return build


@needs_mmseqs
def test_every_sequence_is_kept_or_counted(built):
    corpus, drops = built()
    counts = {(row.source, row.reason): row.rows for row in drops.frame().itertuples()}
    assert counts["first", "shorter than 16 nt"] == 1
    assert counts["second", "longer than 800 nt"] == 1
    assert counts["first", "more than a fifth of the letters are no nucleotides"] == 1
    assert counts["first", "note: some letters are no nucleotides"] == 1
    assert counts["second", "same as an earlier sequence"] == 1
    assert drops.rows(KEPT, stage=STAGE) == len(corpus) == 9
    assert counts["first", KEPT] == 8
    np.testing.assert_array_equal(corpus[4], letters_to_tokens(rna(2, 200)))
    np.testing.assert_array_equal(corpus[7], letters_to_tokens(rna(6, 50) + "RYN"))
    assert corpus.lengths.tolist() == [300, 300, 300, 300, 200, 16, 110, 53, 120]
    assert corpus.about["nt"] == corpus.lengths.sum()


@needs_mmseqs
@pytest.mark.parametrize(("strands", "clusters"), [("both", 6), ("same", 7)])
def test_clusters_join_what_is_alike_and_both_strands_only_if_asked_to(built, strands, clusters):
    corpus, _ = built(strands=strands)
    groups = [set(part.tolist()) for part in np.split(corpus.members, corpus.offsets[1:-1])]
    assert len(groups) == clusters
    assert sorted(map(sorted, groups))[0] == ([0, 1, 2, 3] if strands == "both" else [0, 1, 2])
    assert sorted(corpus.members.tolist()) == list(range(9))


@needs_mmseqs
def test_a_cluster_is_held_out_whole(built):
    corpus, _ = built(seed=3)
    held = corpus.held & HELD["cluster"] > 0
    assert 0 < held.sum() < len(held)
    for group in np.split(corpus.members, corpus.offsets[1:-1]):
        assert len(set(held[group])) == 1
    again, _ = built(seed=3)
    np.testing.assert_array_equal(corpus.held, again.held)


@needs_mmseqs
@pytest.mark.parametrize(("held", "clusters"), [(1e-9, 1), (0.0, 0)])
def test_of_few_clusters_one_is_held_out_unless_none_is_wanted(built, held, clusters):
    corpus, _ = built(held=held)
    flags = corpus.held & HELD["cluster"] > 0
    assert sum(flags[group].all() for group in np.split(corpus.members, corpus.offsets[1:-1])) == clusters
    assert np.count_nonzero(corpus.held & HELD["random"]) == clusters


@needs_mmseqs
def test_nothing_left_is_an_error(tmp_path):
    path = fasta(tmp_path / "x.fa", [("a", "ACGU")])
    with pytest.raises(InputError, match="no sequence is left"):
        build_corpus({"x": path}, tmp_path / "corpus.lmdb", report=lambda line: None)
    assert not (tmp_path / "corpus.lmdb").exists()


def plain(n: int, length: int = 50):
    return {
        "sequences": (np.full(length, 5 + i % 4, np.uint8) for i in range(n)),
        "members": np.arange(n),
        "offsets": np.arange(n + 1),
        "held": np.zeros(n),
        "about": {},
    }


def test_a_store_cut_off_anywhere_is_refused(tmp_path):
    write_corpus(tmp_path / "c.lmdb", **plain(2000))
    assert len(Corpus(tmp_path / "c.lmdb")) == 2000
    content = (tmp_path / "c.lmdb").read_bytes()
    for size in (0, 100, 4096, 8192, len(content) // 2, len(content) - 4096):
        (tmp_path / "cut.lmdb").write_bytes(content[:size])
        with pytest.raises(InputError, match=r"cut off|not a corpus|never finished"):
            Corpus(tmp_path / "cut.lmdb")
    with pytest.raises(InputError, match="no such corpus"):
        Corpus(tmp_path / "none.lmdb")


def test_a_killed_writer_leaves_the_earlier_store(tmp_path):
    write_corpus(tmp_path / "c.lmdb", **plain(3))
    script = tmp_path / "write.py"
    script.write_text(
        "import sys, time, numpy as np\n"
        "from rnamarks.corpus.store import write_corpus\n"
        "def endless():\n"
        "    for i in range(10**9):\n"
        "        if i == 150_000:\n"
        "            print('written', flush=True)\n"
        "        yield np.full(50, 5, np.uint8)\n"
        "n = 10**6\n"
        "arrays = {'members': np.arange(n), 'offsets': np.arange(n + 1), 'held': np.zeros(n)}\n"
        "write_corpus(sys.argv[1], endless(), about={}, **arrays)\n"
    )
    process = subprocess.Popen([sys.executable, script, tmp_path / "c.lmdb"], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "written\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert len(Corpus(tmp_path / "c.lmdb")) == 3


def test_too_few_sequences_for_the_clusters_is_no_store(tmp_path):
    content = plain(5) | {"members": np.arange(6)}
    with pytest.raises(ValueError, match="5 sequences for 6 members"):
        write_corpus(tmp_path / "c.lmdb", **content)
    assert not (tmp_path / "c.lmdb").exists()


def test_a_store_may_be_open_twice_and_a_new_one_takes_its_place(tmp_path):
    write_corpus(tmp_path / "c.lmdb", **plain(3))
    first, again = (Corpus(tmp_path / "c.lmdb") for _ in range(2))
    write_corpus(tmp_path / "c.lmdb", **plain(5))
    assert (len(first), len(again), len(Corpus(tmp_path / "c.lmdb"))) == (3, 3, 5)
    np.testing.assert_array_equal(first[2], again[2])
