"""Effects of variants as rows of a table, and as one INFO field of a VCF."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TextIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from .. import __version__
from ..dictionary import column_names
from ..evaluation.calibration import Calibration
from ..prediction.changes import Changes
from ..sites.coordinates import TranscriptMap
from ..tasks import Task
from .placing import Unit
from .records import Allele
from .scoring import Effects

FIELD = "RNAMARKS"
KEPT, LOST, GAINED = "kept", "lost", "gained"
NOTHING = "no base that the model is asked about within reach"
_ENTRY = (
    "ALLELE|TRANSCRIPT|GENE|STRAND|TASK|POSITION|DISTANCE|MOTIF|PROBABILITY_REF|PROBABILITY_ALT|DELTA|PERCENTILE|"
    "HAPLOTYPE|REASON"
)
_REASONS = {KEPT: "", LOST: "the nucleotide or its motif is lost", GAINED: "the nucleotide or its motif is gained"}
_SPECIAL = re.compile(r"[%,;=|]")


class Model(NamedTuple):
    """What is asked: ``tasks``; ``calibration`` and ``changes`` of those that have them; the model's ``name``."""

    tasks: Sequence[Task]
    calibration: Mapping[str, Calibration]
    changes: Mapping[str, Changes]
    name: str


class Rows(NamedTuple):
    """Rows of the table ``variants``, and for each the number of its allele and whether it is what the INFO field tells
    of: of the nucleotides of one unit and task the one that is changed most, and all that are lost or gained."""

    table: pa.Table
    allele: np.ndarray
    foremost: np.ndarray


def effect_rows(
    units: Sequence[Unit],
    effects: Mapping[str, Effects],
    alleles: Sequence[Allele],
    transcripts: pd.DataFrame,
    where: TranscriptMap,
    model: Model,
) -> Rows:
    """One row per unit, task and nucleotide that is touched, in this order.

    Parameters
    ----------
    units : sequence of Unit
    effects : mapping of str to Effects
        Of :func:`rnamarks.variants.scoring.score_units`.
    alleles : sequence of Allele
    transcripts : pandas.DataFrame
        Border **transcripts**.
    where : TranscriptMap
        Of these.
    model : Model
    """
    columns: dict[str, list[np.ndarray]] = {}
    for order, task in enumerate(model.tasks):
        found = effects[task.name]
        difference = found.after - found.before
        calibration, changes = model.calibration.get(task.name), model.changes.get(task.name)
        blank = np.full(len(difference), np.nan, dtype=np.float32)
        for name, values in (
            ("order", np.full(len(difference), order)),
            ("unit", found.unit),
            ("position", found.position),
            ("distance", found.distance),
            ("logit_ref", found.before),
            ("logit_alt", found.after),
            ("delta_logit", difference),
            ("probability_ref", blank if calibration is None else calibration.probability(found.before)),
            ("probability_alt", blank if calibration is None else calibration.probability(found.after)),
            ("percentile", blank if changes is None else changes.percentile(difference)),
        ):
            columns.setdefault(name, []).append(values)
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    order = np.lexsort((joined["order"], joined["unit"]))
    joined = {name: values[order] for name, values in joined.items()}

    unit, position = joined["unit"], joined["position"]
    own = np.array([unit.own.allele for unit in units], dtype=np.int64)
    row = np.array([unit.transcript for unit in units], dtype=np.int64)[unit]
    start = where.to_genome(row, position)
    motif = np.where(np.isnan(joined["logit_ref"]), 2, np.where(np.isnan(joined["logit_alt"]), 1, 0))
    table = _fill(
        len(unit),
        _allele_columns(alleles, own[unit])
        | _transcript_columns(transcripts, row)
        | {
            "haplotype": _texts([_haplotype(one, alleles) for one in units], unit),
            **{
                name: _texts([getattr(task, field) for task in model.tasks], joined["order"])
                for name, field in (("task", "name"), ("species", "species"), ("modification", "modification"))
            },
            "genome_start": start,
            "genome_end": np.where(start < 0, -1, start + 1),
            "transcript_start": position,
            "region": pa.array(where.region(row, position), pa.string()),
            "motif": _texts([*_REASONS], motif),
            "reason": _texts([*_REASONS.values()], motif),
            **{name: joined[name] for name in ("distance", *_NUMBERS)},
        },
    )
    return Rows(table, own[unit], _foremost(unit, joined["order"], joined["delta_logit"]))


