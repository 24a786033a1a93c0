"""Motif positions of coding transcripts, and which of them count as sites.

Every motif position (DRACH for m6A) of a transcript is a candidate; a *call* tells which candidates count as sites.
Calls of a model, streamed from its file of predicted sites by a named rule, and measured sites are treated alike.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..errors import InputError, check_complete
from ..registry import Register
from ..sites.coordinates import SPAN, TranscriptMap
from ..tables import open_parquet, read_parquet

MEASURED = "measured"
EXON_COLUMNS = ("transcript", "chrom", "strand", "exon_starts", "exon_ends", "cds_start", "cds_end")
TRANSCRIPT_COLUMNS = ("transcript", "gene", "length", "cds_start", "cds_end")

logger = logging.getLogger(__name__)

CALLS: Register[Callable[[np.ndarray, float], np.ndarray]] = Register("rule of calling")
"""By the column of the predicted sites that is held against the threshold.

``logit`` above 0 is the paper's probability of 0.5 on its uncalibrated output; ``probability`` is calibrated;
``false_fraction`` and ``q`` call what lies below the threshold.
"""

for _name, _compare in (
    ("logit", np.greater),
    ("probability", np.greater),
    ("false_fraction", np.less),
    ("q", np.less),
):
    CALLS.add(_name)(_compare)


class Candidates(NamedTuple):
    """Motif positions on transcripts with a coding sequence; arrays of shape=(n,).

    ``transcript`` is the row of the transcript table, ``position`` is 0-based on the transcript, ``called`` tells which
    count as sites.
    """

    transcript: np.ndarray
    position: np.ndarray
    called: np.ndarray


def coding_transcripts(table: pd.DataFrame) -> pd.DataFrame:
    """Of each gene the transcript with the longest coding sequence, among equals the longest, then the first.

    A transcript without a gene is its own gene; one without a coding sequence is left out.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns ``transcript``, ``gene``, ``length``, ``cds_start``, ``cds_end`` (0-based half-open on the transcript,
        -1 for none).

    Returns
    -------
    pandas.DataFrame
        In the order given, with a new index from 0.

    Raises
    ------
    InputError
        If a transcript comes twice or its coding sequence leaves it.
    """
    twice = table["transcript"].duplicated()
    if twice.any():
        raise InputError(
            "the transcript table names a transcript twice",
            value=table["transcript"][twice].iloc[0],
            remedy="list each transcript once",
        )
    coding = table[table["cds_start"] >= 0]
    wrong = (coding["cds_end"] <= coding["cds_start"]) | (coding["cds_end"] > coding["length"])
    if wrong.any():
        raise InputError(
            "a coding sequence is empty or leaves its transcript",
            value=coding["transcript"][wrong].iloc[0],
            remedy="coordinates on the transcript are 0-based and half-open",
        )
    coding = coding.assign(gene=coding["gene"].fillna("").where(lambda gene: gene != "", coding["transcript"]))
    order = coding.assign(
        cds=coding["cds_start"] - coding["cds_end"], long=-coding["length"], row=np.arange(len(coding))
    ).sort_values(["cds", "long", "row"], kind="stable")
    return coding.loc[~order["gene"].duplicated().reindex(coding.index)].reset_index(drop=True)


def read_candidates(
    path: str | Path, table: pd.DataFrame, *, call: str = "probability", threshold: float = 0.5
) -> Candidates:
    """Candidates of the given transcripts from a file of predicted sites, with one row group in memory at a time.

    Parameters
    ----------
    path : path-like
        Parquet with ``sequence`` (the transcript), ``start`` and the column that the rule of calling reads.
    table : pandas.DataFrame
        As :func:`coding_transcripts` gives it; sites on other transcripts are passed over.
    call : str
        Name in :data:`CALLS`.
    threshold : float

    Raises
    ------
    InputError
        If the file is missing, damaged or lacks a column, or the model gave no value to call by.
    """
    rule = CALLS[call]
    columns = ["sequence", "start", call]
    rows = pd.Index(table["transcript"])
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    with open_parquet(path, read_dictionary=["sequence"]) as file:
        check_complete(file.schema_arrow.names, columns, "the table of sites", "predict again", path=path)
        for batch in file.iter_batches(1 << 20, columns=columns):
            names = batch.column("sequence")
            row = rows.get_indexer(names.dictionary.to_pylist())[names.indices.to_numpy()]
            kept = row >= 0
            values = batch.column(call).to_numpy(zero_copy_only=False)
            if len(values) and np.isnan(values).all():
                raise InputError(
                    f"the predicted sites have no {call}",
                    path=path,
                    remedy=f"call by another of {', '.join(CALLS.names())}, or make what {call} needs",
                )
            position = batch.column("start").to_numpy()[kept].astype(np.int64)
            found.append((row[kept], position, rule(values[kept], threshold)))
    if not found:
        return Candidates(*(np.zeros(0, dtype=np.int64),) * 2, np.zeros(0, dtype=bool))
    return Candidates(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def read_exons(path: str | Path) -> pd.DataFrame:
    """Columns :data:`EXON_COLUMNS` of a **transcripts** file, without the sequences, which need far more memory."""
    return read_parquet(path, only=EXON_COLUMNS)[0]


def call_measured(
    candidates: Candidates, table: pd.DataFrame, transcripts: pd.DataFrame, sites: pd.DataFrame
) -> Candidates:
    """The same candidates with measured sites as the calls.

    Parameters
    ----------
    candidates : Candidates
    table : pandas.DataFrame
        Transcripts that the candidates lie on.
    transcripts : pandas.DataFrame
        Border **transcripts**, at least :data:`EXON_COLUMNS`.
    sites : pandas.DataFrame
        Border **sites**: ``chrom`` as the transcripts have it, ``start`` 0-based, ``strand``.

    Returns
    -------
    Candidates
        A measured site that is no candidate of these transcripts (another motif, an intron, another isoform) is no
        call; the log says how many are.
    """
    mapped = transcripts.set_index("transcript").reindex(table["transcript"])
    if mapped["chrom"].isna().any():
        raise InputError(
            "a transcript with predictions is not among the transcripts",
            value=mapped.index[mapped["chrom"].isna()][0],
            remedy="give the transcripts that were scanned",
        )
    sites = sites.drop_duplicates(["chrom", "start", "strand"])
    query, row, position = TranscriptMap(mapped.reset_index()).overlaps(
        sites["chrom"], sites["strand"], sites["start"].to_numpy()
    )
    keys = row * SPAN + position
    wanted = candidates.transcript * SPAN + candidates.position
    on_motif = np.unique(query[np.isin(keys, wanted)]).size
    logger.info(
        "%d measured sites: %d on the transcripts shown, %d of these at a motif position",
        len(sites),
        np.unique(query).size,
        on_motif,
    )
    return candidates._replace(called=np.isin(wanted, keys))
