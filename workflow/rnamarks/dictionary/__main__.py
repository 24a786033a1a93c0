"""``python -m rnamarks.dictionary`` prints every table and its columns; given a folder, writes a page for each."""

from __future__ import annotations

import sys
from pathlib import Path

from .tables import document, pages

if __name__ == "__main__":
    if len(sys.argv) == 1:
        print(document(), end="")
    else:
        folder = Path(sys.argv[1])
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in pages().items():
            (folder / name).write_text(text, encoding="utf-8")
