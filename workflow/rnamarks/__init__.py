"""Find, explain and put to use the chemical modifications of RNA.

>>> model = rnamarks.load("results/demo_marks/model")
>>> sites = model.scan(["GGGAGGACUAACGGACUUACG"])
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

from .errors import InputError

if TYPE_CHECKING:
    from .api import Model, load

__all__ = ["InputError", "Model", "__version__", "load"]

__version__ = "0.1.0"

# Arrow's own allocators keep what was freed, for each of their threads: 10 to 15 MB at 30 Mnt of transcripts. It is
# read when pyarrow is imported; pyarrow.set_memory_pool does not reach the readers of Parquet.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

# Threads of torch that wait for each other spin by default. Where another process has the core that one of them needs,
# the others spin through its whole time slice at the end of every layer. It is read when torch is imported, and is no
# part of the result.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def __getattr__(name: str) -> object:
    # named, not imported: every script of the workflow imports this module and would rest on the code of predictions
    if name in ("Model", "load"):
        return getattr(import_module(".api", __name__), name)
    raise AttributeError(f"module {__name__} has no attribute {name}")