def reason_rows(unscored: Sequence[tuple[int, int, str]], alleles: Sequence[Allele], transcripts: pd.DataFrame) -> Rows:
    """One row per allele, row of a transcript (-1 for none) and reason."""
    number = np.array([allele for allele, _, _ in unscored], dtype=np.int64)
    row = np.array([row for _, row, _ in unscored], dtype=np.int64)
    reasons = {"reason": pa.array([reason for _, _, reason in unscored], pa.string())}
    columns = _allele_columns(alleles, number) | _transcript_columns(transcripts, row) | reasons
    return Rows(_fill(len(number), columns), number, np.ones(len(number), dtype=bool))


def _haplotype(unit: Unit, alleles: Sequence[Allele]) -> str:
    """All alleles of a unit that has several: ``start:ref>alt``, 0-based, joined by ``&``."""
    if len(unit.edits) < 2:
        return ""
    chosen = sorted((alleles[edit.allele] for edit in unit.edits), key=lambda allele: allele.start)
    return "&".join(f"{allele.start}:{allele.ref}>{allele.alt}" for allele in chosen)


def join_rows(parts: Sequence[Rows]) -> Rows:
    """Rows of several, by the number of the allele."""
    allele = np.concatenate([part.allele for part in parts])
    order = np.argsort(allele, kind="stable")
    table = pa.concat_tables([part.table for part in parts]).take(pa.array(order))
    return Rows(table, allele[order], np.concatenate([part.foremost for part in parts])[order])


