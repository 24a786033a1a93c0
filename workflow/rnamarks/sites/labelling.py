"""Positive and negative windows from transcripts and lists of modified sites; all positions are 0-based."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from ..dictionary import column_names
from ..errors import InputError
from ..sequences import decode_windows
from ..tasks import Task
from .contigs import match_contigs
from .coordinates import SPAN, TranscriptMap
from .drops import KEPT, NOTE, Drops
from .motifs import bases_at_offset, find_motif
from .windows import flank_of, lay_chunks

POSITIVES = "positives"
NEGATIVES = "negatives"
NegativesFrom = Literal["transcriptome", "modified_transcripts"]
Isoforms = Literal["all", "longest"]

_ENSEMBL_VERSION = r"^(ENS[A-Z]*G[0-9]{11})\.[0-9]+$"

logger = logging.getLogger(__name__)


def label_sites(
    transcripts: pd.DataFrame,
    sites: pd.DataFrame,
    *,
    drops: Drops,
    task: Task,
    seed: int,
    width: int = 101,
    negatives_per_positive: float = 10,
    isoforms: Isoforms = "all",
    negatives_from: NegativesFrom = "transcriptome",
    veto: Iterable[pd.DataFrame] = (),
    orthologues: pd.DataFrame | None = None,
    minimum_on_base: float = 0.5,
) -> pd.DataFrame:
    """Windows around modified sites and around sampled sites that no list calls modified.

    Candidates are all occurrences of the motif on transcripts, one per genome position and strand. A
    position that several isoforms carry in the motif is shown on one of them: that with the longest coding
    sequence, then the longest, then the first id in text order. Positives are the candidates that ``sites``
    lists. Negatives are drawn without replacement from the candidates that neither ``sites`` nor ``veto`` lists.

    Parameters
    ----------
    transcripts : pandas.DataFrame
        Border **transcripts**.
    sites : pandas.DataFrame
        Border **sites**, of one modification: ``chrom``, ``start`` (0-based on the forward strand), ``strand``,
        ``source``, ``support``. Chromosomes may be named with or without ``chr``.
    drops : Drops
        Takes the counts: of the sites under the stage ``positives`` and their source, of the unmodified
        candidates under ``negatives``.
    task : Task
        Its ``place`` is the motif and the modified base in it.
    seed : int
        Of the sampling; the same input in any order of rows and the same seed give the same windows.
    width : int
        Odd.
    negatives_per_positive : float
        If there are fewer candidates all are taken, with a warning. 0 for all that there are.
    isoforms : {'all', 'longest'}
        ``longest``: of each gene the longest transcript alone, of equally long ones the first id in text order; genes
        without a name are their transcripts.
    negatives_from : {'transcriptome', 'modified_transcripts'}
        All transcripts (as MASS does), or only those that carry a positive.
    veto : iterable of pandas.DataFrame
        More lists of modified positions (``chrom``, ``start``, ``strand``), of any source and modification.
    orthologues : pandas.DataFrame, optional
        ``gene`` and ``orthogroup``, of the task's species. Ensembl gene ids match with and without version.
    minimum_on_base : float
        Of 50 or more sites on transcripts at least this fraction must lie on the motif's base, else the sites
        are taken for another assembly. About 0.3 do by chance. 0 switches the check off.

    Returns
    -------
    pandas.DataFrame
        Border **windows**, ordered by chromosome, strand and position; ``label`` int8, ``support`` 0 for negatives.

    Raises
    ------
    InputError
        If no site lies on a chromosome of the transcripts, too few lie on the right base, or no positive or no
        negative is left.

    Notes
    -----
    One strand of a chromosome is searched at a time. Beside the transcripts' own text (1 byte per nt) there are about
    100 bytes per occurrence of the motif on the transcripts of that strand, 25 per position of the motif on the whole
    genome's transcripts, and 700 per window.
    """
    if negatives_per_positive < 1 and negatives_per_positive != 0:
        raise InputError(
            "negatives per positive must be 1 or more, or 0 for all",
            value=negatives_per_positive,
            remedy="give 10 as the paper does",
        )
    if isoforms not in ("all", "longest"):
        raise InputError("no such choice of isoforms", value=isoforms, remedy="choose all or longest")
    if isoforms == "longest":
        transcripts = longest_of_genes(transcripts)
    if negatives_from not in ("transcriptome", "modified_transcripts"):
        raise InputError(
            "no such scope of negatives", value=negatives_from, remedy="choose transcriptome or modified_transcripts"
        )
    motif, _ = task.place
    transcript_map = TranscriptMap(transcripts)
    sites = _one_per_position(_on_contigs(sites, transcripts, drops, task.name), drops, task.name)
    site_key = _keys(transcript_map, sites)

    found = _find_candidates(
        transcripts, transcript_map, site_key, task.place, modified_transcripts=negatives_from == "modified_transcripts"
    )
    listed = np.isin(site_key, found.key[found.listed])
    texts = transcripts["sequence"].to_numpy()
    _count_sites(transcript_map, texts, sites, listed, task, minimum_on_base, drops)
    if not found.listed.any():
        raise InputError(
            f"{task.name}: none of {len(sites)} sites lies in {motif} on a transcript",
            remedy="check motif, assembly and strand of the sites",
        )
    positive, unlisted = np.flatnonzero(found.listed), np.flatnonzero(~found.listed)
    drops.count(POSITIVES, task.name, "transcripts", f"{NOTE}other isoforms of a kept site", found.others)
    called = np.zeros(len(unlisted), dtype=bool)
    for frame in veto:
        called |= np.isin(found.key[unlisted], _keys(transcript_map, _renamed(frame, transcripts)))
    drops.count(NEGATIVES, task.name, "transcripts", "called modified by another list", called.sum())
    candidates = unlisted[~called]
    wanted = round(len(positive) * negatives_per_positive) or len(candidates)
    negative = _sample(candidates, wanted, seed, task.name, motif, drops)

    rows = np.sort(np.concatenate((positive, negative)))
    owner, position, key, is_positive = (column[rows] for column in found[:4])
    by_transcript = np.lexsort((position, owner))
    sequence = np.empty(len(rows), dtype=object)
    sequence[by_transcript] = _texts(transcripts["sequence"], owner[by_transcript], position[by_transcript], width)
    support = np.zeros(len(rows), dtype=np.int64)
    site_order = np.argsort(site_key, kind="stable")
    at = site_order[np.searchsorted(site_key[site_order], key[is_positive])]
    support[is_positive] = sites["support"].to_numpy(dtype=np.int64)[at]

    frame = transcripts[["chrom", "strand", "transcript", "gene"]].iloc[owner].reset_index(drop=True)
    frame["genome_start"] = key % SPAN
    frame["genome_end"] = frame["genome_start"] + 1
    frame["window"] = task.name + ":" + frame["chrom"] + ":" + frame["genome_start"].astype(str) + ":" + frame["strand"]
    frame["task"], frame["species"], frame["modification"] = task.name, task.species, task.modification
    frame["sequence"] = sequence
    frame["label"] = is_positive.astype(np.int8)
    frame["start"], frame["end"] = position, position + 1
    frame["region"] = transcript_map.region(owner, position)
    frame["orthogroup"] = _orthogroups(frame["gene"], orthologues)
    frame["support"] = support
    frame["given"] = ""
    return frame[column_names("windows")]


def longest_of_genes(transcripts: pd.DataFrame) -> pd.DataFrame:
    """The longest transcript of each gene, of equally long ones the first id in text order; rows keep their order.

    Parameters
    ----------
    transcripts : pandas.DataFrame
        Border **transcripts**. Those without coordinates are left out.
    """
    placed = transcripts[transcripts["chrom"] != ""]
    gene = placed["gene"].where(placed["gene"] != "", placed["transcript"])
    order = pd.DataFrame({"gene": gene, "nt": -placed["sequence"].str.len(), "name": placed["transcript"].astype(str)})
    chosen = order.sort_values(["gene", "nt", "name"]).drop_duplicates("gene").index
    return placed.loc[placed.index.isin(chosen)].reset_index(drop=True)


def listed_positions(
    transcripts: pd.DataFrame, tables: Iterable[pd.DataFrame], motif: str, offset: int
) -> dict[str, np.ndarray]:
    """Positions of a motif that some list calls modified.

    Parameters
    ----------
    transcripts : pandas.DataFrame
        Border **transcripts**.
    tables : iterable of pandas.DataFrame
        Columns ``chrom``, ``start`` (0-based), ``strand``.
    motif, offset : str, int
        The base is ``motif[offset]``.

    Returns
    -------
    dict of str to numpy.ndarray
        Transcript to 0-based positions on it; transcripts without any are left out.
    """
    transcript_map = TranscriptMap(transcripts)
    keys = [_keys(transcript_map, _renamed(table, transcripts)) for table in tables]
    wanted = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *keys]))
    names = transcripts["transcript"].to_numpy()
    found = {}
    for owner, position, key in _hits_by_strand(transcripts, transcript_map, motif, offset):
        listed = _among(key, wanted)
        for row, part in pd.Series(position[listed]).groupby(owner[listed]):
            found[str(names[row])] = part.to_numpy()
    return found


class _Candidates(NamedTuple):
    """Positions of the motif on the genome, ascending by key, each on the isoform that shows it.

    ``transcript`` is a row number, ``position`` 0-based on it, ``listed`` whether a table names it; ``others`` counts
    the other isoforms of listed ones.
    """

    transcript: np.ndarray
    position: np.ndarray
    key: np.ndarray
    listed: np.ndarray
    others: int


def _find_candidates(
    transcripts: pd.DataFrame,
    transcript_map: TranscriptMap,
    site_key: np.ndarray,
    place: tuple[str, int],
    *,
    modified_transcripts: bool,
) -> _Candidates:
    """Every position of the motif, or those on transcripts that carry a listed one."""
    wanted = np.unique(site_key)
    rank = _isoform_rank(transcripts, transcript_map)
    none = np.zeros(0, dtype=np.int64)
    parts = [(none, none, none, none.astype(bool))]
    others = 0
    for transcript, position, key in _hits_by_strand(transcripts, transcript_map, *place):
        listed = _among(key, wanted)
        if modified_transcripts:
            eligible = np.isin(transcript, transcript[listed])
            transcript, position, key, listed = (one[eligible] for one in (transcript, position, key, listed))
        order = np.lexsort((rank[transcript], key))
        chosen = order[np.diff(key[order], prepend=-1) != 0]
        parts.append((transcript[chosen], position[chosen], key[chosen], listed[chosen]))
        others += int(listed.sum() - listed[chosen].sum())
    return _Candidates(*map(np.concatenate, zip(*parts, strict=True)), others)


def _hits_by_strand(
    transcripts: pd.DataFrame, transcript_map: TranscriptMap, motif: str, offset: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Occurrences of the motif, one strand of a chromosome at a time: row of the transcript, position on it, key.

    Keys of a strand are above those of the strands before it. All at once would be 100 bytes for each of a hundred
    million occurrences of one base on human transcripts.
    """
    texts, group = transcripts["sequence"].to_numpy(), transcript_map.group
    strands = np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1])
    for rows in strands:
        owner, position = _scan(texts[rows], motif, offset)
        owner = rows[owner]
        yield owner, position, group[owner] * SPAN + transcript_map.to_genome(owner, position)


