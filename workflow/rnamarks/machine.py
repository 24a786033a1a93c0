"""Whether a run can be made where it was started."""

from __future__ import annotations

import os
import pwd
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from .errors import InputError


def check_machine(folders: Iterable[str | Path], deployment: Iterable[str] = ()) -> None:
    """Raise :class:`InputError` if jobs could not start, or could not write, whatever the configuration says.

    Parameters
    ----------
    folders : iterable of path-like
        Folders that the run writes into, or will make, each with a folder for each stage.
    deployment : iterable of str
        Who brings programs and packages to the jobs: ``"conda"`` or other ways of Snakemake; none where they are there.
    """
    deployment = set(deployment)
    # Snakemake writes this path into a shell command as it is
    if " " in sys.executable and not deployment:
        raise InputError(
            "Snakemake cannot start scripts by a Python whose path has a blank",
            value=sys.executable,
            remedy="move or rename the folder, remove its .venv, and set up again; or use --use-conda",
        )
    if "conda" in deployment and shutil.which("conda") is None:
        raise InputError(
            "--use-conda asks for conda, which is not on PATH",
            remedy="install Miniforge, or leave --use-conda out and run `make setup`, whose .venv/bin and .tools/bin "
            "belong on PATH",
        )
    for top in map(Path, folders):
        there = next(folder for folder in (top, *top.parents) if folder.is_dir())
        for folder in (there, *(top.glob("*/"))):
            if os.access(folder, os.W_OK | os.X_OK):
                continue
            raise InputError(
                "nothing can be written into this folder",
                path=folder,
                value=_owner(folder),
                remedy="run as its owner, ask the owner for write permission, or set another `run`",
            )


def check_gpu(root: str | Path = "/dev") -> None:
    """Raise :class:`InputError` if this machine has no GPU: no device file of NVIDIA, AMD or Windows below Linux.

    No package is asked, since the one that computes may be in an environment that is not made yet.
    """
    if not any(any(Path(root).glob(name)) for name in ("nvidia[0-9]*", "kfd", "dxg")):
        raise InputError(
            "a GPU is asked for, and this machine has none that its system knows",
            value=f"nothing like {root}/nvidia0",
            remedy="set resources.device to auto or cpu, or run it where there is one",
        )


def _owner(folder: Path) -> str:
    number = folder.stat().st_uid
    try:
        return f"owner {pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"owner {number}"
