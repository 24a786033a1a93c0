"""Trees that judge a base by its own logit, its neighbours', the letters around it and where it lies on its gene.

A network sees a window. Whether an adenosine is methylated depends on more: m6A comes in clusters, and exon junctions
keep it away. What is read, in this order and as far as the settings ask for it, is said by :func:`names_of_features`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np
from safetensors import SafetensorError, safe_open
from scipy.special import expit
from scipy.special import logit as log_odds

from ..errors import InputError
from ..sequences import ALPHABET, UNKNOWN
from ..sites.gene_structure import ENDS, FEATURES
from ..sites.motifs import find_motif
from .array_files import write_arrays
from .forest import Forest
from .kmers import kmer_counts
from .settings import Names
from .settings.combiner import CONTEXT, CombinerSettings

COMBINER = "combiner"
"""What leads the names of the arrays of combiners in a model directory."""
EMPTY = -20.0
"""Logit in place of a neighbour's that is not there."""
RULE = 100
"""nt to a junction from which the exclusion rule allows m6A."""
_RADII = (50, 100, 250)
_SIDE = 100
_COMPOSITION = (25, 50, 100, CONTEXT)
_MOTIFS = {"DRACH": (25, 50, 100, 250), "GGAC": (25, 50, 100, 250)}
_KMER, _KMER_REACH = 3, 50
_HEADS = Names(64)


