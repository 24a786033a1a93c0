"""The one error that means: the input, a file or a disk is at fault, not the code."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CAUSES = {
    errno.ENOENT: ("no such file", "check the path"),
    errno.ENOTDIR: ("a file is where the path needs a folder", "check the path"),
    errno.EEXIST: ("a file is where the path needs a folder", "check the path"),
    errno.EISDIR: ("this is a folder", "name a file"),
    errno.EACCES: ("permission denied", "change the permissions or name another path"),
    errno.EPERM: ("permission denied", "change the permissions or name another path"),
    errno.EROFS: ("the file system is read-only", "name another path"),
    errno.ENAMETOOLONG: ("the name is too long", "give a shorter one"),
    errno.ELOOP: ("the link leads back to itself", "mend the link"),
    errno.EIO: ("the device failed", "check the disk"),
    errno.ESTALE: ("the file was removed or replaced on the server meanwhile", "run it again"),
    errno.EMFILE: ("too many files are open", "raise the limit (ulimit -n)"),
    errno.ENFILE: ("too many files are open", "close other programs"),
    errno.EPIPE: ("the reader of the output ended before it had read all", "let it read to the end"),
    errno.ENOSPC: ("no space is left", "free some space and run it again"),
    errno.EDQUOT: ("the quota is used up", "free some space and run it again"),
    errno.EFBIG: ("the file would be larger than is allowed", "raise the limit (ulimit -f) or name another path"),
}
# packages that are imported by another name
_PACKAGES = {"RNA": "viennarna", "sklearn": "scikit-learn", "umap": "umap-learn", "yaml": "pyyaml"}
_WRAPPED = re.compile(r"\(os error (\d+)\)")


def shown(path: str | Path) -> str:
    """How messages and tables name a path: ``-`` is standard input."""
    return "standard input" if str(path) == "-" else str(path)


class InputError(ValueError):
    """Something the user gave cannot be used.

    The text is one sentence that names the file, the line, the value and the remedy, as far as each is
    known. The command line and the workflow's scripts print it without a traceback and exit with code 2.

    Parameters
    ----------
    what : str
        What is wrong, without a final full stop.
    path : path-like, optional
        The file at fault.
    line : int, optional
        1-based line number in that file.
    value : object, optional
        The offending value, shown with ``repr`` and cut after 60 characters.
    remedy : str, optional
        What to do about it, in the imperative.
    keys : sequence of str or int
        Where in a configuration the fault is: names of keys and indices into lists, from the top. See
        :func:`rnamarks.schema.placed`.
    """

    exit_code = 2

    def __init__(
        self,
        what: str,
        *,
        path: str | Path | None = None,
        line: int | None = None,
        value: object = None,
        remedy: str | None = None,
        keys: Sequence[str | int] = (),
    ) -> None:
        where = "" if path is None else f"{shown(path)}:{line}: " if line is not None else f"{shown(path)}: "
        found = ""
        if value is not None:
            text = repr(value)
            found = f" (found {text if len(text) <= 60 else text[:57] + '...'})"
        super().__init__(f"{where}{what}{found}{'; ' + remedy if remedy else ''}")
        self.what, self.path, self.line, self.value, self.remedy, self.keys = what, path, line, value, remedy, keys


def check_choice(value: object, choices: Iterable[object], what: str, **where: Any) -> None:
    """Raise :class:`InputError` that says ``what``, and lists the choices, unless a value is among these.

    Further arguments are those of :class:`InputError`: ``path``, ``line``, ``keys``.
    """
    choices = list(choices)
    if value not in choices:
        raise InputError(what, value=value, remedy=f"choose one of {', '.join(map(str, choices))}", **where)


def check_complete(present: Iterable[str], wanted: Iterable[str], what: str, remedy: str, **where: Any) -> None:
    """Raise :class:`InputError` that says which of the wanted names ``what`` lacks.

    Further arguments are those of :class:`InputError`.
    """
    known = set(present)
    if missing := [name for name in wanted if name not in known]:
        raise InputError(f"{what} lacks {', '.join(missing)}", remedy=remedy, **where)


def number_of(error: BaseException) -> int | None:
    """The number of the operating system's fault behind an error, also where a library that is not Python wraps it."""
    wrapped = _WRAPPED.search(str(error))
    return error.errno if isinstance(error, OSError) else int(wrapped[1]) if wrapped else None


