"""Predictions of all models on the windows of one task, lined up and measured together.

What the negatives are is said by ``against``:

- ``own``: the task's own unmodified windows (*AUCb* of Song et al. 2021).
- ``all``: every other held-out window of the run as well (*AUCm*). Windows of other tasks count as unmodified, whether
  anybody looked or not, unless a training split has their sequence or another task found the same modification in them:
  an m6A site of mouse is no negative of m6A in human. The base in the middle may be another one, as in the paper, which
  makes AUCm easier than AUCb; ``chance`` in the tables is what that base alone gives. Tasks whose windows come from
  different laboratories can be told apart by the laboratory, which AUCm rewards and AUCb does not
  (:mod:`rnamarks.evaluation.sources_apart`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..dictionary import column_names
from ..errors import InputError, about
from ..tables import require_columns
from .bootstrap import Ranking, resample_counts, resample_genes, resampled_metrics
from .calibration import Calibration, fit_calibration
from .metrics import calibration_noise, check_predictions, expected_calibration_error
from .pools import Pool
from .seeds import Run, join_seeds
from .thresholds import g_mean_threshold

PREVALENCES = {"1to1": 1 / 2, "1to10": 1 / 11}


@dataclass
class Panel:
    """All runs of one scheme on the windows of one task and split, with ensembles.

    Attributes
    ----------
    scheme, task, split : str
    against : {"own", "all"}
    windows : numpy.ndarray of str, shape=(n,)
        Names; sorted for ``own``.
    labels : numpy.ndarray, shape=(n,), dtype=bool
    keys : pandas.DataFrame
        See :func:`~rnamarks.evaluation.seeds.join_seeds`.
    logits : numpy.ndarray, shape=(n_rows, n)
    strata : numpy.ndarray, shape=(n_drawn,)
        Windows are resampled within these; see :func:`~rnamarks.evaluation.bootstrap.resample_counts`.
    among : numpy.ndarray of int, shape=(n,), optional
        Which of the resampled windows are those of the panel; default: all.
    groups : numpy.ndarray, shape=(n,), optional
        Genes that are drawn whole in place of windows within strata.
    chance : dict of metric to float
        What a random order gives; for ``all`` the order by whether the base in the middle is the task's.
    thresholds : dict of str to numpy.ndarray, shape=(n_rows,)
        Windows with logits at and above are called. ``""``: above 0. ``validation``: of the largest G-mean on own
        validation windows. ``published``: of the largest G-mean on the test windows against ``all``, as in the paper;
        NaN where a row has none.
    valid : (labels, logits) of the validation split, shape=(m,) and (n_rows, m), or None
    calibrations : list of Calibration, one per row; empty without a validation split
    probabilities : numpy.ndarray, shape=(n_rows, n), or None
        Calibrated, at the prevalence of the validation split; on that split they are too good.
    """

    scheme: str
    task: str
    split: str
    against: str
    windows: np.ndarray
    labels: np.ndarray
    keys: pd.DataFrame
    logits: np.ndarray
    strata: np.ndarray
    chance: dict[str, float]
    among: np.ndarray | None = None
    groups: np.ndarray | None = None
    thresholds: dict[str, np.ndarray] = field(default_factory=dict)
    valid: tuple[np.ndarray, np.ndarray] | None = None
    calibrations: list[Calibration] = field(default_factory=list)
    probabilities: np.ndarray | None = None
    _measured: dict[tuple[int, int], tuple[dict, dict]] = field(default_factory=dict, repr=False)

    @property
    def counts(self) -> tuple[int, int]:
        """Numbers of modified and other windows."""
        return int(self.labels.sum()), int((~self.labels).sum())

    def measure(self, n: int, seed: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Values, shape=(n_rows,), and resamples, shape=(n_rows, n), of each metric.

        See :func:`~rnamarks.evaluation.bootstrap.resampled_metrics`. The same seed draws the same resamples of a pool's
        windows for all tasks.
        """
        if (n, seed) not in self._measured:
            generator = np.random.default_rng(seed)
            if self.groups is None:
                drawn = resample_counts(self.strata, n, generator)
            else:
                drawn = resample_genes(self.groups, n, generator)
            own = self.against == "own"
            values, draws = resampled_metrics(
                self.labels,
                self.logits,
                resamples=drawn if self.among is None else (counts.T[self.among].T for counts in drawn),
                probabilities=self.probabilities,
                prevalences=PREVALENCES if own else None,
                called={
                    choice: self.logits >= threshold[:, None] if choice else self.logits > threshold[:, None]
                    for choice, threshold in self.thresholds.items()
                },
            )
            if own:
                share = self.labels.mean()
                values["auprc_ratio"], draws["auprc_ratio"] = values["auprc"] / share, draws["auprc"] / share
            self._measured[n, seed] = values, draws
        return self._measured[n, seed]

    def calibration_errors(self) -> dict[str, np.ndarray]:
        """``ece`` and ``ece_noise`` of the probabilities, shape=(n_rows,); nothing where there are none."""
        if self.probabilities is None:
            return {}
        return {
            "ece": np.array([expected_calibration_error(self.labels, p) for p in self.probabilities]),
            "ece_noise": np.array([calibration_noise(p) for p in self.probabilities]),
        }


