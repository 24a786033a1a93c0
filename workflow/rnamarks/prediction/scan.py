"""Every fitting base of any sequences, asked about every task of a model: the one scanner.

Sequences lie in one file of codes (:mod:`rnamarks.prediction.spool`), so that blocks and batches run across them. One
pass counts the tests, one scores them and keeps the logits on disk (4 bytes per test), so that a scan that was killed
goes on where it stopped; then the q-values are known (:mod:`rnamarks.prediction.ranks`), and the last pass gives the
rows. Nothing in memory grows with the sequences but their names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice, pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..errors import InputError
from ..progress import Progress
from ..sequences import UNKNOWN
from ..sites.gene_structure import GeneStructure, Places, SequenceEnds
from ..sites.motifs import motif_masks
from ..tasks import Task
from .attended import spread_kmers, top_windows
from .bases import find_sites
from .calls import NOWHERE, Sink, make_calls
from .engine import Loaded, needs_structure
from .exact import ExactEngine
from .kept import Kept
from .ranks import Ranks
from .significance import Null
from .spool import Rows, Spool

ALPHA = 0.05
TOP = 3
"""Places that the column ``top`` names: each the middle of three nt that are attended to."""
ENDS = ("pad", "skip")
BLOCK_WINDOWS = 1 << 14
"""Windows of a block, about; on two CPU cores the MASS network needs a minute for them."""
_BLOCK_NT = (1 << 15, 1 << 21)
_FDR = 0.1


@dataclass(frozen=True)
class ScanOptions:
    """What is scored and what is written.

    Attributes
    ----------
    alpha, fdr : float or None
        Only bases with p, with q below this; None for no limit.
    above : float or None
        Only bases with a probability above this.
    ends : {"pad", "skip"}
        Bases nearer to an end than half a window are scored with N beyond it, or left out.
    top : bool
        Whether the networks are asked where they looked.
    weights : bool
        Whether the attention to each nucleotide is kept for the sinks.
    """

    alpha: float | None = ALPHA
    fdr: float | None = None
    above: float | None = None
    ends: str = "pad"
    top: bool = True
    weights: bool = False

    def __post_init__(self) -> None:
        if self.ends not in ENDS:
            raise InputError("there is no such way to treat ends", value=self.ends, remedy=f"use {' or '.join(ENDS)}")
        for name, value in (("alpha", self.alpha), ("fdr", self.fdr)):
            if value is not None and not 0 < value <= 1:
                raise InputError(f"{name} must lie above 0 and not above 1", value=value, remedy="use for example 0.05")
        if self.above is not None and not 0 <= self.above <= 1:
            raise InputError("above must lie between 0 and 1", value=self.above, remedy="use for example 0.5")

    @property
    def limits(self) -> list[str]:
        """The limits in words."""
        limits = (("p<", self.alpha), ("q<", self.fdr), ("probability>", self.above))
        return [f"{name}{limit:g}" for name, limit in limits if limit is not None]

    def record(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)


class Tally(NamedTuple):
    """What a scan has before it: tests; tests of bases near an end; tests that are made with an unknown letter of the
    sequence in their window; and the numbers of sequences without a test."""

    tests: int
    near: int
    unknown: int
    untested: np.ndarray


class Scan:
    """A scan of spooled sequences.

    Parameters
    ----------
    spool : Spool
        With a gap of at least that of :func:`rnamarks.prediction.bases.gap_for`.
    loaded : Loaded
    tasks : sequence of Task
    null : mapping of str to Null
        By task; a task without one gets no p and no q, and is not held to these limits.
    options : ScanOptions
    structure : GeneStructure, optional
        Of the spooled transcripts, in their order; for engines that read it. Transcripts without exons are not tested.
    reader : ExactEngine, optional
        Is asked where it looked, if ``options.top`` is set; ``loaded.engine`` itself in exact mode.

    Notes
    -----
    Tasks that ``loaded.config`` names in ``ranks_only`` get a p, but no q and no fraction of false calls.
    """

    def __init__(
        self,
        spool: Spool,
        loaded: Loaded,
        tasks: Sequence[Task],
        null: Mapping[str, Null],
        options: ScanOptions,
        reader: ExactEngine | None = None,
        structure: GeneStructure | None = None,
    ) -> None:
        self.spool, self.tasks, self.options = spool, list(tasks), options
        self._loaded, self._null = loaded, null
        self._ranks_only = set(loaded.config.ranks_only)
        if loaded.engine.reads == "exons" and structure is None:
            raise needs_structure()
        if loaded.engine.reads == "ends":
            structure = SequenceEnds(spool.lengths, spool.codes_of)
        self._structure: Places | None = structure if loaded.engine.reads else None
        self._reader = reader if options.top and reader is not None and reader.attends else None
        self._flank = loaded.engine.width // 2
        self._block = block_for(tasks)

    @property
    def looks(self) -> bool:
        """Whether rows have the column ``top``."""
        return self._reader is not None

    def blocks(self, ends: str, part: int = 0, of: int = 1) -> Iterator[tuple[int, np.ndarray, dict[str, np.ndarray]]]:
        """First place of each block, its codes, and what is tested in it: task to indices into the codes.

        Of all blocks, or of a part of them as :meth:`Spool.blocks` has it.
        """
        spool = self.spool
        for first, last, codes in spool.blocks(self._block, part, of):
            sites = {}
            for task in self.tasks:
                at = find_sites(codes, task)
                at = at[(at >= spool.gap) & (at < spool.gap + last - first)]
                if self._structure is not None:
                    sequence, _ = spool.owner(at + (first - spool.gap))
                    at = at[self._structure.known[sequence]]
                if ends == "skip":
                    sequence, position = spool.owner(at + (first - spool.gap))
                    at = at[(position >= self._flank) & (position < spool.lengths[sequence] - self._flank)]
                sites[task.name] = at
            yield first, codes, sites

    def count(self, part: int = 0, of: int = 1) -> Tally:
        """Count the tests, of all blocks or of a part of them as :meth:`Spool.blocks` has it."""
        spool = self.spool
        tests = near = unknown = 0
        tested = np.zeros(len(spool.names), dtype=bool)
        for first, codes, sites in self.blocks("pad", part, of):
            known = np.concatenate(([0], np.cumsum(codes < UNKNOWN)))
            for at in sites.values():
                sequence, position = spool.owner(at + (first - spool.gap))
                left = np.minimum(position, self._flank)
                right = np.minimum(spool.lengths[sequence] - 1 - position, self._flank)
                is_near = (left < self._flank) | (right < self._flank)
                lacking = known[at + right + 1] - known[at - left] < left + right + 1
                made = ~is_near if self.options.ends == "skip" else np.ones(len(at), dtype=bool)
                tests += int(made.sum())
                near += int(is_near.sum())
                unknown += int((lacking & made).sum())
                tested[sequence[made]] = True
        return Tally(tests, near, unknown, np.flatnonzero(~tested))

    def report(self, tally: Tally, warn: Callable[[str], None]) -> None:
        """Warn of what is not scored, or scored with less than a whole window, and of what rows will lack."""
        names = self.spool.names
        if self._structure is not None and not self._structure.known.all():
            warn(f"{(~self._structure.known).sum():,} transcripts have no exon positions and are not tested")
        for lacking, what in (
            ([task.name for task in self.tasks if task.name not in self._loaded.calibration], "calibration"),
            ([task.name for task in self.tasks if task.name not in self._null], "null distribution"),
        ):
            if lacking:
                blank = "probability is" if what == "calibration" else "p and q are"
                warn(f"the model has no {what} for {', '.join(lacking)}: {blank} left empty")
        ranking = [task.name for task in self.tasks if task.name in self._ranks_only]
        if ranking:
            warn(f"the model ranks nucleotides for {', '.join(ranking)} and calls none: q and false_fraction are empty")
        if tally.near:
            done_with = "left out" if self.options.ends == "skip" else "scored with N beyond it"
            warn(f"{tally.near:,} tests of bases nearer than {self._flank} nt to an end of their sequence: {done_with}")
        if tally.unknown:
            warn(f"{tally.unknown:,} tests have letters other than A, C, G, U in their window, which are read as N")
        if not tally.tests:
            motifs = " or ".join(dict.fromkeys(task.place[0] for task in self.tasks))
            warn(f"the sequences hold no {motifs}, which is what the model can be asked about")
        elif len(tally.untested):
            some = ", ".join(names[number] for number in tally.untested[:3])
            more = f" and {len(tally.untested) - 3:,} more" if len(tally.untested) > 3 else ""
            warn(f"{len(tally.untested):,} of {len(names):,} sequences have no base to test: {some}{more}")

    def score(
        self, kept: Kept, tests: int, progress: Progress, warn: Callable[[str], None], part: int = 0, of: int = 1
    ) -> None:
        """Score all blocks, or a part of them, that are not kept already."""
        blocks = self.blocks(self.options.ends, part, of)
        done = sum(sum(map(len, sites.values())) for _, _, sites in islice(blocks, kept.blocks))
        if kept.blocks:
            warn(f"{done:,} of {tests:,} tests were scored by an earlier run that did not end; it goes on from there")
        progress(done, tests)
        for first, codes, sites in blocks:
            self._score_block(kept, first, codes, sites)
            kept.end_block()
            done += sum(map(len, sites.values()))
            progress(done, tests)

    def _score_block(self, kept: Kept, first: int, codes: np.ndarray, sites: Mapping[str, np.ndarray]) -> None:
        engine, reader = self._loaded.engine, self._reader
        structure = None if self._structure is None else self._places(first, sites)
        scores = engine.score(codes, sites, attend=reader is engine, structure=structure)
        for name, logits in scores.logits.items():
            if not np.isfinite(logits).all():
                raise InputError("the model gave a logit that is no finite number", remedy="train it again")
            kept.append(f"{name}.logit", logits)
        if reader is None:
            return
        rows = {name: self._called(name, logits) for name, logits in scores.logits.items()}
        if reader is engine:
            kmers = {name: scores.weights[name][chosen] for name, chosen in rows.items()}
        else:
            config = self._loaded.config
            # of networks below trees, the head that these read of neighbours, too
            heads = {name: config.heads[0] if config.combiner else name for name in rows}
            asked = {heads[name]: sites[name][chosen] for name, chosen in rows.items()}
            weights = reader.score(codes, asked, attend=True).weights
            kmers = {name: weights[head] for name, head in heads.items()}
        for name, chosen in rows.items():
            nucleotides = self._to_nucleotides(sites[name][chosen] + (first - self.spool.gap), kmers[name], reader.k)
            kept.append(f"{name}.top", _top(nucleotides))
            if self.options.weights:
                kept.append(f"{name}.weights", nucleotides)

    def _places(self, first: int, sites: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Where the bases of a block lie among exons, by task."""
        owners = {name: self.spool.owner(at + (first - self.spool.gap)) for name, at in sites.items()}
        return {name: self._structure.features(*owner) for name, owner in owners.items()}

    def _called(self, name: str, logits: np.ndarray) -> np.ndarray:
        """Rows that may be within the limits: those of p, which are known from the logit alone."""
        limit = min((limit for limit in (self.options.alpha, self.options.fdr) if limit is not None), default=np.inf)
        if name not in self._null or limit > 1:
            return np.arange(len(logits))
        # q is never below p
        return np.flatnonzero(self._null[name].p(logits).astype(np.float32) < limit)

    def write(self, kept: Kept, sinks: Collection[Sink], annotation: Rows | None = None) -> pd.DataFrame:
        """Hand the rows to the sinks, once everything is scored.

        Parameters
        ----------
        kept : Kept
        sinks : collection of Sink
        annotation : Rows, optional
            Rows of the **transcripts** file that was spooled.

        Returns
        -------
        pandas.DataFrame
            One row per task: ``task``, ``tested`` (bases), ``called`` (rows written), ``below`` (bases with q below
            0.1; NaN without a null or q).

        Notes
        -----
        q is Benjamini's and Hochberg's over all bases of this call that were tested for the task.
        """
        sizes: dict[str, list[int]] = {task.name: [] for task in self.tasks}
        for _, _, sites in self.blocks(self.options.ends):
            for name, at in sites.items():
                sizes[name].append(len(at))
        ranks = {}
        for name, counts in sizes.items():
            edges = np.concatenate(([0], np.cumsum(counts))).astype(int).tolist()
            parts = (kept.read(f"{name}.logit", np.float32, *edge) for edge in pairwise(edges))
            calibration = self._loaded.calibration.get(name)
            ranks[name] = Ranks(parts, self._null.get(name), calibration and calibration.probability, kept.scratch)
        tested = dict.fromkeys(sizes, 0)
        called, written = dict.fromkeys(sizes, 0), dict.fromkeys(sizes, 0)
        for first, codes, sites in self.blocks(self.options.ends):
            found = []
            for order, task in enumerate(self.tasks):
                at, name = sites[task.name], task.name
                logits = kept.read(f"{name}.logit", np.float32, tested[name], tested[name] + len(at))
                tested[name] += len(at)
                block = self._rows_of(kept, task, order, at, logits, ranks[name], called)
                written[name] += len(block["at"])
                found.append(block)
            rows = {key: np.concatenate([block[key] for block in found]) for key in found[0]}
            if len(rows["at"]):
                calls = make_calls(self.spool, self.tasks, first, codes, rows, annotation)
                for sink in sinks:
                    sink.write(calls)
        called_by_q = self._null.keys() - self._ranks_only
        below = {name: ranks[name].below(_FDR) if name in called_by_q else np.nan for name in sizes}
        summary = [(name, ranks[name].tests, written[name], below[name]) for name in sizes]
        return pd.DataFrame(summary, columns=["task", "tested", "called", "below"])

    def _rows_of(
        self,
        kept: Kept,
        task: Task,
        order: int,
        at: np.ndarray,
        logits: np.ndarray,
        ranks: Ranks,
        called: dict[str, int],
    ) -> dict[str, np.ndarray]:
        """Those of a task's tests in a block that are within the limits.

        ``called`` counts the tests that attention is kept of.
        """
        options, name = self.options, task.name
        rows = self._called(name, logits)
        logits = logits[rows]
        null, calibration = self._null.get(name), self._loaded.calibration.get(name)
        blank = np.full(len(rows), np.nan, dtype=np.float32)
        found = {
            "at": at[rows],
            "order": np.full(len(rows), order),
            "logit": logits,
            "probability": blank if calibration is None else calibration.probability(logits).astype(np.float32),
            "p": blank if null is None else null.p(logits).astype(np.float32),
            "q": blank if name in self._ranks_only else ranks.q(logits),
            "false_fraction": blank if name in self._ranks_only else ranks.false_fraction(logits),
        }
        if self.looks:
            for column, kind in (("top", np.int16), ("weights", np.float32))[: 1 + options.weights]:
                width = TOP if column == "top" else self._reader.n_kmers + self._reader.k - 1
                first, last = (width * row for row in (called[name], called[name] + len(rows)))
                found[column] = kept.read(f"{name}.{column}", kind, first, last).reshape(-1, width)
            called[name] += len(rows)
        within = np.ones(len(rows), dtype=bool)
        if options.fdr is not None and null is not None:
            within &= found["q"] < options.fdr
        if options.above is not None and calibration is not None:
            within &= found["probability"] > options.above
        return {key: values[within] for key, values in found.items()}

    def _to_nucleotides(self, at: np.ndarray, weights: np.ndarray, k: int) -> np.ndarray:
        """Attention to k-mers as attention to nucleotides, shape (n, width), 0 beyond the ends of the sequence."""
        found = spread_kmers(weights, k) / np.float32(k)
        sequence, position = self.spool.owner(at)
        place = position[:, None] + np.arange(found.shape[1]) - found.shape[1] // 2
        return np.where((place >= 0) & (place < self.spool.lengths[sequence][:, None]), found, np.float32(0))


def block_for(tasks: Sequence[Task]) -> int:
    """Nucleotides of a block: so many that about :data:`BLOCK_WINDOWS` bases are tested in random RNA."""
    kinds = {task.place for task in tasks}
    density = sum(np.prod([bin(mask).count("1") / 4 for mask in motif_masks(motif)]) for motif, _ in kinds)
    return int(np.clip(BLOCK_WINDOWS / density, *_BLOCK_NT))


def _top(nucleotides: np.ndarray) -> np.ndarray:
    """Middles of the three nt with most attention, relative to the base, best first, shape (n, TOP)."""
    width = nucleotides.shape[1]
    starts, _ = top_windows(nucleotides, width=min(3, width), count=TOP, margin=1)
    return np.where(starts < 0, NOWHERE, starts + min(3, width) // 2 - width // 2).astype(np.int16)
