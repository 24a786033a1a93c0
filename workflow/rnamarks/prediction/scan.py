"""All modifications at every fitting base of any sequences: what ``rnamarks scan`` does.

Three passes, none of which holds more than a block. The first reads the sequences into a file of codes, one byte per
nt, with a gap between two, so that from there on blocks and batches run across sequences. The second scores every
tested base and keeps its p-value (4 bytes) on disk, and the bases that are called. Then the q-values are known, and the
third writes the rows, with what the networks attended to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

import numpy as np
import pandas as pd

from ..errors import InputError
from ..models.directory import ModelConfig
from ..progress import Progress
from ..sequences import LETTERS, UNKNOWN
from ..sites.motifs import bases_at_offset, find_motif
from .attended import spread_words, top_windows
from .exact import Engine, ExactEngine, Loaded
from .significance import FalseDiscoveries, Null
from .spool import Spool

ALPHA = 0.05
TOP = 3
"""Places that the column ``top`` names: each the middle of three nt that are attended to."""
COLUMNS = ("sequence", "position", "base", "modification", "probability", "p", "q", "top", "logit")
ATTENTION_COLUMNS = ("sequence", "position", "modification", "attended", "base", "weight")
ENDS = ("pad", "skip")
_FDR = 0.1
_ROWS = 1 << 20
_NOWHERE = np.iinfo(np.int16).min
_FIELDS = {"modification", "base", "motif", "motif_offset"}


@dataclass(frozen=True)
class Mark:
    """What one head is asked about.

    Attributes
    ----------
    head : str
    modification : str
        MODOMICS short name.
    base : str
        A, C, G or U.
    motif : str
        IUPAC; only bases in it are tested.
    offset : int
        0-based place of the base in the motif.
    """

    head: str
    modification: str
    base: str
    motif: str
    offset: int

    def find(self, codes: np.ndarray) -> np.ndarray:
        """0-based positions of the bases to test, ascending; see :func:`rnamarks.sites.motifs.find_motif`."""
        if set(self.motif) == {"N"}:
            return find_motif(codes, self.base)
        at = find_motif(codes, self.motif, self.offset)
        return at[codes[at] == "ACGU".index(self.base)]


def marks_of(config: ModelConfig, wanted: Sequence[str] = (), *, path: str | Path | None = None) -> list[Mark]:
    """What a model's heads are asked about, in the order of the heads.

    Parameters
    ----------
    config : ModelConfig
    wanted : sequence of str
        Modifications or heads; default all.
    path : path-like, optional
        The model directory, for the message.

    Raises
    ------
    InputError
        If the heads are no modifications, are described badly, or one that is wanted is none of them.
    """
    if not config.modifications:
        raise InputError(
            "the heads of the model are no modifications",
            path=path,
            value=", ".join(config.heads),
            remedy="scan with a model of several modifications, or use rnamarks predict --head",
        )
    tested = []
    for head in config.heads:
        entry = config.modifications.get(head, {})
        if not set(entry) >= _FIELDS:
            raise InputError(
                f"the model does not say which bases {head} is about",
                path=path,
                value=sorted(_FIELDS - set(entry)),
                remedy="use the version of rnamarks that wrote it",
            )
        motif, offset = entry["motif"].upper().replace("T", "U"), int(entry["motif_offset"])
        if entry["base"] not in bases_at_offset(motif, offset):
            raise InputError(f"{motif} cannot have {entry['base']} at {offset}", path=path, value=head)
        tested.append(Mark(head, entry["modification"], entry["base"], motif, offset))
    names = [entry.modification for entry in tested]
    if len(set(names)) < len(names):
        raise InputError("two heads of the model are about one modification", path=path, value=", ".join(names))
    for name in wanted:
        if name not in {*names, *config.heads}:
            raise InputError("the model has no such modification", value=name, remedy=f"choose from {', '.join(names)}")
    return [entry for entry in tested if not wanted or {entry.modification, entry.head} & set(wanted)]


class Calls(NamedTuple):
    """Called bases of one block, in the order of the sequences, positions and heads.

    ``table``, columns :data:`COLUMNS`, ``position`` 1-based; ``number``, shape=(n,): of the sequence in the spool;
    ``weights``, shape=(n, width): attention to the nucleotides around the base, sum 1 less what lies beyond the
    sequence, or None where it was not wanted.
    """

    table: pd.DataFrame
    number: np.ndarray
    weights: np.ndarray | None


class Sink(Protocol):
    """What takes the rows of a scan."""

    def write(self, calls: Calls) -> None:
        """Take the rows of one block."""


@dataclass(frozen=True)
class ScanOptions:
    """What is scored and what is written.

    Attributes
    ----------
    alpha : float or None
        Only bases with p below this; None for all that are tested.
    fdr : float or None
        Besides, only bases with q below this.
    ends : {"pad", "skip"}
        Bases nearer to an end than half a window are scored with N beyond it, or left out.
    top : bool
        Whether the networks are asked where they looked.
    weights : bool
        Whether the attention to each nucleotide is kept for the sinks.
    """

    alpha: float | None = ALPHA
    fdr: float | None = None
    ends: str = "pad"
    top: bool = True
    weights: bool = False

    def __post_init__(self) -> None:
        if self.ends not in ENDS:
            raise InputError("there is no such way to treat ends", value=self.ends, remedy=f"use {' or '.join(ENDS)}")
        for name, value in (("alpha", self.alpha), ("fdr", self.fdr)):
            if value is not None and not 0 < value <= 1:
                raise InputError(f"{name} must lie above 0 and not above 1", value=value, remedy="use for example 0.05")

    @property
    def highest_p(self) -> float:
        """No base with a p of this or more is written."""
        # q is never below p
        return min(limit for limit in (self.alpha, self.fdr, np.inf) if limit is not None)


def scan(
    spool: Spool,
    loaded: Loaded,
    marks: Sequence[Mark],
    null: Mapping[str, Null],
    sinks: Collection[Sink],
    options: ScanOptions,
    *,
    scratch: Path,
    reader: ExactEngine | None = None,
    progress: Progress = lambda done, total: None,
    warn: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Score every fitting base of spooled sequences, and hand the called ones to the sinks.

    Parameters
    ----------
    spool : Spool
        With a gap of at least half the window and the longest motif; see :func:`gap_for`.
    loaded : Loaded
    marks : sequence of Mark
    null : mapping of str to Null
        Per head.
    sinks : collection of Sink
    options : ScanOptions
    scratch : Path
        Folder for files of 4 bytes per test and about 24 per call.
    reader : ExactEngine, optional
        Is asked where it looked, if ``options.top`` says so; ``loaded.engine`` itself in exact mode.
    progress : callable
        Called with the tests that are done and all tests.
    warn : callable

    Returns
    -------
    pandas.DataFrame
        One row per modification: ``modification``, ``tested`` (bases), ``called`` (rows written), ``below`` (bases
        with q below 0.1).

    Notes
    -----
    q is Benjamini's and Hochberg's over all bases of this call that were tested for the modification. For that, 8 bytes
    per base of one modification at a time are in memory; everything else is that of one block.
    """
    flank = loaded.engine.width // 2
    for mark in marks:
        if mark.head not in loaded.calibration:
            warn(f"the model has no calibration for {mark.modification}: its probability is left empty")
    tally = _count(spool, marks, flank, options.ends)
    _report(tally, spool, flank, options.ends, warn)
    total = tally.tests
    if not options.top or reader is None or not reader.attends:
        reader = None
    kept = {mark.head: _Kept(scratch, index) for index, mark in enumerate(marks)}
    done = 0
    progress(done, total)
    with ExitStack() as files:
        for one in kept.values():
            files.enter_context(one)
        for first, codes, sites in _sites(spool, marks, flank, options.ends):
            scores = loaded.engine.score(codes, sites, attend=reader is loaded.engine)
            called, p = {}, {}
            for head, logits in scores.logits.items():
                if not np.isfinite(logits).all():
                    raise FloatingPointError("the model gave a logit that is not finite")
                p[head] = null[head].p(logits).astype(np.float32)
                called[head] = np.flatnonzero(p[head] < options.highest_p)
            looked = None
            if reader is loaded.engine:
                looked = {head: scores.weights[head][rows] for head, rows in called.items()}
            elif reader is not None:
                places = {head: sites[head][rows] for head, rows in called.items()}
                looked = reader.score(codes, places, attend=True).weights
            for head, rows in called.items():
                at = sites[head][rows] + (first - spool.gap)
                letters = None if looked is None else _to_letters(spool, at, looked[head], reader.letters)
                kept[head].add(p[head], rows, at, scores.logits[head], letters, options.weights)
            done += sum(map(len, sites.values()))
            progress(done, total)
    rows = []
    for mark in marks:
        one = kept[mark.head]
        below = one.adjust(options.fdr)
        rows.append((mark.modification, one.tests, len(one.at), below))
    for calls in _calls(spool, loaded, marks, kept):
        for sink in sinks:
            sink.write(calls)
    return pd.DataFrame(rows, columns=["modification", "tested", "called", "below"])


