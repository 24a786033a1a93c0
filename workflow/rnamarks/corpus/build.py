"""From RNA files to a corpus: lengths, letters, copies, relatives of tests, clusters, hold-out (Penić et al. 2024)."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..datasets.redundancy import linclust
from ..datasets.tools import scratch_folder
from ..errors import InputError
from ..models.tokens import MOST_UNKNOWN, UNK, A, T, letters_to_tokens
from ..sites.drops import KEPT, NOTE, Drops
from ..tables import write_tsv
from .apart import Kept, find_relatives
from .contained import Texts, turned, write_fasta
from .formats import read_rna
from .store import HELD, write_corpus

STAGE = "corpus"
STRANDS = ("both", "same")
_WORD = 11


@dataclass
class _Pile:
    """Sequences that passed, end to end in a file, and a digest of each; 22 bytes of memory per sequence."""

    file: BinaryIO
    lengths: array = field(default_factory=lambda: array("i"))
    digests: array = field(default_factory=lambda: array("Q"))
    sources: array = field(default_factory=lambda: array("H"))

    def add(self, tokens: np.ndarray, source: int) -> None:
        content = tokens.tobytes()
        self.file.write(content)
        self.lengths.append(len(tokens))
        self.digests.frombytes(hashlib.blake2b(content, digest_size=16).digest())
        self.sources.append(source)


def build_corpus(
    sources: Mapping[str, str | Path | Mapping[str, Any]],
    path: str | Path,
    *,
    shortest: int = 16,
    longest: int = 8192,
    identity: float = 0.7,
    coverage: float = 0.8,
    strands: str = "both",
    held: float = 0.01,
    apart: Sequence[tuple[str, str, Sequence[str]]] = (),
    apart_identity: float = 0.8,
    relatives: str | Path | None = None,
    seed: int = 1,
    threads: int = 1,
    report: Callable[[str], None] = print,
) -> Drops:
    """Build a corpus from files of DNA or RNA, plain or gzipped.

    Parameters
    ----------
    sources : mapping of str to path-like or mapping
        Name to FASTA file, or to a source of :func:`~rnamarks.corpus.formats.read_rna`; of sequences that occur several
        times the first stays.
    path : path-like
        Of the corpus.
    shortest, longest : int
        In nt.
    identity, coverage : float
        Of MMseqs2's linclust, ``--min-seq-id`` and ``-c``.
    strands : {"both", "same"}
        ``both`` takes linclust's clusters as they are, in which a sequence and its reverse complement are one.
        ``same`` splits each by the strand on which its members resemble the representative, so that two RNAs that are
        antisense to each other stay two.
    held : float
        Fraction of the clusters, and for the paper's way of the sequences, that is held out; one of them at least,
        unless it is 0.
    apart : sequence of (name, split, sequences)
        What models are tested or judged on: sequences that resemble it leave, see :mod:`rnamarks.corpus.apart`.
    apart_identity : float
    relatives : path-like, optional
        Where to write the table ``relatives``, which says per set of ``apart`` what was found.
    seed, threads : int
    report : callable
        Given a line per step.

    Returns
    -------
    Drops
        Sequences per source and reason.

    Raises
    ------
    InputError
        If a file is damaged, or nothing is left.
    """
    if strands not in STRANDS:
        raise InputError("strands is not both or same", value=strands, remedy="change it")
    drops = Drops()
    with scratch_folder(Path(path).resolve().parent) as folder:
        with open(folder / "sequences", "wb") as handle:
            pile = _Pile(handle)
            for number, (name, source) in enumerate(sources.items()):
                _read(name, source, number, pile, drops, shortest, longest)
                report(f"{name}: read; {len(pile.lengths):,} sequences so far")
        lengths = np.frombuffer(pile.lengths, np.int32)
        if not len(lengths):
            raise InputError(
                "no sequence is left", value=", ".join(sources), remedy="look at the reasons, or add files"
            )
        digests = np.frombuffer(pile.digests, np.uint64).reshape(-1, 2)
        kept = _first_copies(digests)
        origin = np.frombuffer(pile.sources, np.uint16)
        for number, name in enumerate(sources):
            drops.count(STAGE, STAGE, name, "same as an earlier sequence", int(((origin == number) & ~kept).sum()))
        content = np.memmap(folder / "sequences", np.uint8, "r")
        begins = lengths.cumsum(dtype=np.int64) - lengths
        sets = [Kept(*one) for one in apart]
        if sets:
            chosen = np.flatnonzero(kept)
            texts = Texts(content, begins[chosen], lengths[chosen].astype(np.int64))
            found, left = find_relatives(
                texts, sets, identity=apart_identity, threads=threads, folder=folder, report=report
            )
            for number, one in enumerate(sets):
                # a sequence that resembles several sets counts for the first
                leaves = chosen[found.of_set(number)]
                leaves = leaves[kept[leaves]]
                kept[leaves] = False
                for source, count in enumerate(np.bincount(origin[leaves], minlength=len(sources)).tolist()):
                    reason = f"at least {apart_identity:g} identical to {one.name} ({one.split or 'judged'})"
                    drops.count(STAGE, STAGE, list(sources)[source], reason, count)
            if relatives is not None:
                write_tsv(found.table(left, apart_identity), relatives)
        for number, name in enumerate(sources):
            drops.count(STAGE, STAGE, name, KEPT, int((kept & (origin == number)).sum()))
        if not kept.any():
            raise InputError("no sequence is left", value=", ".join(sources), remedy="look at the table of relatives")
        report(f"{int(kept.sum()):,} distinct sequences; clustering them")
        texts = Texts(content, begins[kept], lengths[kept].astype(np.int64))
        clusters = _clusters(texts, folder, identity, coverage, strands, threads)
        members, offsets = _by_cluster(clusters)
        flags = _hold_out(members, offsets, held, seed)
        report(f"{len(offsets) - 1:,} clusters; writing the corpus")
        drops.count(STAGE, STAGE, "all", f"{NOTE}clusters", len(offsets) - 1)
        drops.count(STAGE, STAGE, "all", f"{NOTE}held out with their cluster", int((flags & HELD["cluster"] > 0).sum()))
        write_corpus(
            path,
            map(texts.__getitem__, range(len(texts.lengths))),
            members=members,
            offsets=offsets,
            held=flags,
            about={
                "sources": list(sources),
                "shortest": shortest,
                "longest": longest,
                "identity": identity,
                "coverage": coverage,
                "strands": strands,
                "held": held,
                "seed": seed,
                "apart": sorted({one.name for one in sets}),
                "apart_identity": apart_identity,
                # tells corpora of other sequences apart
                "content": hashlib.sha256(digests[kept].tobytes()).hexdigest(),
                "clusters": len(offsets) - 1,
            },
        )
    return drops


def _read(
    name: str,
    source: str | Path | Mapping[str, Any],
    number: int,
    pile: _Pile,
    drops: Drops,
    shortest: int,
    longest: int,
) -> None:
    counts = dict.fromkeys(("short", "long", "unknown", "odd"), 0)
    for _, sequence in read_rna(source):
        length = len(sequence)
        if not shortest <= length <= longest:
            counts["short" if length < shortest else "long"] += 1
            continue
        tokens = letters_to_tokens(sequence)
        unknown = int((tokens == UNK).sum())
        if unknown > MOST_UNKNOWN * length:
            counts["unknown"] += 1
            continue
        counts["odd"] += bool(unknown)
        pile.add(tokens, number)
    drops.count(STAGE, STAGE, name, f"shorter than {shortest} nt", counts["short"])
    drops.count(STAGE, STAGE, name, f"longer than {longest} nt", counts["long"])
    drops.count(STAGE, STAGE, name, "more than a fifth of the letters are no nucleotides", counts["unknown"])
    drops.count(STAGE, STAGE, name, f"{NOTE}some letters are no nucleotides", counts["odd"])


def _first_copies(digests: np.ndarray) -> np.ndarray:
    """Which sequences are not the same as an earlier one, shape (n,), bool."""
    order = np.lexsort(digests.T)
    ordered = digests[order]
    kept = np.ones(len(digests), dtype=bool)
    kept[order[1:][(ordered[1:] == ordered[:-1]).all(axis=1)]] = False
    return kept


def _clusters(texts: Texts, folder: Path, identity: float, coverage: float, strands: str, threads: int) -> np.ndarray:
    """Of each sequence a number of its cluster; a sequence that linclust leaves out is one of its own."""
    write_fasta(texts, np.arange(len(texts.lengths)), folder / "sequences.fasta")
    clusters = np.arange(len(texts.lengths), dtype=np.int64)
    for first, member in linclust(folder / "sequences.fasta", identity, coverage=coverage, threads=threads):
        clusters[member] = first
    (folder / "sequences.fasta").unlink()
    if strands == "same":
        joined = np.flatnonzero(clusters != np.arange(len(clusters)))
        for index in joined.tolist():
            first = int(clusters[index])
            if _is_antisense(texts[index], texts[first]):
                clusters[index] += len(clusters)
    return clusters


def _is_antisense(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether a sequence shares more words with the reverse complement of another than with the other itself."""
    words = _words(one)
    return len(np.intersect1d(words, _words(turned(other)))) > len(np.intersect1d(words, _words(other)))