def build_panels(
    runs: Sequence[Run],
    pools: Sequence[Pool] = (),
    *,
    splits: Sequence[str] = ("test",),
    genes: Mapping[str, pd.Series] | None = None,
) -> list[Panel]:
    """Line up runs on common windows, average their logits over seeds, and calibrate each on its validation split.

    Parameters
    ----------
    runs : sequence of Run
        Frames are tables ``predictions``.
    pools : sequence of Pool
        Of the same splits; each adds panels against ``all`` of its test split.
    splits : sequence of str
        ``test``, ``valid``.
    genes : mapping of str to pandas.Series, optional
        Task to the gene of each window, by its name: what the bootstrap of its own windows draws. A window without a
        gene is drawn alone.

    Raises
    ------
    InputError
        If runs of one scheme were made on different windows or labels, seeds repeat, or a task has one label only.
    """
    if not runs:
        raise InputError("there are no predictions to evaluate", remedy="give at least one run")
    for run in runs:
        require_columns(run.frame, column_names("predictions"), run.name)
        doubled = run.frame.duplicated(["task", "split", "window"])
        if doubled.any():
            raise InputError(
                "a window is predicted twice in one split",
                path=run.name,
                value=run.frame.loc[doubled, "window"].iloc[0],
                remedy="write the predictions again",
            )
    pooled = {(panel.scheme, panel.task): panel for pool in pools for panel in _panels_of_pool(pool)}
    panels = []
    for scheme in dict.fromkeys(run.scheme for run in runs):
        members = [run for run in runs if run.scheme == scheme]
        for task in dict.fromkeys(name for run in members for name in run.frame["task"].unique()):
            aligned = {split: _align(members, task, split) for split in dict.fromkeys((*splits, "valid"))}
            panels += [
                _own_panel(
                    scheme,
                    task,
                    split,
                    aligned[split],
                    aligned["valid"],
                    pooled.get((scheme, task)),
                    (genes or {}).get(task),
                )
                for split in splits
                if aligned[split] is not None
            ]
    return [*panels, *pooled.values()]


