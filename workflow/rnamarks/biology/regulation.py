"""Predicted methylation against expression, stability, translation, structure and chromatin: Figure 8 of MASS.

The paper compares genes of high and low capacity by Wilcoxon's rank-sum test and correlates peaks by Pearson. These
tests are repeated as they are, and each is followed by the same comparison with transcript length, number of motif
positions and GC content held fixed, because capacity goes along with all three.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy

from ..dictionary import column_names
from ..errors import InputError, check_choice, check_complete
from ..tables import open_parquet
from .gene_tables import join_genes, read_values
from .peaks import (
    SIGNALS,
    check_genome,
    fraction_inside,
    match_chromosomes,
    measure_peaks,
    meet_sites,
    read_peaks,
    unique_sites,
)
from .statistics import (
    Result,
    adjusted_rank_sum,
    benjamini_hochberg,
    correlate,
    matched_rank_sum,
    partial_correlation,
    rank_sum,
)
from .structure_tables import DOUBLE, SINGLE, classify, open_scores, scores_at

KINDS = {"expression": "A", "half_life": "B", "translation": "C", "structure": "D", "peaks": "E"}
"""Kind of data and its panel in Figure 8 of the paper."""
GENE_KINDS = ("expression", "half_life", "translation")
CONTROLS = ("length", "sites", "gc")
_CONTROLLED = ", ".join(CONTROLS)
FORMATS = {
    "expression": "rsem",
    "half_life": "half_life",
    "translation": "riboseq_te",
    "structure": "pars",
    "peaks": "auto",
}
"""Format where an entry names none."""
TRANSFORMS = {
    "expression": "log2p1",
    "half_life": "none",
    "translation": "log2p1",
    "structure": "none",
    "peaks": "log2",
}
SITE_COLUMNS = ("sequence", "gene", "start", "length", "chrom", "genome_start", "strand", "probability")
_KEYS = ("transcripts", "task", "predictor")
_HEAD = (*_KEYS, "name", "kind", "panel")
_FRACTIONS = np.arange(101) / 100
_TREND_BINS, _GRID = 10, 40

logger = logging.getLogger(__name__)


@dataclass
class Tables:
    """What the comparisons of a run give; see the tables ``regulation…`` of the dictionary.

    Attributes
    ----------
    tests, quantiles, trends, bins, matches : list of dict
    """

    tests: list[dict[str, Any]] = field(default_factory=list)
    quantiles: list[dict[str, Any]] = field(default_factory=list)
    trends: list[dict[str, Any]] = field(default_factory=list)
    bins: list[dict[str, Any]] = field(default_factory=list)
    matches: list[dict[str, Any]] = field(default_factory=list)

    def frames(self) -> dict[str, pd.DataFrame]:
        """The tables by name; q-values are over all tests of a set of transcripts, task and predictor."""
        shapes = {
            "tests": column_names("regulation", task_columns=False),
            "quantiles": column_names("regulation_quantiles", task_columns=False),
            "trends": column_names("regulation_trends", task_columns=False),
            "bins": column_names("regulation_bins", task_columns=False),
            "matches": column_names("regulation_matches", task_columns=False),
        }
        frames = {name: pd.DataFrame(getattr(self, name), columns=shape) for name, shape in shapes.items()}
        tests = frames["tests"]
        for _, rows in tests.groupby(list(_KEYS), sort=False):
            tests.loc[rows.index, "q"] = benjamini_hochberg(rows["p"].to_numpy(dtype=np.float64))
        return frames

    def add_test(
        self, head: Mapping[str, str], result: Result, comparison: str, adjusted: str, unit: str, controls: str = ""
    ) -> None:
        """Enter one result."""
        numbers = {one.name: getattr(result, one.name) for one in fields(result)}
        self.tests.append(
            {**head, "comparison": comparison, "adjusted": adjusted, "controls": controls, "unit": unit, **numbers}
        )

    def add_quantiles(self, head: Mapping[str, str], group: str, values: np.ndarray, unit: str) -> None:
        """Enter the distribution of a group, at every hundredth."""
        if len(values):
            at = np.quantile(values, _FRACTIONS)
            self.quantiles += [
                {
                    **head,
                    "group": group,
                    "unit": unit,
                    "n": len(values),
                    "fraction": float(fraction),
                    "value": float(value),
                }
                for fraction, value in zip(_FRACTIONS, at, strict=True)
            ]

    def add_trend(self, head: Mapping[str, str], x: np.ndarray, y: np.ndarray, unit: str) -> None:
        """Enter the mean of y with its 95 % t interval in bins of x that hold equally many."""
        order = np.argsort(x, kind="stable")
        for number, rows in enumerate(np.array_split(order, _TREND_BINS), 1):
            if len(rows) > 1:
                mean, error = float(y[rows].mean()), float(y[rows].std(ddof=1) / np.sqrt(len(rows)))
                half = float(scipy.stats.t.ppf(0.975, len(rows) - 1)) * error
                self.trends.append(
                    {**head, "unit": unit, "bin": number, "n": len(rows), "x": float(x[rows].mean()), "value": mean}
                    | {"low": mean - half, "high": mean + half}
                )

    def add_bins(self, head: Mapping[str, str], x: np.ndarray, y: np.ndarray, unit: str) -> None:
        """Enter how many points fall into each cell of a grid; the outermost 0.5 % of x are in its last column."""
        if not len(x):
            return
        top = float(np.quantile(x, 0.995)) or float(x.max()) or 1.0
        edges = [np.linspace(0, top, _GRID + 1), np.linspace(y.min(), max(y.max(), y.min() + 1e-9), _GRID + 1)]
        counts = np.histogram2d(np.minimum(x, top), y, bins=edges)[0]
        for i, j in zip(*np.nonzero(counts), strict=True):
            place = {"x_from": edges[0][i], "x_to": edges[0][i + 1], "y_from": edges[1][j], "y_to": edges[1][j + 1]}
            self.bins.append({**head, "unit": unit, **{k: float(v) for k, v in place.items()}, "n": int(counts[i, j])})


def head_of(entry: Mapping[str, Any], transcripts: str, task: str, predictor: str) -> dict[str, str]:
    """The first columns of all tables for one entry of the configuration."""
    kind = entry["kind"]
    check_choice(kind, KINDS, "no such kind of data")
    values = (transcripts, task, predictor, entry.get("name", kind), kind, KINDS[kind])
    return dict(zip(_HEAD, values, strict=True))


def relate_genes(tables: Tables, head: Mapping[str, str], genes: pd.DataFrame, value: np.ndarray, *, unit: str) -> None:
    """Genes of high against genes of low capacity, and capacity against the value: raw, controlled, matched.

    High is above the mean of all genes, as in the paper's Figure 8.

    Parameters
    ----------
    tables : Tables
        Takes the results.
    head : mapping
        From :func:`head_of`.
    genes : pandas.DataFrame
        All genes with a capacity. ``capacity`` and the controls.
    value : numpy.ndarray, shape=(n_genes,)
        NaN where unknown; such genes are in no test.
    unit : str
    """
    potential = genes["capacity"].to_numpy(dtype=np.float64)
    high = potential > potential.mean()
    known = np.isfinite(value) & np.isfinite(genes[list(CONTROLS)].to_numpy(dtype=np.float64)).all(axis=1)
    if not known.any():
        raise InputError(
            f"{head['name']} is known of none of the {len(genes)} genes",
            remedy="give a table with the identifiers or names that the annotation has",
        )
    high, value, rows = high[known], value[known], genes[known]
    capacity, held = rows["capacity"].to_numpy(dtype=np.float64), rows[list(CONTROLS)].reset_index(drop=True)
    pair, both = "high − low capacity", "capacity"
    tables.add_test(head, rank_sum(value[high], value[~high]), pair, "none", unit)
    tables.add_test(head, adjusted_rank_sum(value, high, held), pair, "controls", unit, _CONTROLLED)
    tables.add_test(head, matched_rank_sum(value, high, held), pair, "matched", unit, _CONTROLLED)
    tables.add_test(head, correlate(capacity, value, "spearman"), both, "none", unit)
    tables.add_test(head, partial_correlation(capacity, value, held), both, "controls", unit, _CONTROLLED)
    for group, chosen in (("high", high), ("low", ~high)):
        tables.add_quantiles(head, group, value[chosen], unit)
    tables.add_trend(head, capacity, value, unit)


def relate_structure(tables: Tables, head: Mapping[str, str], sites: pd.DataFrame, classes: np.ndarray) -> None:
    """Predicted probability of sites by their structure class.

    Parameters
    ----------
    tables, head
        See :func:`relate_genes`.
    sites : pandas.DataFrame
        ``probability``, ``gene`` (cluster) and the controls.
    classes : numpy.ndarray of str, shape=(n_sites,)
        From :func:`~rnamarks.biology.structure_tables.classify`.
    """
    unit = "probability"
    probability = sites["probability"].to_numpy(dtype=np.float64)
    finite = np.isfinite(sites[list(CONTROLS)].to_numpy(dtype=np.float64)).all(axis=1)
    gene = pd.factorize(sites["gene"])[0]
    for other in ("DS", "poised"):
        used = np.flatnonzero(np.isin(classes, ("SS", other)) & finite)
        value, first = probability[used], classes[used] == "SS"
        held = sites.iloc[used][list(CONTROLS)].reset_index(drop=True)
        comparison = f"SS − {other}"
        tables.add_test(head, rank_sum(value[first], value[~first]), comparison, "none", unit)
        alone = adjusted_rank_sum(value, first, held[[]], groups=gene[used])
        tables.add_test(head, alone, comparison, "clusters", unit)
        within = adjusted_rank_sum(value, first, held, groups=gene[used])
        tables.add_test(head, within, comparison, "controls", unit, _CONTROLLED)
    for group in ("SS", "poised", "DS"):
        tables.add_quantiles(head, group, probability[(classes == group) & finite], unit)


def relate_peaks(tables: Tables, head: Mapping[str, str], peaks: pd.DataFrame, *, unit: str) -> None:
    """Mean potential of peaks against their signal.

    Parameters
    ----------
    tables, head
        See :func:`relate_genes`.
    peaks : pandas.DataFrame
        ``potential`` (summed probability per nt of the peak), ``value`` (log2 signal), ``gene`` (cluster), and the
        controls: length of the peak, sites in it, GC of the transcripts there.
    unit : str
        Of the value.
    """
    needed = peaks[["potential", "value", *CONTROLS]].to_numpy(dtype=np.float64)
    used = peaks[np.isfinite(needed).all(axis=1)]
    x, y = (used[name].to_numpy(dtype=np.float64) for name in ("potential", "value"))
    held = used[list(CONTROLS)].reset_index(drop=True)
    gene = pd.factorize(used["gene"])[0]
    what = "potential per nt of a peak"
    tables.add_test(head, correlate(x, y, "pearson"), what, "none", unit)
    tables.add_test(head, correlate(x, y, "spearman"), what, "none", unit)
    options = {"groups": gene, "ranks": False}
    tables.add_test(head, partial_correlation(x, y, held[[]], **options), what, "clusters", unit)
    tables.add_test(head, partial_correlation(x, y, held, **options), what, "controls", unit, _CONTROLLED)
    tables.add_test(head, partial_correlation(x, y, held, groups=gene), what, "controls", unit, _CONTROLLED)
    tables.add_trend(head, x, y, unit)
    tables.add_bins(head, x, y, unit)


def read_sites(path: str | Path, columns: Sequence[str] = SITE_COLUMNS) -> pd.DataFrame:
    """Some columns of the **predicted sites**, text as categories."""
    with open_parquet(path) as file:
        check_complete(file.schema_arrow.names, columns, "the table of sites", "predict again", path=path)
        return file.read(list(columns)).to_pandas(strings_to_categorical=True)


def add_covariates(sites: pd.DataFrame, transcripts: pd.DataFrame) -> pd.DataFrame:
    """Sites with ``sites`` and ``gc`` of their transcripts.

    Parameters
    ----------
    sites : pandas.DataFrame
        ``sequence``, the transcript, and others.
    transcripts : pandas.DataFrame
        The **transcript table**: ``transcript``, ``sites``, ``gc``.
    """
    known = transcripts.drop_duplicates("transcript").set_index("transcript")
    row = known.index.get_indexer(sites["sequence"].astype(object))
    covariates = {name: known[name].to_numpy(dtype=np.float64)[row] for name in ("sites", "gc")}
    return sites.assign(**{name: np.where(row >= 0, values, np.nan) for name, values in covariates.items()})


def relate_entry(
    tables: Tables,
    entry: Mapping[str, Any],
    paths: Sequence[str | Path],
    *,
    transcripts: str,
    task: str,
    predictor: str,
    genes: pd.DataFrame | None = None,
    sites: pd.DataFrame | None = None,
    lengths: Mapping[str, int] | None = None,
    assembly: str = "",
    minimum: float = 0.5,
) -> None:
    """Read the files of one entry of the configuration and run its comparisons.

    Parameters
    ----------
    tables : Tables
        Takes the results.
    entry : mapping
        ``kind``, and optionally ``name``, ``format``, ``id``, ``value``, ``transform``.
    paths : sequence of path-like
        Its file; for ``pars_pair`` the tracks of V1 and S1.
    transcripts, task, predictor : str
        First columns of the results.
    genes : pandas.DataFrame
        For genes: ``gene``, ``gene_name``, ``transcript`` where known, ``capacity``, and the controls.
    sites : pandas.DataFrame
        For structure and peaks: :data:`SITE_COLUMNS`, with :func:`add_covariates`.
    lengths : mapping of str to int, optional
        Length of every chromosome of the genome, nt; see :func:`~rnamarks.biology.peaks.check_genome`.
    assembly : str
        Assembly of the sites.
    minimum
        See :func:`~rnamarks.biology.identifiers.match_ids`.
    """
    head = head_of(entry, transcripts, task, predictor)
    kind, name, warning = head["kind"], head["name"], ""
    table_format = entry.get("format", FORMATS[kind])
    match: dict[str, Any]
    if kind in GENE_KINDS:
        values = read_values(
            paths[0],
            table_format,
            id=entry.get("id"),
            value=entry.get("value"),
            transform=entry.get("transform", TRANSFORMS[kind]),
        )
        value, match = join_genes(genes, values, what=name, minimum=minimum)
        used = int(value.notna().sum())
        notes = {"identifier": match["key"], **{key: n for key, n in values.counts.items() if n}}
        notes |= {"genes that share an identifier": match["doubtful"]} if match["doubtful"] else {}
        item, unit = "genes", values.column
        relate_genes(tables, head, genes, value.to_numpy(), unit=unit)
    elif kind == "structure":
        scored = scores_at(sites, open_scores(paths, table_format), path=paths[0], minimum=minimum)
        found = np.isfinite(scored.score)
        kept = sites[found].assign(score=scored.score[found])
        kept = pd.concat(
            [unique_sites(kept), kept[(kept["genome_start"] < 0) | (kept["chrom"] == "")]], ignore_index=True
        )
        classes = classify(kept["score"].to_numpy())
        match = {key: scored.counts[key] for key in ("wanted", "matched")}
        match["fraction"] = match["matched"] / max(1, match["wanted"])
        item, used = "transcripts", len(kept)
        notes = {key: n for key, n in scored.counts.items() if n and key not in ("wanted", "matched")}
        notes |= {"double": DOUBLE, "single": SINGLE}
        relate_structure(tables, head, kept, classes)
    else:
        column = entry.get("value", "")
        peaks = read_peaks(paths[0], table_format, assembly=assembly)
        column = column or ("signal" if peaks.frame["signal"].notna().any() else "score")
        check_choice(column, SIGNALS, "no such value of a peak")
        here = unique_sites(sites)
        strange = check_genome(peaks, lengths, minimum=minimum) if lengths else 0
        peaks = match_chromosomes(peaks, list(map(str, here["chrom"].unique())))
        measured, counts = measure_peaks(peaks.frame, here, value=column)
        if measured.empty:
            raise InputError(
                "no peak with a value above 0 holds a predicted site",
                path=paths[0],
                remedy="check that peaks and transcripts are on one assembly, and which column is the value",
            )
        match = {"wanted": peaks.counts["kept"], "matched": len(peaks.frame)}
        match["fraction"] = match["matched"] / max(1, match["wanted"])
        item, used, unit = "peaks", counts.pop("used"), f"log2 {column}"
        notes = {"on chromosomes that the genome lacks": strange, **peaks.counts, **counts}
        notes = {key: n for key, n in notes.items() if n}
        notes["fraction of sites inside a peak"] = round(fraction_inside(peaks.frame, here), 4)
        meeting = meet_sites(peaks.frame, here)
        notes["fraction of peaks with a site"] = round(meeting["fraction"], 4)
        notes["the same after moving the peaks along the genome"] = round(meeting["expected"], 4)
        if meeting["doubtful"]:
            warning = (
                f"peaks hold a site hardly more often ({meeting['fraction']:.1%}) than peaks moved along the genome do "
                f"({meeting['expected']:.1%}): they may be on another assembly, or far from genes"
            )
        relate_peaks(tables, head, measured, unit=unit)
    text = "; ".join(f"{key}: {n}" for key, n in notes.items())
    row = {"item": item, **{key: match[key] for key in ("wanted", "matched", "fraction")}, "used": used}
    tables.matches.append({**head, **row, "warning": warning, "notes": text})
    logger.info(
        "%s: %d of %d %s matched (%.1f %%), %d used; %s",
        name,
        match["matched"],
        match["wanted"],
        item,
        100 * match["fraction"],
        used,
        text,
    )
