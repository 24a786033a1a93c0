"""Do sites of different modifications lie closer together than chance on the same transcripts (MultiRM, Figure S4).

The distance from each site of one task to the nearest site of another task of the species on the same transcript, and
the other way round, is compared with random positions that could be modified: the same base, and the task's motif where
it has one, in the same numbers on the same transcripts. Three nulls, each stricter than the one before:

*transcript*: anywhere on the transcript, which is the published comparison. Modifications that prefer the same
end of transcripts come out close together.

*region*: within the site's own region (5'UTR, coding sequence, 3'UTR), or the transcript where it codes for nothing.

*rotation*: all sites of a task in a region move on together by the same number of such bases, around the region's end.
Sites of one modification often lie in clusters; this keeps the clusters, which single draws take apart so that the null
varies too little.

Positions are 0-based on the spliced transcript, 5' to 3'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
import scipy

from ..dictionary import column_names
from ..errors import InputError, check_choice
from ..sequences import UNKNOWN, encode
from ..sites.motifs import find_motif
from ..tables import require_columns
from ..tasks import Task
from .statistics import benjamini_hochberg

NULLS = ("transcript", "region", "rotation")
SITE_COLUMNS = ("transcript", "start", "label")
TRANSCRIPT_COLUMNS = ("transcript", "sequence", "cds_start", "cds_end")
NO_COORDINATES = "no coordinates"
# above every transcript's length, so that transcript and position fit one sortable integer, and so does the number of
# an arrangement among those drawn at once, for up to 2 ** 25 transcripts
_SPAN = np.int64(1) << 32
_DRAWS_AT_ONCE = 64


@dataclass(frozen=True)
class Places:
    """Sites of one task, and where else they could be.

    Attributes
    ----------
    transcript, position : numpy.ndarray of int64, shape=(n,)
        Of each site; transcripts by number, sites sorted by both.
    candidates : numpy.ndarray of int64, shape=(m,)
        Positions that could be modified, transcript after transcript in ascending order.
    entry : numpy.ndarray of int64, shape=(n,)
        Each site's own place in ``candidates``.
    first, size, pool : dict of str to numpy.ndarray of int64, shape=(n,)
        By ``transcript`` and ``region``: where each site's pool begins in ``candidates``, how many positions it has,
        and its number, from 0.
    """

    transcript: np.ndarray
    position: np.ndarray
    candidates: np.ndarray
    entry: np.ndarray
    first: dict[str, np.ndarray]
    size: dict[str, np.ndarray]
    pool: dict[str, np.ndarray]

    @property
    def keys(self) -> np.ndarray:
        """Transcript and position as one ascending number, shape (n,)."""
        return self.transcript * _SPAN + self.position


def sites_of(windows: pd.DataFrame) -> pd.DataFrame:
    """Modified positions with coordinates.

    Parameters
    ----------
    windows : pandas.DataFrame
        The **windows** border, or at least :data:`SITE_COLUMNS`.

    Returns
    -------
    pandas.DataFrame
        ``transcript`` and ``start``, each pair once; empty for windows that came without coordinates.
    """
    require_columns(windows, SITE_COLUMNS, "windows")
    known = (windows["label"] == 1) & (windows["transcript"] != "") & (windows["start"] >= 0)
    return windows.loc[known, ["transcript", "start"]].drop_duplicates().reset_index(drop=True)


def lay_places(sites: pd.DataFrame, transcripts: pd.DataFrame, *, motif: str, offset: int) -> tuple[Places, int]:
    """Find where else a task's sites could be.

    Parameters
    ----------
    sites : pandas.DataFrame
        What :func:`sites_of` gives.
    transcripts : pandas.DataFrame
        :data:`TRANSCRIPT_COLUMNS`, those with sites at least; a transcript's number is its row.
    motif : str
        IUPAC codes: a base alone, or the motif that it must lie in.
    offset : int
        0-based place of the base in the motif.

    Returns
    -------
    places : Places
    left_out : int
        Sites on no transcript of the table, or where the transcript does not have the motif.
    """
    number = {name: row for row, name in enumerate(transcripts["transcript"])}
    row = sites["transcript"].map(number)
    known = row.notna().to_numpy()
    transcript = row[known].to_numpy(dtype=np.int64)
    position = sites["start"].to_numpy(dtype=np.int64)[known]
    order = np.lexsort((position, transcript))
    transcript, position = transcript[order], position[order]
    used = np.unique(transcript)
    # one search over all transcripts, kept apart by N, which no motif holds
    pieces, starts, at = [np.full(1, UNKNOWN, dtype=np.uint8)], [], 1
    for one in used:
        codes = encode(transcripts["sequence"].iat[one])
        pieces += [codes, np.full(1, UNKNOWN, dtype=np.uint8)]
        starts.append(at)
        at += len(codes) + 1
    starts = np.array(starts, dtype=np.int64)
    found = find_motif(np.concatenate(pieces), motif, offset)
    owner = np.searchsorted(starts, found, side="right") - 1
    place = found - starts[owner] if len(starts) else found
    which = np.searchsorted(used, transcript)
    keys = owner * _SPAN + place
    mine = which * _SPAN + position
    entry = np.searchsorted(keys, mine)
    fits = entry < len(keys)
    fits[fits] = keys[entry[fits]] == mine[fits]
    transcript, position, which, entry = transcript[fits], position[fits], which[fits], entry[fits]
    cds_start, cds_end = (transcripts[name].to_numpy(dtype=np.int64)[used] for name in ("cds_start", "cds_end"))
    region = np.where(cds_start[owner] < 0, 0, (place >= cds_start[owner]).astype(np.int64) + (place >= cds_end[owner]))
    firsts, sizes, pools = {}, {}, {}
    for name, cell in (("transcript", owner), ("region", 3 * owner + region)):
        # cells ascend with the positions, so that each is one stretch of them
        kinds, first, size = np.unique(cell, return_index=True, return_counts=True)
        own = np.searchsorted(kinds, cell[entry])
        firsts[name], sizes[name] = first[own].astype(np.int64), size[own].astype(np.int64)
        pools[name] = np.unique(own, return_inverse=True)[1]
    return Places(transcript, position, place, entry, firsts, sizes, pools), len(sites) - len(transcript)


def draw_positions(places: Places, null: str, generator: np.random.Generator, draws: int = 1) -> np.ndarray:
    """Random arrangements of a task's sites.

    Parameters
    ----------
    places : Places
    null : str
        One of :data:`NULLS`. Single draws are made without replacement.
    generator : numpy.random.Generator
    draws : int
        How many arrangements.

    Returns
    -------
    numpy.ndarray, shape=(draws, n), dtype=int64
        Positions in the order of the sites' transcripts, not sorted within one.
    """
    name = "transcript" if null == "transcript" else "region"
    first, size, pool = places.first[name], places.size[name], places.pool[name]
    if null == "rotation":
        share = generator.random((draws, pool.max(initial=-1) + 1))[:, pool]
        return places.candidates[first + (places.entry - first + (share * size).astype(np.int64)) % size]
    # each arrangement has candidates of its own, so that equal numbers are one candidate taken twice
    total = len(places.candidates)
    start = (first + total * np.arange(draws)[:, None]).ravel()
    size = np.tile(size, draws)
    drawn = start + (generator.random(len(start)) * size).astype(np.int64)
    while True:
        order = np.argsort(drawn, kind="stable")
        again = order[1:][drawn[order[1:]] == drawn[order[:-1]]]
        if not len(again):
            return places.candidates[drawn % total if total else drawn].reshape(draws, -1)
        drawn[again] = start[again] + (generator.random(len(again)) * size[again]).astype(np.int64)


def distances(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance of each position to the nearest of the other set, nt.

    Parameters
    ----------
    first, second : numpy.ndarray of int64, shape=(n,) and (m,)
        Transcript and position, see :attr:`Places.keys`; ascending, and of both on every transcript.

    Returns
    -------
    numpy.ndarray, shape=(n,)
        From ``first`` to ``second``.
    numpy.ndarray, shape=(m,)
        From ``second`` to ``first``.
    """
    # how many of the second lie before each of the first, hence how many of the first up to each of the second
    before = np.searchsorted(second, first)
    upto = np.cumsum(np.bincount(before, minlength=len(second) + 1)[:-1])
    return _nearest(first, second, before), _nearest(second, first, upto)