def explain(error: BaseException) -> InputError | None:
    """What a fault of files, disks or streams means, as an :class:`InputError`; None if it is another kind of fault.

    Such faults are an :class:`OSError` with the number of a fault of files, the same wrapped by a library that is not
    written in Python, text that a stream's encoding lacks, and a package that an extra of this one brings.
    """
    if isinstance(error, InputError):
        return error
    if isinstance(error, UnicodeEncodeError):
        return InputError(
            f"the text cannot be written in the encoding {error.encoding}",
            value=error.object[error.start : error.end],
            remedy="set PYTHONIOENCODING=utf-8 or give a file for the output",
        )
    if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith(__package__):
        package = error.name.partition(".")[0]
        package = _PACKAGES.get(package, package.lower())
        if extras := _extras_of(package):
            remedy = f"run `pip install '{__package__}[{extras[0]}]'`"
            return InputError("this needs a package that is not installed", value=package, remedy=remedy)
    number = number_of(error)
    if number not in _CAUSES:
        return None
    what, remedy = _CAUSES[number]
    path = getattr(error, "filename", None)
    if number in FULL:
        # where a file is copied the second name is that of the copy
        path = getattr(error, "filename2", None) or path
    if path is None and number in FULL:
        # of standard output, of a temporary file or of a file that a library opened
        remedy = f"free some space where the output goes and in {os.environ.get('TMPDIR', '/tmp')}, and run it again"
    elif path is None and isinstance(error, OSError) and error.strerror != os.strerror(number):
        what = error.strerror or what
    return InputError(what, path=path, remedy=remedy)


def _extras_of(package: str) -> list[str]:
    """The extras of this package that bring another, the smallest first."""
    from importlib.metadata import PackageNotFoundError, requires

    try:
        lines = requires(__package__) or []
    except PackageNotFoundError:
        return []
    brought: dict[str, set[str]] = {}
    for line in lines:
        if found := re.fullmatch(r"([\w.-]+).*extra == ['\"](\w+)['\"].*", line):
            brought.setdefault(found[2], set()).add(found[1].lower())
    return sorted((extra for extra in brought if package in brought[extra]), key=lambda extra: len(brought[extra]))


@contextmanager
def needs(package: str, remedy: str) -> Iterator[None]:
    """Raise :class:`InputError` where the block imports what is not installed."""
    try:
        yield
    except ImportError as error:
        raise InputError(f"this needs {package}, which is not installed", remedy=remedy) from error


@contextmanager
def about(subject: str = "", **where: Any) -> Iterator[None]:
    """Say of each :class:`InputError` of the block what it is about: a subject before its sentence, and ``path``,
    ``line`` or other arguments of :class:`InputError` in place of its own."""
    try:
        yield
    except InputError as error:
        own = {name: getattr(error, name) for name in ("path", "line", "value", "remedy", "keys")}
        raise InputError(f"{subject}: {error.what}" if subject else error.what, **own | where) from error


@contextmanager
def at_keys(*keys: str | int) -> Iterator[None]:
    """Say of each :class:`InputError` of the block that it is about a place in the configuration, below these keys."""
    try:
        yield
    except InputError as error:
        error.keys = (*keys, *error.keys)
        raise


@contextmanager
def input_errors() -> Iterator[None]:
    """Raise what :func:`explain` knows as :class:`InputError`, standard output that cannot be written included."""
    try:
        try:
            yield
        except SystemExit as ended:
            # click ends without a message where the reader of standard output has gone
            if ended.code == 1 and isinstance(ended.__context__, OSError):
                raise ended.__context__ from None
            sys.stdout.flush()
            raise
        sys.stdout.flush()
    except Exception as error:
        explained = explain(error)
        if isinstance(error, OSError) and error.filename is None:
            _drop_standard_output()
        if explained is None or explained is error:
            raise
        raise explained from error


def _drop_standard_output() -> None:
    """Drop what standard output cannot take, at which the interpreter would fail once more when it ends."""
    # click puts a wrapper around the stream
    stream = getattr(sys.stdout, "wrapped", sys.stdout)
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError), open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), stream.fileno())
            stream.flush()
