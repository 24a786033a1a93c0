"""Running programs that are not Python: found on PATH, their errors shown, their litter in one temporary folder."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError
from ..files import is_full

_MEME = "use --use-conda, or `conda install -c bioconda meme`, or leave motifs.engine at builtin"
_PACKAGES = {"cd-hit-est": "cd-hit", "cd-hit-est-2d": "cd-hit", "mmseqs": "mmseqs2"}
_TAIL = 15


class ToolError(RuntimeError):
    """An external program ran and failed; the text ends with the last lines that it printed.

    Parameters
    ----------
    command : sequence of str
        The command line.
    code : int
        Exit code; negative for the signal that ended it.
    output : str
        What it printed, standard output first.
    """

    def __init__(self, command: Sequence[str], code: int, output: str) -> None:
        ended = f"was ended by signal {-code}" if code < 0 else f"stopped with exit code {code}"
        advice = " (signal 9 usually means that memory ran out)" if code == -9 else ""
        tail = "\n".join(output.strip().splitlines()[-_TAIL:]) or "it printed nothing"
        super().__init__(f"{command[0]} {ended}{advice}: {' '.join(command)}\n{tail}")
        self.command, self.code, self.output = list(command), code, output


def find_tool(name: str) -> str:
    """Full path of a program on PATH.

    Raises
    ------
    InputError
        If it is not there; the text lists the ways to get it.
    """
    path = shutil.which(name)
    if path is None:
        package = _PACKAGES.get(name, name)
        raise InputError(
            f"the program {name} is not on PATH",
            remedy=_MEME
            if name in ("streme", "tomtom")
            else f"run `make setup`, or `conda install -c bioconda {package}`, or `apt-get install {package}`",
        )
    return path


def run_tool(
    command: Sequence[str | Path], options: Mapping[str, object] | None = None, *, folder: str | Path | None = None
) -> str:
    """Run a program to its end; no shell is involved.

    Parameters
    ----------
    command : sequence
        Program name (looked up on PATH) and the arguments that stand alone.
    options : mapping, optional
        Options with their values, put after the command.
    folder : path-like, optional
        Working folder.

    Returns
    -------
    str
        What it printed to standard output.

    Raises
    ------
    InputError
        If the program is not on PATH.
    ToolError
        If it ends with a code other than 0.
    OSError
        If the disk is full afterwards, whatever the code: what it wrote may be cut off.
    """
    words = [str(word) for word in command]
    words += [str(word) for option in (options or {}).items() for word in option]
    done = subprocess.run(
        [find_tool(words[0]), *words[1:]],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    written = folder or tempfile.gettempdir()
    if is_full(written):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(written))
    if done.returncode != 0:
        raise ToolError(words, done.returncode, f"{done.stdout}\n{done.stderr}")
    return done.stdout


@contextmanager
def scratch_folder(parent: str | Path | None = None) -> Iterator[Path]:
    """A new folder, under TMPDIR if no other is named, that is removed with all it holds when the block ends."""
    with tempfile.TemporaryDirectory(prefix="rnamarks-", dir=parent, ignore_cleanup_errors=True) as folder:
        yield Path(folder)
