"""``python -m rnamarks.dictionary`` prints every table and its columns."""

from __future__ import annotations

from .tables import document

if __name__ == "__main__":
    print(document(), end="")
