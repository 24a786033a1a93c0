"""Formats that say which nucleotides of longer sequences are modified, cut into windows around them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from ...errors import InputError
from ...files import open_text
from ...sequences import ALPHABET, read_records
from ..readers.rows import read_named_fields
from .register import WINDOW_FORMATS, Labelled, check_label, read_rna

SITE_WIDTH = 41
"""Width in nt of the windows that are cut out of files of sites."""
_NEAREST, _FARTHEST = 3, 30

_CHAT = re.compile(r"L:\s*([A-Za-z]+),\s*A:\s*([A-Za-z]),\s*R:\s*([A-Za-z]+)")
_ANSWERS = {"yes": 1, "no": 0}


@WINDOW_FORMATS.add("adar_chat")
def read_adar_chat(path: str | Path, label: int | None) -> Iterator[Labelled]:
    """JSON lines of ADAR-GPT: a user gives what is left and right of an A, an assistant says yes or no.

    Linkers of N between the arms of a pair, and N beyond its ends, stay.
    """
    check_label(path, label, given=False)
    with open_text(path) as handle:
        for line, text in enumerate(handle, 1):
            if not text.strip():
                continue
            try:
                said = {turn["role"]: turn["content"].strip() for turn in json.loads(text)["messages"]}
                arms = _CHAT.fullmatch(said["user"])
                answer = _ANSWERS.get(said["assistant"].lower().rstrip("."))
            except (ValueError, KeyError, TypeError, AttributeError):
                arms = answer = None
            if arms is None or answer is None:
                raise InputError(
                    "the line is no question L:…, A:A, R:… with the answer yes or no",
                    path=path,
                    line=line,
                    value=text[:80].rstrip("\n"),
                    remedy="give the training files of ADAR-GPT as they were published",
                )
            left, base, right = (read_rna(arm, path, line) for arm in arms.groups())
            reach = min(len(left), len(right))
            yield Labelled("", left[-reach:] + base + right[:reach], line, answer)


@WINDOW_FORMATS.add("nju_seq")
def read_nju_seq(path: str | Path, label: int | None) -> Iterator[Labelled]:
    """Sites of 2′-O-methylation by NJU-seq, and unmodified nucleotides near them.

    The table lists modified nucleotides alone, each with the 101 nt around it. Unmodified ones are all with the same
    base 3 to 30 nt away in the same 101 nt whose own 41 nt are not those of a site. So both classes come from the same
    stretches of the same RNA, and what is common along them does not tell one from the other.
    """
    check_label(path, label, given=False)
    rows = read_named_fields(path, ["Nm", "ID", "Nm-50:Nm+50"])
    texts = [read_rna(text, path, line) for line, text in rows["Nm-50:Nm+50"].items()]
    fits = [len(text) == 101 and text[50] == base for text, base in zip(texts, rows["Nm"], strict=True)]
    if sum(fits) < 0.9 * len(fits) or any(len(text) != 101 for text in texts):
        line = rows.index[fits.index(False)]
        raise InputError(
            "the 101 nt around sites do not have their base in the middle",
            path=path,
            line=line,
            value=rows.at[line, "Nm-50:Nm+50"],
            remedy="give the table as it was published",
        )
    reach = SITE_WIDTH // 2
    # a base that table and sequence disagree about is unknown
    sites = [
        (line, base, gene, text if fit else f"{text[:50]}N{text[51:]}")
        for line, base, gene, text, fit in zip(rows.index, rows["Nm"], rows["ID"], texts, fits, strict=True)
    ]
    listed = {rna[50 - reach : 51 + reach] for *_, rna in sites}
    for line, base, gene, rna in sites:
        yield Labelled("", rna[50 - reach : 51 + reach], line, 1, f"{base}m", gene)
        for at in range(50 - _FARTHEST, 51 + _FARTHEST):
            near = rna[at - reach : at + reach + 1]
            if rna[at] == base and abs(at - 50) >= _NEAREST and near not in listed:
                yield Labelled("", near, line, 0, "", gene)


_KIND = re.compile(r"Type:([^|]+)\|Subtype:([^|]*)")


@WINDOW_FORMATS.add("modomics")
def read_modomics(path: str | Path, label: int | None, codes: str | Path = "") -> Iterator[Labelled]:
    """Every nucleotide of RNA sequences of MODOMICS, in which one symbol stands for each modified nucleotide.

    The gene is the kind of RNA and, of tRNAs, the amino acid (``tRNA Ala``): such RNAs are alike in all species.

    Parameters
    ----------
    path : path-like
        FASTA of modified sequences.
    label : None
    codes : path-like
        CSV of MODOMICS: ``Short Name``, ``RNAMods code (2023)``, ``Moiety type``, ``Reference NucleoBase``.

    Raises
    ------
    InputError
        If the files are at fault, or most symbols of a sequence are unknown.
    """
    check_label(path, label, given=False)
    symbols = _modomics_symbols(codes)
    reach = SITE_WIDTH // 2
    for record in read_records(path, clean=False):
        known = [symbols.get(letter, ("", "N")) for letter in record.sequence]
        if sum(letter not in symbols for letter in record.sequence) * 2 > len(known):
            raise InputError(
                "the sequence has more unknown symbols than known ones",
                path=path,
                line=record.line,
                value=record.sequence,
                remedy="give MODOMICS' modified sequences and the table of its symbols",
            )
        rna = "N" * reach + "".join(base for _, base in known) + "N" * reach
        kind = _KIND.search(record.header)
        gene = f"{kind[1]} {kind[2]}" if kind else ""
        for at, (name, _) in enumerate(known):
            yield Labelled(record.header, rna[at : at + SITE_WIDTH], record.line, int(name != ""), name, gene)


def _modomics_symbols(path: str | Path) -> dict[str, tuple[str, str]]:
    """Symbol to short name, ``""`` of an unmodified nucleotide, and RNA base, N where the symbol tells none."""
    columns = ["Short Name", "RNAMods code (2023)", "Moiety type", "Reference NucleoBase"]
    with open_text(path) as handle:
        table = pd.read_csv(handle, dtype=str, keep_default_na=False)
    lacking = [name for name in columns if name not in table]
    if lacking:
        raise InputError("the table of symbols lacks a column", path=path, value=lacking[0], remedy="fetch it again")
    table = table[(table["Moiety type"] == "nucleoside") & (table["RNAMods code (2023)"].str.len() == 1)]
    symbols = {base: ("", base) for base in ALPHABET}
    for short, symbol, base in zip(*(table[name] for name in (columns[0], columns[1], columns[3])), strict=True):
        symbols.setdefault(symbol, (short, base if base in set(ALPHABET) else "N"))
    return symbols
