"""The tidy tables of the evaluation, built from predictions.

A *run* is one file of predictions: a model, a setting (which species it was trained on), a split and a seed. Runs that
share model, setting and split are its seeds; models trained on one species each are one run or several, as the files
come. For each species the tables then hold every seed, their ``mean`` (the
metric's mean over seeds, with an interval over seeds and windows) and their ``ensemble`` (the metric of the mean
logit). All runs of one split are measured on the same windows and the same resamples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..errors import InputError
from ..tables import require_columns
from .bootstrap import interval, over_seeds, paired_row, resampled_metrics
from .calibration import Calibration, fit_calibration, reliability_table
from .metrics import calibration_noise, check_predictions, expected_calibration_error
from .thresholds import PRECISIONS, threshold_table

PREDICTION_COLUMNS = ("window", "species", "part", "label", "logit")
RUN_COLUMNS = ("model", "setting", "split", "species", "seed")
METRIC_COLUMNS = (
    *RUN_COLUMNS,
    "part",
    "metric",
    "value",
    "low",
    "high",
    "n_positive",
    "n_negative",
    "prevalence",
)
PREVALENCES = {"1to1": 1 / 2, "1to10": 1 / 11}
IDENTITY_EDGES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
FEWEST_IN_BIN = 20


@dataclass
class Run:
    """Predictions of one model, setting, split and seed.

    Parameters
    ----------
    model, setting, split : str
    seed : int
    frame : pandas.DataFrame
        The *predictions* border: ``window``, ``species``, ``part``, ``label``, ``logit``.
    """

    model: str
    setting: str
    split: str
    seed: int
    frame: pd.DataFrame

    def __post_init__(self) -> None:
        where = f"{self.model}, {self.setting}, {self.split}, seed {self.seed}"
        require_columns(self.frame, PREDICTION_COLUMNS, where)
        doubled = self.frame.duplicated(["species", "part", "window"])
        if doubled.any():
            raise InputError(
                "a window is predicted twice in one part",
                path=where,
                value=self.frame.loc[doubled, "window"].iloc[0],
                remedy="write the predictions again",
            )


@dataclass
class Panel:
    """All runs of one split on the windows of one species and part, with ensembles, measured together.

    Attributes
    ----------
    split, species, part : str
    windows : numpy.ndarray of str, shape=(n,)
        Sorted.
    labels : numpy.ndarray, shape=(n,), dtype=bool
    keys : pandas.DataFrame
        ``model``, ``setting``, ``seed`` of each row of ``logits``; ``seed`` is text, ``ensemble`` for mean logits.
    logits : numpy.ndarray, shape=(n_rows, n)
    calibrations : list of Calibration or None, one per row
    probabilities : numpy.ndarray, shape=(n_rows, n), or None
        Calibrated, at the calibration's prevalence; None without a validation part.
    groups : numpy.ndarray, shape=(n,), or None
    valid : (labels, logits) of the validation part, shape=(m,) and (n_rows, m), or None
    """

    split: str
    species: str
    part: str
    windows: np.ndarray
    labels: np.ndarray
    keys: pd.DataFrame
    logits: np.ndarray
    calibrations: list[Calibration | None]
    probabilities: np.ndarray | None
    groups: np.ndarray | None
    valid: tuple[np.ndarray, np.ndarray] | None
    _measured: dict[tuple, tuple[dict, dict]] = field(default_factory=dict, repr=False)

    def measure(self, n: int, seed: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Values and resamples of all rows; see :func:`~rnamarks.evaluation.bootstrap.resampled_metrics`."""
        if (n, seed) not in self._measured:
            values, draws = resampled_metrics(
                self.labels,
                self.logits,
                n=n,
                seed=seed,
                probabilities=self.probabilities,
                prevalences=PREVALENCES,
                threshold=0.0,
                groups=self.groups,
            )
            share = self.labels.mean()
            values["auprc_ratio"], draws["auprc_ratio"] = values["auprc"] / share, draws["auprc"] / share
            self._measured[n, seed] = values, draws
        return self._measured[n, seed]

    def aggregates(self) -> Iterable[tuple[str, str, np.ndarray, int]]:
        """``model, setting, rows of the seeds, row of the ensemble`` of each model and setting."""
        for model, setting in self.keys[["model", "setting"]].drop_duplicates().itertuples(index=False, name=None):
            mine = (self.keys["model"] == model) & (self.keys["setting"] == setting)
            together = self.keys["seed"] == "ensemble"
            yield model, setting, np.flatnonzero(mine & ~together), int(np.flatnonzero(mine & together)[0])


