"""Windows around splice sites of many species: Spliceator's (Scalzitti et al. 2021) in the package of SpliceBERT."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from ..archives import files_of, is_collection, shown_as
from ..errors import InputError
from ..files import open_text
from .formats import EXAMPLE_FORMATS, Count, Files, Published
from .rows import AGAIN, frame_of, site_role

FLANK = 200
"""Default of nt on either side of the middle of a window."""
_HEADER = "ID_uniprot"
_LEAST = 100
_LETTERS = re.compile("[A-Za-z]+")
_POSITIVE = re.compile(r"(?:.*/)?Positive/GS/POS_(donor|acceptor)_600\.csv")
_NEGATIVE = re.compile(r"(?:.*/)?Negative/GS/GS_1/NEG_600_(donor|acceptor)\.csv")
_TESTED = re.compile(
    r"(?:.*/)?Benchmarks?/([A-Za-z0-9_]+)/SA_sequences_(donor|acceptor)_400_Final_3\.(positive|negative)\.txt"
)


class _Set(NamedTuple):
    """What a file holds: windows of one species, ``""`` for the many that are trained on, all with one label."""

    site: str
    species: str
    label: str


@EXAMPLE_FORMATS.add("spliceator")
def read_splice_windows(files: Files, entry: Mapping[str, Any], count: Count, seed: int) -> Published:
    """Windows with a splice site in their middle (label 1) and others (label 0): GS_1 to train, four species to test.

    The role is ``donor`` or ``acceptor`` and says which site; its file is the archive of SpliceBERT's data, or a folder
    of what it holds. The middle 400 nt of a window are kept, or twice ``flank`` of the entry; shorter ones leave. The
    fold ``given`` trains on ``Training_data/Positive/GS/POS_SITE_600.csv`` and
    ``Training_data/Negative/GS/GS_1/NEG_600_SITE.csv`` and tests on the species below ``Benchmarks``
    (``SPECIES/SA_sequences_SITE_400_Final_3.positive.txt`` and ``.negative.txt``); a further fold of the name of each
    species trains on the same and tests on that species alone. The family is the species of a test window; those of
    training windows are not known.

    The names of the files and folders, and that a line has fields parted by ``;`` of which the second, or if that is
    shorter than 100 signs the third, is the window, below an optional header that begins with ``ID_uniprot``, follow
    from SpliceBERT's scripts and, of the training windows, from Spliceator's. Nobody has opened the archive for this
    reader: where the folders lie in it, whether they are in a second archive within, and what the other fields hold is
    not confirmed. So files are known by the folders right above them, and a line without a window is refused.

    Raises
    ------
    InputError
        If a file is missing, or a line holds no window.
    """
    site, paths = site_role(files)
    half = int(entry.get("flank") or FLANK)
    rows: list[tuple[str, str, str, str, str]] = []
    short = 0
    for path in paths:
        found = set()
        for shown, real, kind in _sets(path, site):
            found.add(kind)
            with shown_as(shown, real):
                for line, window in _windows(real):
                    if len(window) < 2 * half:
                        short += 1
                        continue
                    start = (len(window) - 2 * half) // 2
                    name = f"{kind.species or 'GS_1'}_{kind.label}_{line}"
                    part = "test" if kind.species else "train"
                    rows.append((name, window[start : start + 2 * half], kind.species, part, kind.label))
        _check_complete(found, site, path)
    count(f"a window shorter than {2 * half} nt", short)
    frame = frame_of(rows, "label")
    species = frame["family"].to_numpy(object)
    folds = {
        one: np.where(species == one, "test", np.where(species == "", "train", "")).astype(object)
        for one in sorted(set(species) - {""})
    }
    return Published(frame, folds=folds)


def _kind(name: PurePosixPath) -> _Set | None:
    text = name.as_posix().removesuffix(".gz")
    if found := _POSITIVE.fullmatch(text):
        return _Set(found[1], "", "1")
    if found := _NEGATIVE.fullmatch(text):
        return _Set(found[1], "", "0")
    if found := _TESTED.fullmatch(text):
        return _Set(found[2], found[1], "1" if found[3] == "positive" else "0")
    return None


def _sets(path: Path, site: str) -> Iterator[tuple[Path, Path, _Set]]:
    """Files of one site: the path to say, the path to open, and what it holds."""
    if not is_collection(path):
        raise InputError("not a folder or archive", path=path, remedy="give source:splicebert_data or what it holds")

    def wanted(name: PurePosixPath) -> bool:
        kind = _kind(name)
        return kind is not None and kind.site == site

    for shown, real in files_of(path, wanted):
        yield shown, real, _kind(PurePosixPath(shown.relative_to(path)))


def _check_complete(found: set[_Set], site: str, path: Path) -> None:
    tested = {kind.species for kind in found} - {""}
    names = {
        _Set(site, "", "1"): f"Positive/GS/POS_{site}_600.csv",
        _Set(site, "", "0"): f"Negative/GS/GS_1/NEG_600_{site}.csv",
    }
    for one in sorted(tested or {"SPECIES"}):
        for label, word in (("1", "positive"), ("0", "negative")):
            names[_Set(site, one, label)] = f"Benchmarks/{one}/SA_sequences_{site}_400_Final_3.{word}.txt"
    missing = [name for kind, name in names.items() if kind not in found]
    if missing:
        raise InputError(
            f"it lacks {', '.join(missing)}",
            path=path,
            remedy=AGAIN if found else "if they lie in an archive within it, give that as source:splicebert_data#NAME",
        )


def _windows(path: Path) -> Iterator[tuple[int, str]]:
    """Line, from 1, and window of each line of a file."""
    with open_text(path) as handle:
        for number, line in enumerate(map(str.strip, handle), 1):
            if not line or line.startswith(_HEADER):
                continue
            fields = [field.strip() for field in line.split(";")]
            window = next((field for field in fields[1:3] if len(field) >= _LEAST), "")
            if not _LETTERS.fullmatch(window):
                raise InputError(
                    f"no window of {_LEAST} nt or more in the second or third field",
                    path=path,
                    line=number,
                    value=line,
                    remedy=AGAIN,
                )
            yield number, window