def _nearest(keys: np.ndarray, others: np.ndarray, after: np.ndarray) -> np.ndarray:
    behind = others[np.maximum(after - 1, 0)]
    ahead = others[np.minimum(after, len(others) - 1)]
    return np.minimum(np.abs(keys - behind), np.abs(ahead - keys))


def mean_distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Mean of log(1 + distance) over the sites of both tasks, each to the nearest of the other.

    Parameters
    ----------
    first, second : numpy.ndarray of int64, shape=(draws, n) and (draws, m)
        Keys of each arrangement, ascending, on the same transcripts.

    Returns
    -------
    numpy.ndarray, shape=(draws,)
    """
    draws = len(first)
    apart = (max(first.max(), second.max()) // _SPAN + 1) * _SPAN * np.arange(draws)[:, None]
    there, back = distances((first + apart).ravel(), (second + apart).ravel())
    logs = (np.log1p(part).reshape(draws, -1).sum(axis=1) for part in (there, back))
    return sum(logs) / (first.shape[1] + second.shape[1])


def measure_proximity(
    windows: Mapping[str, pd.DataFrame],
    transcripts: Mapping[str, pd.DataFrame],
    tasks: Sequence[Task],
    *,
    nulls: Sequence[str] = NULLS,
    permutations: int = 999,
    minimum_transcripts: int = 5,
    seed: int = 0,
    report: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Distances between the sites of every two tasks of a species, against each null.

    Parameters
    ----------
    windows : mapping of str to pandas.DataFrame
        The **windows** border by task.
    transcripts : mapping of str to pandas.DataFrame
        :data:`TRANSCRIPT_COLUMNS` by species; without those whose windows came without coordinates.
    tasks : sequence of Task
        Their order is that of the pairs.
    nulls : sequence of str
        Of :data:`NULLS`.
    permutations : int
    minimum_transcripts : int
        Transcripts that must hold sites of both.
    seed : int
    report : callable
        Told how many sites were left out.

    Returns
    -------
    pandas.DataFrame
        Table ``proximity``, one row per pair and null. ``distance`` and ``null_distance`` are geometric means in
        nt (of 1 + distance, less 1), ``null_low`` and ``null_high`` the null's 2.5 % and 97.5 % quantiles, ``ratio``
        distance over null distance (both of 1 + distance), ``z`` the difference of the logarithms in standard
        deviations of the null, ``p_rank`` two-sided by rank, which cannot fall below 2 / (1 + permutations), ``p``
        two-sided of z on the normal distribution, that of means of many sites, ``q`` Benjamini and Hochberg's of ``p``
        over the pairs of one species and null. ``coincident`` counts positions that bear both modifications. A pair
        that cannot be measured has NaN and the ``reason``.
    """
    for null in nulls:
        check_choice(null, NULLS, "no such null of distances")
    if permutations < 1 or minimum_transcripts < 1:
        raise InputError("permutations and transcripts must be at least 1", value=(permutations, minimum_transcripts))
    places: dict[str, Places] = {}
    for task in tasks:
        sites = sites_of(windows[task.name])
        if task.species not in transcripts or sites.empty:
            continue
        require_columns(transcripts[task.species], TRANSCRIPT_COLUMNS, "transcripts")
        motif, offset = task.place
        laid, left_out = lay_places(sites, transcripts[task.species], motif=motif, offset=offset)
        if left_out:
            report(f"{task.name}: {left_out} of {len(sites)} sites lie on no transcript, or not on {motif}")
        if len(laid.position):
            places[task.name] = laid
    modifications = {task.name: task.modification for task in tasks}
    rows = []
    for species in dict.fromkeys(task.species for task in tasks):
        pairs = list(combinations([task.name for task in tasks if task.species == species], 2))
        shared, reasons = {}, {}
        for pair in pairs:
            if not all(name in places for name in pair):
                reasons[pair] = NO_COORDINATES
                continue
            common = np.intersect1d(*(places[name].transcript for name in pair))
            if len(common) < minimum_transcripts:
                reasons[pair] = f"fewer than {minimum_transcripts} transcripts hold both"
            else:
                shared[pair] = common
        for number, null in enumerate(nulls):
            drawn = _null(places, shared, null, permutations, seed + number)
            for pair in pairs:
                found = {} if pair in reasons else _compared(places, pair, shared[pair], drawn[pair])
                keys = {"species": species, "task_a": pair[0], "task_b": pair[1], "null": null}
                keys |= {f"modification_{side}": modifications[name] for side, name in zip("ab", pair, strict=True)}
                rows.append({**keys, "reason": reasons.get(pair, ""), **found})
    table = pd.DataFrame(rows, columns=column_names("proximity"))
    for _, part in table.groupby(["species", "null"], sort=False):
        table.loc[part.index, "q"] = benjamini_hochberg(part["p"].to_numpy(dtype=float))
    counts = ["sites_a", "sites_b", "transcripts", "coincident", "permutations"]
    table[counts] = table[counts].fillna(0).astype(np.int64)
    return table


