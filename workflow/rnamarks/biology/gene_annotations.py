"""Annotations of genes with terms of the gene ontology, and the ontology itself."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError, check_choice
from ..files import open_text

if TYPE_CHECKING:
    from goatools.obo_parser import GODag

IDENTIFIERS = ("symbol", "object", "synonym")
"""Fields of a GAF that can name the gene: 3, 2, and the first that fits of 11."""
_GO = re.compile(r"GO:[0-9]{7}")
_FEWEST_FIELDS = 15
_ASPECTS = {"F", "P", "C"}

logger = logging.getLogger(__name__)

Lines = Sequence[tuple[int, str]]


@dataclass(frozen=True)
class Associations:
    """Who is annotated with what.

    Attributes
    ----------
    terms : dict of str to set of str
        Gene, as the file names it, to terms, ancestors not included.
    counts : dict of str to int
        Lines by what became of them.
    path : str
    """

    terms: dict[str, set[str]]
    counts: dict[str, int]
    path: str = ""


def parse_gaf(lines: Lines, identifier: str = "symbol") -> tuple[dict[str, set[str]], Counter[str]]:
    """Gene association files, version 1 and 2: 15 or 17 fields.

    Left out and counted: lines of another form, annotations qualified by NOT, and evidence ND (no biological data).

    Parameters
    ----------
    lines : sequence of (int, str)
    identifier : {"symbol", "object", "synonym"}
        ``synonym`` enters the annotation under each of the synonyms.
    """
    check_choice(identifier, IDENTIFIERS, "no such identifier")
    terms: dict[str, set[str]] = {}
    counts: Counter[str] = Counter()
    for _, line in lines:
        fields = line.split("\t")
        reason = _gaf_fault(fields)
        if reason is None and "NOT" in fields[3].split("|"):
            reason = "note: qualified by NOT"
        if reason is None and fields[6] == "ND":
            reason = "note: evidence ND"
        if reason is None:
            names = {"symbol": fields[2:3], "object": fields[1:2], "synonym": fields[10].split("|")}[identifier]
            names = [name.strip() for name in names if name.strip()]
            reason = None if names else f"without a {identifier}"
        if reason is not None:
            counts[reason] += 1
            continue
        counts["kept"] += 1
        for name in names:
            terms.setdefault(name, set()).add(fields[4].strip())
    return terms, counts


def _gaf_fault(fields: Sequence[str]) -> str | None:
    if len(fields) < _FEWEST_FIELDS:
        return "illegal: fewer than 15 fields"
    if not fields[1].strip():
        return "illegal: without an object id"
    if not fields[2].strip():
        return "illegal: without a symbol"
    if not _GO.fullmatch(fields[4].strip()):
        return "illegal: no GO id"
    if not fields[6].strip():
        return "illegal: without evidence"
    if fields[8].strip() not in _ASPECTS:
        return "illegal: no aspect among F, P, C"
    if not re.fullmatch(r"taxon:[0-9]+(\|taxon:[0-9]+)?", fields[12].strip()):
        return "illegal: no taxon"
    if not re.fullmatch(r"[0-9]{8}", fields[13].strip()):
        return "illegal: no date"
    return None


def parse_lists(lines: Lines) -> tuple[dict[str, set[str]], Counter[str]]:
    """``gene<TAB>GO:0000001;GO:0000002``; terms may also be separated by commas, and a gene may come again."""
    terms: dict[str, set[str]] = {}
    counts: Counter[str] = Counter()
    for _, line in lines:
        gene, tab, rest = line.partition("\t")
        found = [term.strip() for term in re.split("[;,|]", rest) if term.strip()]
        if not tab or not gene.strip():
            counts["illegal: no gene and terms separated by a tab"] += 1
        elif not found:
            counts["note: gene without a term"] += 1
        elif not all(_GO.fullmatch(term) for term in found):
            counts["illegal: no GO id"] += 1
        else:
            counts["kept"] += 1
            terms.setdefault(gene.strip(), set()).update(found)
    return terms, counts


def read_associations(path: str | Path, *, identifier: str = "symbol") -> Associations:
    """Read annotations, a GAF or lists of terms; illegal lines are left out and counted by reason.

    A file whose first line begins with ``!`` or has 15 fields is a GAF.

    Parameters
    ----------
    path : path-like
        Plain or gzipped.
    identifier : {"symbol", "object", "synonym"}
        Which field of a GAF names the gene.

    Raises
    ------
    InputError
        If there is no line, or no legal one.
    """
    with open_text(path) as handle:
        lines = [(number, line.rstrip("\n")) for number, line in enumerate(handle, 1) if line.strip()]
    body = [(number, line) for number, line in lines if not line.startswith(("!", "#"))]
    if not body:
        raise InputError("the file holds no annotation", path=path, remedy="give a GAF, or lists of terms by gene")
    is_gaf = lines[0][1].startswith("!") or body[0][1].count("\t") >= _FEWEST_FIELDS - 1
    terms, counts = parse_gaf(body, identifier) if is_gaf else parse_lists(body)
    summary = {"lines": len(body), **dict(sorted(counts.items()))}
    logger.info("%s: %s", path, ", ".join(f"{count} {reason}" for reason, count in summary.items()))
    if not terms:
        reasons = ", ".join(f"{count} {reason}" for reason, count in counts.most_common(3))
        raise InputError(
            f"no line of the annotations can be used ({reasons})",
            path=path,
            line=body[0][0],
            value=body[0][1][:40],
            remedy="check the format, gaf or lists, and which field names the gene",
        )
    return Associations(terms, summary, str(path))


def read_ontology(path: str | Path) -> GODag:
    """Terms of an OBO file, obsolete ones left out.

    Returns
    -------
    goatools.obo_parser.GODag
        Mapping of identifiers, alternative ones included, to terms; with ``part_of`` and the other relationships.

    Raises
    ------
    InputError
        If the file has no term, or a term names a parent that is not there.
    """
    with open_text(path) as handle:
        text = handle.read()
    if not re.search(r"^\[Term\]", text, re.MULTILINE):
        raise InputError("the file holds no term", path=path, value=text[:40], remedy="give the ontology as OBO")
    with tempfile.TemporaryDirectory() as folder, log_goatools() as said:
        # goatools opens plain text only
        plain = Path(folder) / "terms.obo"
        plain.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
        from goatools.obo_parser import GODag

        try:
            dag = GODag(str(plain), optional_attrs={"relationship"}, prt=said)
        except KeyError as error:
            raise InputError(
                "a term names a parent that the ontology lacks",
                path=path,
                value=str(error).strip("'"),
                remedy="fetch the file again",
            ) from error
    if not len(dag):
        raise InputError("every term of the ontology is obsolete", path=path, remedy="give a current ontology")
    return dag


@contextlib.contextmanager
def log_goatools():
    """A stream whose text, and what goatools prints, goes to the log."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        yield said
    for line in said.getvalue().splitlines():
        if line.strip():
            logger.debug("goatools: %s", line.strip())
