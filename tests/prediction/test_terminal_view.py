"""The picture on the terminal."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from rnamarks.figures.palette import painted
from rnamarks.prediction.calls import Calls
from rnamarks.prediction.spool import spool_fasta
from rnamarks.prediction.terminal_view import TerminalView
from rnamarks.tasks import Task

TASKS = [
    Task("m6A", modification="m6A", base="A", motif="DRACH", motif_offset=2, colour="#882255"),
    Task("Y", modification="Y", base="U"),
]
SEQUENCES = {"first": "ACGUU" * 20, "quiet": "ACGU", "last": "UUUUU"}


@pytest.fixture
def spool(tmp_path):
    (tmp_path / "s.fa").write_text("".join(f">{name}\n{text}\n" for name, text in SEQUENCES.items()))
    return spool_fasta(tmp_path / "s.fa", tmp_path, 5)


def calls(*rows):
    frame = pd.DataFrame(rows, columns=["sequence", "start", "task", "q"])
    return Calls(
        pa.Table.from_pandas(frame), np.array([list(SEQUENCES).index(name) for name in frame["sequence"]]), None
    )


def drawn(spool, parts, **options):
    stream = io.StringIO()
    with TerminalView(stream, spool, TASKS, **options) as view:
        for part in parts:
            view.write(part)
    return view, stream.getvalue().splitlines()


ROWS = [("first", 0, "m6A", 0.01), ("first", 3, "Y", 0.5), ("first", 89, "Y", 0.05), ("last", 4, "Y", np.nan)]


def test_marks_stand_under_their_letters(spool):
    view, lines = drawn(spool, [calls(*ROWS)], width=46)
    assert view.nt == 40
    begin = lines.index("")
    assert "positions count from 1" in lines[0]
    assert "m6A DRACH  Y U" in " ".join(lines[:begin]).replace("Y  U", "Y U")
    assert lines[begin:] == [
        "",
        "first  100 nt",
        "  1 " + SEQUENCES["first"][:40],
        "m6A ●",
        "  Y    ○",
        "41 to 80: no call",
        " 81 " + SEQUENCES["first"][80:],
        "m6A ",
        "  Y          ●",
        "",
        "last  5 nt",
        "  1 UUUUU",
        "m6A ",
        "  Y     ·",
        "",
        "1 sequence without a call",
    ]


def test_blocks_that_cut_a_row_change_nothing(spool):
    whole = drawn(spool, [calls(*ROWS)], width=46)[1]
    assert drawn(spool, [calls(row) for row in ROWS], width=46)[1] == whole


def test_narrow_terminals_and_ones_without_unicode(spool):
    assert drawn(spool, [], width=5)[0].nt == 20
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with TerminalView(stream, spool, TASKS, width=60) as view:
        view.write(calls(*ROWS))
    stream.flush()
    assert b"m6A #" in stream.buffer.getvalue()


def test_colours_are_those_of_the_tasks():
    assert {name: paint.colour for name, paint in painted(TASKS).items()} == {"m6A": "#882255", "Y": "#767676"}
