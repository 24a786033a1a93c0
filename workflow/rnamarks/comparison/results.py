"""Tables of a comparison, and what they say in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from ..biology.candidates import MEASURED, Candidates, call_measured, coding_transcripts
from ..biology.landscape import make_axes, measure_landscape
from ..dictionary import column_names
from ..tasks import TASK_COLUMNS, Task, add_task_columns
from .measures import (
    Positions,
    bin_stoichiometry,
    call_sites,
    correlate_stoichiometry,
    draw_points,
    measure_agreement,
    measure_ranking,
)

ALL, WITHOUT = "all", "without_control"
MEANINGS = {
    "sites": "distinct sites of the file, on chromosomes of the genome",
    "on_base": "sites on the task's base in the genome",
    "in_motif": "sites in the task's motif in the genome",
    "on_transcripts": "sites on the strand and exons of an annotated transcript",
    "at_motif_positions": "sites at a motif position that was scored; the others cannot be judged",
    "covered": "motif positions to judge by",
    "auroc": "chance that a measured position scores above one that is not; 0.5 is a random order",
    "auprc": "mean precision over the order of scores; a random order gives the prevalence",
    "precision_as_many": "of as many calls as sites, the highest scores, the fraction that is measured",
    "recall_as_many": "fraction of the sites among them",
    "precision_q": "of the calls with q below 0.1, the fraction that is measured",
    "recall_q": "fraction of the sites among them",
    "spearman_covered": "rank correlation of score and stoichiometry over covered positions",
    "spearman_sites": "rank correlation of score and stoichiometry over measured sites alone",
    "control_shared": "sites that the control file has, too: false, if nothing is modified there",
}


def measure(
    sets: Mapping[str, Positions], counts: Mapping[str, tuple[float, float]], task: Task, *, n: int, seed: int
) -> dict[str, pd.DataFrame]:
    """Tables of metrics, agreement, curves and stoichiometry.

    Parameters
    ----------
    sets : mapping of str to Positions
        :data:`ALL`, and :data:`WITHOUT` where there is a control.
    counts : mapping of str to (float, float)
        Metrics that are known: how many sites, and which fraction.
    task : Task
    n, seed : int
        Resamples of genes.

    Returns
    -------
    dict of str to pandas.DataFrame
        By their names in the dictionary.
    """
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in _MEASURED}
    found["comparison_metrics"].append(
        pd.DataFrame(
            [{"set": ALL, "metric": name, "n": count, "value": share} for name, (count, share) in counts.items()]
        )
    )
    for name, positions in sets.items():
        if not len(positions):
            continue
        rows = pd.concat([pd.DataFrame({"metric": ["covered"]}), measure_ranking(positions, n=n, seed=seed)])
        found["comparison_metrics"].append(_about(positions, rows).assign(set=name))
        found["comparison_curves"].append(draw_points(positions).assign(set=name))
        found["agreement"].append(measure_agreement(positions, seed=seed).assign(set=name))
        for among, part in _with_stoichiometry(positions):
            value = dict(zip(("value", "low", "high"), correlate_stoichiometry(part, n=n, seed=seed), strict=True))
            rows = pd.DataFrame([{"metric": f"spearman_{among}"} | value])
            found["comparison_metrics"].append(_about(part, rows).assign(set=name))
            found["stoichiometry"].append(bin_stoichiometry(part).assign(set=name, among=among))
    tables = {}
    for name, columns in _MEASURED.items():
        frame = pd.DataFrame([row for part in found[name] for row in part.to_dict("records")], columns=_bare(columns))
        if name == "comparison_metrics":
            frame["meaning"] = frame["metric"].map(MEANINGS)
        tables[name] = add_task_columns(frame.assign(task=task.name), [task])[columns]
    return tables


def _bare(columns: list[str]) -> list[str]:
    """Without what the task says."""
    return [name for name in columns if name not in TASK_COLUMNS]


_MEASURED = {
    "comparison_metrics": column_names("comparison_metrics"),
    "agreement": column_names("agreement"),
    "comparison_curves": column_names("comparison_curves"),
    "stoichiometry": column_names("stoichiometry"),
}


def _about(positions: Positions, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(
        n=len(positions),
        n_positive=int(positions.measured.sum()),
        prevalence=positions.measured.mean(),
        genes=len(np.unique(positions.gene)),
    )


def _with_stoichiometry(positions: Positions) -> Iterator[tuple[str, Positions]]:
    """Positions of known stoichiometry: all that are covered, if the file has others than sites, and sites alone."""
    known = np.isfinite(positions.stoichiometry)
    if (known & ~positions.measured).any():
        yield "covered", positions.only(known)
    if (known & positions.measured).any():
        yield "sites", positions.only(known & positions.measured)


def measure_places(
    transcripts: pd.DataFrame,
    rows: pd.DataFrame,
    positions: Positions,
    sites: pd.DataFrame,
    predictor: str,
    task: Task,
    *,
    n: int,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Where calls and measured sites lie along coding transcripts: tables ``landscape`` and ``landscape_statistics``.

    Parameters
    ----------
    transcripts : pandas.DataFrame
        Border **transcripts**.
    rows : pandas.DataFrame
        See :func:`rnamarks.comparison.places.scored_positions`.
    positions : Positions
    sites : pandas.DataFrame
        ``chrom``, ``start``, ``strand`` of the measured sites.
    predictor : str
        What the model is called.
    task : Task
    n, seed : int
        Resamples of genes.

    Returns
    -------
    dict of str to pandas.DataFrame
        The model calls as many positions as are measured. Only positions that were judged by are drawn, on the isoform
        whose score they have.
    """
    exons = ["transcript", "gene", "chrom", "strand", "exon_starts", "exon_ends", "cds_start", "cds_end"]
    held = transcripts[exons].assign(length=transcripts["sequence"].str.len())
    table = coding_transcripts(held)
    number = pd.Index(table["transcript"]).get_indexer(rows["sequence"])
    here = number >= 0
    called = call_sites(positions)["as_many"]
    mine = Candidates(number[here], positions.start[here], called[here])
    calls = {predictor: mine, MEASURED: call_measured(mine, table, held, sites)}
    found = measure_landscape(
        table, calls, make_axes([table]), transcripts=task.species, task=task.name, resamples=n, seed=seed
    )
    names = ("landscape", "landscape_statistics")
    return {name: add_task_columns(frame, [task]) for name, frame in zip(names, found, strict=True)}