def build_panels(
    runs: Sequence[Run],
    *,
    parts: Sequence[str] = ("test",),
    prevalence: Mapping[str, float] | float | None = None,
    groups: pd.DataFrame | None = None,
    few: str = "prior",
) -> list[Panel]:
    """Line up runs on common windows, average their logits over seeds, and calibrate each on its validation part.

    Parameters
    ----------
    runs : sequence of Run
    parts : sequence of str
        ``test``, ``valid``. The validation part is what calibration was fitted on, so that its probabilities flatter.
    prevalence : float or mapping of species to float, optional
        Share of positives that probabilities are for; default: that of each species' validation part.
    groups : pandas.DataFrame, optional
        ``species``, ``window``, ``group``: clusters to resample as a whole. A window with an empty group is its own.
    few : str
        ``prior`` or ``error`` for a validation part too small to calibrate on; see
        :func:`~rnamarks.evaluation.calibration.fit_calibration`.

    Raises
    ------
    InputError
        If runs of one split were made on different windows or labels, seeds repeat, or a species has one label only.
    """
    if not runs:
        raise InputError("there are no predictions to evaluate", remedy="give at least one run")
    panels = []
    for split in dict.fromkeys(run.split for run in runs):
        members = [run for run in runs if run.split == split]
        species_names = dict.fromkeys(name for run in members for name in run.frame["species"].unique())
        for species in species_names:
            aligned = {part: _align(members, split, species, part) for part in dict.fromkeys((*parts, "valid"))}
            for part in parts:
                if aligned[part] is None:
                    continue
                share = prevalence.get(species) if isinstance(prevalence, Mapping) else prevalence
                panels.append(_panel(split, species, part, aligned, share, groups, few))
    return panels


def _align(members: Sequence[Run], split: str, species: str, part: str):
    """Windows, labels, keys and logits (seeds, then an ensemble, per model) of one species and part, or None."""
    found: dict[tuple[str, str], dict[str, np.ndarray]] = {}
    windows = labels = first = None
    for run in members:
        frame = run.frame[(run.frame["species"] == species) & (run.frame["part"] == part)]
        if frame.empty:
            continue
        frame = frame.sort_values("window", kind="stable")
        if windows is None:
            windows, labels, first = frame["window"].to_numpy(), frame["label"].to_numpy(), run
        elif not np.array_equal(windows, frame["window"].to_numpy()):
            raise InputError(
                f"{run.model} ({run.setting}, seed {run.seed}) and {first.model} ({first.setting}, seed {first.seed}) "
                f"were not scored on the same {part} windows of {species}, split {split}",
                remedy="score them on the same splits table",
            )
        elif not np.array_equal(labels, frame["label"].to_numpy()):
            raise InputError(
                f"{run.model} and {first.model} have different labels for {part} windows of {species}, split {split}",
                remedy="score them on the same splits table",
            )
        seeds = found.setdefault((run.model, run.setting), {})
        if str(run.seed) in seeds:
            raise InputError(
                f"{run.model} ({run.setting}, seed {run.seed}) is given twice for {species}, split {split}",
                remedy="give each model, setting, split and seed once for a species",
            )
        try:
            _, seeds[str(run.seed)] = check_predictions(labels, frame["logit"].to_numpy(np.float64))
        except InputError as error:
            raise InputError(
                f"{run.model} ({run.setting}, seed {run.seed}), {part} windows of {species}, split {split}: {error}"
            ) from error
    if windows is None:
        return None
    keys, rows = [], []
    for (model, setting), seeds in found.items():
        stack = list(seeds.values())
        keys += [(model, setting, seed) for seed in seeds] + [(model, setting, "ensemble")]
        rows += [*stack, np.mean(stack, axis=0)]
    return windows, labels.astype(bool), pd.DataFrame(keys, columns=["model", "setting", "seed"]), np.stack(rows)