def _align(members: Sequence[Run], task: str, split: str):
    """Windows, labels, keys and logits (seeds, then an ensemble, per model) of one task and split, or None."""
    found: dict[tuple[str, str], dict[str, np.ndarray]] = {}
    windows = labels = first = None
    for run in members:
        frame = run.frame[(run.frame["task"] == task) & (run.frame["split"] == split)]
        if frame.empty:
            continue
        frame = frame.sort_values("window", kind="stable")
        if windows is None:
            windows, labels, first = frame["window"].to_numpy(), frame["label"].to_numpy(), run
        for what, same in (
            ("windows", np.array_equal(windows, frame["window"].to_numpy())),
            ("labels", len(labels) == len(frame) and np.array_equal(labels, frame["label"].to_numpy())),
        ):
            if not same:
                raise InputError(
                    f"{run.name} and {first.name} do not have the same {split} {what} of {task}",
                    remedy="score them on the same splits table",
                )
        seeds = found.setdefault((run.model, run.setting), {})
        if str(run.seed) in seeds:
            raise InputError(
                f"{run.name} is given twice for {task}", remedy="give each model, setting, scheme and seed once"
            )
        with about(f"{run.name}, {split} windows of {task}"):
            checked, seeds[str(run.seed)] = check_predictions(labels, frame["logit"].to_numpy(np.float64))
    return None if windows is None else (windows, checked, *join_seeds(found))


def _own_panel(
    scheme: str, task: str, split: str, aligned, aligned_valid, pooled: Panel | None, genes: pd.Series | None
) -> Panel:
    windows, labels, keys, logits = aligned
    share = labels.mean()
    panel = Panel(
        *(scheme, task, split, "own", windows, labels, keys, logits),
        # positives are drawn first
        strata=~labels,
        chance={"auroc": 0.5, "auprc": share},
        thresholds={"": np.zeros(len(keys))},
        groups=None if genes is None else _groups(windows, genes),
    )
    if aligned_valid is None:
        return panel
    _, valid_labels, valid_keys, valid_logits = aligned_valid
    row_of = {key: row for row, key in enumerate(valid_keys.itertuples(index=False, name=None))}
    wanted = list(keys.itertuples(index=False, name=None))
    lacking = [key for key in wanted if key not in row_of]
    if lacking:
        raise InputError(
            f"a model has no validation windows of {task}, scheme {scheme}, where others have",
            value=lacking[0],
            remedy="predict the valid split, too",
        )
    valid = valid_logits[[row_of[key] for key in wanted]]
    panel.valid = valid_labels, valid
    panel.calibrations = [
        fit_calibration(valid_labels, row, fitted_on=f"valid, {task}, scheme {scheme}", few="prior") for row in valid
    ]
    panel.probabilities = np.stack([c.probability(z) for c, z in zip(panel.calibrations, logits, strict=True)])
    if split == "test":
        panel.thresholds["validation"] = np.array([g_mean_threshold(valid_labels, row) for row in valid])
        if pooled is not None:
            known = dict(zip(pooled.keys.itertuples(index=False, name=None), pooled.logits, strict=True))
            panel.thresholds["published"] = np.array(
                [g_mean_threshold(pooled.labels, known[key]) if key in known else np.nan for key in wanted]
            )
    return panel


def _groups(windows: np.ndarray, genes: pd.Series) -> np.ndarray:
    """A group per gene, and one for each window without."""
    gene = genes.reindex(windows).fillna("").to_numpy(dtype=object)
    return np.where(gene == "", windows, gene).astype(str)


def _panels_of_pool(pool: Pool) -> list[Panel]:
    test, strata = pool.test, pool.test.strata
    panels = []
    for at, task in enumerate(pool.tasks):
        windows, rows = test.windows(at, "all"), np.flatnonzero(pool.known[:, at])
        labels, logits = test.positive[windows, at], test.logits[np.ix_(rows, windows, [at])][..., 0]
        base = (test.base[windows] == pool.bases[at]).astype(np.float64)
        area, (precision,) = Ranking(labels, base).weighted(np.ones((1, len(labels))))
        panels.append(
            Panel(
                *(
                    pool.scheme,
                    task,
                    "test",
                    "all",
                    windows,
                    labels,
                    pool.keys.iloc[rows].reset_index(drop=True),
                    logits,
                ),
                strata=strata,
                chance={"auroc": float(area[0]), "auprc": float(precision[0])},
                among=windows,
            )
        )
    return panels