def gap_for(marks: Sequence[Mark], *engines: Engine) -> int:
    """Codes of 4 that sequences need between them."""
    return max([1, *(engine.width // 2 for engine in engines), *(len(mark.motif) for mark in marks)])


class _Kept:
    """p-values of all tests of a head, and what there is to say of its calls, in files until :meth:`adjust`."""

    def __init__(self, folder: Path, index: int) -> None:
        self._folder, self._index = folder, index
        self._files: dict[str, BinaryIO] = {}
        self.tests, self._calls = 0, 0

    def __enter__(self) -> _Kept:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()

    def add(
        self,
        p: np.ndarray,
        rows: np.ndarray,
        at: np.ndarray,
        logits: np.ndarray,
        letters: np.ndarray | None,
        weights: bool,
    ) -> None:
        """Take the tests of a block: all p-values, the rows called, their places, all logits, and calls' attention."""
        columns = {"all": p, "at": at, "logit": logits[rows], "p": p[rows]}
        if letters is not None:
            columns["top"] = _top(letters)
            if weights:
                columns["weights"] = letters
        for name, values in columns.items():
            if name not in self._files:
                self._files[name] = open(self._path(name), "wb")  # noqa: SIM115
            self._files[name].write(np.ascontiguousarray(values).tobytes())
        self.tests += len(p)
        self._calls += len(at)

    def adjust(self, fdr: float | None) -> int:
        """Find the q-values, keep the calls below ``fdr``, and say how many of all tests are below 0.1."""
        every = np.fromfile(self._path("all"), dtype=np.float32) if self.tests else np.zeros(0, dtype=np.float32)
        discoveries = FalseDiscoveries(every)
        p = self._column("p", np.float32)
        with open(self._path("q"), "wb") as file:
            for start in range(0, self._calls, _ROWS):
                file.write(discoveries.q(p[start : start + _ROWS]).tobytes())
        q = self._column("q", np.float32)
        self._rows = None if fdr is None else np.flatnonzero(q < fdr)
        self.p, self.q, self.at = p, q, self._column("at", np.int64)
        if self._rows is not None:
            self.p, self.q, self.at = p[self._rows], q[self._rows], self.at[self._rows]
        return discoveries.below(_FDR)

    def read(self, name: str, rows: slice, kind: type) -> np.ndarray | None:
        """What is kept of some calls, shape (n, ...); None where nothing of the name is."""
        if name not in self._files:
            return None
        return np.array(self._column(name, kind)[rows if self._rows is None else self._rows[rows]])

    def _path(self, name: str) -> Path:
        return self._folder / f"{self._index}.{name}"

    def _column(self, name: str, kind: type) -> np.ndarray:
        if not self._calls:
            return np.zeros(0, dtype=kind)
        column = np.memmap(self._path(name), dtype=kind, mode="r")
        return column if len(column) == self._calls else column.reshape(self._calls, -1)


def _sites(
    spool: Spool, marks: Sequence[Mark], flank: int, ends: str
) -> Iterator[tuple[int, np.ndarray, dict[str, np.ndarray]]]:
    """First place of each block, its codes, and what is tested in it: head to indices into the codes."""
    for first, last, codes in spool.blocks():
        sites = {}
        for mark in marks:
            at = mark.find(codes)
            at = at[(at >= spool.gap) & (at < spool.gap + last - first)]
            if ends == "skip":
                at = at[~_near(spool, at + (first - spool.gap), flank)]
            sites[mark.head] = at
        yield first, codes, sites


def _near(spool: Spool, at: np.ndarray, flank: int) -> np.ndarray:
    """Whether places are nearer than ``flank`` to an end of their sequence."""
    sequence, position = spool.owner(at)
    return (position < flank) | (position >= spool.lengths[sequence] - flank)


class _Tally(NamedTuple):
    """Tests that are made; tests of bases near an end; tests that are made with an unknown letter of the sequence in
    their window; and the numbers of sequences without a test."""

    tests: int
    near: int
    unknown: int
    untested: np.ndarray


def _count(spool: Spool, marks: Sequence[Mark], flank: int, ends: str) -> _Tally:
    tests = near = unknown = 0
    tested = np.zeros(len(spool.names), dtype=bool)
    for first, codes, sites in _sites(spool, marks, flank, "pad"):
        known = np.concatenate(([0], np.cumsum(codes < UNKNOWN)))
        for at in sites.values():
            sequence, position = spool.owner(at + (first - spool.gap))
            left = np.minimum(position, flank)
            right = np.minimum(spool.lengths[sequence] - 1 - position, flank)
            is_near = (left < flank) | (right < flank)
            lacking = known[at + right + 1] - known[at - left] < left + right + 1
            made = ~is_near if ends == "skip" else np.ones(len(at), dtype=bool)
            tests += int(made.sum())
            near += int(is_near.sum())
            unknown += int((lacking & made).sum())
            tested[sequence[made]] = True
    return _Tally(tests, near, unknown, np.flatnonzero(~tested))


def _report(tally: _Tally, spool: Spool, flank: int, ends: str, warn: Callable[[str], None]) -> None:
    """Say what is not scored, or scored with less than a whole window."""
    if tally.near:
        done_with = "left out" if ends == "skip" else "scored with N beyond it"
        warn(f"{tally.near:,} tests of bases nearer than {flank} nt to an end of their sequence are {done_with}")
    if tally.unknown:
        warn(f"{tally.unknown:,} tests have letters other than A, C, G, U in their window, which are read as N")
    if not tally.tests:
        warn("no base of the sequences fits a modification that was asked for")
    elif len(tally.untested):
        names = ", ".join(spool.names[number] for number in tally.untested[:3])
        more = f" and {len(tally.untested) - 3:,} more" if len(tally.untested) > 3 else ""
        warn(f"{len(tally.untested):,} of {len(spool.names):,} sequences have no base to test: {names}{more}")


def _to_letters(spool: Spool, at: np.ndarray, weights: np.ndarray, letters: int) -> np.ndarray:
    """Attention to words as attention to nucleotides, shape (n, width), 0 beyond the ends of the sequence."""
    found = spread_words(weights, letters) / np.float32(letters)
    sequence, position = spool.owner(at)
    place = position[:, None] + np.arange(found.shape[1]) - found.shape[1] // 2
    return np.where((place >= 0) & (place < spool.lengths[sequence][:, None]), found, np.float32(0))


def _top(letters: np.ndarray) -> np.ndarray:
    """Middles of the three nt with most attention, relative to the base, best first, shape (n, TOP)."""
    width = letters.shape[1]
    starts, _ = top_windows(letters, width=min(3, width), count=TOP, margin=1)
    return np.where(starts < 0, _NOWHERE, starts + min(3, width) // 2 - width // 2).astype(np.int16)


def _calls(spool: Spool, loaded: Loaded, marks: Sequence[Mark], kept: Mapping[str, _Kept]) -> Iterator[Calls]:
    names = np.array(spool.names, dtype=object)
    modifications = np.array([mark.modification for mark in marks], dtype=object)
    for first, last, codes in spool.blocks():
        parts: dict[str, list[np.ndarray]] = {name: [] for name in ("at", "order", "logit", "probability", "p", "q")}
        tops, weights = [], []
        for order, mark in enumerate(marks):
            one = kept[mark.head]
            rows = slice(*np.searchsorted(one.at, (first, last)))
            if rows.start == rows.stop:
                continue
            logit = one.read("logit", rows, np.float32)
            calibration = loaded.calibration.get(mark.head)
            probability = np.full(len(logit), np.nan) if calibration is None else calibration.probability(logit)
            found = (one.at[rows], np.full(len(logit), order), logit, probability, one.p[rows], one.q[rows])
            for name, values in zip(parts, found, strict=True):
                parts[name].append(values)
            tops.append(one.read("top", rows, np.int16))
            weights.append(one.read("weights", rows, np.float32))
        if not tops:
            continue
        columns = {name: np.concatenate(values) for name, values in parts.items()}
        placed = np.lexsort((columns["order"], columns["at"]))
        columns = {name: values[placed] for name, values in columns.items()}
        number, position = spool.owner(columns["at"])
        top = [""] * len(placed)
        if tops[0] is not None:
            top = _positions(np.concatenate(tops)[placed], position, spool.lengths[number])
        table = pd.DataFrame(
            {
                "sequence": names[number],
                "position": position + 1,
                "base": LETTERS[codes[columns["at"] - (first - spool.gap)]].view("S1").astype(str),
                "modification": modifications[columns["order"]],
                **{name: columns[name] for name in ("probability", "p", "q")},
                "top": top,
                "logit": columns["logit"],
            }
        )
        yield Calls(table, number, None if weights[0] is None else np.concatenate(weights)[placed])


def _positions(top: np.ndarray, position: np.ndarray, length: np.ndarray) -> list[str]:
    """1-based positions on the sequence, joined by commas, of places relative to bases."""
    place = position[:, None] + top
    real = (top != _NOWHERE) & (place >= 0) & (place < length[:, None])
    return [",".join(map(str, row[known] + 1)) for row, known in zip(place, real, strict=True)]
