"""Where measured positions lie: on the genome, on transcripts, and among the motif positions that a model scored."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import InputError
from ..sites.coordinates import SPAN, TranscriptMap
from ..sites.drops import Scope
from ..sites.readers.measurements import Measured
from ..sites.readers.rows import DUPLICATE
from ..sites.site_tables import harmonise_chromosomes
from .measures import Positions, near_sites

PLACE = ["chrom", "start", "strand"]


def place_on_genome(
    measured: Measured,
    annotation: pd.DataFrame,
    contigs: list[str],
    scope: Scope,
    *,
    path: object = None,
    shift: int = 0,
) -> pd.DataFrame:
    """Measurements by position on the genome.

    Parameters
    ----------
    measured : Measured
    annotation : pandas.DataFrame
        See :func:`rnamarks.sites.annotation.read_annotation`; chromosomes named as in the genome.
    contigs : list of str
        Of the genome.
    scope : Scope
        Takes the counts of what is left out.
    path : path-like, optional
        For messages.
    shift : int
        Added to every position on the genome.

    Returns
    -------
    pandas.DataFrame
        ``chrom``, ``start`` (0-based), ``strand``, ``coverage``, ``stoichiometry``, ``called``; one row per position.
        Isoforms measured apart are put together: reads are added, shares weighted by them, and one call is enough.

    Raises
    ------
    InputError
        If there is no row, or most are on chromosomes or transcripts that are not known.
    """
    frame = measured.frame
    if not len(frame):
        raise InputError(
            "no row of the file is left", path=path, remedy=f"check it, or lower the limits; {measured.rule}"
        )
    if "transcript" in frame:
        frame = _from_transcripts(frame, annotation, scope, path)
    else:
        frame = harmonise_chromosomes(frame, contigs, scope, path=path)
    frame = frame.assign(start=frame["start"] + shift)
    frame = scope.keep(frame, frame["start"] >= 0, "before the start of its chromosome")
    if "transcript" not in measured.frame:
        frame = frame.sort_values("coverage", ascending=False, kind="stable")
        return scope.keep(frame, ~frame.duplicated(PLACE), DUPLICATE).sort_values(PLACE, ignore_index=True)
    reads = frame["coverage"].to_numpy()
    joined = frame.assign(stoichiometry=frame["stoichiometry"] * reads).groupby(PLACE, as_index=False)
    joined = joined.agg({"coverage": "sum", "stoichiometry": lambda values: values.sum(min_count=1), "called": "max"})
    return joined.assign(stoichiometry=joined["stoichiometry"] / joined["coverage"])


def _from_transcripts(frame: pd.DataFrame, annotation: pd.DataFrame, scope: Scope, path: object) -> pd.DataFrame:
    """Rows by transcript as rows by position on the genome."""
    # the names of FASTA files of GENCODE hold more than the id
    names = frame["transcript"].str.partition("|")[0]
    row = pd.Index(annotation["transcript"]).get_indexer(names)
    if (row < 0).any():
        # one release writes versions, another does not
        bare = pd.Series(
            np.arange(len(annotation)), index=annotation["transcript"].str.replace(r"\.\d+$", "", regex=True)
        )
        bare = bare[~bare.index.duplicated()]
        without = names.str.replace(r"\.\d+$", "", regex=True).map(bare).fillna(-1).to_numpy(dtype=np.int64)
        row = np.where(row < 0, without, row)
    known = row >= 0
    if known.mean() < 0.5:
        raise InputError(
            f"only {known.mean():.0%} of the rows are on a transcript of the annotation",
            path=path,
            value=names[~known].iloc[0],
            remedy="give the annotation whose transcripts the reads were aligned to",
        )
    frame, row = scope.keep(frame, known, "transcript not in the annotation"), row[known]
    place = TranscriptMap(annotation).to_genome(row, frame["start"].to_numpy())
    inside = place >= 0
    kept, row = scope.keep(frame, inside, "beyond the end of its transcript"), row[inside]
    of = {name: annotation[name].to_numpy()[row] for name in ("chrom", "strand")}
    return kept.drop(columns="transcript").assign(start=place[inside], **of)


def scored_positions(
    predicted: pd.DataFrame, transcripts: pd.DataFrame, measured: pd.DataFrame, *, complete: bool
) -> tuple[Positions, pd.DataFrame]:
    """The motif positions to judge by, each once, with what was measured there.

    A position on several isoforms has the row of the highest logit, as in other exports.

    Parameters
    ----------
    predicted : pandas.DataFrame
        Border **predicted sites** of one task.
    transcripts : pandas.DataFrame
        Border **transcripts**: those that were scanned.
    measured : pandas.DataFrame
        See :func:`place_on_genome`.
    complete : bool
        Whether positions that are not measured count as not covered. Otherwise all motif positions of transcripts with
        at least one site are taken.

    Returns
    -------
    positions : Positions
    rows : pandas.DataFrame
        The rows of ``predicted`` that they are.
    """
    sites = measured[measured["called"]]
    _, row, at = TranscriptMap(transcripts).overlaps(sites["chrom"], sites["strand"], sites["start"].to_numpy())
    number = pd.Index(transcripts["transcript"]).get_indexer(predicted["sequence"])
    keys = pd.MultiIndex.from_frame(measured[PLACE])
    found = keys.get_indexer(
        pd.MultiIndex.from_arrays([predicted["chrom"], predicted["genome_start"], predicted["strand"]])
    )
    covered = found >= 0 if complete else np.isin(number, row)
    order = np.flatnonzero(covered)
    order = order[np.argsort(-predicted["logit"].to_numpy()[order], kind="stable")]
    once = ~predicted.iloc[order].duplicated(["chrom", "genome_start", "strand"]).to_numpy()
    chosen = np.sort(order[once])
    rows, found, number = predicted.iloc[chosen], found[chosen], number[chosen]
    start = rows["start"].to_numpy()
    hit = found >= 0
    called = np.zeros(len(rows), dtype=bool)
    called[hit] = measured["called"].to_numpy()[found[hit]]
    share = np.full(len(rows), np.nan)
    share[hit] = measured["stoichiometry"].to_numpy()[found[hit]]
    gene = rows["gene"].where(rows["gene"] != "", rows["sequence"])
    positions = Positions(
        gene=pd.factorize(gene)[0],
        transcript=number,
        start=start,
        score=rows["logit"].to_numpy(dtype=np.float64),
        q=rows["q"].to_numpy(dtype=np.float64),
        measured=called,
        stoichiometry=share,
        near=near_sites(number, start, row * SPAN + at),
    )
    return positions, rows