def _panel(split, species, part, aligned, share, groups, few) -> Panel:
    windows, labels, keys, logits = aligned[part]
    calibrations: list[Calibration | None] = [None] * len(keys)
    probabilities = valid = None
    if aligned["valid"] is not None:
        _, valid_labels, valid_keys, valid_logits = aligned["valid"]
        row_of = {key: row for row, key in enumerate(valid_keys.itertuples(index=False, name=None))}
        wanted = list(keys.itertuples(index=False, name=None))
        lacking = [key for key in wanted if key not in row_of]
        if lacking:
            raise InputError(
                f"a model has no validation windows of {species}, split {split}, where others have",
                value=lacking[0],
                remedy="predict the valid part, too",
            )
        valid = valid_labels, valid_logits[[row_of[key] for key in wanted]]
        calibrations = [
            fit_calibration(valid_labels, row, prevalence=share, fitted_on=f"valid, {species}, split {split}", few=few)
            for row in valid[1]
        ]
        probabilities = np.stack([c.probability(z) for c, z in zip(calibrations, logits, strict=True)])
    cluster = None
    if groups is not None:
        known = groups.loc[groups["species"] == species].drop_duplicates("window").set_index("window")["group"]
        cluster = known.reindex(windows).fillna("").to_numpy(str)
        cluster = np.where(cluster == "", np.char.add("window ", windows.astype(str)), cluster)
    return Panel(split, species, part, windows, labels, keys, logits, calibrations, probabilities, cluster, valid)


def metrics_table(panels: Sequence[Panel], *, n: int = 1000, seed: int = 0) -> pd.DataFrame:
    """The *metrics* border.

    ``auroc``; ``auprc`` at the windows' own prevalence, its ratio to that (``auprc_ratio``), and with the windows
    weighted to 1:1 and 1:10 (``auprc_1to1``, ``auprc_1to10``); ``sensitivity``, ``specificity``, ``precision``,
    ``accuracy`` and ``mcc`` of calling logits above 0; and of calibrated probabilities ``brier``, ``log_loss``,
    ``ece`` (15 equal-mass bins) and ``ece_noise`` (what a perfectly calibrated model would show). The last two have no
    interval: resampling adds noise that they count as miscalibration. Probabilities are at the prevalence of the
    validation part, or the one asked for.

    Parameters
    ----------
    panels : sequence of Panel
    n, seed : int
        Resamples and their seed.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`METRIC_COLUMNS`; ``seed`` is a number as text, ``mean`` or ``ensemble``.
    """
    rows = []
    for panel in panels:
        values, draws = panel.measure(n, seed)
        tail = (*_counts(panel.labels),)
        single = _probability_metrics(panel)

        def add(model, setting, name, metric, value, bounds, panel=panel, tail=tail):
            head = (model, setting, panel.split, panel.species, name, panel.part)
            rows.append((*head, metric, float(value), *bounds, *tail))

        for model, setting, seeds, together in panel.aggregates():
            for row in (*seeds, together):
                name = panel.keys.at[row, "seed"]
                for metric, value in values.items():
                    add(model, setting, name, metric, value[row], interval(draws[metric][row]))
                for metric, value in single.items():
                    add(model, setting, name, metric, value[row], (np.nan, np.nan))
            for metric, value in values.items():
                add(model, setting, "mean", metric, value[seeds].mean(), interval(over_seeds(draws[metric][seeds])))
            for metric, value in single.items():
                add(model, setting, "mean", metric, value[seeds].mean(), (np.nan, np.nan))
    return pd.DataFrame(rows, columns=list(METRIC_COLUMNS))


def _probability_metrics(panel: Panel) -> dict[str, np.ndarray]:
    if panel.probabilities is None:
        return {}
    return {
        "ece": np.array([expected_calibration_error(panel.labels, p) for p in panel.probabilities]),
        "ece_noise": np.array([calibration_noise(p) for p in panel.probabilities]),
    }


def _counts(labels: np.ndarray) -> tuple[int, int, float]:
    return int(labels.sum()), int((~labels).sum()), float(labels.mean())


