"""How often an unmodified base scores as high: p-values from a null distribution, and q-values from these.

The null of a head is the logits that a model gives to bases known to be unmodified, kept sorted in
``null.safetensors`` of the model directory, one array per head, those of the fast mode as ``student.<head>``.
``config.json`` names the file's SHA-256. A base's p is (1 + null logits at least as high) / (1 + null logits) (Davison
& Hinkley 1997, 4.11; Phipson & Smyth 2010): never 0, and down to 1e-4 for a null of 10,000.

That count jumps where a logit meets a null logit, and the last digits of a logit depend on the size of the batches. So
a null logit that is lower, but by less than :data:`EASE` of the null's standard deviation, counts in part: p is the
mean of the formula over that little stretch below the logit, hence continuous and never less than the formula's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from ..errors import InputError
from ..files import atomic_path, sha256_of
from ..models.directory import CONFIG, read_config, write_config

NULL = "null.safetensors"
STUDENT = "student."
ENOUGH = 9_999
"""Null logits from which on p can reach 1e-4."""

EASE = 0.002
_BLOCK = 1 << 20
_REMEDY = "build the null distribution again, or copy the whole model directory again"


class ScoresWindows(Protocol):
    """What gives the logits of windows; see :mod:`rnamarks.prediction.exact`."""

    def windows(self, codes: np.ndarray, head: str) -> np.ndarray:
        """Windows as codes, shape (n, width), to logits, shape (n,)."""


class Null:
    """The null distribution of one head.

    Parameters
    ----------
    logits : array, shape=(n,)
        Of unmodified bases, in any order. A model that has nothing to say of a head, such as a stack whose weights
        are 0, gives all bases one logit; its p is 1.

    Raises
    ------
    InputError
        If there are fewer than two, or one is not finite.
    """

    def __init__(self, logits: np.ndarray) -> None:
        logits = np.sort(np.asarray(logits, dtype=np.float64))
        if not np.isfinite(logits).all() or len(logits) < 2:
            raise InputError(
                "a null distribution needs two or more finite logits",
                value=f"{len(logits)} logits",
                remedy="score more unmodified bases",
            )
        self.size = len(logits)
        self._logits = logits
        self._reach = EASE * logits.std()
        # centred, so that sums of many keep their digits
        self._centre = logits.mean()
        self._sums = np.concatenate(([0.0], np.cumsum(logits - self._centre)))

    def p(self, logits: np.ndarray) -> np.ndarray:
        """p-values of logits of any shape, dtype=float64, in [1 / (1 + n), 1]."""
        logits = np.asarray(logits, dtype=np.float64)
        low = logits - self._reach
        first = np.searchsorted(self._logits, low, side="left")
        last = np.searchsorted(self._logits, logits, side="left")
        partly = self._sums[last] - self._sums[first] - (last - first) * (low - self._centre)
        if self._reach:
            partly /= self._reach
        return (1.0 + self.size - last + np.clip(partly, 0.0, last - first)) / (1.0 + self.size)


class FalseDiscoveries:
    """q-values of Benjamini & Hochberg (1995): the smallest false discovery rate at which a test is called.

    Parameters
    ----------
    p : numpy.ndarray, shape=(n,), dtype=float32
        p-values of all tests of one family; sorted in place.

    Notes
    -----
    8 bytes per test.
    """

    def __init__(self, p: np.ndarray) -> None:
        p.sort()
        self._ascending = p
        self._q = np.empty(len(p), dtype=np.float32)
        lowest = 1.0
        for end in range(len(p), 0, -_BLOCK):
            start = max(0, end - _BLOCK)
            adjusted = p[start:end] * (len(p) / np.arange(start + 1, end + 1, dtype=np.float64))
            falling = np.minimum(np.minimum.accumulate(adjusted[::-1]), lowest)
            self._q[start:end] = falling[::-1]
            lowest = float(falling[-1])

    def q(self, p: np.ndarray) -> np.ndarray:
        """Values of p-values that were among those given; shape as given, dtype=float32."""
        return self._q[np.searchsorted(self._ascending, p, side="left")]

    def below(self, q: float) -> int:
        """How many of the tests have a value below ``q``."""
        return int(np.searchsorted(self._q, q, side="left"))


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """q-values of tests, in their order.

    Parameters
    ----------
    p : array, shape=(n,)
        In [0, 1].

    Returns
    -------
    numpy.ndarray, shape=(n,), dtype=float32
    """
    p = np.asarray(p, dtype=np.float32)
    return FalseDiscoveries(p.copy()).q(p)


def draw_unmodified(
    sequences: Iterable[tuple[str, np.ndarray]],
    candidates: Mapping[str, Any],
    width: int,
    n: int,
    seed: int,
    known: Mapping[str, Mapping[str, np.ndarray]] | None = None,
) -> dict[str, np.ndarray]:
    """Windows of bases that fit each head and are not known to be modified, drawn evenly from sequences.

    Parameters
    ----------
    sequences : iterable of (str, numpy.ndarray)
        Name and codes, dtype=uint8; read once.
    candidates : mapping of str to callable
        Head to a function from codes to the 0-based positions of bases that fit it, such as
        ``rnamarks.prediction.scan.Mark.find``.
    width : int
        Of the windows, odd.
    n : int
        Windows wanted of each head; fewer where the sequences have fewer.
    seed : int
    known : mapping of str to mapping of str to array, optional
        Head to name to 0-based positions that are left out, with every base that was reported modified.

    Returns
    -------
    dict of str to numpy.ndarray, shape=(up to n, width), dtype=uint8
        In no particular order.

    Notes
    -----
    Memory is that of twice the windows wanted: each base gets a random number, and those with the smallest are kept.
    """
    from ..sites.windows import cut_windows

    rng = np.random.default_rng(seed)
    kept = {head: (np.zeros(0), np.zeros((0, width), dtype=np.uint8)) for head in candidates}
    for name, codes in sequences:
        for head, find in candidates.items():
            at = np.setdiff1d(find(codes), (known or {}).get(head, {}).get(name, ()))
            lots = rng.random(len(at))
            numbers, windows = kept[head]
            if len(numbers) >= n:
                chosen = lots < numbers[n - 1]
                at, lots = at[chosen], lots[chosen]
            if len(at):
                numbers = np.concatenate([numbers, lots])
                order = np.argsort(numbers)[:n]
                windows = np.concatenate([windows, cut_windows(codes, at, width)])
                kept[head] = numbers[order], windows[order]
    return {head: windows for head, (_, windows) in kept.items()}


def build_null(engine: ScoresWindows, windows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Sorted logits of unmodified bases.

    Parameters
    ----------
    engine
        Of the mode that the null is for; see :mod:`rnamarks.prediction.exact`.
    windows : mapping of str to numpy.ndarray, shape=(n, window), dtype=uint8
        Head to windows around bases that fit the head and are not modified.

    Returns
    -------
    dict of str to numpy.ndarray, shape=(n,), dtype=float32
    """
    return {head: np.sort(engine.windows(codes, head)) for head, codes in windows.items()}


