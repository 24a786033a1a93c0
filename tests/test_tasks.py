from __future__ import annotations

import pandas as pd
import pytest

from rnamarks.errors import InputError
from rnamarks.tasks import Task, add_task_columns, find_task

M6A = Task("human_m6A", species="human", modification="m6A", base="A", motif="DRACH", motif_offset=2, colour="#882255")
PSI = Task("human_Y", species="human", modification="Y", base="U", motif="N", label="Ψ")


def test_a_task_is_called_by_its_name_unless_it_has_a_label():
    assert (M6A.label, PSI.label) == ("human_m6A", "Ψ")


def test_place_is_the_base_alone_where_there_is_no_motif():
    assert M6A.place == ("DRACH", 2)
    assert PSI.place == ("U", 0)
    assert Task("plain", base="A").place == ("A", 0)


def test_records_come_back():
    assert Task.from_record(M6A.record()) == M6A


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "a b"}, "name of task a b is malformed"),
        ({"name": "<b>"}, "is malformed"),
        ({"base": "T"}, "base of task"),
        ({"motif": "A" * 33}, "motif of task"),
        ({"motif_offset": 5}, "outside its motif DRACH"),
        ({"motif_offset": "2"}, "not a whole number"),
        ({"motif_offset": True}, "not a whole number"),
        ({"species": None}, "not text"),
        ({"colour": "red"}, "#RRGGBB"),
        ({"label": "m6A\x1b[31m"}, "label of task"),
        ({"species": "h" * 300}, "species of task"),
        ({"size": 3}, "unknown or missing"),
    ],
)
def test_malformed_records_are_refused(change, said):
    with pytest.raises(InputError, match=said):
        Task.from_record(M6A.record() | change)


def test_a_lone_task_needs_no_name():
    assert find_task([M6A]) is M6A
    assert find_task([M6A, PSI], "human_Y") is PSI
    with pytest.raises(InputError, match=r"several tasks.*human_m6A, human_Y"):
        find_task([M6A, PSI])
    with pytest.raises(InputError, match=r"no such task .*'mouse'.*human_m6A"):
        find_task([M6A], "mouse")


def test_columns_of_the_task_follow_it():
    frame = pd.DataFrame({"task": ["human_Y", "mean", "human_m6A"], "value": [1, 2, 3]})
    described = add_task_columns(frame, [M6A, PSI])
    assert list(described) == ["task", "species", "modification", "value"]
    assert described["modification"].tolist() == ["Y", "", "m6A"]
    assert described["species"].tolist() == ["human", "", "human"]
    assert list(frame) == ["task", "value"]
