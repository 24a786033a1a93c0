"""A file is there whole or not at all."""

from __future__ import annotations

import pandas as pd
import pytest

from rnamarks.errors import InputError
from rnamarks.files import atomic_path, write_text
from rnamarks.tables import read_parquet, read_tsv, write_parquet, write_tsv


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "table.tsv"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError), atomic_path(path) as part:
        part.write_text("half \udcff", encoding="utf-8")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_compressed_text_has_no_time_stamp(tmp_path):
    for name in ("a.gz", "b.gz"):
        with write_text(tmp_path / name) as handle:
            handle.write("x\n")
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


@pytest.mark.parametrize("name", ["table.tsv", "table.tsv.gz"])
def test_tsv_round_trip_with_metadata(tmp_path, name):
    frame = pd.DataFrame({"chrom": ["chr1", "NA1"], "start": [0, 5], "value": [0.1, None]})
    write_tsv(frame, tmp_path / name, {"assembly": "hg19"})
    back, metadata = read_tsv(tmp_path / name, ["chrom", "start"])
    pd.testing.assert_frame_equal(back, frame)
    assert metadata == {"assembly": "hg19"}


def test_missing_columns_are_named(tmp_path):
    write_tsv(pd.DataFrame({"a": [1]}), tmp_path / "t.tsv")
    with pytest.raises(InputError, match="lacks the columns b, c; it has a"):
        read_tsv(tmp_path / "t.tsv", ["a", "b", "c"])


def test_parquet_round_trip_and_damage(tmp_path):
    frame = pd.DataFrame({"exon_starts": [[1, 2], [3]], "sequence": ["ACGU", "N"]})
    path = tmp_path / "t.parquet"
    write_parquet(frame, path, {"assembly": "hg19"})
    back, metadata = read_parquet(path, ["sequence"])
    assert [list(row) for row in back["exon_starts"]] == [[1, 2], [3]]
    assert metadata == {"assembly": "hg19"}
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="damaged"):
        read_parquet(path)
    with pytest.raises(InputError, match="no such file"):
        read_parquet(tmp_path / "none.parquet")
