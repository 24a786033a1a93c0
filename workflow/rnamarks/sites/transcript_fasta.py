"""Transcripts from a transcript FASTA: no genome, and coordinates only where an annotation fits."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..dictionary import column_names
from ..errors import InputError
from ..sequences import Record, read_records
from .annotation import STAGE, read_annotation
from .drops import KEPT, NOTE, Drops, Scope

# tags of the databases whose accession follows in NCBI's headers: gi|123|ref|NM_1.2|
_NCBI_TAGS = frozenset({"ref", "gb", "emb", "dbj", "tpg", "tpe", "tpd", "lcl", "gnl"})
_NCBI_SYMBOL = re.compile(r"\(([\w.@-]+)\),[^()]*$")
_VERSION = re.compile(r"(?<=\w)\.[0-9]+$")
_COPY = re.compile(r"_dup[0-9]+$")
# how UCSC tells the places of a transcript that maps more than once, NM_1_2
_PLACE = re.compile(r"(?<=[0-9])_[0-9]{1,2}$")

logger = logging.getLogger(__name__)


class Header(NamedTuple):
    """What the header of a transcript says; ``""`` where it does not."""

    transcript: str
    gene: str
    gene_name: str
    biotype: str


def read_header(header: str) -> Header:
    """Id and gene from a FASTA header (without ``>``) of NCBI, GENCODE, Ensembl, or any other: its first word.

    Examples
    --------
    >>> read_header("gi|424037187|ref|NR_073460.1| Homo sapiens pseudogene (LOC101101776), non-coding RNA")
    Header(transcript='NR_073460.1', gene='LOC101101776', gene_name='LOC101101776', biotype='')
    >>> read_header("ENST00000282507.7").transcript
    'ENST00000282507.7'
    """
    name, description = (*header.split(None, 1), "", "")[:2]
    parts = name.strip("|").split("|")
    if len(parts) > 1:
        tags = [at for at, part in enumerate(parts[:-1]) if part in _NCBI_TAGS]
        if tags:
            symbol = _NCBI_SYMBOL.search(description)
            gene = symbol.group(1) if symbol else ""
            return Header(parts[tags[0] + 1], gene, gene, "")
        if len(parts) >= 8:
            return Header(parts[0], parts[1], parts[5], parts[7])
        return Header(parts[0], "", "", "")
    stated = dict(word.split(":", 1) for word in description.split() if ":" in word)
    biotype = stated.get("transcript_biotype", stated.get("gene_biotype", ""))
    return Header(name, stated.get("gene", ""), stated.get("gene_symbol", ""), biotype)


def fasta_record(row: Any) -> str:
    """A row of the **transcripts** as FASTA, whose header :func:`read_header` reads."""
    said = {"gene": row.gene, "gene_symbol": row.gene_name, "transcript_biotype": row.biotype}
    words = [row.transcript, *(f"{name}:{text}" for name, text in said.items() if len(text.split()) == 1)]
    return f">{' '.join(words)}\n{row.sequence}\n"


def read_transcript_fasta(
    path: str | Path,
    drops: Drops,
    *,
    subject: str = "",
    annotation: pd.DataFrame | None = None,
    annotation_path: str | Path | None = None,
    minimum_matched: float = 0.5,
) -> pd.DataFrame:
    """Transcripts of a FASTA file, with coordinates where an annotation describes the same transcript.

    Parameters
    ----------
    path : path-like
        Plain or gzipped, DNA or RNA in either case, one record per transcript, 5' to 3'.
    drops : Drops
        Takes the counts, in transcripts, under the stage ``transcripts``.
    subject : str
        Name of the transcript set, for the drops table.
    annotation : pandas.DataFrame, optional
        As :func:`rnamarks.sites.annotation.read_annotation` gives it. Ids are compared as they are, where that
        fails without the version (``.7``) of either, then without the number of the place (``_2``) of those that map
        more than once. Exon lengths must add up to the length of the sequence, less nothing but A at its end, a
        poly-A tail, which is taken off. Where it has the column ``sequence``
        (:func:`rnamarks.sites.transcripts.build_transcripts`) the sequences must be equal, too, and a sequence that one
        transcript alone has is found under any name.
    annotation_path : path-like, optional
        Named in errors.
    minimum_matched : float
        If a smaller fraction of the file's ids is in the annotation it is taken for one of another naming. 0 switches
        the check off.

    Returns
    -------
    pandas.DataFrame
        Border **transcripts** in the file's order. A transcript without a fitting annotation has chromosome ``""``,
        strand ``+``, no exons and no coding sequence (-1). Genes are the annotation's, else the header's, else
        ``""``. Transcripts with one id and other sequences get the suffixes ``_dup1``, ``_dup2``; a record that
        repeats both is dropped.

    Raises
    ------
    InputError
        If the file holds no transcript, a record has no name, or too few ids are in the annotation.

    Notes
    -----
    All transcripts are in memory at once, 1 byte per nt.
    """
    records = list(read_records(path))
    headers = [_named(record, path) for record in records]
    frame = pd.DataFrame(headers, columns=list(Header._fields), dtype=object)
    frame["sequence"] = [record.sequence for record in records]
    fasta = drops.scope(STAGE, subject, "fasta")
    frame = fasta.keep(
        frame, ~frame.duplicated(["transcript", "sequence"]), "same id and sequence as an earlier record"
    ).reset_index(drop=True)
    fasta.count(KEPT, len(frame))
    if annotation is None:
        row = np.full(len(frame), -1)
    else:
        both = drops.scope(STAGE, subject, "fasta and annotation")
        row, lengths = _match(frame, annotation, both, path, annotation_path, minimum_matched)
        frame["sequence"] = [text[:length] for text, length in zip(frame["sequence"], lengths, strict=True)]
    copy = frame.groupby("transcript", sort=False).cumcount()
    fasta.count(f"{NOTE}one id with several sequences, suffix _dup added", (copy > 0).sum())
    frame["transcript"] += np.where(copy > 0, "_dup" + copy.astype(str), "")
    if frame["transcript"].duplicated().any():
        raise InputError(
            "a transcript id is used for several sequences and cannot be made unique",
            path=path,
            value=frame.loc[frame["transcript"].duplicated(), "transcript"].iloc[0],
            remedy="rename it",
        )
    return _join(frame, annotation, row)[column_names("transcripts")]


def read_transcript_files(
    fastas: Sequence[str | Path], annotations: Sequence[str | Path], drops: Drops, *, subject: str = ""
) -> pd.DataFrame:
    """Transcripts of several FASTA files, each with its own annotation; see :func:`read_transcript_fasta`.

    Raises
    ------
    InputError
        As :func:`read_transcript_fasta`, and if two files have one transcript id.
    """
    frames = []
    for at, fasta in enumerate(fastas):
        path = annotations[at] if annotations else None
        described = read_annotation(path, drops, subject=subject) if path else None
        frames.append(read_transcript_fasta(fasta, drops, subject=subject, annotation=described, annotation_path=path))
    frame = pd.concat(frames, ignore_index=True)
    twice = frame["transcript"].duplicated()
    if twice.any():
        raise InputError(
            "two files have a transcript of one id",
            path=fastas[-1],
            value=frame.loc[twice, "transcript"].iloc[0],
            remedy="rename one of them",
        )
    return frame


def _named(record: Record, path: str | Path) -> Header:
    header = read_header(record.header)
    if not header.transcript:
        raise InputError(
            "the transcript has no name", path=path, line=record.line, remedy="give FASTA with a name behind each '>'"
        )
    return header


def _match(
    frame: pd.DataFrame,
    annotation: pd.DataFrame,
    scope: Scope,
    path: str | Path,
    annotation_path: str | Path | None,
    minimum_matched: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Row of the annotation that describes each transcript, -1 for none, and the length that it gives; both of
    shape=(n_transcripts,)."""
    lengths = frame["sequence"].str.len().to_numpy()
    spliced = np.array(
        [
            (ends - starts).sum()
            for starts, ends in zip(annotation["exon_starts"], annotation["exon_ends"], strict=True)
        ],
        dtype=np.int64,
    )
    ids = annotation["transcript"].str.replace(_COPY, "", regex=True)
    row = np.full(len(frame), -1)
    known = np.zeros(len(frame), dtype=bool)
    bare = (frame["transcript"].str.replace(_VERSION, "", regex=True), ids.str.replace(_VERSION, "", regex=True))
    names = ((frame["transcript"], ids), bare, (bare[0], bare[1].str.replace(_PLACE, "", regex=True)))
    without_tail = frame["sequence"].str.rstrip("A").str.len().to_numpy()
    # whole sequences first, so that none with a tail takes the place of one without
    for tails in (False, True):
        for left, right in names:
            open_left, open_right = row < 0, ~np.isin(np.arange(len(annotation)), row)
            known |= left.isin(right).to_numpy()
            shortest = without_tail if tails else lengths
            row[open_left] = np.maximum(
                row[open_left],
                _pair(left[open_left], shortest[open_left], lengths[open_left], right[open_right], spliced[open_right]),
            )
    same = "sequence" in annotation
    if same:
        row = _by_sequence(frame["sequence"], annotation["sequence"], row)
    fraction = float(known.mean())
    fits = row >= 0
    logger.info("%s: %.1f %% of the transcript ids are in the annotation", path, 100 * fraction)
    given = np.where(fits, spliced[row], lengths) if len(spliced) else lengths
    scope.count(f"{NOTE}transcript not in the annotation, no coordinates", (~known & ~fits).sum())
    scope.count(f"{NOTE}poly-A tail behind the exons taken off", (given < lengths).sum())
    other = "the genome has another sequence" if same else "exons add up to another length than the sequence"
    scope.count(f"{NOTE}{other}, no coordinates", (known & ~fits).sum())
    scope.count(KEPT, fits.sum())
    if fraction < minimum_matched:
        raise InputError(
            f"only {fraction:.1%} of {len(frame)} transcript ids are in the annotation",
            path=annotation_path or path,
            value=frame.loc[~known, "transcript"].iloc[0],
            remedy=f"it has {', '.join(annotation['transcript'].head(3))}; give files of one naming, or none",
        )
    if not fits.all():
        logger.warning("%s: %d of %d transcripts get no coordinates", path, (~fits).sum(), len(frame))
    return row, given