def write_rows(table: pa.Table, handle: TextIO) -> None:
    """Write rows as tab-separated text without a header; what is not known is empty."""
    sink = pa.BufferOutputStream()
    pcsv.write_csv(table, sink, pcsv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none"))
    handle.write(sink.getvalue().to_pybytes().decode("utf-8"))


def with_info_header(header: str, model: Model) -> str:
    """The header of a VCF, with the line that documents the INFO field in place of one that it has."""
    lines = [line for line in header.splitlines() if not line.startswith(f"##INFO=<ID={FIELD},")]
    name = re.sub(r'["\\]', "_", model.name)
    described = (
        f'##INFO=<ID={FIELD},Number=.,Type=String,Description="Changes of RNA modifications predicted by rnamarks '
        f"{__version__} with {name}, for each alternative allele, transcript and task the "
        "nucleotide that is changed most and those that are lost or gained. POSITION: 1-based position on the genome, "
        "empty if inserted. DISTANCE: nt along the RNA from the change. DELTA: alternative minus reference in natural "
        "log odds. PERCENTILE: of the size of DELTA among random changes of one nucleotide. HAPLOTYPE: alleles that "
        f'were applied together, POS:REF>ALT. REASON: why there is no DELTA. Format: {_ENTRY}">'
    )
    return "\n".join([*lines[:-1], described, lines[-1]]) + "\n"


def info_entries(rows: Rows) -> dict[int, list[str]]:
    """Entries of the INFO field by number of the allele."""
    at = np.flatnonzero(rows.foremost)
    table = rows.table.take(pa.array(at))
    position = table["genome_start"].to_numpy()
    columns = [
        *(_each(table[name]) for name in ("alt", "transcript", "gene", "strand", "task")),
        pa.array(np.where(position < 0, "", (position + 1).astype(str))),
        table["distance"].cast(pa.string()).fill_null(""),
        _each(table["motif"]),
        *(_rounded(table[name]) for name in ("probability_ref", "probability_alt", "delta_logit", "percentile")),
        _each(table["haplotype"], lambda text: re.sub(r"\d+(?=:)", lambda start: str(int(start[0]) + 1), text)),
        _each(table["reason"]),
    ]
    entries = pc.binary_join_element_wise(*columns, "|").to_pylist()
    found: dict[int, list[str]] = {}
    for allele, entry in zip(rows.allele[at].tolist(), entries, strict=True):
        found.setdefault(allele, []).append(entry)
    return found


def _each(column: pa.ChunkedArray, change: Callable[[str], str] = str) -> pa.Array:
    """Texts as an INFO field may hold them; what is not allowed there is given by its number, as in an address."""
    coded = column.combine_chunks().dictionary_encode()
    texts = [
        re.sub(r"\s+", "_", _SPECIAL.sub(lambda found: f"%{ord(found[0]):02X}", change(text)))
        for text in coded.dictionary.to_pylist()
    ]
    return pa.array(texts, pa.string()).take(coded.indices)


def _rounded(column: pa.ChunkedArray) -> pa.Array:
    return pa.array(["" if value is None else f"{value:.4g}" for value in column.to_pylist()], pa.string())


_NUMBERS = ("probability_ref", "probability_alt", "logit_ref", "logit_alt", "delta_logit", "percentile")
_KINDS = {
    **dict.fromkeys(("start", "genome_start", "genome_end", "transcript_start"), pa.int64()),
    "distance": pa.int64(),
    **dict.fromkeys(_NUMBERS, pa.float32()),
}


def _fill(rows: int, columns: Mapping[str, object]) -> pa.Table:
    """The table ``variants``; columns that are not given are empty, positions that are not known -1."""
    arrays = {}
    for name in column_names("variants", task_columns=True):
        kind = _KINDS.get(name, pa.string())
        if name not in columns:
            blank = "" if kind == pa.string() else None if name in (*_NUMBERS, "distance") else -1
            arrays[name] = pa.repeat(pa.scalar(blank, kind), rows)
        else:
            values = columns[name]
            given = isinstance(values, pa.Array)
            arrays[name] = values if given else pa.array(values, from_pandas=True).cast(kind)
    return pa.table(arrays)


def _allele_columns(alleles: Sequence[Allele], number: np.ndarray) -> dict[str, object]:
    # a block may hold the alleles of a chromosome, of which few are on the rows
    known, place = np.unique(number, return_inverse=True)
    chosen = [alleles[one] for one in known]
    columns = {name: _texts([getattr(one, name) for one in chosen], place) for name in ("chrom", "ref", "alt")}
    return columns | {"start": np.array([one.start for one in chosen], dtype=np.int64)[place]}


def _transcript_columns(transcripts: pd.DataFrame, row: np.ndarray) -> dict[str, object]:
    known, place = np.unique(row, return_inverse=True)
    columns = {}
    for name in ("transcript", "gene", "gene_name", "strand"):
        values = transcripts[name].to_numpy()
        columns[name] = _texts([values[one] if one >= 0 else "" for one in known], place)
    return columns


def _texts(values: Sequence[str], place: np.ndarray) -> pa.Array:
    """The text of each row, by its place among the values."""
    return pa.array(values, pa.string()).take(pa.array(place))


def _foremost(unit: np.ndarray, order: np.ndarray, difference: np.ndarray) -> np.ndarray:
    size = np.where(np.isnan(difference), np.float32(-1), np.abs(difference))
    ranked = np.lexsort((-size, order, unit))
    first = np.ones(len(ranked), dtype=bool)
    first[1:] = (unit[ranked][1:] != unit[ranked][:-1]) | (order[ranked][1:] != order[ranked][:-1])
    found = np.isnan(difference)
    found[ranked[first]] = True
    return found
