"""Scoring and judging a user's own windows with a trained model: what ``rnamarks score`` and ``evaluate`` do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ..errors import InputError, shown
from ..evaluation.bootstrap import bootstrap_metrics
from ..evaluation.calibration import Calibration
from ..evaluation.metrics import expected_calibration_error
from ..models.checkpoint import Combined, Ensemble, Stack, load_model, windows_refused
from ..models.directory import ModelConfig, read_config
from ..sequences import Record, encode, read_records
from ..tasks import find_task
from .engine import score_each
from .modes import exact_engine
from .score import fit_to_window, fits_task, in_chunks, pick_device, score_windows

CHUNK = 20_000


class WindowScorer:
    """One task of a loaded model, ready for windows of any length.

    Parameters
    ----------
    folder : path-like
        A model directory.
    task : str, optional
        May be left out where the model has one task.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    batch_size : int, optional
        Windows at once; None takes the default of the device.
    loaded : tuple of Ensemble or Stack, and ModelConfig, optional
        What :func:`load_model` gives for the folder, where it is in memory already.
    warn : callable
        Given one line for each thing the user should know.

    Raises
    ------
    InputError
        If the folder is no sound model directory, or the model lacks the task; the message lists the tasks.
    """

    def __init__(
        self,
        folder: str | Path,
        task: str | None = None,
        *,
        device: str = "auto",
        batch_size: int | None = 64,
        loaded: tuple[Ensemble | Stack, ModelConfig] | None = None,
        warn: Callable[[str], None] = print,
    ) -> None:
        self.device = pick_device(device)
        # of a task that there is not is told before the weights are read
        self.task = find_task((loaded[1] if loaded else read_config(folder)[0]).tasks, task)
        self.model, self.config = loaded or load_model(folder)
        self.batch_size, self.warn = batch_size, warn
        self.model.to(self.device)
        self.window, self._engine = self.config.window, None
        if isinstance(self.model, Combined):
            self._engine = exact_engine(self.model, self.config, device=self.device, batch_size=batch_size)
            if self._engine.reads == "exons":
                raise windows_refused()
            self.window = self._engine.width
        constants = self.config.calibration.get(self.task.name)
        self.calibration = None if constants is None else Calibration.from_dict(constants)
        if self.calibration is None:
            warn(f"the model has no calibration for {self.task.name}: probability is left empty")

    def _score(self, codes: np.ndarray) -> np.ndarray:
        if self._engine is not None:
            return score_each(self._engine, {self.task.name: codes})[self.task.name]
        return score_windows(self.model, codes, self.task.name, batch_size=self.batch_size, device=self.device)

    def chunks(self, path: str | Path) -> Iterator[pd.DataFrame]:
        """Scores of a file's windows, some thousand at a time, in the file's order; see :meth:`score_records`."""
        yield from self.score_records(read_records(path), shown(path))

    def score_records(self, windows: Iterable[Record], source: str) -> Iterator[pd.DataFrame]:
        """Scores of windows, some thousand at a time, in their order.

        Parameters
        ----------
        windows : iterable of Record
        source : str
            What warnings call them.

        Yields
        ------
        pandas.DataFrame
            Columns ``name`` (first word of the header, or ``line<number>``), ``length`` (nt, as given), ``logit``,
            ``probability`` (calibrated; NaN without a calibration). A window without the task's base in its motif in
            the middle has neither, and is counted.
        """
        padded = cropped = other = 0
        window = self.window
        for records in in_chunks(windows, CHUNK):
            codes = np.empty((len(records), window), dtype=np.uint8)
            for row, record in enumerate(records):
                codes[row] = fit_to_window(encode(record.sequence), window)
                padded += len(record.sequence) < window
                cropped += len(record.sequence) > window
            fits = fits_task(codes, self.task)
            other += int((~fits).sum())
            logits = np.full(len(codes), np.nan, dtype=np.float32)
            logits[fits] = self._score(codes[fits])
            yield pd.DataFrame(
                {
                    "name": [(record.header.split() or [f"line{record.line}"])[0] for record in records],
                    "length": [len(record.sequence) for record in records],
                    "logit": logits,
                    "probability": np.nan if self.calibration is None else self.calibration.probability(logits),
                }
            )
        if other:
            motif, offset = self.task.place
            about = motif if len(motif) == 1 else f"{motif}, its letter {offset + 1}"
            name = self.task.name
            self.warn(f"{source}: {other} windows do not have {about} in the middle, which {name} is about: no value")
        if padded:
            self.warn(f"{source}: {padded} windows are shorter than {window} nt and were padded with N on both sides")
        if cropped:
            self.warn(
                f"{source}: {cropped} windows are longer than {window} nt; of these the central {window} were scored"
            )

    def score(self, path: str | Path) -> pd.DataFrame:
        """All of :meth:`chunks` in one table."""
        return pd.concat(self.chunks(path), ignore_index=True)


def evaluate_files(
    scorer: WindowScorer, positives: str | Path, negatives: str | Path, *, bootstrap: int = 1000
) -> pd.DataFrame:
    """Metrics of a model on a file of modified and a file of unmodified windows.

    Parameters
    ----------
    scorer : WindowScorer
    positives, negatives : path-like
    bootstrap : int
        Resamples, stratified by label.

    Returns
    -------
    pandas.DataFrame
        Columns ``metric``, ``value``, ``low``, ``high`` (95 %), ``n_positive``, ``n_negative``, ``prevalence``. Brier
        score and expected calibration error use probabilities moved to the prevalence of the two files.
    """
    tables = [scorer.score(path).dropna(subset="logit") for path in (positives, negatives)]
    for path, table in zip((positives, negatives), tables, strict=True):
        if table.empty:
            raise InputError("no window can be scored", path=path, remedy=f"give windows that {scorer.task.name} fits")
    labels = np.repeat([True, False], [len(table) for table in tables])
    logits = np.concatenate([table["logit"].to_numpy(dtype=np.float64) for table in tables])
    prevalence = float(labels.mean())
    probabilities = None
    if scorer.calibration is not None:
        probabilities = scorer.calibration.probability(logits, prevalence)
    metrics = bootstrap_metrics(
        labels,
        logits,
        n=bootstrap,
        seed=0,
        probabilities=None if probabilities is None else probabilities[None],
        prevalences={"1to10": 1 / 11},
    )
    if probabilities is not None:
        ece = expected_calibration_error(labels, probabilities)
        metrics.loc[len(metrics)] = ["ece", ece, np.nan, np.nan]
    return metrics.assign(n_positive=int(labels.sum()), n_negative=int((~labels).sum()), prevalence=prevalence)


def set_threads(threads: int) -> None:
    """Let torch use this many CPU threads; 0 leaves its own choice."""
    if threads:
        torch.set_num_threads(threads)
