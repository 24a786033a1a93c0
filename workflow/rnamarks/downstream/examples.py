"""The examples table: one row per RNA with its answer, its family and its split in each fold."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError
from ..models.tokens import MOST_UNKNOWN
from ..sites.drops import KEPT, NOTE, Drops
from .formats import EXAMPLE_FORMATS, TARGET_COLUMNS, Published
from .splitting import given_fold, guarded_fold, similar_groups, tested_part, thin

STAGE = "downstream"
FOLD = "fold_"
GIVEN, GUARDED = "given", "guarded"
# so many times the maximum are split; a tenth of them is the test part
_SAMPLED = 10
_STRAY = re.compile("[^ACGURYSWKMBDHVN]")
_KNOWN = re.compile("[^ACGU]")


def read_examples(
    entry: Mapping[str, Any],
    files: Mapping[str, Sequence[str | Path]],
    *,
    seed: int = 1,
    name: str = "",
    threads: int = 1,
) -> tuple[pd.DataFrame, Drops]:
    """Read published examples, clean them and split them.

    Letters become capitals and T becomes U; other letters than IUPAC's become N, and an RNA with more than a fifth of
    letters that are not A, C, G or U leaves. Of copies with one answer one stays (of the test part, if it is in it);
    copies with differing answers all leave.

    Parameters
    ----------
    entry : mapping
        ``format`` (:data:`~rnamarks.downstream.formats.EXAMPLE_FORMATS`), ``target`` (``pairs``, ``label``, ``value``);
        if wanted ``longest`` (nt), ``maximum`` (examples per fold and split, drawn at random), ``folds`` (names; all
        without it), and what the format reads, such as ``flank``, ``reads`` or ``columns``.
    files : mapping of str to sequence of path-like
        By role.
    seed : int
    name : str
        Of the task, for the table of drops; by default the format's.
    threads : int

    Returns
    -------
    examples : pandas.DataFrame
        ``example``, ``sequence``, ``family`` (``""`` unknown), then ``partners`` (int32 arrays, -1 for none), ``label``
        or ``value``, and a column ``fold_NAME`` of ``train``, ``valid``, ``test`` or ``""`` per fold: ``given`` where
        the source has a split (:func:`~rnamarks.downstream.splitting.given_fold`), ``guarded`` by similarity and
        family, and those that the source states besides, such as one per left-out family.
    drops : Drops

    Raises
    ------
    InputError
        If a file is not of the format, a fold does not exist, or nothing is left.
    """
    target = entry["target"]
    column = TARGET_COLUMNS.get(target)
    drops = Drops()
    scope = drops.scope(STAGE, name or entry["format"], entry["format"])
    paths = {role: [Path(path) for path in given] for role, given in files.items()}
    found: Published = EXAMPLE_FORMATS[entry["format"]](paths, entry, scope.count, seed)
    if column not in found.rows:
        raise InputError(f"the format {entry['format']} has no {target}", value=target, remedy="choose another target")
    # before any example leaves: a test part of which nothing is left is not one that was never published
    parts = {"part": found.rows["part"].to_numpy(object)} | {FOLD + fold: part for fold, part in found.folds.items()}
    rows = found.rows.assign(**{key: tested_part(part) for key, part in parts.items()})
    rows = _clean(rows, scope)
    if entry.get("longest"):
        fits = rows["sequence"].str.len() <= entry["longest"]
        rows = scope.keep(rows, fits, f"longer than {entry['longest']} nt")
    rows = _without_copies(rows, column, found.conflicts, scope).reset_index(drop=True)
    if not len(rows):
        raise InputError("no example is left", value=scope.subject, remedy="look at the reasons, or give other files")
    if entry.get("maximum"):
        rows = _sample(rows, _SAMPLED * entry["maximum"], found.whole, seed, scope).reset_index(drop=True)
    rows = _with_folds(rows, column, found, entry.get("folds") or (), seed, threads)
    folds = [key for key in rows if key.startswith(FOLD)]
    used = (rows[folds] != "").any(axis=1)
    rows = scope.keep(rows, used, "in no split of a fold")
    if entry.get("maximum"):
        rank = np.random.default_rng([seed, 82]).permutation(len(rows))
        thinned = {key: thin(rows[key].to_numpy(object), entry["maximum"], rank) for key in folds}
        rows = rows.assign(**thinned)
        chosen = (rows[folds] != "").any(axis=1)
        rows = scope.keep(rows, chosen, f"beyond {entry['maximum']} examples per split")
    for key in folds:
        for split in ("train", "valid", "test"):
            scope.count(f"{NOTE}{split} of {key.removeprefix(FOLD)}", int((rows[key] == split).sum()))
    scope.count(KEPT, len(rows))
    return rows[["example", "sequence", "family", column, *folds]].reset_index(drop=True), drops


def fold_names(examples: pd.DataFrame) -> list[str]:
    """Names of the folds of an examples table."""
    return [key.removeprefix(FOLD) for key in examples if key.startswith(FOLD)]


def held_back(name: str, examples: pd.DataFrame, folds: Sequence[str]) -> list[tuple[str, str, list[str]]]:
    """What pre-training must not know: (name, split, sequences) of what some fold tests, and validates, on."""
    parts = examples[[FOLD + fold for fold in folds]]
    tested = (parts == "test").any(axis=1)
    validated = (parts == "valid").any(axis=1) & ~tested
    return [
        (name, split, examples.loc[rows, "sequence"].tolist())
        for split, rows in (("test", tested), ("valid", validated))
    ]


def _clean(rows: pd.DataFrame, scope: Any) -> pd.DataFrame:
    upper = rows["sequence"].str.upper().str.replace("T", "U")
    plain = upper.str.replace(_STRAY, "N", regex=True)
    rows = rows.assign(sequence=plain)
    unknown = plain.str.count(_KNOWN)
    rows = scope.keep(
        rows, unknown <= MOST_UNKNOWN * plain.str.len(), "more than a fifth of the letters are not A, C, G or U"
    )
    scope.count(f"{NOTE}letters that are no nucleotides became N", int((plain != upper).sum()))
    return rows


def _without_copies(rows: pd.DataFrame, column: str, conflicts: str, scope: Any) -> pd.DataFrame:
    answer = rows[column].map(lambda partners: partners.tobytes()) if column == "partners" else rows[column]
    sizes = rows.groupby("sequence")["example"].transform("size")
    if conflicts == "all":
        return scope.keep(rows, sizes == 1, "a sequence that occurs several times")
    differing = answer.groupby(rows["sequence"]).transform("nunique") > 1
    rows = scope.keep(rows, ~differing, "a sequence with differing answers")
    # of copies in several parts the one that is tested on stays, so that none is trained on
    order = rows["part"].map({"test": 0, "valid": 1, "train": 2, "": 3}).argsort(kind="stable")
    kept = pd.Series(True, index=rows.index)
    kept.loc[rows.index[order]] = ~rows["sequence"].iloc[order].duplicated().to_numpy()
    return scope.keep(rows, kept, "a copy of another example")


def _sample(rows: pd.DataFrame, most: int, whole: bool, seed: int, scope: Any) -> pd.DataFrame:
    """About ``most`` rows without a published part, in whole families; all that have one stay."""
    free = (rows["part"] == "").to_numpy()
    if free.sum() <= most:
        return rows
    units = pd.factorize(rows["family"].where(rows["family"] != "", rows["example"]) if whole else rows["example"])[0]
    order = np.random.default_rng([seed, 84]).permutation(units.max() + 1)[units]
    limit = np.sort(order[free])[most]
    return scope.keep(rows, ~free | (order < limit), f"beyond {most} examples to split")


def _with_folds(
    rows: pd.DataFrame, column: str, found: Published, wanted: Sequence[str], seed: int, threads: int
) -> pd.DataFrame:
    """The rows with a column per wanted fold; without a wish, per possible one."""
    families = rows["family"].to_numpy(object)
    parts = {GIVEN: rows["part"].to_numpy(object)}
    parts |= {fold: rows[FOLD + fold].to_numpy(object) for fold in found.folds}
    parts = {fold: part for fold, part in parts.items() if not wanted or fold in wanted}
    guarded = not wanted or GUARDED in wanted
    groups = np.zeros(len(rows), dtype=np.int64)
    # takes minutes, and a split that was published whole needs none
    if guarded or any(not (part == "valid").any() for part in parts.values()):
        groups = similar_groups(rows["sequence"].tolist(), families if found.whole else None, threads=threads)
    strata = rows["label"].to_numpy(object) if column == "label" else families if column == "partners" else groups * 0
    folds = {fold: given_fold(part, groups, strata, seed) for fold, part in parts.items()}
    if guarded:
        other = rows["example"].str.startswith(found.transferred) & bool(found.transferred)
        own = np.flatnonzero(~other)
        folds[GUARDED] = np.full(len(rows), "", dtype=object)
        folds[GUARDED][own] = guarded_fold(groups[own], strata[own], seed)
    possible = {fold: split for fold, split in folds.items() if split is not None}
    missing = [fold for fold in wanted if fold not in possible]
    if missing or not possible:
        raise InputError(
            "the examples have no such fold", value=", ".join(missing), remedy=f"choose of {', '.join(possible)}"
        )
    rows = rows.drop(columns=[FOLD + fold for fold in found.folds])
    return rows.assign(**{FOLD + fold: split for fold, split in possible.items()})
