from __future__ import annotations

import pandas as pd
import pytest

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.sites.drops import Drops


def test_keep_filters_and_counts():
    drops = Drops()
    frame = pd.DataFrame({"x": range(5)})
    scope = drops.scope("read", "human", "GEO")
    left = scope.kept(scope.keep(frame, frame["x"] > 1, "too small"))
    assert left["x"].tolist() == [2, 3, 4]
    assert drops.frame().values.tolist() == [
        ["read", "human", "GEO", "too small", 2],
        ["read", "human", "GEO", "kept", 3],
    ]
    assert list(drops.frame().columns) == column_names("drops")


def test_nothing_dropped_leaves_no_row_but_kept_is_said_even_of_none():
    drops = Drops()
    scope = drops.scope("read", "human", "GEO")
    empty = pd.DataFrame({"x": []})
    scope.kept(scope.keep(empty, [], "too small"))
    assert drops.frame()[["reason", "rows"]].values.tolist() == [["kept", 0]]


def test_same_key_adds_up_and_merge_adds_other_collectors():
    first, second = Drops(), Drops()
    first.count("read", "human", "a", "peak", 2)
    first.count("read", "human", "a", "peak", 3)
    second.count("read", "human", "a", "peak", 1)
    second.count("read", "mouse", "a", "peak", 7)
    first.merge(second)
    assert first.frame()["rows"].tolist() == [6, 7]
    assert first.rows("peak") == 13
    assert first.rows("peak", subject="mouse") == 7
    assert first.rows("peak", stage="windows") == 0


def test_write_and_read_agree(tmp_path):
    drops = Drops()
    drops.count("read", "human", "", "2 nt wide (liftOver artefact)", 10)
    drops.count("read", "human", "NA", "kept", 4)
    drops.write(tmp_path / "drops.tsv")
    assert (tmp_path / "drops.tsv").read_text().splitlines()[0] == "\t".join(column_names("drops"))
    read = Drops.read(tmp_path / "drops.tsv").frame()
    assert read["rows"].tolist() == [10, 4]
    assert read["reason"].tolist() == drops.frame()["reason"].tolist()


def test_empty_collector_writes_a_header(tmp_path):
    Drops().write(tmp_path / "drops.tsv")
    assert Drops.read(tmp_path / "drops.tsv").frame().empty


def test_misuse_is_refused(tmp_path):
    drops = Drops()
    with pytest.raises(ValueError, match="negative"):
        drops.count("read", "human", "a", "peak", -1)
    with pytest.raises(ValueError, match="shape"):
        drops.scope("read", "human", "a").keep(pd.DataFrame({"x": [1, 2]}), [True], "peak")
    (tmp_path / "drops.tsv").write_text("stage\tsubject\tsource\treason\trows\na\tb\tc\td\tmany\n")
    with pytest.raises(InputError, match=r"drops\.tsv:2: .*'many'"):
        Drops.read(tmp_path / "drops.tsv")
