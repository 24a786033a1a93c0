"""Every column of every table is explained once, and a command prints it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from rnamarks.dictionary import column_names
from rnamarks.dictionary.tables import KINDS, TABLES


def test_names_can_be_asked_for_in_part():
    names = column_names("metrics")
    assert names[3:6] == ["task", "species", "modification"]
    assert column_names("metrics", task_columns=False) == [*names[:4], *names[6:]]
    assert (
        column_names("metrics", first="metric", last="value") == names[names.index("metric") : names.index("value") + 1]
    )


def test_every_column_is_explained():
    for name, table in TABLES.items():
        assert len(set(column_names(name))) == len(table.columns)
        assert table.about.endswith(".")
        for column in table.columns:
            assert column.kind in KINDS
            assert column.meaning


def test_a_command_prints_every_table():
    command = [sys.executable, "-m", "rnamarks.dictionary"]
    folder = Path(__file__).resolve().parents[1] / "workflow"
    printed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    for name, table in TABLES.items():
        assert f"\n## {name}\n\n`{table.path}`." in printed
    assert printed.count("\n| `") == sum(len(table.columns) for table in TABLES.values())


def test_a_command_writes_a_page_per_table(tmp_path):
    folder = Path(__file__).resolve().parents[1] / "workflow"
    subprocess.run([sys.executable, "-m", "rnamarks.dictionary", tmp_path / "tables"], cwd=folder, check=True)
    written = {file.name: file.read_text() for file in (tmp_path / "tables").iterdir()}
    assert set(written) == {"README.md", *(f"{name}.md" for name in TABLES)}
    for name, table in TABLES.items():
        assert f"[{name}]({name}.md)" in written["README.md"]
        assert written[f"{name}.md"].count("\n| `") == len(table.columns)


def test_no_module_repeats_the_columns_of_a_table():
    library = Path(__file__).resolve().parents[1] / "workflow" / "rnamarks"
    tables = {name: {tuple(column_names(name)), tuple(_bare(column_names(name)))} for name in TABLES}
    for file in library.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.List | ast.Tuple) and len(node.elts) > 3:
                texts = tuple(getattr(element, "value", None) for element in node.elts)
                repeated = [name for name, columns in tables.items() if texts in columns]
                assert not repeated, f"{file}:{node.lineno}: {repeated}"


def _bare(names: list[str]) -> list[str]:
    return [name for name in names if name not in ("species", "modification")]
