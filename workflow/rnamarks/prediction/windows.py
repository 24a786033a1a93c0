"""Scoring and judging a user's own windows with a trained model: what ``rnamarks score`` and ``evaluate`` do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ..errors import InputError
from ..evaluation.bootstrap import bootstrap_metrics
from ..evaluation.calibration import Calibration
from ..evaluation.metrics import expected_calibration_error
from ..models.checkpoint import Ensemble, ModelConfig, Stack, load_model, require_head
from ..sequences import encode, read_records
from .score import fit_to_window, in_chunks, pick_device, score_windows

CHUNK = 20_000


class WindowScorer:
    """One head of a loaded model, ready for windows of any length.

    Parameters
    ----------
    folder : path-like
        A model directory.
    head : str
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    batch_size : int
    warn : callable
        Given one line for each thing the user should know.

    Raises
    ------
    InputError
        If the folder is no sound model directory, or the model lacks the head; the message lists the heads.
    """

    def __init__(
        self,
        folder: str | Path,
        head: str,
        *,
        device: str = "auto",
        batch_size: int = 64,
        warn: Callable[[str], None] = print,
    ) -> None:
        self.model: Ensemble | Stack
        self.config: ModelConfig
        self.model, self.config = load_model(folder)
        require_head(self.config, head)
        if batch_size < 1:
            raise InputError("the batch size must be at least 1", value=batch_size, remedy="use for example 256")
        self.head, self.batch_size, self.warn = head, batch_size, warn
        self.device = pick_device(device)
        self.model.to(self.device)
        self.calibration = (
            Calibration.from_dict(self.config.calibration[head]) if head in self.config.calibration else None
        )
        if self.calibration is None:
            warn(f"the model has no calibration for {head}: probability is left empty")

    def chunks(self, path: str | Path) -> Iterator[pd.DataFrame]:
        """Scores of a file's windows, some thousand at a time, in the file's order.

        Yields
        ------
        pandas.DataFrame
            Columns ``name`` (first word of the header, or ``line<number>``), ``length`` (nt, as given), ``logit``,
            ``probability`` (calibrated; NaN without a calibration).
        """
        padded = cropped = 0
        for records in in_chunks(read_records(path), CHUNK):
            codes = np.empty((len(records), self.config.window), dtype=np.uint8)
            for row, record in enumerate(records):
                codes[row] = fit_to_window(encode(record.sequence), self.config.window)
                padded += len(record.sequence) < self.config.window
                cropped += len(record.sequence) > self.config.window
            logits = score_windows(self.model, codes, self.head, batch_size=self.batch_size, device=self.device)
            yield pd.DataFrame(
                {
                    "name": [(record.header.split() or [f"line{record.line}"])[0] for record in records],
                    "length": [len(record.sequence) for record in records],
                    "logit": logits,
                    "probability": np.nan if self.calibration is None else self.calibration.probability(logits),
                }
            )
        window = self.config.window
        if padded:
            self.warn(f"{path}: {padded} windows are shorter than {window} nt and were padded with N on both sides")
        if cropped:
            self.warn(
                f"{path}: {cropped} windows are longer than {window} nt; of these the central {window} were scored"
            )

    def score(self, path: str | Path) -> pd.DataFrame:
        """All of :meth:`chunks` in one table."""
        return pd.concat(self.chunks(path), ignore_index=True)


def evaluate_files(
    scorer: WindowScorer, positives: str | Path, negatives: str | Path, *, bootstrap: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Metrics of a model on a file of modified and a file of unmodified windows.

    Parameters
    ----------
    scorer : WindowScorer
    positives, negatives : path-like
    bootstrap : int
        Resamples, stratified by label.
    seed : int

    Returns
    -------
    pandas.DataFrame
        Columns ``metric``, ``value``, ``low``, ``high`` (95 %), ``n_positive``, ``n_negative``, ``prevalence``. Brier
        score and expected calibration error use probabilities moved to the prevalence of the two files.
    """
    tables = [scorer.score(positives), scorer.score(negatives)]
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
        seed=seed,
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
