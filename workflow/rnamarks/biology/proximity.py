"""Do sites of different marks lie closer together than chance on the same transcripts (MultiRM, Figure S4).

The distance from each site of one mark to the nearest site of the other on the same transcript, and the other way
round, is compared with random positions that could bear the marks: the same base, and the mark's motif where it has
one, in the same numbers on the same transcripts. Three nulls, each stricter than the one before:

*transcript*: anywhere on the transcript, which is the published comparison. Marks that prefer the same end of
transcripts come out close together.

*region*: within the site's own region (5'UTR, coding sequence, 3'UTR), or the transcript where it codes for nothing.

*rotation*: all sites of a mark in a region move on together by the same number of such bases, around the region's end.
Sites of one mark often lie in clusters; this keeps the clusters, which single draws take apart so that the null varies
too little.

Positions are 0-based on the spliced transcript, 5' to 3'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, norm

from ..errors import InputError
from ..sequences import UNKNOWN, encode
from ..sites.motifs import find_motif
from ..tables import require_columns

NULLS = ("transcript", "region", "rotation")
COLUMNS = (
    "modification_a",
    "modification_b",
    "null",
    "sites_a",
    "sites_b",
    "transcripts",
    "coincident",
    "distance",
    "null_distance",
    "null_low",
    "null_high",
    "ratio",
    "z",
    "permutations",
    "p_rank",
    "p",
    "q",
    "reason",
)
SITE_COLUMNS = ("transcript", "position", "label")
TRANSCRIPT_COLUMNS = ("transcript", "sequence", "cds_start", "cds_end")
NO_COORDINATES = "no coordinates"
# above every transcript's length, so that transcript and position fit one sortable integer, and so does the number of
# an arrangement among those drawn at once, for up to 2 ** 25 transcripts
_SPAN = np.int64(1) << 32
_DRAWS_AT_ONCE = 64


@dataclass(frozen=True)
class Places:
    """Sites of one mark, and where else they could be.

    Attributes
    ----------
    transcript, position : numpy.ndarray of int64, shape=(n,)
        Of each site; transcripts by number, sites sorted by both.
    candidates : numpy.ndarray of int64, shape=(m,)
        Positions that could bear the mark, transcript after transcript in ascending order.
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
        ``transcript`` and ``position``, each pair once; empty for windows that came without coordinates.
    """
    require_columns(windows, SITE_COLUMNS, "windows")
    known = (windows["label"] == 1) & (windows["transcript"] != "") & (windows["position"] >= 0)
    return windows.loc[known, ["transcript", "position"]].drop_duplicates().reset_index(drop=True)


def lay_places(sites: pd.DataFrame, transcripts: pd.DataFrame, *, motif: str, offset: int) -> tuple[Places, int]:
    """Find where else a mark's sites could be.

    Parameters
    ----------
    sites : pandas.DataFrame
        What :func:`sites_of` gives.
    transcripts : pandas.DataFrame
        :data:`TRANSCRIPT_COLUMNS`, those with sites at least; a transcript's number is its row.
    motif : str
        IUPAC letters: a base alone, or the motif in which it must stand.
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
    position = sites["position"].to_numpy(dtype=np.int64)[known]
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
    """Random arrangements of a mark's sites.

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
    """Mean of log(1 + distance) over the sites of both marks, each to the nearest of the other.

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
    transcripts: pd.DataFrame | None,
    fits: Mapping[str, tuple[str, int]],
    *,
    nulls: Sequence[str] = NULLS,
    permutations: int = 999,
    fewest: int = 5,
    seed: int = 0,
    report: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Distances between the sites of every two marks, against each null.

    Parameters
    ----------
    windows : mapping of str to pandas.DataFrame
        The **windows** border by mark.
    transcripts : pandas.DataFrame or None
        :data:`TRANSCRIPT_COLUMNS`; None where the windows came without coordinates.
    fits : mapping of str to (str, int)
        By mark: its base or motif, and the base's place in it, 0-based.
    nulls : sequence of str
        Of :data:`NULLS`.
    permutations : int
    fewest : int
        Transcripts that must hold sites of both marks.
    seed : int
    report : callable
        Told how many sites were left out.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`COLUMNS`, one row per pair and null. ``distance`` and ``null_distance`` are geometric means in
        nt (of 1 + distance, less 1), ``null_low`` and ``null_high`` the null's 2.5 % and 97.5 % quantiles, ``ratio``
        distance over null distance (both of 1 + distance), ``z`` the difference of the logarithms in standard
        deviations of the null, ``p_rank`` two-sided by rank, which cannot fall below 2 / (1 + permutations), ``p``
        two-sided of z on the normal distribution, that of means of many sites, ``q`` Benjamini and Hochberg's of ``p``
        over the pairs of one null.
        ``coincident`` counts positions that bear both marks. A pair that cannot be measured has NaN and the
        ``reason``.
    """
    for null in nulls:
        if null not in NULLS:
            raise InputError("no such null of distances", value=null, remedy=f"choose one of {', '.join(NULLS)}")
    if permutations < 1 or fewest < 1:
        raise InputError("permutations and transcripts must be at least 1", value=(permutations, fewest))
    marks = list(windows)
    places: dict[str, Places] = {}
    for mark in marks:
        sites = sites_of(windows[mark])
        if transcripts is None or sites.empty:
            continue
        require_columns(transcripts, TRANSCRIPT_COLUMNS, "transcripts")
        motif, offset = fits[mark]
        laid, left_out = lay_places(sites, transcripts, motif=motif, offset=offset)
        if left_out:
            report(f"{mark}: {left_out} of {len(sites)} sites lie on no transcript, or not on {motif}")
        if len(laid.position):
            places[mark] = laid
    pairs = [(a, b) for at, a in enumerate(marks) for b in marks[at + 1 :]]
    shared, reasons = {}, {}
    for pair in pairs:
        if not all(mark in places for mark in pair):
            reasons[pair] = NO_COORDINATES
            continue
        common = np.intersect1d(*(places[mark].transcript for mark in pair))
        if len(common) < fewest:
            reasons[pair] = f"fewer than {fewest} transcripts hold both"
        else:
            shared[pair] = common
    rows = []
    for number, null in enumerate(nulls):
        drawn = _null(places, shared, null, permutations, seed + number)
        for pair in pairs:
            head = {"modification_a": pair[0], "modification_b": pair[1], "null": null}
            if pair in reasons:
                rows.append({**head, "reason": reasons[pair]})
                continue
            rows.append({**head, "reason": "", **_compared(places, pair, shared[pair], drawn[pair])})
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    for null in nulls:
        known = np.flatnonzero((table["null"] == null) & table["p"].notna())
        if len(known):
            table.loc[known, "q"] = false_discovery_control(table.loc[known, "p"].to_numpy(dtype=float))
    counts = ["sites_a", "sites_b", "transcripts", "coincident", "permutations"]
    table[counts] = table[counts].fillna(0).astype(np.int64)
    return table


def _null(
    places: Mapping[str, Places],
    shared: Mapping[tuple[str, str], np.ndarray],
    null: str,
    permutations: int,
    seed: int,
) -> dict[tuple[str, str], np.ndarray]:
    """Mean log distance of every pair in every arrangement."""
    on = {pair: tuple(np.isin(places[mark].transcript, common) for mark in pair) for pair, common in shared.items()}
    involved = [mark for mark in places if any(mark in pair for pair in shared)]
    out = {pair: np.empty(permutations) for pair in shared}
    generator = np.random.default_rng(seed)
    for start in range(0, permutations, _DRAWS_AT_ONCE):
        draws = min(_DRAWS_AT_ONCE, permutations - start)
        keys = {}
        for mark in involved:
            positions = draw_positions(places[mark], null, generator, draws)
            # sorting moves no site to another transcript, so that each keeps its place among them
            keys[mark] = np.sort(places[mark].transcript * _SPAN + positions, axis=1)
        for pair, (first, second) in on.items():
            out[pair][start : start + draws] = mean_distance(keys[pair[0]][:, first], keys[pair[1]][:, second])
    return out


def _compared(
    places: Mapping[str, Places], pair: tuple[str, str], common: np.ndarray, drawn: np.ndarray
) -> dict[str, float]:
    first, second = (places[mark].keys[np.isin(places[mark].transcript, common)] for mark in pair)
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
        "p": float(2 * norm.sf(abs(z))),
    }
