"""What a scan writes: the table of called bases, the attention behind each, and bedRMod."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TextIO

import numpy as np
import pandas as pd

from .. import __version__
from ..errors import InputError
from .bedrmod import COLUMNS as BEDRMOD_COLUMNS
from .bedrmod import BedRModHeader
from .scan import ATTENTION_COLUMNS, COLUMNS, Calls, Mark, ScanOptions
from .spool import Spool
from .tracks import display_score

UNIDENTIFIED = 32644
"""NCBI taxon of what is not known."""
COLOURS = {
    "Am": "#88CCEE",
    "Cm": "#CC6677",
    "Gm": "#DDCC77",
    "Um": "#117733",
    "m1A": "#332288",
    "m5C": "#AA4499",
    "m5U": "#44AA99",
    "m6A": "#882255",
    "m6Am": "#999933",
    "m7G": "#661100",
    "Y": "#6699CC",
    "I": "#888888",
}
"""Colours of the sheet of modifications, which a model directory does not bring along."""
_OTHER = "#767676"
_NOT_IN_CHROM = re.compile(r"[^A-Za-z0-9_]")


def colours_of(marks: Sequence[Mark]) -> dict[str, str]:
    """``#RRGGBB`` of each modification."""
    return {mark.modification: COLOURS.get(mark.modification, _OTHER) for mark in marks}


class Table:
    """Writes the rows as tab-separated text, columns :data:`rnamarks.prediction.scan.COLUMNS`."""

    def __init__(self, handle: TextIO) -> None:
        self._handle = handle
        handle.write("\t".join(COLUMNS) + "\n")

    def write(self, calls: Calls) -> None:
        """Take the rows of one block."""
        _write(calls.table, self._handle, "%.7g")


class AttentionTable:
    """Writes the attention behind each called base, one row per nucleotide.

    Columns: ``sequence``, ``position`` (1-based, of the called base), ``modification``, ``attended`` (1-based
    position), ``base`` (there), ``weight`` (share of the attention of the window; a word's weight goes in equal parts
    to its letters).
    """

    def __init__(self, handle: TextIO, spool: Spool) -> None:
        self._handle, self._spool = handle, spool
        handle.write("\t".join(ATTENTION_COLUMNS) + "\n")

    def write(self, calls: Calls) -> None:
        """Take the rows of one block."""
        if calls.weights is None:
            raise ValueError("the scan was not asked to keep the weights")
        flank = calls.weights.shape[1] // 2
        for start in range(0, len(calls.table), 1024):
            rows = calls.table.iloc[start : start + 1024]
            number, weights = calls.number[start : start + 1024], calls.weights[start : start + 1024]
            place = rows["position"].to_numpy()[:, None] + np.arange(-flank, flank + 1)
            row, column = np.nonzero((place >= 1) & (place <= self._spool.lengths[number][:, None]))
            place = place[row, column]
            found = rows[["sequence", "position", "modification"]].iloc[row].reset_index(drop=True)
            codes = self._spool.codes[self._spool.starts[number][row] + place - 1]
            found["attended"], found["base"] = place, np.array(list("ACGUN"), dtype=object)[codes]
            found["weight"] = weights[row, column]
            _write(found, self._handle, "%.5g")


class BedRMod:
    """Writes the rows as bedRMod, version 2; see :mod:`rnamarks.prediction.bedrmod`.

    ``chrom`` is the name of the record, letters but digits, ``_`` and A to z written as ``_``; the strand is ``+``.

    Raises
    ------
    InputError
        If two names would become one, or the header cannot hold a value.
    """

    def __init__(
        self,
        handle: TextIO,
        spool: Spool,
        marks: Sequence[Mark],
        options: ScanOptions,
        *,
        predictor: str,
        digest: str,
        prevalence: Mapping[str, float],
        assembly: str,
        organism: int = UNIDENTIFIED,
    ) -> None:
        self._handle, self._colours = handle, colours_of(marks)
        self._names = bedrmod_names(spool.names)
        limits = [f"p<{options.alpha:g}"] if options.alpha is not None else []
        limits += [f"q<{options.fdr:g}"] if options.fdr is not None else []
        shares = " ".join(f"{head} {share:.4g}" for head, share in prevalence.items())
        header = BedRModHeader(
            organism=organism,
            modification_names=[(mark.modification, mark.modification, mark.base) for mark in marks],
            assembly=assembly,
            annotation_source="none (positions on the sequences given)",
            annotation_version="none",
            sequencing_platform="none (predicted from sequence)",
            bioinformatics_workflow=(
                f"program:rnamarks {__version__};PREDICTIONS from sequence, no measurement;"
                f"model:{predictor} sha256 {digest};sites:{' and '.join(limits) or 'all tested'};"
                f"score:round(1000*probability);coverage:1 (no reads);"
                f"frequency:100*probability, calibrated at prevalence {shares}, not a stoichiometry"
            ),
            experiment="none (predicted from sequence)",
        )
        handle.writelines(f"{line}\n" for line in header.lines())
        handle.write("#" + "\t".join(BEDRMOD_COLUMNS) + "\n")
        handle.writelines(
            f"# sequence {name.encode('ascii', 'replace').decode()} is written {new}\n"
            for name, new in zip(spool.names, self._names, strict=True)
            if name != new
        )

    def write(self, calls: Calls) -> None:
        """Take the rows of one block."""
        table = calls.table
        probability = table["probability"].to_numpy()
        start = table["position"].to_numpy() - 1
        colours = {
            name: ",".join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))
            for name, colour in self._colours.items()
        }
        columns = (
            np.array(self._names, dtype=object)[calls.number],
            start,
            start + 1,
            table["modification"].to_numpy(),
            display_score(probability),
            "+",
            start,
            start + 1,
            table["modification"].map(colours).to_numpy(),
            1,
            100 * probability,
        )
        _write(pd.DataFrame(dict(zip(BEDRMOD_COLUMNS, columns, strict=True))), self._handle, "%.4f")


def bedrmod_names(names: Sequence[str]) -> list[str]:
    """Names of sequences as bedRMod allows them; :class:`InputError` if two become one."""
    found: dict[str, str] = {}
    for name in names:
        new = _NOT_IN_CHROM.sub("_", name)
        if new in found:
            raise InputError(
                f"bedRMod allows letters, digits and _ in names, so {found[new]} and this one would be the same",
                value=name,
                remedy="rename one of them",
            )
        found[new] = name
    return list(found)


def _write(frame: pd.DataFrame, handle: TextIO, numbers: str) -> None:
    frame.to_csv(handle, sep="\t", index=False, header=False, lineterminator="\n", float_format=numbers)