def _null(
    places: Mapping[str, Places], shared: Mapping[tuple[str, str], np.ndarray], null: str, permutations: int, seed: int
) -> dict[tuple[str, str], np.ndarray]:
    """Mean log distance of every pair in every arrangement."""
    on = {pair: tuple(np.isin(places[name].transcript, common) for name in pair) for pair, common in shared.items()}
    involved = [name for name in places if any(name in pair for pair in shared)]
    out = {pair: np.empty(permutations) for pair in shared}
    generator = np.random.default_rng(seed)
    for start in range(0, permutations, _DRAWS_AT_ONCE):
        draws = min(_DRAWS_AT_ONCE, permutations - start)
        keys = {}
        for name in involved:
            positions = draw_positions(places[name], null, generator, draws)
            # sorting moves no site to another transcript, so that each keeps its place among them
            keys[name] = np.sort(places[name].transcript * _SPAN + positions, axis=1)
        for pair, (first, second) in on.items():
            out[pair][start : start + draws] = mean_distance(keys[pair[0]][:, first], keys[pair[1]][:, second])
    return out


def _compared(
    places: Mapping[str, Places], pair: tuple[str, str], common: np.ndarray, drawn: np.ndarray
) -> dict[str, float]:
    first, second = (places[name].keys[np.isin(places[name].transcript, common)] for name in pair)
    observed = mean_distance(first[None], second[None])[0]
    # arrangements that differ from the observed one by rounding only are as extreme as it is
    lower, upper = (drawn <= observed + 1e-12).sum(), (drawn >= observed - 1e-12).sum()
    low, high = np.quantile(drawn, [0.025, 0.975])
    spread = drawn.std(ddof=1) if len(drawn) > 1 else 0.0
    # where every arrangement is the same, the observed one is, too
    z = (observed - drawn.mean()) / spread if spread > 1e-12 else 0.0
    return {
        "sites_a": len(first),
        "sites_b": len(second),
        "transcripts": len(common),
        "coincident": len(np.intersect1d(first, second)),
        "distance": np.expm1(observed),
        "null_distance": np.expm1(drawn.mean()),
        "null_low": np.expm1(low),
        "null_high": np.expm1(high),
        "ratio": np.exp(observed - drawn.mean()),
        "z": z,
        "permutations": len(drawn),
        "p_rank": min(1.0, 2 * (1 + min(lower, upper)) / (1 + len(drawn))),
        "p": float(2 * scipy.special.ndtr(-abs(z))),
    }