class Combiner:
    """Fitted trees of one task.

    Parameters
    ----------
    settings : CombinerSettings
    heads : sequence of str
        Tasks of the network whose logits are read, the first one's of neighbours, too; empty where none is.
    forest : Forest
    windows : mapping of str to int, optional
        ``positives`` and ``negatives`` that it was fitted to.
    """

    def __init__(
        self, settings: CombinerSettings, heads: Sequence[str], forest: Forest, windows: Mapping[str, int] | None = None
    ) -> None:
        self.settings, self.heads, self.forest = settings, tuple(heads), forest
        self.windows = dict(windows or {})

    @classmethod
    def fit(
        cls,
        settings: CombinerSettings,
        heads: Sequence[str],
        features: np.ndarray,
        labels: np.ndarray,
        *,
        seed: int = 0,
    ) -> Self:
        """Fit to features of bases whose logits come from networks that were not trained on these bases' genes.

        Parameters
        ----------
        settings : CombinerSettings
        heads : sequence of str
        features : numpy.ndarray, shape=(n, len(names_of_features(settings, heads))), dtype=float32
        labels : numpy.ndarray, shape=(n,), dtype=bool
        seed : int

        Notes
        -----
        The trees learn at the fraction of positives that there is; their sum is moved by its log odds, so that logits
        are those of 1:1, as networks give them.
        """
        from .trees import TreeSettings, fit_xgboost

        saved = fit_xgboost(
            features,
            labels,
            seed=seed,
            settings=TreeSettings(trees=settings.trees, depth=settings.depth, eta=settings.eta),
            weighted=False,
            columns=settings.columns,
            bins=128,
            child=settings.child,
        )
        return cls(settings, heads, Forest.from_xgboost(saved, base=-float(log_odds(labels.mean()))))

    def logit(self, features: np.ndarray) -> np.ndarray:
        """Log odds at 1:1 of bases; shape=(n,), dtype=float32."""
        return self.forest.margin(features)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What a file keeps beside :meth:`record`."""
        return self.forest.to_arrays()

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], record: Mapping[str, Any]) -> Self:
        """The reverse of :meth:`to_arrays` and :meth:`record`; :class:`InputError` if they cannot be."""
        settings, heads = check_record(record)
        return cls(settings, heads, Forest.from_arrays(arrays, len(names_of_features(settings, heads))))

    def record(self) -> dict[str, Any]:
        """Heads and settings as plain values."""
        return {"heads": list(self.heads), "settings": asdict(self.settings)}


def check_record(record: Mapping[str, Any]) -> tuple[CombinerSettings, tuple[str, ...]]:
    """Settings and heads of what :meth:`Combiner.record` gave; :class:`InputError` for anything else."""
    heads = _HEADS.read(record.get("heads")) if set(record) == {"heads", "settings"} else None
    if heads is None:
        raise InputError("a combiner is described by heads and settings", value=sorted(record), remedy="fit it again")
    settings = CombinerSettings.from_mapping(record["settings"], "combiner.settings.")
    if settings.asks_network != bool(heads):
        raise InputError("a combiner has heads exactly if it reads logits", value=list(heads), remedy="fit it again")
    return settings, heads


def write_combiner(path: str | Path, combiner: Combiner) -> None:
    """Write fitted trees and what describes them as a safetensors file."""
    said = {COMBINER: combiner.record(), "windows": combiner.windows}
    write_arrays(path, combiner.to_arrays(), {name: json.dumps(said[name], sort_keys=True) for name in said})


def read_combiner(path: str | Path) -> Combiner:
    """Read what :func:`write_combiner` wrote; :class:`InputError` if it cannot be."""
    try:
        with safe_open(path, "numpy") as handle:
            record, windows = (json.loads((handle.metadata() or {})[name]) for name in (COMBINER, "windows"))
            arrays = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise InputError("no file of a combiner", path=path, remedy="fit it again") from error
    combiner = Combiner.from_arrays(arrays, record)
    combiner.windows = windows
    return combiner


def names_of_features(settings: CombinerSettings, heads: Sequence[str]) -> list[str]:
    """What each column of :func:`combine` is."""
    names = [f"logit {head}" for head in heads] if settings.logits else []
    if settings.neighbours:
        radii = _radii(settings)
        names += [f"{kind} logit within {radius} nt" for radius in radii for kind in ("highest", "mean")]
        names += [f"sum of probabilities within {_SIDE} nt {side}" for side in ("upstream", "downstream")]
        names += ["bases within reach", "of these with a higher logit"]
    places = [*range(-settings.letters, 0), *range(1, settings.letters + 1)]
    names += [f"{base} at {place}" for place in places for base in ALPHABET]
    if settings.context:
        names += [f"3-mer {number}" for number in range(4**_KMER)]
        names += [f"{base} within {radius} nt" for radius in _COMPOSITION for base in ALPHABET]
        names += [f"{motif} within {radius} nt" for motif, radii in _MOTIFS.items() for radius in radii]
    names += list(FEATURES) if settings.structure else list(ENDS) if settings.ends else []
    return names + ["beyond the reach of junctions"] * settings.rule


def combine(
    settings: CombinerSettings,
    codes: np.ndarray,
    at: np.ndarray,
    others: np.ndarray,
    logits: Sequence[np.ndarray],
    structure: np.ndarray | None,
) -> np.ndarray:
    """Features of bases of laid-out sequences.

    Parameters
    ----------
    settings : CombinerSettings
    codes : numpy.ndarray, shape=(n_nt,), dtype=uint8
        Sequences with at least ``settings.reach`` codes of 4 around each, so that nothing of another one is read.
    at : numpy.ndarray, shape=(n,), dtype=int64
        Ascending indices into ``codes`` of the bases.
    others : numpy.ndarray, dtype=int64
        Ascending indices of all bases of the task within reach of them, themselves among these.
    logits : sequence of numpy.ndarray, shape=(len(others),), dtype=float32
        Of each head.
    structure : numpy.ndarray, shape=(n, WIDTHS[settings.reads]), dtype=float32, or None
        Where the settings read it.

    Returns
    -------
    numpy.ndarray, shape=(n, len(names_of_features(settings, heads))), dtype=float32
    """
    parts = [np.zeros((len(at), 0), dtype=np.float32)]
    if settings.asks_network:
        own = np.searchsorted(others, at)
        if settings.logits:
            parts += [one[own][:, None] for one in logits]
        if settings.neighbours:
            parts.append(_neighbours(own, others, logits[0], settings))
    if settings.letters:
        place = np.r_[-settings.letters : 0, 1 : settings.letters + 1]
        letters = np.eye(UNKNOWN + 1, UNKNOWN, dtype=np.float32)[codes[at[:, None] + place]]
        parts.append(letters.reshape(len(at), 4 * len(place)))
    if settings.context:
        parts.append(_context(codes, at))
    if settings.structure or settings.ends:
        parts.append(structure)
    if settings.rule:
        parts.append((structure[:, [0]] > RULE).astype(np.float32))
    return np.concatenate(parts, axis=1, dtype=np.float32)


def _radii(settings: CombinerSettings) -> list[int]:
    return sorted({min(radius, settings.neighbours) for radius in _RADII})


def _neighbours(own: np.ndarray, others: np.ndarray, logits: np.ndarray, settings: CombinerSettings) -> np.ndarray:
    """What is said of other bases of the task near the ones at places ``own`` of ``others``; shape=(n, n_columns)."""
    here = others[own]
    mine = logits[own].astype(np.float64)
    logit_to = np.concatenate(([0.0], np.cumsum(logits.astype(np.float64))))
    odds_to = np.concatenate(([0.0], np.cumsum(expit(logits.astype(np.float64)))))

    def within(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.searchsorted(others, low, side="left"), np.searchsorted(others, high, side="right")

    columns = []
    for radius in _radii(settings):
        first, last = within(here - radius, here + radius)
        count = last - first - 1
        mean = (logit_to[last] - logit_to[first] - mine) / np.maximum(count, 1)
        columns += [_highest(logits, own, first, last), np.where(count > 0, mean, EMPTY)]
    side = min(_SIDE, settings.neighbours)
    columns.append(odds_to[own] - odds_to[within(here - side, here)[0]])
    columns.append(odds_to[within(here, here + side)[1]] - odds_to[own + 1])
    first, last = within(here - settings.neighbours, here + settings.neighbours)
    higher = np.zeros(len(own), dtype=np.int64)
    for near, inside in _steps(own, first, last):
        higher += inside & (logits[near] > logits[own])
    return np.column_stack([*columns, last - first - 1, higher]).astype(np.float32)


def _highest(values: np.ndarray, own: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Largest value in each ``[first, last)`` but at ``own``, :data:`EMPTY` where there is none; shape=(n,)."""
    found = np.full(len(own), EMPTY, dtype=np.float32)
    for near, inside in _steps(own, first, last):
        found = np.where(inside, np.maximum(found, values[near]), found)
    return found


def _steps(own: np.ndarray, first: np.ndarray, last: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Places one step farther from ``own`` at a time on either side, and whether they are in ``[first, last)``."""
    for step in range(1, int((last - first).max(initial=0))):
        yield np.maximum(own - step, 0), own - step >= first
        yield np.minimum(own + step, np.maximum(last - 1, 0)), own + step < last


def _context(codes: np.ndarray, at: np.ndarray) -> np.ndarray:
    """3-mers, composition and motifs around bases; shape=(n, n_columns)."""
    around = codes[at[:, None] + np.arange(-_KMER_REACH, _KMER_REACH + 1)]
    columns = [kmer_counts(around, _KMER)]
    counts = {base: np.concatenate(([0], np.cumsum(codes == base))) for base in range(len(ALPHABET))}
    for radius in _COMPOSITION:
        columns.append(np.column_stack([count[at + radius + 1] - count[at - radius] for count in counts.values()]))
    for motif, radii in _MOTIFS.items():
        places = find_motif(codes, motif, 2)
        for radius in radii:
            low, high = (np.searchsorted(places, at + shift) for shift in (-radius, radius + 1))
            columns.append((high - low)[:, None])
    return np.concatenate(columns, axis=1, dtype=np.float32)
