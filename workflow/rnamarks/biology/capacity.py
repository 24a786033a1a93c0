"""Capacity of genes: one number for how much of a modification a gene's transcript is predicted to carry.

MASS speaks of the overall enrichment of m6A in a transcript and gives the formula in its Supplementary Note S2, which
is not at hand. The definitions here are therefore ours, each named, and all read the **gene table**: the representative
transcript of each gene. ``mean`` is the default because a longer transcript or one with more motif positions has no
larger value for that alone; :func:`describe_capacity` measures how much of each is left in every definition.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import pandas as pd
import scipy

from ..dictionary import column_names
from ..errors import InputError
from ..registry import Register
from .statistics import correlate

GENE_COLUMNS = (
    *("gene", "gene_name", "length", "cds_length", "gc", "sites", "mean_probability", "sum_probability"),
    "called",
)
COVARIATES = ("length", "sites", "gc")

logger = logging.getLogger(__name__)

CAPACITIES: Register[Callable[[pd.DataFrame], pd.Series]] = Register("definition of capacity")
HIGH: Register[Callable[[np.ndarray], float]] = Register("rule of high capacity")


@CAPACITIES.add("mean")
def mean_capacity(genes: pd.DataFrame) -> pd.Series:
    """Mean calibrated probability over the motif positions of the transcript; between 0 and 1."""
    return genes["mean_probability"]


@CAPACITIES.add("sum")
def sum_capacity(genes: pd.DataFrame) -> pd.Series:
    """Sum of the calibrated probabilities: expected number of sites on the transcript."""
    return genes["sum_probability"]


@CAPACITIES.add("per_kb")
def per_kb_capacity(genes: pd.DataFrame) -> pd.Series:
    """Expected number of sites per 1000 nt of transcript."""
    return 1000 * genes["sum_probability"] / genes["length"]


@CAPACITIES.add("called_per_kb")
def called_per_kb_capacity(genes: pd.DataFrame) -> pd.Series:
    """Sites with a calibrated probability above 0.5 per 1000 nt; 0 for many genes, so that ranks are tied."""
    return 1000 * genes["called"] / genes["length"]


@HIGH.add("median")
def above_median(capacity: np.ndarray) -> float:
    """The median, as for the conserved genes of MASS (Figure 6)."""
    return float(np.median(capacity))


@HIGH.add("mean")
def above_mean(capacity: np.ndarray) -> float:
    """The mean, as for the comparison with gene regulation of MASS (Figure 8)."""
    return float(np.mean(capacity))


@HIGH.add("top10")
def above_top_tenth(capacity: np.ndarray) -> float:
    """The 90 % quantile, as for the gene ontology of MASS (Figure 7)."""
    return float(np.quantile(capacity, 0.9))


def measure_capacity(
    genes: pd.DataFrame,
    *,
    transcripts: str = "",
    task: str = "",
    predictor: str = "",
    definition: str = "mean",
    high: str = "median",
) -> pd.DataFrame:
    """Capacity of the genes of one set of transcripts for one task by one predictor.

    Genes whose representative transcript has no coding sequence are left out, since the paper speaks of mRNAs. Where no
    gene has one, as with sequences given without annotation, all stay.

    Parameters
    ----------
    genes : pandas.DataFrame
        The **gene table**, at least :data:`GENE_COLUMNS`.
    transcripts, task, predictor : str
        Written into the result.
    definition : str
        Name in :data:`CAPACITIES`.
    high : str
        Name in :data:`HIGH`: a gene is high where its capacity is above that value of the set's genes.

    Returns
    -------
    pandas.DataFrame
        Table ``capacity``, in the order of the gene table. ``rank`` is the gene's quantile
        among the genes (mean rank of ties, less one half, over their number). Genes without a motif position have no
        capacity: they are left out, and ``attrs["left_out"]`` counts them, ``attrs["noncoding"]`` those without a
        coding sequence.

    Raises
    ------
    InputError
        If a gene comes twice.
    """
    kept, noncoding, left_out = _with_sites(genes)
    capacity = CAPACITIES[definition](kept).to_numpy(dtype=np.float64)
    bar = HIGH[high](capacity) if len(capacity) else np.nan
    frame = kept[["gene", "gene_name", "sites", "length", "gc"]].assign(
        transcripts=transcripts,
        task=task,
        predictor=predictor,
        gene_name=kept["gene_name"].fillna(""),
        capacity=capacity,
        rank=(scipy.stats.rankdata(capacity) - 0.5) / max(1, len(capacity)),
        high=capacity > bar,
    )
    logger.info(
        "%s, %s, %s: capacity of %d genes; left out: %d without a coding sequence, %d without a motif position",
        transcripts,
        task,
        predictor,
        len(kept),
        noncoding,
        left_out,
    )
    frame = frame[column_names("capacity", task_columns=False)].reset_index(drop=True)
    frame.attrs = {"noncoding": noncoding, "left_out": left_out}
    return frame


def describe_capacity(
    genes: pd.DataFrame, *, transcripts: str = "", task: str = "", predictor: str = ""
) -> pd.DataFrame:
    """What each definition of capacity goes along with: length of the transcript, number of motif positions, GC.

    Returns
    -------
    pandas.DataFrame
        Table ``capacity_definitions``; Spearman's correlation with its 95 % interval, see
        :func:`rnamarks.biology.statistics.correlate`, empty below 4 genes or where all values are one.
    """
    kept, noncoding, left_out = _with_sites(genes)
    rows = []
    for definition in ("mean", *(name for name in CAPACITIES if name != "mean")):
        capacity = CAPACITIES[definition](kept).to_numpy(dtype=np.float64)
        for covariate in COVARIATES:
            correlation = correlate(capacity, kept[covariate].to_numpy(dtype=np.float64), "spearman")
            rows.append(
                {
                    "transcripts": transcripts,
                    "task": task,
                    "predictor": predictor,
                    "definition": definition,
                    "genes": len(kept),
                    "noncoding": noncoding,
                    "left_out": left_out,
                    "median": float(np.median(capacity)) if len(kept) else np.nan,
                    "mean": float(np.mean(capacity)) if len(kept) else np.nan,
                    "covariate": covariate,
                    "spearman": correlation.effect,
                    "low": correlation.low,
                    "high": correlation.high,
                }
            )
    return pd.DataFrame(rows, columns=column_names("capacity_definitions", task_columns=False))


def _with_sites(genes: pd.DataFrame) -> tuple[pd.DataFrame, int, int]:
    """Genes that have a capacity, and how many have none for lack of a coding sequence or of a motif position."""
    twice = genes["gene"].duplicated()
    if twice.any():
        raise InputError(
            "the gene table names a gene twice", value=genes["gene"][twice].iloc[0], remedy="give one row per gene"
        )
    is_coding = (genes["cds_length"] > 0).to_numpy()
    wanted = is_coding if is_coding.any() else np.ones(len(genes), dtype=bool)
    kept = wanted & (genes["sites"] > 0).to_numpy()
    return genes[kept], int((~wanted).sum()), int((wanted & ~kept).sum())