def _among(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Which keys are among the wanted ones, which ascend; ``np.isin`` would sort the keys."""
    if not len(wanted):
        return np.zeros(len(keys), dtype=bool)
    return wanted[np.minimum(np.searchsorted(wanted, keys), len(wanted) - 1)] == keys


def _renamed(sites: pd.DataFrame, transcripts: pd.DataFrame) -> pd.DataFrame:
    """The sites with the transcripts' names of chromosomes, as far as these have them."""
    pairs = match_contigs(sites["chrom"].unique(), transcripts["chrom"].unique())
    return sites.assign(chrom=sites["chrom"].map(pairs).fillna(sites["chrom"]))


def _on_contigs(sites: pd.DataFrame, transcripts: pd.DataFrame, drops: Drops, subject: str) -> pd.DataFrame:
    if not len(sites):
        raise InputError(f"{subject}: the table of sites is empty", remedy="check the filters of its source")
    negative = sites["start"] < 0
    if negative.any():
        raise InputError(
            f"{subject}: a site lies before the start of its chromosome",
            value=int(sites.loc[negative, "start"].iloc[0]),
            remedy="give 0-based positions",
        )
    renamed = _renamed(sites, transcripts)
    known = renamed["chrom"].isin(transcripts["chrom"].unique())
    if not known.any():
        raise InputError(
            f"{subject}: sites and transcripts have no chromosome in common",
            value=str(sites["chrom"].iloc[0]),
            remedy=f"the transcripts lie on {', '.join(transcripts['chrom'].unique()[:3])}; give one assembly",
        )
    return _keep(renamed, known, "chromosome without transcripts", drops, subject)


def _keep(sites: pd.DataFrame, mask: pd.Series, reason: str, drops: Drops, subject: str) -> pd.DataFrame:
    for source, rows in sites.loc[~mask, "source"].value_counts(sort=False).items():
        drops.count(POSITIVES, subject, source, reason, rows)
    return sites[mask]


def _one_per_position(sites: pd.DataFrame, drops: Drops, subject: str) -> pd.DataFrame:
    """One row per position and strand, that with the most support."""
    sites = sites.sort_values("support", ascending=False, kind="stable")
    sites = _keep(sites, ~sites.duplicated(["chrom", "start", "strand"]), "position listed twice", drops, subject)
    return sites.reset_index(drop=True)


def _keys(transcript_map: TranscriptMap, sites: pd.DataFrame) -> np.ndarray:
    """One sortable number per genome position and strand, -1 where no transcript lies on that chromosome's strand."""
    group = transcript_map.group_of(sites["chrom"], sites["strand"])
    return np.where(group >= 0, group * SPAN + sites["start"].to_numpy(dtype=np.int64), -1)


def _scan(sequences: Iterable[str], motif: str, offset: int) -> tuple[np.ndarray, np.ndarray]:
    """Row of the transcript and 0-based position on it of each occurrence of the motif."""
    owners, positions = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for first, laid in lay_chunks(sequences, flank=1):
        owner, position = laid.owner(find_motif(laid.codes, motif, offset))
        owners.append(owner + first)
        positions.append(position)
    return np.concatenate(owners), np.concatenate(positions)


def _texts(sequences: pd.Series, transcript: np.ndarray, position: np.ndarray, width: int) -> np.ndarray:
    """RNA of the windows around positions; the rows must ascend by transcript and then by position."""
    texts = np.empty(len(transcript), dtype=object)
    done = 0
    for first, laid in lay_chunks(sequences, flank_of(width)):
        end = int(np.searchsorted(transcript, first + len(laid.starts)))
        at = laid.starts[transcript[done:end] - first] + position[done:end]
        texts[done:end] = decode_windows(laid.windows(at, width))
        done = end
    return texts


def _count_sites(
    transcript_map: TranscriptMap,
    texts: np.ndarray,
    sites: pd.DataFrame,
    listed: np.ndarray,
    task: Task,
    minimum_on_base: float,
    drops: Drops,
) -> None:
    """Count why sites are no candidates, and stop where the assembly looks wrong."""
    motif, offset = task.place
    bases = bases_at_offset(motif, offset)
    query, owner, position = transcript_map.overlaps(sites["chrom"], sites["strand"], sites["start"])
    covered = np.zeros(len(sites), dtype=bool)
    covered[query] = True
    first = np.concatenate(([True], np.diff(query) != 0)) if len(query) else np.zeros(0, dtype=bool)
    query, owner, position = query[first], owner[first], position[first]
    on_base = listed.copy()
    unlisted = ~listed[query]
    on_base[query[unlisted]] = [
        texts[row][at] in bases for row, at in zip(owner[unlisted], position[unlisted], strict=True)
    ]
    fraction = on_base[covered].mean() if covered.any() else 1.0
    if covered.sum() >= 50 and fraction < minimum_on_base:
        raise InputError(
            f"{task.name}: only {fraction:.0%} of {covered.sum()} sites on transcripts lie on {'/'.join(bases)}",
            remedy="check that sites and genome are of one assembly and that positions are 0-based",
        )
    reason = np.select(
        [listed, ~covered, ~on_base],
        [KEPT, "not on a transcript", f"base at the site is not {'/'.join(bases)}"],
        f"not in {motif}",
    )
    for (source, why), rows in sites.groupby([sites["source"], reason], sort=True).size().items():
        drops.count(POSITIVES, task.name, source, why, rows)


def _isoform_rank(transcripts: pd.DataFrame, transcript_map: TranscriptMap) -> np.ndarray:
    """Place of each transcript in the order in which isoforms are preferred, from 0."""
    coding = transcript_map.cds_end - transcript_map.cds_start
    names = transcripts["transcript"].to_numpy().astype(str)
    order = np.lexsort((names, -transcript_map.lengths, -coding))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank


def _sample(candidates: np.ndarray, wanted: int, seed: int, subject: str, motif: str, drops: Drops) -> np.ndarray:
    if not len(candidates):
        raise InputError(
            f"{subject}: no {motif} on the transcripts is left as a negative",
            remedy="give more transcripts, or take negatives from the whole transcriptome",
        )
    if len(candidates) < wanted:
        logger.warning(
            "%s: %d negatives were wanted and %d unmodified %s exist; all are taken",
            subject,
            wanted,
            len(candidates),
            motif,
        )
        wanted = len(candidates)
    taken = candidates[np.random.default_rng(seed).choice(len(candidates), wanted, replace=False)]
    drops.count(NEGATIVES, subject, "transcripts", "not sampled", len(candidates) - wanted)
    drops.count(NEGATIVES, subject, "transcripts", KEPT, wanted)
    return taken


def _orthogroups(genes: pd.Series, orthologues: pd.DataFrame | None) -> np.ndarray:
    if orthologues is None:
        return np.full(len(genes), "", dtype=object)
    table = orthologues[["gene", "orthogroup"]].drop_duplicates()

    def bare(names: pd.Series) -> pd.Series:
        return names.str.replace(_ENSEMBL_VERSION, r"\1", regex=True)

    groups = dict(zip(bare(table["gene"]), table["orthogroup"], strict=True))
    found = bare(genes).map(groups)
    if len(genes) and found.isna().all():
        raise InputError(
            "no gene of the windows is in the table of orthologues",
            value=genes.iloc[0],
            remedy="give gene ids as in the annotation",
        )
    return found.fillna("").to_numpy(dtype=object)
