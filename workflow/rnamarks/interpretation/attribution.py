"""Which letters of a window carry a head's logit: integrated gradients and in-silico mutagenesis.

Both work for every network of the register and every head, on the logit at the training prevalence (natural-log odds).

*Integrated gradients* (Sundararajan et al. 2017) splits the difference to a baseline among the letters: (x - b) times
the mean gradient on the straight path from b to x. The parts sum to f(x) - f(b), which is checked for every window.

*In-silico mutagenesis* replaces every letter by each of the three others and notes the change of the logit. It is
exact for single substitutions and blind to what several letters do together, so it has no such sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from scipy.stats import rankdata
from torch import nn

from ..errors import InputError
from ..files import atomic_path, write_text
from ..models.checkpoint import load_model, require_head
from ..prediction.score import BATCH_SIZES, fit_to_window, in_chunks, pick_device, score_windows
from ..sequences import ALPHABET, LETTERS, UNKNOWN, encode, read_records
from ..tables import read_parquet, write_tsv
from .soft_input import frozen, one_hot, require_soft

BASELINES = ("uniform", "zeros", "shuffled")
METHODS = ("integrated_gradients", "mutagenesis")
OPTIONS = ("baseline", "references", "steps", "most_steps", "tolerance", "strict", "seed")
"""Of :func:`integrated_gradients`, by way of :func:`attribute_windows`."""
# windows whose paths or mutants are laid out at once; rows of the network are bounded by the batch size
_CHUNK = 64
_FILE_CHUNK = 256

LETTER_COLUMNS = ["window", "head", "method", "position", "offset", "letter", "attribution", *ALPHABET]
CHECK_COLUMNS = [
    "window",
    "head",
    "method",
    "baseline",
    "logit",
    "baseline_logit",
    "total",
    "error",
    "steps",
    "complete",
    "agreement",
]


@dataclass(frozen=True)
class Attribution:
    """Attributions of a number of windows, in nats of log odds.

    Attributes
    ----------
    contributions : numpy.ndarray, shape=(n_windows, 4, window), dtype=float32
        Integrated gradients: the part of each entry of the one-hot columns; entries that are zero in window and
        baseline get zero. Mutagenesis: logit with this letter here, less the window's logit; zero for the window's
        own letter.
    letters : numpy.ndarray, shape=(n_windows, window), dtype=float32
        One number per position. Integrated gradients: the sum over the four entries. Mutagenesis: minus the mean
        change over the three substitutions, positive where the letter present raises the logit.
    logits : numpy.ndarray, shape=(n_windows,)
    baseline_logits : numpy.ndarray, shape=(n_windows,)
        Mean over baselines; NaN for mutagenesis.
    errors : numpy.ndarray, shape=(n_windows,)
        Sum of the contributions less f(x) - f(b); NaN for mutagenesis.
    steps : numpy.ndarray, shape=(n_windows,), dtype=int64
        Points on the path; 0 for mutagenesis.
    complete : numpy.ndarray, shape=(n_windows,), dtype=bool
        Whether the error is within the tolerance; True for mutagenesis, which claims no sum.
    """

    contributions: np.ndarray
    letters: np.ndarray
    logits: np.ndarray
    baseline_logits: np.ndarray
    errors: np.ndarray
    steps: np.ndarray
    complete: np.ndarray


def shuffle_dinucleotides(codes: np.ndarray, n: int, generator: np.random.Generator) -> np.ndarray:
    """Sequences with the same numbers of every dinucleotide, and the same first and last letter.

    Uniform over all such sequences: a random order of each letter's successors is a walk through all of them if and
    only if the last successors lead to the last letter from everywhere (Altschul and Erickson 1985); orders that do
    not are drawn again.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(length,), dtype=uint8
    n : int
    generator : numpy.random.Generator

    Returns
    -------
    numpy.ndarray, shape=(n, length), dtype=uint8
    """
    length = len(codes)
    if length < 4:
        return np.repeat(codes[None], n, axis=0)
    source, target = codes[:-1].astype(np.int64), codes[1:].astype(np.int64)
    kinds, last = UNKNOWN + 1, int(codes[-1])
    counts = np.bincount(source, minlength=kinds)
    begins = np.concatenate([[0], np.cumsum(counts)[:-1]])
    by_source = np.argsort(source, kind="stable")
    orders = np.empty((n, length - 1), dtype=np.int64)
    waiting = np.arange(n)
    while waiting.size:
        keys = source[by_source] + generator.random((waiting.size, length - 1))
        drawn = target[by_source][np.argsort(keys, axis=1)]
        final = np.tile(np.arange(kinds), (waiting.size, 1))
        left = np.flatnonzero((counts > 0) & (np.arange(kinds) != last))
        final[:, left] = drawn[:, begins[left] + counts[left] - 1]
        final[:, last] = last
        reached = final
        for _ in range(kinds):
            reached = np.take_along_axis(final, reached, axis=1)
        good = (reached[:, left] == last).all(axis=1)
        orders[waiting[good]] = drawn[good]
        waiting = waiting[~good]
    out = np.empty((n, length), dtype=np.uint8)
    at = np.full(n, int(codes[0]))
    used = np.zeros((n, kinds), dtype=np.int64)
    rows = np.arange(n)
    out[:, 0] = at
    for place in range(1, length):
        taken = orders[rows, begins[at] + used[rows, at]]
        used[rows, at] += 1
        at = taken
        out[:, place] = at
    return out


def integrated_gradients(
    model: nn.Module,
    codes: np.ndarray,
    head: str,
    *,
    baseline: str = "uniform",
    references: int = 10,
    steps: int = 32,
    most_steps: int = 512,
    tolerance: float = 0.01,
    strict: bool = False,
    seed: int = 0,
    batch_size: int | None = None,
    device: str | torch.device = "cpu",
    warn: Callable[[str], None] = print,
) -> Attribution:
    """Integrated gradients of windows, with the completeness of each.

    Parameters
    ----------
    model : torch.nn.Module
        A network of the register or an ensemble (whose mean logit is split).
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8
    head : str
    baseline : {"uniform", "zeros", "shuffled"}
        Equal shares (0.25); empty columns; or the mean over ``references`` dinucleotide shuffles of the window, each a
        baseline of its own. Positions with N are empty in the first two, so that padding gets nothing. No window
        looks like the empty one, and what any letter adds to it is mixed into every contribution: on a MASS trained
        on simulated windows its mean agreement with mutagenesis is 0.4, that of the other two 0.8.
    references : int
    steps : int
        Points of the Gauss-Legendre rule on each path.
    most_steps : int
        Windows outside the tolerance are done again with twice the points, up to this number.
    tolerance : float
        Largest error, relative to the larger of 1 nat and \\|f(x) - f(b)\\|.
    strict : bool
        Raise instead of warning when windows stay outside the tolerance.
    seed : int
        Of the shuffles; the window's letters and this number alone decide them.
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
        If the baseline is unknown, or ``strict`` and the tolerance is missed.
    ValueError
        If the network reads no real-valued windows.
    """
    if baseline not in BASELINES:
        raise InputError("no such baseline", value=baseline, remedy=f"choose one of {', '.join(BASELINES)}")
    if min(steps, references) < 1 or not tolerance > 0:
        raise InputError(
            "steps and references must be at least 1 and the tolerance above 0", value=(steps, references, tolerance)
        )
    batch_size = batch_size or BATCH_SIZES[torch.device(device).type]
    n, window = codes.shape
    parts = np.zeros((n, len(ALPHABET), window), dtype=np.float32)
    logits, base_logits, errors = np.zeros(n), np.zeros(n), np.zeros(n)
    used = np.full(n, steps, dtype=np.int64)
    with frozen(model, device):
        if n:
            require_soft(model, head, window, device)
        for start in range(0, n, _CHUNK):
            chunk = slice(start, start + _CHUNK)
            x = one_hot(codes[chunk])
            bases = _baselines(codes[chunk], baseline, references, seed)
            logits[chunk] = _forward(model, x, head, batch_size, device)
            flat = _forward(model, bases.flatten(0, 1), head, batch_size, device)
            base_logits[chunk] = flat.reshape(bases.shape[:2]).mean(axis=1)
            gap = logits[chunk] - base_logits[chunk]
            again = np.arange(len(x))
            points = steps
            while True:
                part = _along_paths(model, x[again], bases[again], head, points, batch_size, device)
                parts[start + again] = part
                errors[start + again] = part.sum(axis=(1, 2), dtype=np.float64) - gap[again]
                used[start + again] = points
                again = again[~_within(errors[start + again], gap[again], tolerance)]
                points *= 2
                if not again.size or points > most_steps:
                    break
    complete = _within(errors, logits - base_logits, tolerance)
    if not complete.all():
        text = (
            f"integrated gradients of {int((~complete).sum())} of {n} windows miss their sum by more than "
            f"{tolerance:g} (worst {np.abs(errors).max():.3g} nats)"
        )
        if strict:
            raise InputError(text, remedy="raise the number of steps or the tolerance")
        warn(f"{text}; raise the number of steps")
    return Attribution(parts, parts.sum(axis=1), logits, base_logits, errors, used, complete)


def _within(errors: np.ndarray, gap: np.ndarray, tolerance: float) -> np.ndarray:
    return np.abs(errors) <= tolerance * np.maximum(1.0, np.abs(gap))


def _baselines(codes: np.ndarray, baseline: str, references: int, seed: int) -> torch.Tensor:
    """Shape (n_windows, references or 1, 4, window)."""
    n, window = codes.shape
    if baseline == "shuffled":
        shuffles = [
            shuffle_dinucleotides(row, references, np.random.default_rng([seed, *row.tolist()])) for row in codes
        ]
        return one_hot(np.concatenate(shuffles)).reshape(n, references, len(ALPHABET), window)
    share = 0.0 if baseline == "zeros" else 1 / len(ALPHABET)
    known = torch.from_numpy(codes < UNKNOWN)[:, None, None, :]
    return (share * known).float().expand(n, 1, len(ALPHABET), window)


@torch.no_grad()
def _forward(model: nn.Module, x: torch.Tensor, head: str, batch_size: int, device: str | torch.device) -> np.ndarray:
    return np.concatenate([model(rows.to(device), head).double().cpu().numpy() for rows in x.split(batch_size)])


def _along_paths(
    model: nn.Module,
    x: torch.Tensor,
    bases: torch.Tensor,
    head: str,
    points: int,
    batch_size: int,
    device: str | torch.device,
) -> np.ndarray:
    """(x - b) times the mean gradient from b to x, mean over the baselines; shape (n_windows, 4, window)."""
    nodes, weights = np.polynomial.legendre.leggauss(points)
    places, weights = torch.from_numpy((nodes + 1) / 2).float(), torch.from_numpy(weights / 2).float()
    n, references = bases.shape[:2]
    total = torch.zeros_like(x)
    for rows in torch.arange(n * references * points).split(batch_size):
        at, step = rows // points, rows % points
        which, reference = at // references, at % references
        difference = x[which] - bases[which, reference]
        path = bases[which, reference] + places[step, None, None] * difference
        path = path.to(device).requires_grad_(True)
        (gradient,) = torch.autograd.grad(model(path, head).sum(), path)
        total.index_add_(0, which, gradient.cpu() * difference * weights[step, None, None])
    return (total / references).numpy()


def mutagenesis(
    model: nn.Module,
    codes: np.ndarray,
    head: str,
    *,
    batch_size: int | None = None,
    device: str | torch.device = "cpu",
) -> Attribution:
    """Change of the logit under every single substitution: 3 x window forward passes per window.

    Parameters
    ----------
    model : torch.nn.Module
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8
        Positions that hold N are not substituted and stay zero.
    head : str
    batch_size : int, optional
        Mutants that pass the network at once; bounds the memory.
    device : str or torch.device

    Returns
    -------
    Attribution
    """
    n, window = codes.shape
    changes = np.zeros((n, len(ALPHABET), window), dtype=np.float32)
    logits = score_windows(model, codes, head, batch_size=batch_size, device=device).astype(np.float64)
    letters = np.arange(len(ALPHABET))[None, :, None]
    for start in range(0, n, _CHUNK):
        own = codes[start : start + _CHUNK, None, :]
        which, letter, place = np.nonzero((own != letters) & (own < UNKNOWN))
        most = _CHUNK * window
        for first in range(0, which.size, most):
            rows = slice(first, first + most)
            mutants = codes[start + which[rows]].copy()
            mutants[np.arange(len(mutants)), place[rows]] = letter[rows]
            scores = score_windows(model, mutants, head, batch_size=batch_size, device=device)
            changes[start + which[rows], letter[rows], place[rows]] = scores - logits[start + which[rows]]
    blank = np.full(n, np.nan)
    return Attribution(
        contributions=changes,
        letters=-changes.sum(axis=1) / (len(ALPHABET) - 1),
        logits=logits,
        baseline_logits=blank,
        errors=blank.copy(),
        steps=np.zeros(n, dtype=np.int64),
        complete=np.ones(n, dtype=bool),
    )


def agreement(first: Attribution, second: Attribution) -> np.ndarray:
    """Spearman correlation over positions between two attributions of the same windows.

    Returns
    -------
    numpy.ndarray, shape=(n_windows,)
        NaN where one of the two is constant.
    """
    ranks = [rankdata(part.letters, axis=1) for part in (first, second)]
    a, b = (rank - rank.mean(axis=1, keepdims=True) for rank in ranks)
    size = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return np.divide((a * b).sum(axis=1), size, out=np.full(len(a), np.nan), where=size > 0)


def letter_table(attribution: Attribution, codes: np.ndarray, names: list[str], head: str, method: str) -> pd.DataFrame:
    """One row per window and position that holds a letter; positions with N are left out.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`LETTER_COLUMNS`: ``position`` 1-based in the window, ``offset`` from its centre (the site),
        ``letter`` RNA, ``attribution`` as :attr:`Attribution.letters`, and ``A`` to ``U`` as
        :attr:`Attribution.contributions`.
    """
    window = codes.shape[1]
    row, place = np.nonzero(codes < UNKNOWN)
    frame = {
        "window": np.asarray(names, dtype=object)[row],
        "head": head,
        "method": method,
        "position": (place + 1).astype(np.int32),
        "offset": (place - window // 2).astype(np.int32),
        "letter": LETTERS[codes[row, place]].view("S1").astype("U1"),
        "attribution": attribution.letters[row, place],
    }
    frame |= {base: attribution.contributions[row, at, place] for at, base in enumerate(ALPHABET)}
    return pd.DataFrame(frame)[LETTER_COLUMNS]


def check_table(
    attribution: Attribution,
    names: list[str],
    head: str,
    method: str,
    baseline: str,
    agreements: np.ndarray | None = None,
) -> pd.DataFrame:
    """One row per window: what the contributions sum to and should sum to.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`CHECK_COLUMNS`; ``agreement`` is NaN unless given.
    """
    return pd.DataFrame(
        {
            "window": names,
            "head": head,
            "method": method,
            "baseline": baseline,
            "logit": attribution.logits,
            "baseline_logit": attribution.baseline_logits,
            "total": attribution.contributions.sum(axis=(1, 2), dtype=np.float64),
            "error": attribution.errors,
            "steps": attribution.steps,
            "complete": attribution.complete,
            "agreement": np.nan if agreements is None else agreements,
        }
    )[CHECK_COLUMNS]


def attribute_windows(
    folder: str | Path,
    head: str,
    windows: str | Path,
    *,
    method: str = "integrated_gradients",
    compare: bool = False,
    limit: int | None = None,
    rows: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
    device: str = "auto",
    batch_size: int | None = None,
    warn: Callable[[str], None] = print,
    **options: object,
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Attributions of a file's windows, some hundred at a time, in the file's order.

    Parameters
    ----------
    folder : path-like
        A model directory.
    head : str
    windows : path-like
        FASTA or one sequence per line, plain or gzipped, DNA or RNA; or Parquet with columns ``window`` and
        ``sequence`` (the *windows* or *splits* border). A sequence of another length than the model's window is centred
        in it: cut at both ends or padded with N, which is said.
    method : {"integrated_gradients", "mutagenesis"}
    compare : bool
        Compute the other method, too, and note the agreement of the two.
    limit : int, optional
        At most so many windows, from the top of the file.
    rows : callable, optional
        Chooses and orders the rows of a Parquet file before the limit.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    batch_size : int, optional
    warn : callable
    **options
        Of :func:`integrated_gradients`.

    Yields
    ------
    letters : pandas.DataFrame
        See :func:`letter_table`.
    checks : pandas.DataFrame
        See :func:`check_table`.

    Raises
    ------
    InputError
        If the folder is no sound model directory, the model lacks the head, the method is unknown, or the file holds
        no sequence.
    """
    if method not in METHODS:
        raise InputError("no such method of attribution", value=method, remedy=f"choose one of {', '.join(METHODS)}")
    for name in options:
        if name not in OPTIONS:
            raise InputError("attribution has no such option", value=name, remedy=f"it has {', '.join(OPTIONS)}")
    if limit is not None and limit < 1:
        raise InputError("the number of windows must be at least 1", value=limit)
    loaded, config = load_model(folder)
    require_head(config, head)
    # of a stack the networks alone: k-mer baselines have no gradients
    model = loaded.networks
    where = pick_device(device)
    shared = {"batch_size": batch_size, "device": where}

    def run(name: str, codes: np.ndarray) -> Attribution:
        if name == "mutagenesis":
            return mutagenesis(model, codes, head, **shared)
        return integrated_gradients(model, codes, head, warn=warn, **shared, **options)

    other = METHODS[1 - METHODS.index(method)]
    baseline = str(options.get("baseline", "uniform")) if method == "integrated_gradients" else ""
    refitted = 0
    for names, sequences in _windows_of(windows, limit, rows):
        refitted += sum(len(sequence) != config.window for sequence in sequences)
        codes = np.stack([fit_to_window(encode(sequence), config.window) for sequence in sequences])
        attribution = run(method, codes)
        agreements = agreement(attribution, run(other, codes)) if compare else None
        yield (
            letter_table(attribution, codes, names, head, method),
            check_table(attribution, names, head, method, baseline, agreements),
        )
    if refitted:
        warn(f"{windows}: {refitted} windows are not {config.window} nt long and were cut or padded around the centre")


