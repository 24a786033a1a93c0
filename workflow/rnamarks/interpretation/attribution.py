"""Which nucleotides of a window carry a task's logit: integrated gradients and in-silico mutagenesis.

Both work for every network of the registry and every task, on the logit at the training prevalence (natural-log odds).

*Integrated gradients* (Sundararajan et al. 2017) splits the difference to a baseline among the nucleotides: (x - b)
times the mean gradient on the straight path from b to x. The parts sum to f(x) - f(b), which is checked for every
window.

*In-silico mutagenesis* replaces every nucleotide by each of the three others and notes the change of the logit. It is
exact for single substitutions and blind to what several nucleotides do together, so it has no such sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy
import torch
from torch import nn

from ..errors import InputError, check_choice
from ..models.checkpoint import Combined, Ensemble, Stack
from ..prediction.score import BATCH_SIZES, score_windows
from ..sequences import ALPHABET, UNKNOWN
from .soft_input import frozen, one_hot, require_soft

METHODS = ("integrated_gradients", "mutagenesis")
# windows whose paths or mutants are laid out at once; rows of the network are bounded by the batch size
_CHUNK = 64


@dataclass(frozen=True)
class Attribution:
    """Attributions of a number of windows, in nats of log odds.

    Attributes
    ----------
    contributions : numpy.ndarray, shape=(n_windows, 4, window), dtype=float32
        Integrated gradients: the part of each entry of the one-hot columns; entries that are zero in window and
        baseline get zero. Mutagenesis: logit with this nucleotide here, less the window's logit; zero for the window's
        own nucleotide.
    nucleotides : numpy.ndarray, shape=(n_windows, window), dtype=float32
        One number per position. Integrated gradients: the sum over the four entries. Mutagenesis: minus the mean
        change over the three substitutions, positive where the nucleotide present raises the logit.
    logits : numpy.ndarray, shape=(n_windows,)
    baseline_logits : numpy.ndarray, shape=(n_windows,)
        NaN for mutagenesis.
    errors : numpy.ndarray, shape=(n_windows,)
        Sum of the contributions less f(x) - f(b); NaN for mutagenesis.
    steps : numpy.ndarray, shape=(n_windows,), dtype=int64
        Points on the path; 0 for mutagenesis.
    complete : numpy.ndarray, shape=(n_windows,), dtype=bool
        Whether the error is within the tolerance; True for mutagenesis, which claims no sum.
    """

    contributions: np.ndarray
    nucleotides: np.ndarray
    logits: np.ndarray
    baseline_logits: np.ndarray
    errors: np.ndarray
    steps: np.ndarray
    complete: np.ndarray


def check_method(method: str) -> None:
    """Raise :class:`InputError` unless a method is one of :data:`METHODS`."""
    check_choice(method, METHODS, "no such method of attribution")


def beside_networks(model: Ensemble | Stack | Combined) -> str:
    """What is said of a model whose logit is not that of its networks, which :func:`attribute` asks; else ``""``."""
    if isinstance(model, Ensemble):
        return ""
    beside = "trees" if isinstance(model, Combined) else "baselines"
    return f"explained is the logit of the model's networks, before its {beside}: it is not the logit of a scan"


def attribute(
    model: Ensemble | Stack | Combined,
    codes: np.ndarray,
    task: str,
    method: str,
    *,
    batch_size: int | None = None,
    device: str | torch.device = "cpu",
    warn: Callable[[str], None] = print,
) -> Attribution:
    """:func:`integrated_gradients` or :func:`mutagenesis` with their defaults; of a stack and of combined models the
    networks alone are asked, since k-mer baselines and trees have no gradients."""
    check_method(method)
    networks = model.networks
    if isinstance(model, Combined):
        task = model.combiners[task].heads[0]
    if method == "mutagenesis":
        return mutagenesis(networks, codes, task, batch_size=batch_size, device=device)
    return integrated_gradients(networks, codes, task, batch_size=batch_size, device=device, warn=warn)


def integrated_gradients(
    model: nn.Module,
    codes: np.ndarray,
    task: str,
    *,
    fractions: np.ndarray | None = None,
    steps: int = 32,
    maximum_steps: int = 512,
    tolerance: float = 0.01,
    batch_size: int | None = None,
    device: str | torch.device = "cpu",
    warn: Callable[[str], None] = print,
) -> Attribution:
    """Integrated gradients of windows, with the completeness of each.

    Parameters
    ----------
    model : torch.nn.Module
        A network of the registry or an ensemble (whose mean logit is split).
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8
    task : str
    fractions : numpy.ndarray, shape=(4, window), optional
        The baseline: fractions of A, C, G, U at each position, equal ones by default. With those of unmodified windows
        (:func:`nucleotide_fractions`) nucleotides which all windows have (a motif that windows are chosen by) get
        nothing. Positions with N are empty, so that padding gets nothing. Empty columns everywhere are a poor baseline:
        no window looks like that, and what any nucleotide adds to it is mixed into every contribution; on a MASS
        trained on simulated windows the mean agreement with mutagenesis is then 0.4, with equal fractions 0.8.
    steps : int
        Points of the Gauss-Legendre rule on each path.
    maximum_steps : int
        Windows outside the tolerance are done again with twice the points, up to this number.
    tolerance : float
        Largest error, relative to the larger of 1 nat and \\|f(x) - f(b)\\|; what misses it is said.
    batch_size : int, optional
        Rows that pass the network at once; bounds the memory.
    device : str or torch.device
    warn : callable

    Returns
    -------
    Attribution

    Raises
    ------
    InputError
        If the fractions are not those of four nucleotides at each position, or steps or tolerance are not above 0.
    ValueError
        If the network reads no real-valued windows.
    """
    if steps < 1 or not tolerance > 0:
        raise InputError("steps must be at least 1 and the tolerance above 0", value=(steps, tolerance))
    batch_size = batch_size or BATCH_SIZES[torch.device(device).type]
    n, window = codes.shape
    if fractions is None:
        fractions = np.full((len(ALPHABET), window), 1 / len(ALPHABET))
    if fractions.shape != (len(ALPHABET), window):
        raise InputError("a baseline has fractions of four nucleotides at each position", value=fractions.shape)
    parts = np.zeros((n, len(ALPHABET), window), dtype=np.float32)
    logits, base_logits, errors = np.zeros(n), np.zeros(n), np.zeros(n)
    used = np.full(n, steps, dtype=np.int64)
    with frozen(model, device):
        if n:
            require_soft(model, task, window, device)
        for start in range(0, n, _CHUNK):
            chunk = slice(start, start + _CHUNK)
            x = one_hot(codes[chunk])
            bases = (torch.from_numpy(fractions) * torch.from_numpy(codes[chunk] < UNKNOWN)[:, None]).float()
            logits[chunk] = _forward(model, x, task, batch_size, device)
            base_logits[chunk] = _forward(model, bases, task, batch_size, device)
            gap = logits[chunk] - base_logits[chunk]
            again = np.arange(len(x))
            points = steps
            while True:
                part = _along_paths(model, x[again], bases[again], task, points, batch_size, device)
                parts[start + again] = part
                errors[start + again] = part.sum(axis=(1, 2), dtype=np.float64) - gap[again]
                used[start + again] = points
                again = again[~_within(errors[start + again], gap[again], tolerance)]
                points *= 2
                if not again.size or points > maximum_steps:
                    break
    complete = _within(errors, logits - base_logits, tolerance)
    if not complete.all():
        warn(
            f"integrated gradients of {int((~complete).sum())} of {n} windows miss their sum by more than "
            f"{tolerance:g} (worst {np.abs(errors).max():.3g} nats); raise the number of steps"
        )
    return Attribution(parts, parts.sum(axis=1), logits, base_logits, errors, used, complete)


def _within(errors: np.ndarray, gap: np.ndarray, tolerance: float) -> np.ndarray:
    return np.abs(errors) <= tolerance * np.maximum(1.0, np.abs(gap))


def nucleotide_fractions(codes: np.ndarray) -> np.ndarray:
    """Fractions of the nucleotides at each position of windows; equal ones where no window has a nucleotide.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8

    Returns
    -------
    numpy.ndarray, shape=(4, window)
    """
    counts = np.stack([(codes == base).sum(axis=0) for base in range(UNKNOWN)]).astype(np.float64)
    total = counts.sum(axis=0)
    return np.divide(counts, total, out=np.full(counts.shape, 1 / len(ALPHABET)), where=total > 0)


@torch.no_grad()
def _forward(model: nn.Module, x: torch.Tensor, task: str, batch_size: int, device: str | torch.device) -> np.ndarray:
    return np.concatenate([model(rows.to(device), task).double().cpu().numpy() for rows in x.split(batch_size)])


def _along_paths(
    model: nn.Module,
    x: torch.Tensor,
    bases: torch.Tensor,
    task: str,
    points: int,
    batch_size: int,
    device: str | torch.device,
) -> np.ndarray:
    """(x - b) times the mean gradient from b to x, shape (n_windows, 4, window)."""
    nodes, weights = np.polynomial.legendre.leggauss(points)
    places, weights = torch.from_numpy((nodes + 1) / 2).float(), torch.from_numpy(weights / 2).float()
    total = torch.zeros_like(x)
    for rows in torch.arange(len(x) * points).split(batch_size):
        which, step = rows // points, rows % points
        difference = x[which] - bases[which]
        path = (bases[which] + places[step, None, None] * difference).to(device).requires_grad_(True)
        (gradient,) = torch.autograd.grad(model(path, task).sum(), path)
        total.index_add_(0, which, gradient.cpu() * difference * weights[step, None, None])
    return total.numpy()


def mutagenesis(
    model: nn.Module,
    codes: np.ndarray,
    task: str,
    *,
    places: Sequence[int] | None = None,
    batch_size: int | None = None,
    device: str | torch.device = "cpu",
) -> Attribution:
    """Change of the logit under every single substitution: three forward passes per position and window.

    Parameters
    ----------
    model : torch.nn.Module
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8
        Positions that hold N are not substituted and stay zero.
    task : str
    places : sequence of int, optional
        Positions to substitute, 0-based; the others stay zero. All by default.
    batch_size : int, optional
        Mutants that pass the network at once; bounds the memory.
    device : str or torch.device

    Returns
    -------
    Attribution
    """
    n, window = codes.shape
    changes = np.zeros((n, len(ALPHABET), window), dtype=np.float32)
    logits = score_windows(model, codes, task, batch_size=batch_size, device=device).astype(np.float64)
    bases = np.arange(len(ALPHABET))[None, :, None]
    asked = np.zeros(window, dtype=bool)
    asked[slice(None) if places is None else list(places)] = True
    for start in range(0, n, _CHUNK):
        own = codes[start : start + _CHUNK, None, :]
        which, base, place = np.nonzero((own != bases) & (own < UNKNOWN) & asked)
        most = _CHUNK * window
        for first in range(0, which.size, most):
            rows = slice(first, first + most)
            mutants = codes[start + which[rows]].copy()
            mutants[np.arange(len(mutants)), place[rows]] = base[rows]
            scores = score_windows(model, mutants, task, batch_size=batch_size, device=device)
            changes[start + which[rows], base[rows], place[rows]] = scores - logits[start + which[rows]]
    blank = np.full(n, np.nan)
    return Attribution(
        contributions=changes,
        nucleotides=-changes.sum(axis=1) / (len(ALPHABET) - 1),
        logits=logits,
        baseline_logits=blank,
        errors=blank.copy(),
        steps=np.zeros(n, dtype=np.int64),
        complete=np.ones(n, dtype=bool),
    )


def agreement(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman correlation over positions between two attributions of the same windows.

    Parameters
    ----------
    first, second : numpy.ndarray, shape=(n_windows, positions)

    Returns
    -------
    numpy.ndarray, shape=(n_windows,)
        NaN where one of the two is constant.
    """
    ranks = [scipy.stats.rankdata(part, axis=1) for part in (first, second)]
    a, b = (rank - rank.mean(axis=1, keepdims=True) for rank in ranks)
    size = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return np.divide((a * b).sum(axis=1), size, out=np.full(len(a), np.nan), where=size > 0)