def prior(predicted: pd.DataFrame) -> pd.DataFrame:
    """What callers of modifications may take for their prior at each scored position: table ``prior``.

    ``log_odds`` is of the calibrated probability; of a model without calibration it is empty.
    """
    probability = predicted["probability"].to_numpy(dtype=np.float64)
    with np.errstate(divide="ignore"):
        odds = np.log(probability) - np.log1p(-probability)
    named = predicted.rename(columns={"sequence": "transcript"})
    return named.assign(log_odds=odds)[column_names("prior")]


def say_positions(positions: Positions, sites: int, on_transcripts: int, task: Task) -> str:
    """What became of the sites."""
    judged, motif = int(positions.measured.sum()), task.place[0]
    told = f"{on_transcripts:,} of {sites:,} sites are on annotated transcripts, {judged:,} of them at a scored {motif}"
    return f"{told}; the others are judged by nothing but calls near them." if judged < sites else f"{told}."


def say_results(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """The main results, a sentence each."""
    metrics = tables["comparison_metrics"]
    found = {row["metric"]: row for row in metrics[metrics["set"] == ALL].to_dict("records")}
    sentences = []
    if "auprc" in found:
        area, precision = found["auroc"], found["auprc"]
        sentences.append(
            f"Ranking: AUROC {_between(area)}, AUPRC {_between(precision)}, where a random order gives "
            f"{precision['prevalence']:.3f}: {precision['value'] / precision['prevalence']:.1f} times as much."
        )
    else:
        sentences.append("Ranking cannot be measured: it needs positions with and positions without a site.")
    agreement = tables["agreement"]
    for row in (
        agreement[(agreement["set"] == ALL) & (agreement["call"] == "as_many") & (agreement["calls"] > 0)]
        .head(1)
        .to_dict("records")
    ):
        sentences.append(
            f"Of the {row['calls']:,} positions with the highest scores {row['agreeing']:,} are measured sites; calls "
            f"shuffled within transcripts give {row['expected']:,.0f} ({row['low']:,.0f} to {row['high']:,.0f})."
        )
    for among, what in (("covered", "over covered positions"), ("sites", "over measured sites alone")):
        row = found.get(f"spearman_{among}")
        if row and np.isfinite(row["value"]):
            sentences.append(f"Score and stoichiometry {what}: Spearman {_between(row)}.")
    return sentences


def _between(row: Mapping[str, float]) -> str:
    return f"{row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})"