def paired_table(
    panels: Sequence[Panel], *, reference: tuple[str, str] | None = None, n: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Differences between models on the same windows and resamples, every pair once.

    Parameters
    ----------
    panels : sequence of Panel
    reference : (model, setting), optional
        Stands at a in all its pairs; the others keep the order of the runs.
    n, seed : int

    Returns
    -------
    pandas.DataFrame
        ``model_a``, ``setting_a``, ``model_b``, ``setting_b``, ``split``, ``species``, ``seed`` (``mean`` or
        ``ensemble``), ``part``, ``metric`` (``auroc``, ``auprc``), ``value_a``, ``value_b``, ``difference`` (a - b),
        ``low``, ``high`` (95 %), ``p`` (two-sided, from the resamples), ``n_positive``, ``n_negative``.
    """
    rows = []
    for panel in panels:
        values, draws = panel.measure(n, seed)
        members = {
            (model, setting): {"mean": seeds, "ensemble": np.array([together])}
            for model, setting, seeds, together in panel.aggregates()
        }
        names = sorted(members, key=lambda name: name != tuple(reference or ()))
        pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
        for a, b in pairs:
            for kind in ("mean", "ensemble"):
                for metric in ("auroc", "auprc"):
                    found = paired_row(values[metric], draws[metric], members[a][kind], members[b][kind])
                    where = (panel.split, panel.species, kind, panel.part, metric)
                    rows.append((*a, *b, *where, *found, *_counts(panel.labels)[:2]))
    columns = ["model_a", "setting_a", "model_b", "setting_b", "split", "species", "seed", "part", "metric"]
    columns += ["value_a", "value_b", "difference", "low", "high", "p", "n_positive", "n_negative"]
    return pd.DataFrame(rows, columns=columns)


def calibration_table(panels: Sequence[Panel]) -> pd.DataFrame:
    """Constants of each calibration, and calibration error before and after on the panel's part.

    Returns
    -------
    pandas.DataFrame
        ``model``, ``setting``, ``split``, ``species``, ``seed``, ``part``, ``prevalence``, ``slope``, ``intercept``,
        ``method`` (``platt``, ``prior``, ``flat``), ``n_positive``, ``n_negative`` (validation windows fitted on),
        ``fitted_on``, ``ece_raw`` (sigmoid of the logit as trained), ``ece_prior`` (prevalence corrected),
        ``ece`` (calibrated), ``ece_noise``, ``brier_raw``, ``brier``.
    """
    rows = []
    for panel in panels:
        if panel.probabilities is None:
            continue
        noise = _probability_metrics(panel)
        for row, (key, found) in enumerate(
            zip(panel.keys.itertuples(index=False, name=None), panel.calibrations, strict=True)
        ):
            raw = Calibration(0.5).probability(panel.logits[row])
            prior = Calibration(found.prevalence).probability(panel.logits[row])
            rows.append(
                {"model": key[0], "setting": key[1], "split": panel.split, "species": panel.species, "seed": key[2]}
                | {"part": panel.part}
                | found.to_dict()
                | {
                    "ece_raw": expected_calibration_error(panel.labels, raw),
                    "ece_prior": expected_calibration_error(panel.labels, prior),
                    "ece": noise["ece"][row],
                    "ece_noise": noise["ece_noise"][row],
                    "brier_raw": float(np.mean((raw - panel.labels) ** 2)),
                    "brier": float(np.mean((panel.probabilities[row] - panel.labels) ** 2)),
                }
            )
    columns = [*RUN_COLUMNS, "part", *Calibration.__dataclass_fields__]
    columns += ["ece_raw", "ece_prior", "ece", "ece_noise", "brier_raw", "brier"]
    return pd.DataFrame(rows, columns=columns)


def reliability_tables(panels: Sequence[Panel], *, bins: int = 10) -> pd.DataFrame:
    """Reliability tables of every row, led by the run's columns and ``part``; see
    :func:`~rnamarks.evaluation.calibration.reliability_table`.
    """
    tables = [
        _lead(panel, key, reliability_table(panel.labels, panel.probabilities[row], bins=bins))
        for panel in panels
        if panel.probabilities is not None
        for row, key in enumerate(panel.keys.itertuples(index=False, name=None))
    ]
    columns = [*RUN_COLUMNS, "part", "bin", "from", "to", "predicted", "observed", "low", "high", "n", "n_positive"]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def _lead(panel: Panel, key: tuple[str, str, str], table: pd.DataFrame) -> pd.DataFrame:
    model, setting, seed = key
    return table.assign(
        model=model, setting=setting, split=panel.split, species=panel.species, seed=seed, part=panel.part
    )


def threshold_tables(
    panels: Sequence[Panel],
    *,
    precisions: Sequence[float] = PRECISIONS,
    prevalence: Mapping[str, float] | float | None = None,
) -> pd.DataFrame:
    """:func:`~rnamarks.evaluation.thresholds.threshold_table` of every row of the test panels.

    Parameters
    ----------
    panels : sequence of Panel
        Those whose ``part`` is ``test`` and that have a validation part are used.
    precisions : sequence of float
    prevalence : float or mapping of species to float, optional
        Share of positives that precisions are for; default: that of the validation part.
    """
    tables = []
    for panel in panels:
        if panel.part != "test" or panel.valid is None:
            continue
        labels, logits = panel.valid
        share = prevalence.get(panel.species) if isinstance(prevalence, Mapping) else prevalence
        for row, key in enumerate(panel.keys.itertuples(index=False, name=None)):
            table = threshold_table(
                (labels, logits[row]),
                (panel.labels, panel.logits[row]),
                calibration=panel.calibrations[row],
                precisions=precisions,
                prevalence=share,
            )
            tables.append(_lead(panel, key, table))
    if not tables:
        return pd.DataFrame(columns=[*RUN_COLUMNS, "part"])
    lead = [*RUN_COLUMNS, "part"]
    whole = pd.concat(tables, ignore_index=True)
    return whole[lead + [name for name in whole.columns if name not in lead]]


def similarity_table(
    panels: Sequence[Panel],
    identity: pd.DataFrame,
    *,
    edges: Sequence[float] = IDENTITY_EDGES,
    n: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Metrics of test windows by the identity of their nearest training window.

    Parameters
    ----------
    panels : sequence of Panel
    identity : pandas.DataFrame
        ``window``, ``max_identity`` (0 to 1; NaN where no neighbour was found, which counts as 0), and ``species`` and
        ``split`` where one table holds several.
    edges : sequence of float
        Ascending; a bin holds its lower edge, the last one its upper edge, too.
    n, seed : int

    Returns
    -------
    pandas.DataFrame
        The columns of the metrics and ``identity_from``, ``identity_to``, with ``auroc``, ``auprc`` and
        ``auprc_1to1`` (comparable between bins of different prevalence). A bin with fewer than 20 windows of either
        label keeps its counts and has NaN for value, low and high.

    Raises
    ------
    InputError
        If a test window has no identity or one outside the edges.
    """
    require_columns(identity, ["window", "max_identity"], "the table of identities")
    edges = np.asarray(edges, dtype=np.float64)
    rows = []
    for panel in panels:
        known = identity
        for column in ("split", "species"):
            if column in known.columns:
                known = known[known[column] == getattr(panel, column)]
        nearest = known.drop_duplicates("window").set_index("window")["max_identity"].fillna(0.0)
        nearest = nearest.reindex(panel.windows).to_numpy(np.float64)
        lost = ~((nearest >= edges[0]) & (nearest <= edges[-1]))
        if lost.any():
            raise InputError(
                f"{lost.sum()} {panel.part} windows of {panel.species}, split {panel.split}, have no identity "
                f"between {edges[0]:g} and {edges[-1]:g}",
                value=str(panel.windows[lost][0]),
                remedy="measure the leak on the same splits table",
            )
        bin_of = np.clip(np.searchsorted(edges, nearest, side="right") - 1, 0, len(edges) - 2)
        for index in range(len(edges) - 1):
            inside = bin_of == index
            labels = panel.labels[inside]
            positives, negatives = int(labels.sum()), int((~labels).sum())
            enough = min(positives, negatives) >= FEWEST_IN_BIN
            if enough:
                values, draws = resampled_metrics(
                    labels, panel.logits[:, inside], n=n, seed=seed, prevalences={"1to1": 0.5}
                )
            share = positives / len(labels) if len(labels) else np.nan
            for model, setting, seeds, together in panel.aggregates():
                for name, chosen in (("mean", seeds), ("ensemble", np.array([together]))):
                    for metric in ("auroc", "auprc", "auprc_1to1"):
                        found = (np.nan, np.nan, np.nan)
                        if enough:
                            bounds = interval(over_seeds(draws[metric][chosen]))
                            found = (float(values[metric][chosen].mean()), *bounds)
                        head = (model, setting, panel.split, panel.species, name, panel.part, metric)
                        rows.append((*head, *found, positives, negatives, share, edges[index], edges[index + 1]))
    return pd.DataFrame(rows, columns=[*METRIC_COLUMNS, "identity_from", "identity_to"])
