"""From a file of variants to what each does to each modification: behind ``rnamarks variants``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..dictionary import column_names
from ..errors import InputError
from ..prediction.bases import choose_tasks, gap_for
from ..prediction.changes import read_changes
from ..prediction.engine import Engine
from ..prediction.modes import load_engine
from ..prediction.significance import read_null
from ..progress import Progress
from ..sequences import encode
from ..sites.annotation import read_annotation
from ..sites.coordinates import TranscriptMap
from ..sites.drops import Drops
from ..sites.gene_structure import places_of
from ..sites.transcripts import build_transcripts, open_genome
from .placing import Unit, alone, on_haplotypes, place_alleles, touched_transcripts
from .records import Allele, alleles, carriers, open_variants, readable, records
from .scoring import score_units
from .survey import ABSENT, DIFFERS, Survey, survey_variants
from .table import (
    FIELD,
    NOTHING,
    Model,
    Rows,
    effect_rows,
    info_entries,
    join_rows,
    reason_rows,
    with_info_header,
    write_rows,
)

if TYPE_CHECKING:
    import pysam

RECORDS = 512
"""Records of a block; with haplotypes a block is a chromosome."""
UNITS = 512
"""Alleles on transcripts that are scored at once; bounds the memory."""


@dataclass(frozen=True)
class VariantOptions:
    """What is asked.

    Attributes
    ----------
    mode : {"exact", "fast"}
    tasks : tuple of str
        Default all.
    haplotypes : bool
        Whether alleles of one phased haplotype and one transcript are applied together.
    foremost : bool
        Whether only the nucleotide that is changed most is given of each allele, transcript and task, and those that
        are lost or gained.
    extend : mapping of str to int
        See :func:`rnamarks.sites.transcripts.build_transcripts`.
    device, batch_size
        See :func:`rnamarks.prediction.modes.load_engine`.
    """

    mode: str = "exact"
    tasks: tuple[str, ...] = ()
    haplotypes: bool = False
    foremost: bool = False
    extend: Mapping[str, int] = field(default_factory=dict)
    device: str = "auto"
    batch_size: int | None = None


class Outcome(NamedTuple):
    """``records``; ``alleles``, alternative ones, one for a record without any; ``scored``, those with a logit;
    ``reasons``, of the others, to their number; ``rows`` written."""

    records: int
    alleles: int
    scored: int
    reasons: dict[str, int]
    rows: int


def annotate_variants(
    source: str | Path,
    genome: str | Path,
    annotation: str | Path,
    folder: str | Path,
    options: VariantOptions,
    *,
    out: TextIO,
    vcf: TextIO | None = None,
    workdir: str | Path,
    report: Callable[[Drops], None] = lambda drops: None,
    progress: Progress = lambda done, total: None,
    warn: Callable[[str], None] = print,
) -> Outcome:
    """Score what variants change.

    Parameters
    ----------
    source : path-like
        VCF or BCF, plain, gzipped or bgzipped.
    genome : path-like
        FASTA; nothing is written beside it.
    annotation : path-like
        GTF, GFF3 or UCSC gene table.
    folder : path-like
        The model directory.
    options : VariantOptions
    out : text stream
        Takes the table ``variants``.
    vcf : text stream, optional
        Takes the records, with the INFO field :data:`rnamarks.variants.table.FIELD`.
    workdir : path-like
        For the index of the genome and what has to be unpacked.
    report : callable
        Given the transcripts that were left out.
    progress, warn : callable

    Returns
    -------
    Outcome

    Raises
    ------
    InputError
        If a file or the model is at fault, or the variants were called on another genome.
    """
    workdir = Path(workdir)
    loaded = load_engine(folder, options.mode, device=options.device, batch_size=options.batch_size)
    tasks = choose_tasks(loaded.config.tasks, options.tasks)
    names = [task.name for task in tasks]
    # says whether the file belongs to these weights
    read_null(folder, names, options.mode)
    model = Model(tasks, loaded.calibration, read_changes(folder, names, options.mode), Path(folder).resolve().name)
    _warn_of_gaps(model, warn)
    with ExitStack() as stack:
        path = stack.enter_context(readable(source, workdir))
        letters = open_genome(genome, workdir)
        stack.callback(letters.close)
        with open_variants(path, source) as file:
            survey = survey_variants(file, letters, source, genome)
        if options.haplotypes and not survey.samples:
            raise InputError(
                "the variants have no genotypes, which tell haplotypes", path=source, remedy="leave --haplotypes out"
            )
        drops = Drops()
        transcripts = build_transcripts(
            read_annotation(annotation, drops),
            genome,
            drops,
            workdir=workdir,
            annotation_path=annotation,
            extend=options.extend,
            choose=lambda frame: touched_transcripts(frame, survey.chroms, survey.starts, survey.ends),
        )
        report(drops)
        out.write("\t".join(column_names("variants")) + "\n")
        if vcf is not None:
            vcf.write(with_info_header(survey.header, model))
        annotator = _Annotator(transcripts, survey, model, loaded.engine, options)
        for block in _blocks(stack.enter_context(open_variants(path, source)), source, options.haplotypes):
            annotator.take(block, out, vcf)
            progress(annotator.records, survey.records)
    return annotator.outcome()


def _warn_of_gaps(model: Model, warn: Callable[[str], None]) -> None:
    lacking = [task.name for task in model.tasks if task.name not in model.changes]
    if lacking:
        warn(
            f"percentile is left empty for {', '.join(lacking)}: the model has no random changes to compare with, "
            "rnamarks null adds them"
        )
    lacking = [task.name for task in model.tasks if task.name not in model.calibration]
    if lacking:
        warn(f"the model has no calibration for {', '.join(lacking)}: probabilities are left empty")


def _blocks(file: pysam.VariantFile, named: str | Path, by_chromosome: bool) -> Iterator[list[pysam.VariantRecord]]:
    block: list[pysam.VariantRecord] = []
    seen: set[str] = set()
    for record in records(file, named):
        if block and (block[-1].chrom != record.chrom if by_chromosome else len(block) == RECORDS):
            yield block
            seen.add(block[-1].chrom)
            block = []
            if by_chromosome and record.chrom in seen:
                raise InputError(
                    "the records of a chromosome do not follow each other, so that haplotypes cannot be put together",
                    path=named,
                    value=record.chrom,
                    remedy="sort the variants",
                )
        block.append(record)
    if block:
        yield block


class _Annotator:
    """Takes blocks of records, writes rows, and counts."""

    def __init__(
        self, transcripts: pd.DataFrame, survey: Survey, model: Model, engine: Engine, options: VariantOptions
    ) -> None:
        self._transcripts, self._survey, self._model, self._engine = transcripts, survey, model, engine
        self._options = options
        self._where = TranscriptMap(transcripts)
        self._sequences = transcripts["sequence"].to_numpy()
        self._structure = places_of(engine.reads, transcripts)
        self._reasons: Counter[str] = Counter()
        self.records = self._alleles = self._scored = self._rows = 0

    def outcome(self) -> Outcome:
        """What was taken so far."""
        return Outcome(self.records, self._alleles, self._scored, dict(self._reasons.most_common()), self._rows)

    def take(self, block: Sequence[pysam.VariantRecord], out: TextIO, vcf: TextIO | None) -> None:
        """Annotate the records of a block."""
        found: list[Allele] = []
        numbers = []
        for number, record in enumerate(block, self.records):
            begin = len(found)
            found += [self._checked(allele, number) for allele in alleles(record)]
            numbers.append(range(begin, len(found)))
        rows = self._annotated(found, block, numbers)
        chosen = rows.table.filter(rows.foremost) if self._options.foremost else rows.table
        write_rows(chosen, out)
        if vcf is not None:
            entries = info_entries(rows)
            for record, own in zip(block, numbers, strict=True):
                vcf.write(_with_info(record, [entry for number in own for entry in entries[number]]))
        self.records += len(block)
        self._alleles += len(found)
        self._rows += len(chosen)
        self._count(rows, len(found))

    def _checked(self, allele: Allele, record: int) -> Allele:
        if allele.chrom not in self._survey.contigs:
            return allele._replace(reason=ABSENT)
        return allele._replace(reason=DIFFERS) if record in self._survey.wrong else allele

    def _annotated(self, found: list[Allele], block: Sequence[pysam.VariantRecord], numbers: list[range]) -> Rows:
        """Rows of the alleles of a block; of each record the numbers of its alleles."""
        unscored = [(number, -1, allele.reason) for number, allele in enumerate(found) if allele.reason]
        usable = [number for number, allele in enumerate(found) if not allele.reason]
        chroms = [self._survey.contigs[found[number].chrom] for number in usable]
        placed, without = place_alleles([found[number] for number in usable], chroms, self._where)
        edits = [(row, edit._replace(allele=usable[edit.allele])) for row, edit in placed]
        unscored += [(usable[number], row, reason) for number, row, reason in without]
        if self._options.haplotypes:
            # genotypes of many samples take long, and few records lie in exons
            on_transcripts = {edit.allele for _, edit in edits}
            carried: dict[int, list[tuple[int, int, str]]] = {}
            for record, own in zip(block, numbers, strict=True):
                if on_transcripts.isdisjoint(own):
                    continue
                for sample, haplotype, phase, allele in carriers(record):
                    carried.setdefault(own[allele], []).append((sample, haplotype, phase))
            units, overlapping = on_haplotypes(edits, carried, gap_for(self._model.tasks, self._engine))
            unscored += overlapping
        else:
            units = alone(edits)
        parts, scored = [], set()
        for start in range(0, len(units), UNITS):
            some = units[start : start + UNITS]
            rows, known = self._scored_rows(some, found)
            parts.append(rows)
            scored |= {(some[unit].own.allele, some[unit].transcript) for unit in known}
        asked = dict.fromkeys((unit.own.allele, unit.transcript) for unit in units)
        unscored += [(*pair, NOTHING) for pair in asked if pair not in scored]
        return join_rows([*parts, reason_rows(unscored, found, self._transcripts)])

    def _scored_rows(self, units: list[Unit], found: Sequence[Allele]) -> tuple[Rows, list[int]]:
        """Rows of units, and the numbers of the units that have some."""
        sequences = {row: encode(self._sequences[row]) for row in {unit.transcript for unit in units}}
        effects = score_units(units, sequences, self._model.tasks, self._engine, self._structure)
        rows = effect_rows(units, effects, found, self._transcripts, self._where, self._model)
        return rows, np.unique(np.concatenate([effect.unit for effect in effects.values()])).tolist()

    def _count(self, rows: Rows, alleles: int) -> None:
        scored = np.zeros(alleles, dtype=bool)
        scored[rows.allele[pc.not_equal(rows.table["task"], "").to_numpy()]] = True
        self._scored += int(scored.sum())
        first = np.flatnonzero(np.diff(rows.allele, prepend=-1))
        first = first[~scored[rows.allele[first]]]
        self._reasons.update(rows.table["reason"].take(pa.array(first)).to_pylist())


def _with_info(record: pysam.VariantRecord, entries: Sequence[str]) -> str:
    """The record's line, with the field that tells of it."""
    fields = str(record).rstrip("\n").split("\t", 8)
    kept = [entry for entry in fields[7].split(";") if entry != "." and entry.partition("=")[0] != FIELD]
    fields[7] = ";".join([*kept, f"{FIELD}={','.join(entries)}"])
    return "\t".join(fields) + "\n"
