"""Packages that this one is compared with, each in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path


def install_peer(folder: Path, requirement: str) -> Path:
    """Python of the environment in a folder, which is made, and the package installed into it, if it is not there.

    The environment sees the packages of this one behind its own.
    """
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        link = folder / "lib" / version / "site-packages" / "ours.pth"
        link.write_text(sysconfig.get_path("purelib") + "\n")
        subprocess.run([python, "-m", "pip", "install", "--quiet", requirement], check=True)
    return python
