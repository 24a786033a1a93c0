"""Examples that a language model is fine-tuned on: sequences of any length with base pairs, a label or a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..downstream.examples import FOLD, fold_names
from ..downstream.formats import TARGET_COLUMNS
from ..downstream.splitting import SPLITS
from ..errors import InputError, about
from ..models.tokens import tokenise
from ..structure.pairs import partners_of, read_brackets
from ..tables import read_parquet, read_tsv


@dataclass(frozen=True)
class Examples:
    """Sequences with known answers.

    Attributes
    ----------
    frame : pandas.DataFrame
        Rows of the examples table.
    tokens : list of numpy.ndarray
        Of each sequence, shape (nt + 2,).
    answers : sequence
        Of ``pairs`` arrays of each nucleotide's 0-based partner or -1, shape (nt,), int32; of ``label`` indices into
        the sorted labels, int64; of ``value`` float64.
    """

    frame: pd.DataFrame
    tokens: list[np.ndarray]
    answers: Sequence[Any]

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, rows: Sequence[int]) -> Examples:
        """Some of them, in the order given."""
        return Examples(
            self.frame.iloc[list(rows)].reset_index(drop=True),
            [self.tokens[row] for row in rows],
            [self.answers[row] for row in rows],
        )

    def up_to(self, longest: int) -> Examples:
        """Those with at most so many nucleotides; all for 0."""
        if not longest:
            return self
        return self.take([row for row, tokens in enumerate(self.tokens) if len(tokens) - 2 <= longest])

    def drawn(self, most: int, seed: Sequence[int]) -> Examples:
        """At most so many, drawn without replacement, in their order; all for 0."""
        if not most or len(self) <= most:
            return self
        return self.take(np.sort(np.random.default_rng(seed).choice(len(self), most, replace=False)).tolist())


def read_example_table(path: str | Path) -> pd.DataFrame:
    """An examples table: Parquet or TSV, where a column ``structure`` (dot-bracket) may stand for ``partners``.

    Raises
    ------
    InputError
        If it is no table, or a row's dot-bracket cannot be read.
    """
    text = dict.fromkeys(("example", "family", "label", "structure"), str)
    is_parquet = str(path).endswith(".parquet")
    frame, _ = read_parquet(path) if is_parquet else read_tsv(path, ["example", "sequence"], text)
    texts = [name for name in frame if name in text or str(name).startswith(FOLD)]
    frame[texts] = frame[texts].astype(object).fillna("")
    if "structure" not in frame:
        return frame
    partners = []
    for number, row in enumerate(frame.itertuples(), 1 if is_parquet else 2):
        with about(str(row.example), path=path, line=number):
            partners.append(partners_of(read_brackets(row.structure), len(row.structure)))
    return frame.drop(columns="structure").assign(partners=partners)


def split_examples(frame: pd.DataFrame, fold: str, target: str) -> tuple[dict[str, Examples], tuple[str, ...]]:
    """The examples of each split of a fold, and of ``label`` the sorted labels of the whole table.

    Parameters
    ----------
    frame : pandas.DataFrame
        The examples table.
    fold : str
        Column ``fold_<fold>`` holds ``train``, ``valid``, ``test`` or ``""``.
    target : {"pairs", "label", "value"}

    Raises
    ------
    InputError
        If a column is missing, nothing is in the splits ``train`` or ``valid``, an id is there twice, or a sequence or
        an answer cannot be used; it names the example.
    """

    def refuse(what: str, value: object, remedy: str) -> InputError:
        return InputError(what, value=value, remedy=remedy)

    column, where = TARGET_COLUMNS[target], FOLD + fold
    if where not in frame:
        raise refuse("the examples have no such fold", fold, f"choose one of {', '.join(fold_names(frame)) or 'none'}")
    for name in ("example", "sequence", column):
        if name not in frame:
            raise refuse(f"the examples lack the column {name}", None, f"a table for {target} has it")
    unknown = set(frame[where].unique()) - {*SPLITS, ""}
    if unknown:
        raise refuse(
            f"{where} holds what is no split", sorted(map(str, unknown))[0], "use train, valid, test or nothing"
        )
    twice = frame["example"][frame["example"].duplicated()]
    if len(twice):
        raise refuse("two examples have one name", twice.iloc[0], "rename one")
    if "family" not in frame:
        frame = frame.assign(family="")
    labels = tuple(sorted(filter(_is_text, frame[column].unique()))) if target == "label" else ()
    if target == "label" and len(labels) < 2:
        raise refuse("the examples have a single label", labels[0] if labels else None, "give examples of others")
    found = {}
    for split in SPLITS:
        rows = frame[frame[where] == split].reset_index(drop=True)
        if rows.empty and split != "test":
            raise refuse(f"no example is in the split {split!r} of the fold", fold, "give more examples")
        tokens, answers = [], []
        for name, sequence, answer in zip(rows["example"], rows["sequence"], rows[column], strict=True):
            try:
                tokens.append(tokenise(sequence if isinstance(sequence, str) else ""))
                answers.append(_READERS[target](answer, len(sequence), labels))
            except InputError as error:
                raise refuse(f"example {name}: {error.what}", error.value, error.remedy or "correct it") from error
        found[split] = Examples(rows, tokens, answers)
    return found, labels


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _read_partners(answer: Any, length: int, labels: tuple[str, ...]) -> np.ndarray:
    partners = np.asarray(answer)
    if partners.shape != (length,) or (length and partners.dtype.kind not in "iu"):
        raise InputError(f"not a partner for each of {length} nt", value=partners.shape, remedy="-1 is none")
    paired = np.flatnonzero(partners >= 0)
    outside = partners[(partners < -1) | (partners >= length)]
    if len(outside):
        raise InputError("a partner lies outside the sequence", value=int(outside[0]), remedy="count from 0")
    if (partners[paired] == paired).any() or (partners[partners[paired]] != paired).any():
        raise InputError("partners are not mutual", remedy="each nucleotide has one partner, whose partner it is")
    return partners.astype(np.int32)


def _read_label(answer: Any, length: int, labels: tuple[str, ...]) -> int:
    if not _is_text(answer):
        raise InputError("the label is no text", value=answer, remedy="give each example a label")
    return labels.index(answer)


def _read_value(answer: Any, length: int, labels: tuple[str, ...]) -> float:
    if isinstance(answer, str | bool) or answer is None or not np.isfinite(answer):
        raise InputError("the value is not a finite number", value=answer, remedy="leave the example out")
    return float(answer)


_READERS = {"pairs": _read_partners, "label": _read_label, "value": _read_value}
