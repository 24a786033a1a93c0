"""A folder of every published file that configurations name, in the form of a mirror."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from .analyses import Analyses
from .configuration import Plan
from .errors import FULL, InputError, number_of
from .keys import with_defaults
from .progress import Progress
from .run_files import check_files, sources_of
from .schema import check_config, placed
from .sources.mirrors import add_to_list, columns, holds, read_list
from .sources.sheet import Source, read_sources
from .yaml_files import read_yaml

_CHECKSUMS = {"sheet": "published", "lock": "recorded", "mirror": "recorded", "recorded now": "recorded now"}
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
    return Named(sources_of(analyses, sheet), config["sources"]["mirror"], config["sources"]["lock"])


def missing_sources(sources: Iterable[Source], folder: str | Path) -> list[Source]:
    """Sources whose file is not in a folder; nothing is opened and no host is asked."""
    return [source for source in sources if not holds(folder, source)]


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
    list keeps what other calls have brought, also at the same time, and is written anew after every file. When one
    host cannot be reached, the others get one attempt each.

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
        If the list that lies in the folder is none, or the disk is full.
    OSError
        If the folder may not be written.
    """
    from .sources.download import fetch

    folder = Path(folder)
    read_list(folder)
    failed: dict[str, str] = {}
    for source in sources:
        patience = {"retries": 0, "timeout": _SHORT_WAIT} if failed else {"retries": retries}
        path = folder / source.name / source.file
        try:
            with show(source.name) if show else nullcontext() as progress:
                done = fetch(source, path, mirror=mirror, lock=lock, progress=progress, **patience)
        except InputError as error:
            if error.__cause__ and number_of(error.__cause__) in FULL:
                raise
            failed[source.name] = str(error)
            continue
        values = (
            *(source.name, f"{source.name}/{source.file}", str(done.bytes), done.sha256),
            *(_CHECKSUMS.get(done.verified, "measured"), source.licence, source.citation),
        )
        add_to_list(folder, dict(zip(columns(), values, strict=True)))
    return failed
