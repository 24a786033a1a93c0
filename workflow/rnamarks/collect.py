"""A folder of every published file that configurations name, in the form of a mirror."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from .analyses import Analyses
from .configuration import Plan
from .dictionary import column_names
from .errors import InputError
from .files import open_text, write_text
from .keys import with_defaults
from .progress import Progress
from .run_files import check_files, inputs_of
from .schema import check_config, placed
from .sources.sheet import Source, read_sources
from .yaml_files import read_yaml

LIST = "sources.tsv"
"""The list of what a folder holds."""
COLUMNS = tuple(column_names("collected_sources"))
_CHECKSUMS = {"sheet": "published", "lock": "recorded", "recorded now": "recorded now"}
# seconds to wait for a host once another has been in vain: nobody waits for each of a hundred files
_SHORT_WAIT = 10.0


@dataclass(frozen=True)
class Named:
    """What a configuration names.

    Attributes
    ----------
    sources : list of Source
        In the order in which they are named, each once.
    mirror, lock : str
        Its mirror (``""`` if it has none), and its lock file.
    """

    sources: list[Source]
    mirror: str
    lock: str


def named_sources(configuration: str | Path) -> Named:
    """The published files that a configuration names, read as the workflow reads it.

    Raises
    ------
    InputError
        If the configuration or the sheet of sources is faulty, or a source is not in the sheet.
    """
    config = read_yaml(configuration) or {}
    try:
        config = with_defaults(check_config(config, [configuration]))
        analyses = Analyses(Plan(config))
        sheet = {source.name: source for source in read_sources(config["sources"]["sheet"])}
        check_files(analyses, sheet)
    except InputError as error:
        raise placed(error, [configuration], config) from error
    references = (entry.reference for entry in inputs_of(analyses) if entry.reference.startswith("source:"))
    names = dict.fromkeys(reference.removeprefix("source:").partition("#")[0] for reference in references)
    return Named([sheet[name] for name in names], config["sources"]["mirror"], config["sources"]["lock"])


def missing_sources(sources: Iterable[Source], folder: str | Path) -> list[Source]:
    """Sources whose file is not in a folder; nothing is opened and no host is asked."""
    return [source for source in sources if not (Path(folder) / source.name / source.file).is_file()]


def collect_sources(
    sources: Sequence[Source],
    folder: str | Path,
    *,
    mirror: str | Path | None = None,
    lock: str | Path | None = None,
    retries: int = 4,
    show: Callable[[str], AbstractContextManager[Progress]] | None = None,
) -> dict[str, str]:
    """Bring sources into a folder, ``NAME/FILE`` each, and list them in its ``sources.tsv``.

    What lies there is verified and kept, and what was begun goes on, see :func:`rnamarks.sources.download.fetch`. The
    list keeps what other calls have brought, and is written anew after every file. When one host cannot be
    reached, the others get one attempt each.

    Parameters
    ----------
    sources : sequence of Source
    folder : path-like
    mirror, lock, retries
        As for :func:`rnamarks.sources.download.fetch`.
    show : callable, optional
        Given the name of a source, makes the block in which it is fetched and what is told of the bytes.

    Returns
    -------
    dict of str to str
        Why a source is not there, by its name.

    Raises
    ------
    InputError
        If the list that lies in the folder is none.
    OSError
        If the disk is full or the folder may not be written.
    """
    from .sources.download import fetch

    folder = Path(folder)
    listed = _read_list(folder / LIST)
    failed: dict[str, str] = {}
    for source in sources:
        patience = {"retries": 0, "timeout": _SHORT_WAIT} if failed else {"retries": retries}
        path = folder / source.name / source.file
        try:
            with show(source.name) if show else nullcontext() as progress:
                done = fetch(source, path, mirror=mirror, lock=lock, progress=progress, **patience)
        except InputError as error:
            failed[source.name] = str(error)
            continue
        listed[source.name] = dict(
            zip(
                COLUMNS,
                (
                    *(source.name, f"{source.name}/{source.file}", str(done.bytes), done.sha256),
                    *(_CHECKSUMS.get(done.verified, "measured"), source.licence, source.citation),
                ),
                strict=True,
            )
        )
        _write_list(folder / LIST, listed)
    return failed


def _read_list(path: Path) -> dict[str, Mapping[str, str]]:
    if not path.exists():
        return {}
    with open_text(path) as handle:
        rows = list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))
    if any(set(row) != set(COLUMNS) or None in row.values() for row in rows):
        raise InputError("the list is not one that rnamarks fetch wrote", path=path, remedy="remove it")
    return {row["name"]: row for row in rows}


def _write_list(path: Path, rows: Mapping[str, Mapping[str, str]]) -> None:
    with write_text(path) as handle:
        handle.write("\t".join(COLUMNS) + "\n")
        for name in sorted(rows):
            handle.write("\t".join(rows[name][column] for column in COLUMNS) + "\n")
