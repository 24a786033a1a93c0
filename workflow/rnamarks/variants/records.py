"""Records of VCF and BCF, and what each alternative allele is; coordinates are 0-based half-open on the forward strand.

One record may have several alternative alleles, and alleles that are no sequence: ``<DEL>`` and other symbols, ``*``
(deleted by another record), breakends, ``.`` (none). Such an allele stays, with the reason why it is not scored.
"""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

from ..errors import InputError, explain
from ..files import atomic_path, is_gzipped, open_bytes, write_text

if TYPE_CHECKING:
    import pysam

NO_ALTERNATIVE = "no alternative allele"
SYMBOLIC = "symbolic allele"
DELETED = "allele deleted by another record (*)"
BREAKEND = "breakend"
LETTERS = "allele with letters other than ACGT"
SAME = "alternative equals reference"
ANY = "*"
"""Phase set of alleles that belong to every phase set."""

_BASES = re.compile("[ACGT]+")
_REMEDY = "give VCF or BCF, plain, gzipped or bgzipped, as bcftools view writes it"


class Allele(NamedTuple):
    """An alternative allele of a record.

    ``chrom``, ``start``, ``ref``, ``alt``: as in the file, ``.`` for no alternative. ``reason``: why it is no change
    of a sequence, ``""`` if it is one. ``at``, ``old``, ``new``: the change itself, without what both alleles have in
    common at their ends, shape ``genome[at:at + len(old)] == old``; upper case DNA.
    """

    chrom: str
    start: int
    ref: str
    alt: str
    reason: str
    at: int
    old: str
    new: str


def read_allele(chrom: str, start: int, ref: str, alt: str | None) -> Allele:
    """An alternative allele as the record has it.

    >>> read_allele("1", 9, "CAT", "CT")[5:]
    (10, 'A', '')
    """
    old, new = ref.upper(), (alt or ".").upper()
    reason = _reason(old, new)
    if reason:
        return Allele(chrom, start, ref, alt or ".", reason, start, old, new)
    at = start
    # the letter that leads an insertion or deletion stays, then the end goes first: what repeats changes at the left
    if len(old) != len(new) and old[0] == new[0]:
        old, new, at = old[1:], new[1:], at + 1
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    while old and new and old[0] == new[0]:
        old, new, at = old[1:], new[1:], at + 1
    return Allele(chrom, start, ref, alt, "", at, old, new)


def _reason(ref: str, alt: str) -> str:
    if alt == ".":
        return NO_ALTERNATIVE
    if alt == "*":
        return DELETED
    if "<" in alt and "[" not in alt and "]" not in alt:
        return SYMBOLIC
    if "[" in alt or "]" in alt or alt.startswith(".") or alt.endswith("."):
        return BREAKEND
    if not (_BASES.fullmatch(ref) and _BASES.fullmatch(alt)):
        return LETTERS
    return SAME if ref == alt else ""


@contextmanager
def readable(path: str | Path, workdir: Path) -> Iterator[Path]:
    """A path that htslib reads: the file itself, or what a gzip file holds that is not in blocks (bgzip).

    Raises
    ------
    InputError
        If the file cannot be opened or is empty.
    """
    try:
        with open(path, "rb") as handle:
            head = handle.read(18)
    except OSError as error:
        raise explain(error) or error from error
    if not head:
        raise InputError("the file of variants is empty", path=path, remedy=_REMEDY)
    if not is_gzipped(path) or head[12:14] == b"BC":
        yield Path(path)
        return
    with open_bytes(path) as packed, open(workdir / "variants", "wb") as plain:
        shutil.copyfileobj(packed, plain)
    yield workdir / "variants"


@contextmanager
def open_variants(path: Path, named: str | Path) -> Iterator[pysam.VariantFile]:
    """A file of variants, open; what htslib says to the terminal is held back, and its faults name ``named``.

    Raises
    ------
    InputError
        If the file is no VCF or BCF, is cut off, or a record of it cannot be read.
    """
    import pysam

    before = pysam.set_verbosity(0)
    try:
        try:
            file = pysam.VariantFile(str(path))
        except ValueError as error:
            raise InputError("the file holds no variants", path=named, remedy=_REMEDY) from error
        except OSError as error:
            # a bgzipped file ends with an empty block
            cut = InputError("the file is cut off", path=named, remedy="fetch or make it again")
            raise explain(error) or cut from error
        with file:
            yield file
    finally:
        pysam.set_verbosity(before)


@contextmanager
def vcf_output(path: Path | None) -> Iterator[TextIO | None]:
    """A VCF to write, which appears when it is done; bgzipped where its name ends in ``.gz``. None for no path."""
    if path is None:
        yield None
    elif path.suffix != ".gz":
        with write_text(path) as handle:
            yield handle
    else:
        import pysam

        with (
            atomic_path(path) as part,
            pysam.BGZFile(str(part), "wb") as packed,
            io.TextIOWrapper(packed, encoding="utf-8", newline="\n") as handle,
        ):
            yield handle


def records(file: pysam.VariantFile, named: str | Path) -> Iterator[pysam.VariantRecord]:
    """Records of an open file, in its order; an :class:`InputError` says behind which the fault lies."""
    number = 0
    try:
        for record in file:
            number += 1
            yield record
    except (OSError, ValueError) as error:
        raise InputError(
            f"the record after the first {number:,} is no variant, or the file is cut off", path=named, remedy=_REMEDY
        ) from error


def alleles(record: pysam.VariantRecord) -> list[Allele]:
    """The alternative alleles of a record, in its order; one, ``.``, where it has none."""
    return [read_allele(record.chrom, record.start, record.ref, alt) for alt in record.alts or (None,)]


def carriers(record: pysam.VariantRecord) -> list[tuple[int, int, str, int]]:
    """Which haplotypes have an alternative allele: number of the sample, of the haplotype, phase set, and number of the
    allele among :func:`alleles`.

    The phase set is that of the field PS, ``""`` without it, and :data:`ANY` for an allele that all haplotypes of the
    sample have. Genotypes that are not phased are left out.
    """
    found = []
    for sample, call in enumerate(record.samples.values()):
        called = call.allele_indices
        if not called or None in called:
            continue
        everywhere = len(set(called)) == 1
        if not everywhere and not call.phased:
            continue
        name = call.get("PS") if "PS" in call else None
        phase = ANY if everywhere else "" if name is None else str(name)
        found += [(sample, haplotype, phase, allele - 1) for haplotype, allele in enumerate(called) if allele]
    return found
