"""The columns of every table of a run: names, kinds and meanings, each written once.

``python -m rnamarks.dictionary`` prints them. A module that writes or reads a table takes the names from
:func:`column_names`; the fingerprint of its code holds the names that it asks for, not the meanings, so a better
explanation does not repeat a training.
"""

from __future__ import annotations

from importlib import import_module


def column_names(
    table: str, *, first: str | None = None, last: str | None = None, task_columns: bool = True
) -> list[str]:
    """Columns of a table in their order.

    Parameters
    ----------
    table : str
        Name in :data:`rnamarks.dictionary.tables.TABLES`. Arguments are written out at the call, where
        :mod:`rnamarks.fingerprint` reads them.
    first, last : str, optional
        Columns to begin and to end with.
    task_columns : bool
        Whether with ``species`` and ``modification`` behind ``task``, which
        :func:`~rnamarks.tasks.add_task_columns` adds.
    """
    # by its name, lest the meanings of all tables count as code of whoever asks for names
    names = [column.name for column in import_module(".tables", __name__).TABLES[table].columns]
    if not task_columns:
        behind = names.index("task") + 1
        del names[behind : behind + 2]
    return names[names.index(first) if first else 0 : names.index(last) + 1 if last else None]
