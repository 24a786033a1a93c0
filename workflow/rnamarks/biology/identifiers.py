"""Match identifiers of two sources, and report the fraction that matched."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pandas as pd

from ..errors import InputError

# AC004019.1 and AC004019.2 are two genes, and so are F31C3.7 and F31C3.8 of a worm, so that only what looks like an
# identifier of Ensembl (letters and eleven digits) or RefSeq loses its last number
_VERSIONED = re.compile(r"([A-Z]+[0-9]{9,}|[A-Z]{2}_[0-9]{6,})\.[0-9]+", re.IGNORECASE)

logger = logging.getLogger(__name__)


def without_version(identifier: str) -> str:
    """An identifier in the manner of Ensembl or RefSeq without its version; any other text as it is.

    >>> without_version("ENSG00000141510.16"), without_version("NM_000546.6"), without_version("AC004019.1")
    ('ENSG00000141510', 'NM_000546', 'AC004019.1')
    """
    return identifier.rpartition(".")[0] if _VERSIONED.fullmatch(identifier) else identifier


_KEYS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("as written", str),
    ("without version", without_version),
    ("in upper case", str.upper),
    ("without version, in upper case", lambda identifier: without_version(identifier).upper()),
)


def match_ids(
    wanted: Sequence[str], known: Sequence[str], *, what: str, path: str | Path | None = None, minimum: float = 0.5
) -> pd.Series:
    """For each wanted identifier the known one that names the same thing.

    Tried in turn, each only for those still unmatched: as written, without version (:func:`without_version`), in upper
    case, and both. A key under which several known identifiers fall is used by none of them, as nobody can say which
    is meant.

    Parameters
    ----------
    wanted : sequence of str
        Identifiers to look up. Blanks around them are removed; empty ones match nothing and do not count.
    known : sequence of str
        Identifiers to find.
    what : str
        What they name, for the log and for the error: ``"genes of the expression table"``.
    path : path-like, optional
        File of the wanted identifiers, named in the error.
    minimum : float
        Fraction of the distinct wanted identifiers that must match; 0 accepts any.

    Returns
    -------
    pandas.Series of str, index=wanted
        Known identifier, or ``""``; in the order of ``wanted``, repeats included. ``attrs`` hold ``matched`` and
        ``wanted`` (numbers of distinct identifiers), ``fraction`` and ``how`` (matches by way).

    Raises
    ------
    InputError
        If the fraction is below ``minimum``, or nothing is wanted and it is above 0.
    """
    texts = pd.Series(list(wanted), dtype=object).fillna("").astype(str).str.strip()
    distinct = [text for text in dict.fromkeys(texts) if text]
    targets = [text for text in dict.fromkeys(str(name).strip() for name in known) if text]
    found: dict[str, str] = {}
    how: Counter[str] = Counter()
    for way, key in _KEYS:
        index = _unambiguous(targets, key)
        for text in distinct:
            if text not in found and key(text) in index:
                found[text] = index[key(text)]
                how[way] += 1
    fraction = len(found) / len(distinct) if distinct else 0.0
    ways = ", ".join(f"{count} {way}" for way, count in how.items())
    logger.info(
        "%s: %d of %d matched (%.1f %%)%s", what, len(found), len(distinct), 100 * fraction, ways and f": {ways}"
    )
    if fraction < minimum:
        strangers = [text for text in distinct if text not in found]
        raise InputError(
            f"only {len(found)} of {len(distinct)} {what} matched ({fraction:.1%}, at least {minimum:.0%} are asked "
            f"for), such as {_examples(strangers)}",
            path=path,
            remedy=f"known are such as {_examples(targets)}; give identifiers of one naming, or a lower minimum",
        )
    matched = [found.get(text, "") for text in texts]
    result = pd.Series(matched, index=pd.Index(list(wanted), dtype=object), dtype=object)
    result.attrs = {"matched": len(found), "wanted": len(distinct), "fraction": fraction, "how": dict(how)}
    return result


def _unambiguous(names: Iterable[str], key: Callable[[str], str]) -> dict[str, str]:
    index: dict[str, str] = {}
    doubtful = set()
    for name in names:
        if index.setdefault(key(name), name) != name:
            doubtful.add(key(name))
    return {text: name for text, name in index.items() if text not in doubtful}


def _examples(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) or "none"