def _by_sequence(own: pd.Series, theirs: pd.Series, row: np.ndarray) -> np.ndarray:
    """Rows of an annotation that have the sequences, less a tail; a name may be wrong, a sequence that is there once is
    not."""
    letters = theirs.to_numpy()
    row = np.array(
        [at if at >= 0 and text.startswith(letters[at]) else -1 for text, at in zip(own, row, strict=True)],
        dtype=np.int64,
    )
    alone = ~theirs.duplicated(keep=False).to_numpy()
    found = pd.Series(np.flatnonzero(alone), index=letters[alone]).reindex(own).fillna(-1).to_numpy(dtype=np.int64)
    return np.where(row >= 0, row, found)


def _pair(
    left: pd.Series, shortest: np.ndarray, longest: np.ndarray, right: pd.Series, right_length: np.ndarray
) -> np.ndarray:
    """Index into the annotation of equal name and a length in range, -1 for none.

    Of several of one name and length the k-th of the one goes with the k-th of the other.
    """
    own = pd.DataFrame({"name": left.to_numpy(), "shortest": shortest, "longest": longest, "at": np.arange(len(left))})
    others = pd.DataFrame({"name": right.to_numpy(), "length": right_length, "row": right.index})
    both = own.merge(others, on="name")
    both = both[(both["length"] >= both["shortest"]) & (both["length"] <= both["longest"])]
    # the nearest length first
    both = both.sort_values(["at", "length", "row"], ascending=[True, False, True], kind="stable")
    found, taken = np.full(len(left), -1, dtype=np.int64), set()
    for at, row in zip(both["at"], both["row"], strict=True):
        if found[at] < 0 and row not in taken:
            found[at] = row
            taken.add(row)
    return found


def _join(frame: pd.DataFrame, annotation: pd.DataFrame | None, row: np.ndarray) -> pd.DataFrame:
    n = len(frame)
    values: dict[str, np.ndarray] = {
        "chrom": np.full(n, "", dtype=object),
        "strand": np.full(n, "+", dtype=object),
        "exon_starts": _lists(n),
        "exon_ends": _lists(n),
        "cds_start": np.full(n, -1, dtype=np.int64),
        "cds_end": np.full(n, -1, dtype=np.int64),
    }
    fits = row >= 0
    if annotation is not None and fits.any():
        chosen = annotation.iloc[row[fits]]
        for name in column_names("transcripts", first="chrom", last="cds_end"):
            values[name][fits] = chosen[name].to_numpy()
        for name in ("gene", "gene_name", "biotype"):
            stated = chosen[name].to_numpy(dtype=object)
            frame.loc[fits, name] = np.where(stated != "", stated, frame.loc[fits, name].to_numpy())
    return frame.assign(**values)


def _lists(n: int) -> np.ndarray:
    lists = np.empty(n, dtype=object)
    for at in range(n):
        lists[at] = np.zeros(0, dtype=np.int64)
    return lists