def _windows_of(
    path: str | Path, limit: int | None, rows: Callable[[pd.DataFrame], pd.DataFrame] | None
) -> Iterator[tuple[list[str], list[str]]]:
    if Path(path).suffix == ".parquet":
        frame, _ = read_parquet(path, ["window", "sequence"])
        frame = (rows(frame) if rows else frame)[:limit]
        if frame.empty:
            raise InputError("no window is left to attribute", path=path, remedy="choose another part or label")
        for start in range(0, len(frame), _FILE_CHUNK):
            chunk = frame.iloc[start : start + _FILE_CHUNK]
            yield chunk["window"].astype(str).tolist(), chunk["sequence"].tolist()
        return
    left = limit
    for records in in_chunks(read_records(path), _FILE_CHUNK):
        records = records[:left]
        yield (
            [(record.header.split() or [f"line{record.line}"])[0] for record in records],
            [record.sequence for record in records],
        )
        if left is not None:
            left -= len(records)
            if left <= 0:
                return


def choose_windows(split: str, parts: list[str], label: int | None) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """A chooser for :func:`attribute_windows`: rows of some parts of a split with one label, in the file's order.

    Parameters
    ----------
    split : str
        Column that names the parts; ``""`` takes all.
    parts : list of str
    label : int or None
        None takes both labels.
    """

    def choose(frame: pd.DataFrame) -> pd.DataFrame:
        for column in ([split] if split else []) + (["label"] if label is not None else []):
            if column not in frame.columns:
                raise InputError("the windows lack a column", value=column, remedy="give a table of the splits border")
        kept = np.ones(len(frame), dtype=bool)
        if split:
            kept &= frame[split].isin(parts).to_numpy()
        if label is not None:
            kept &= (frame["label"] == label).to_numpy()
        return frame[kept]

    return choose


def write_attributions(
    chunks: Iterator[tuple[pd.DataFrame, pd.DataFrame]], letters: str | Path, checks: str | Path
) -> None:
    """Write what :func:`attribute_windows` yields as it comes, atomically.

    Parameters
    ----------
    chunks : iterator
    letters : path-like
        Parquet, or tab-separated text for another ending; gzipped if it ends in ``.gz``.
    checks : path-like
        Tab-separated text.
    """
    collected = []
    if Path(letters).suffix == ".parquet":
        with atomic_path(letters) as part:
            writer = None
            try:
                for frame, check in chunks:
                    table = pa.Table.from_pandas(frame, preserve_index=False)
                    writer = writer or pq.ParquetWriter(part, table.schema, compression="zstd")
                    writer.write_table(table)
                    collected.append(check)
            finally:
                if writer is not None:
                    writer.close()
    else:
        with write_text(letters) as handle:
            for index, (frame, check) in enumerate(chunks):
                frame.to_csv(handle, sep="\t", index=False, header=index == 0, lineterminator="\n", float_format="%.6g")
                collected.append(check)
    write_tsv(pd.concat(collected, ignore_index=True), checks)