def _words(tokens: np.ndarray) -> np.ndarray:
    """Numbers of the distinct k-mers of 11 nt without unknown letters."""
    if len(tokens) < _WORD:
        return np.empty(0, np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(tokens, _WORD)
    windows = windows[((windows >= A) & (windows <= T)).all(axis=1)]
    return np.unique((windows - A).astype(np.int64) @ (4 ** np.arange(_WORD)))


def _by_cluster(clusters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices sorted by cluster, and where each cluster begins among them."""
    members = np.argsort(clusters, kind="stable")
    ordered = clusters[members]
    begins = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return members.astype(np.int32), np.concatenate([begins, [len(members)]]).astype(np.int64)


def _hold_out(members: np.ndarray, offsets: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Bits of :data:`HELD` of each sequence."""
    random = np.random.default_rng([seed, 81])
    flags = np.zeros(len(members), dtype=np.uint8)
    drawn = _draw(random, len(offsets) - 1, fraction)
    flags[members[np.repeat(drawn, np.diff(offsets))]] |= HELD["cluster"]
    flags[_draw(random, len(members), fraction)] |= HELD["random"]
    return flags


def _draw(random: np.random.Generator, count: int, fraction: float) -> np.ndarray:
    """Which of several are held out: each with this probability, and one at least where it is not 0."""
    draws = random.random(count)
    return (draws < fraction) | ((draws == draws.min(initial=1.0)) & (fraction > 0))
