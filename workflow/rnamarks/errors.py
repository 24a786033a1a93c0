"""The one error that means: the input is at fault, not the code."""

from __future__ import annotations

from pathlib import Path


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
    ) -> None:
        where = "" if path is None else f"{path}:{line}: " if line is not None else f"{path}: "
        shown = ""
        if value is not None:
            text = repr(value)
            shown = f" (found {text if len(text) <= 60 else text[:57] + '...'})"
        super().__init__(f"{where}{what}{shown}{'; ' + remedy if remedy else ''}")
        self.path, self.line, self.value, self.remedy = path, line, value, remedy