def write_null(folder: str | Path, null: Mapping[str, np.ndarray], *, source: str) -> None:
    """Put null distributions into a model directory, beside those of other names that it has.

    Parameters
    ----------
    folder : path-like
    null : mapping of str to array, shape=(n,)
        Head, or ``student.<head>`` for the fast mode, to logits of unmodified bases.
    source : str
        Which bases, in words.

    Raises
    ------
    InputError
        If a name belongs to no head of the model, or an array is no null distribution.
    """
    folder = Path(folder)
    config, _ = read_config(folder)
    arrays = _load(folder, config.null) if config.null else {}
    for name, logits in null.items():
        if name.removeprefix(STUDENT) not in config.heads:
            raise InputError("the model has no such head", value=name, remedy=f"it has {', '.join(config.heads)}")
        Null(logits)
        arrays[name] = np.sort(np.asarray(logits, dtype=np.float32))
    with atomic_path(folder / NULL) as part:
        save_file(arrays, part)
    config.null = {
        "sha256": sha256_of(folder / NULL),
        "source": source,
        "sizes": {name: len(logits) for name, logits in arrays.items()},
    }
    write_config(folder, config)


def read_null(folder: str | Path, heads: Iterable[str], *, prefix: str = "") -> dict[str, Null]:
    """Null distributions of a model directory.

    Parameters
    ----------
    folder : path-like
    heads : iterable of str
    prefix : str
        :data:`STUDENT` for the fast mode.

    Raises
    ------
    InputError
        If the directory has none, the file is missing or not the one that ``config.json`` names, or a head lacks one.
    """
    config, _ = read_config(folder)
    if not config.null:
        raise InputError(
            "the model has no null distribution, which p-values need",
            path=folder,
            remedy="use results/RUN/scanner of a run with a section marks",
        )
    arrays = _load(Path(folder), config.null)
    found = {}
    for head in heads:
        if prefix + head not in arrays:
            mode = " of the fast mode" if prefix else ""
            raise InputError(f"the model has no null distribution{mode} for the head", path=folder, value=head)
        found[head] = Null(arrays[prefix + head])
    return found


def _load(folder: Path, described: Mapping[str, Any]) -> dict[str, np.ndarray]:
    path = folder / NULL
    if not path.is_file():
        raise InputError("the null distribution is missing", path=path, remedy=_REMEDY)
    found = sha256_of(path)
    if found != described.get("sha256"):
        raise InputError(
            f"the null distribution is not the one that {CONFIG} names (sha256 {str(described.get('sha256'))[:12]}…)",
            path=path,
            value=found[:12] + "…",
            remedy=_REMEDY,
        )
    try:
        return load_file(path)
    except SafetensorError as error:
        raise InputError(f"not a safetensors file: {error}", path=path, remedy=_REMEDY) from error
