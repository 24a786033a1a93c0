"""Global motifs by class optimisation: the window that raises a task's logit most (Xiong et al. 2021, Figure 5).

A real matrix S (4 x window) climbs P+ - gamma * ||S||^2 with the network's weights frozen; the column softmax of S is
the motif. The paper states neither gamma nor steps nor rate, and ships no code. Two choices here differ from its text,
both with the text's way as an option:

- *objective*: the logit (default) or the probability. The gradient of a probability vanishes as it nears 1, and the
  penalty then decides how far a start gets.
- *input*: the network reads the column softmax of S (default), or S itself (the paper). A network has only ever met
  columns of one nucleotide. Columns of shares lie between those; a free S leaves them, raises the logit by its size
  rather than by its nucleotides, and its column softmax then holds little information.

The result is what *raises* the logit, not what windows of the class look like; and the objective has many optima. So
every task is optimised from several starts, and what is reported is the mean over starts with their spread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from ..dictionary import column_names
from ..errors import InputError
from ..models.checkpoint import load_model
from ..prediction.score import pick_device
from ..sequences import ALPHABET, LETTERS
from ..sites.motifs import motif_masks
from ..tasks import find_task
from .settings import OptimisationSettings
from .soft_input import frozen, require_soft

SPREAD_QUANTILES = (0.05, 0.95)
"""Of the starts: ``low`` and ``high``."""
MEAN = "mean"
# standard deviation of S at the start
_SPREAD = 0.5


@dataclass(frozen=True)
class Optimum:
    """What the starts of one task arrived at.

    Attributes
    ----------
    pwms : numpy.ndarray, shape=(starts, 4, window)
        Fractions of A, C, G, U; columns sum to 1.
    logits, penalties, objectives, gains, consensus_logits : numpy.ndarray, shape=(starts,)
        At the end; ``gains`` is what the last tenth of the steps added to the objective; ``consensus_logits`` belong
        to the windows of each column's commonest nucleotide.
    held : numpy.ndarray, shape=(window,), dtype=bool
        Columns in which nucleotides were forbidden.
    """

    pwms: np.ndarray
    logits: np.ndarray
    penalties: np.ndarray
    objectives: np.ndarray
    gains: np.ndarray
    consensus_logits: np.ndarray
    held: np.ndarray


def allowed_nucleotides(window: int, motif: str, offset: int) -> np.ndarray:
    """Letters that each column of a window may hold when the site at its centre sits in a motif.

    Parameters
    ----------
    window : int
        The site is the 0-based position ``window // 2``.
    motif : str
        IUPAC codes; ``""`` allows everything.
    offset : int
        Place of the site in the motif, from 0.

    Returns
    -------
    numpy.ndarray, shape=(4, window), dtype=bool
    """
    allowed = np.ones((len(ALPHABET), window), dtype=bool)
    if motif:
        masks = motif_masks(motif)
        first = window // 2 - offset
        if not (0 <= offset < len(masks) and first >= 0 and first + len(masks) <= window):
            raise InputError(f"the motif {motif} does not fit the window with that offset", value=offset)
        allowed[:, first : first + len(masks)] = (masks[None] >> np.arange(len(ALPHABET))[:, None]) & 1
    return allowed


def optimise_class(
    model: nn.Module,
    task: str,
    window: int,
    settings: OptimisationSettings | None = None,
    *,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> Optimum:
    """Climb a task's objective from several starts at once.

    Parameters
    ----------
    model : torch.nn.Module
        A network of the register, or an ensemble of them: the logit that is climbed is then the members' mean.
    task : str
    window : int
        Width in nt.
    settings : OptimisationSettings, optional
    seed : int
        Of the starts; start i is the same whatever the number of starts.
    device : str or torch.device

    Returns
    -------
    Optimum

    Raises
    ------
    ValueError
        If the network reads no real-valued windows.
    """
    settings = settings or OptimisationSettings()
    allowed = allowed_nucleotides(window, settings.motif, settings.motif_offset)
    draws = [np.random.default_rng([seed, start]).normal(size=allowed.shape) for start in range(settings.starts)]
    mask = torch.from_numpy(allowed).to(device)
    with frozen(model, device):
        require_soft(model, task, window, device)
        matrix = torch.from_numpy(_SPREAD * np.stack(draws)).float().to(device) * mask
        matrix.requires_grad_(True)
        optimiser = torch.optim.Adam([matrix], lr=settings.rate, maximize=True)

        def climb() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
            columns = matrix * mask if settings.input == "raw" else _softmax(matrix, mask)
            logits = model(columns, task)
            reward = logits if settings.objective == "logit" else logits.sigmoid()
            penalty = settings.gamma * matrix.square().sum(dim=(1, 2))
            return logits, penalty, reward - penalty

        late = settings.steps - max(1, settings.steps // 10)
        before = torch.zeros(settings.starts)
        for step in range(settings.steps):
            optimiser.zero_grad()
            _, _, objective = climb()
            if step == late:
                before = objective.detach().clone()
            # starts do not touch each other, so the sum's gradient is each start's own
            objective.sum().backward()
            optimiser.step()
        with torch.no_grad():
            logits, penalty, objective = climb()
            pwms = _softmax(matrix, mask)
            consensus = pwms.argmax(dim=1)
            consensus_logits = model(consensus, task)
    found = (pwms, logits, penalty, objective, objective - before.to(device), consensus_logits)
    return Optimum(*(value.double().cpu().numpy() for value in found), held=~allowed.all(axis=0))


def _softmax(matrix: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return matrix.masked_fill(~mask, float("-inf")).softmax(dim=1)


def information(pwms: np.ndarray) -> np.ndarray:
    """Information content of each column in bits against equal fractions: 2 + sum p log2 p.

    Parameters
    ----------
    pwms : numpy.ndarray, shape=(..., 4, window)

    Returns
    -------
    numpy.ndarray, shape=(..., window)
        From 0 (equal fractions) to 2 (one nucleotide).
    """
    logs = np.log2(pwms, out=np.zeros_like(pwms), where=pwms > 0)
    return np.clip(2 + (pwms * logs).sum(axis=-2), 0.0, 2.0)


def motif_table(optimum: Optimum, predictor: str, task: str) -> pd.DataFrame:
    """The starts' motifs and their mean as a long table.

    Returns
    -------
    pandas.DataFrame
        Table ``optimised``. ``start`` is ``mean`` or a number from 1 (text); ``position`` is 1-based in
        the window, ``offset`` counts from the site (0) and is negative upstream; ``bits`` is the information of the
        row's fractions; in ``mean`` rows ``mean_bits``, ``sd``, ``low`` and ``high`` describe the starts' own
        information (mean, standard deviation, 5 % and 95 % quantile), which is more than that of the mean where starts
        disagree.
    """
    window = optimum.pwms.shape[2]
    bits = information(optimum.pwms)
    low, high = np.quantile(bits, SPREAD_QUANTILES, axis=0)
    spread = bits.std(axis=0, ddof=1) if len(bits) > 1 else np.full(window, np.nan)
    blank = np.full(window, np.nan)
    mean = optimum.pwms.mean(axis=0)
    parts = [(MEAN, mean, information(mean), bits.mean(axis=0), spread, low, high)]
    parts += [(str(at + 1), pwm, bits[at], blank, blank, blank, blank) for at, pwm in enumerate(optimum.pwms)]
    frames = []
    for start, pwm, own, average, sd, lowest, highest in parts:
        shares = dict(zip(ALPHABET, pwm, strict=True))
        frame = {"predictor": predictor, "task": task, "start": start, "position": np.arange(window)}
        frame |= {"offset": np.arange(window) - window // 2} | shares | {"bits": own, "mean_bits": average}
        frames.append(pd.DataFrame(frame | {"sd": sd, "low": lowest, "high": highest, "held": optimum.held}))
    return pd.concat(frames, ignore_index=True)[column_names("optimised", task_columns=False)]


def start_table(optimum: Optimum, predictor: str, task: str) -> pd.DataFrame:
    """One row per start: how far it got and how far it agrees with the others.

    Returns
    -------
    pandas.DataFrame
        Table ``optimised_starts``. ``logit`` belongs to what the network read at the end, ``consensus_logit`` to
        the text in ``consensus`` (RNA); ``agreement`` is the Pearson correlation of the start's fractions with the mean
        of the others', NaN for a single start.
    """
    starts = len(optimum.pwms)
    flat = optimum.pwms.reshape(starts, -1)
    agreement = np.full(starts, np.nan)
    if starts > 1:
        others = (flat.sum(axis=0) - flat) / (starts - 1)
        agreement = np.array([_correlation(one, rest) for one, rest in zip(flat, others, strict=True)])
    texts = [LETTERS[codes].tobytes().decode() for codes in optimum.pwms.argmax(axis=1)]
    return pd.DataFrame(
        {
            "predictor": predictor,
            "task": task,
            "start": np.arange(1, starts + 1).astype(str),
            "objective": optimum.objectives,
            "last_gain": optimum.gains,
            "logit": optimum.logits,
            "penalty": optimum.penalties,
            "consensus_logit": optimum.consensus_logits,
            "bits": information(optimum.pwms).sum(axis=1),
            "agreement": agreement,
            "consensus": texts,
        }
    )[column_names("optimised_starts", task_columns=False)]


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / size) if size > 0 else float("nan")


def optimise_models(
    models: Sequence[tuple[str, str, str | Path]],
    settings: OptimisationSettings | None = None,
    *,
    seed: int = 0,
    device: str = "auto",
    report: Callable[[str], None] = print,
) -> dict[tuple[str, str], Optimum]:
    """Optimise one task of each of several model directories; members of an ensemble are climbed together.

    Parameters
    ----------
    models : sequence of (predictor, task, folder)
    settings : OptimisationSettings, optional
    seed : int
        All tasks set out from the same starts, so that they differ by what was learned alone.
    device : str
    report : callable
        Given one line per task.

    Returns
    -------
    dict of (predictor, task) to Optimum
        For :func:`motif_table` and :func:`start_table`.
    """
    load = cache(load_model)
    optima = {}
    for predictor, task, folder in models:
        model, config = load(folder)
        find_task(config.tasks, task)
        optimum = optimise_class(model.networks, task, config.window, settings, seed=seed, device=pick_device(device))
        optima[predictor, task] = optimum
        bits = information(optimum.pwms.mean(axis=0)).sum()
        report(f"{predictor}, {task}: logit {optimum.logits.mean():.2f}, {bits:.1f} bits in the mean motif")
    return optima
