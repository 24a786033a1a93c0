"""Site tables that are dressed otherwise, damaged or faulty."""

from __future__ import annotations

import gzip

import pandas as pd
import pytest

from rnamarks.errors import InputError
from rnamarks.sites.readers import rows

from .small_tables import BED, ONE_BASED, RMBASE, RMBASE_HEADER, SMALL, check_border


@pytest.mark.parametrize("form", sorted(SMALL))
@pytest.mark.parametrize("dress", ["plain", "crlf", "bom", "gzip", "repeated", "blank lines"])
def test_dressed_files_give_the_same_site(read, tmp_path, form, dress):
    assembly = "rn6" if form == "m6a_atlas" else "hg19"
    text = SMALL[form]
    last = text.splitlines(keepends=True)[-1]
    data = {
        "crlf": text.replace("\n", "\r\n").encode(),
        "bom": b"\xef\xbb\xbf" + text.encode(),
        "gzip": gzip.compress(text.encode()),
        "repeated": (text + last).encode(),
        "blank lines": (text + "\n   \n").encode(),
    }.get(dress, text.encode())
    path = tmp_path / "table"
    path.write_bytes(data)
    frame, counts = read(form, path, assembly)
    check_border(frame, assembly)
    start = 99 if form in ONE_BASED else 100
    assert frame[["start", "strand"]].values.tolist() == [[start, "+"]]
    assert counts.get("duplicate position", 0) == (dress == "repeated")


@pytest.mark.parametrize("form", sorted(SMALL))
def test_empty_and_header_only_files(read, tmp_path, form):
    path = tmp_path / "table"
    header = "".join(SMALL[form].splitlines(keepends=True)[:-1])
    for data in (b"", b"\n\n", b"# nothing\n", gzip.compress(b""), header.encode()):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"holds no site|is not #assembly"):
            read(form, path, "rn6" if form == "m6a_atlas" else "hg19")


@pytest.mark.parametrize("form", sorted(SMALL))
def test_missing_truncated_and_binary_files(read, tmp_path, form):
    with pytest.raises(InputError, match="no such file"):
        read(form, tmp_path / "nowhere")
    head, last = SMALL[form].rsplit("\n", 2)[0:2] if SMALL[form].count("\n") > 1 else ("", SMALL[form].rstrip("\n"))
    rows = "\n".join(last.replace("100", str(100 + 7919 * i % 99_991)) for i in range(4000))
    whole = gzip.compress((head + "\n" + rows + "\n").lstrip("\n").encode())
    path = tmp_path / "table.gz"
    path.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(InputError, match="cut off or corrupt"):
        read(form, path, "rn6" if form == "m6a_atlas" else "hg19")
    path.write_bytes(b"\xff\xfe\x00chr1\t1\n")
    with pytest.raises(InputError):
        read(form, path)


@pytest.mark.parametrize("form", sorted(SMALL))
@pytest.mark.parametrize("wrong", ["-100", "1e2", "100.0", "", "abc", "100 000", "9" * 30])
def test_positions_that_are_no_whole_numbers(read, tmp_path, form, wrong):
    lines = SMALL[form].splitlines()
    path = tmp_path / "table"
    path.write_text("\n".join([*lines, lines[-1].replace("100", wrong, 1)]) + "\n")
    with pytest.raises(InputError, match="no whole number") as caught:
        read(form, path, "rn6" if form == "m6a_atlas" else "hg19")
    assert caught.value.line == len(lines) + 1
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize("form", sorted(SMALL))
@pytest.mark.parametrize("wrong", [".", "", "plus"])
def test_strands_that_are_none(read, tmp_path, form, wrong):
    lines = SMALL[form].splitlines()
    path = tmp_path / "table"
    cells = lines[-1].split("\t")
    cells[cells.index("+")] = wrong
    path.write_text("\n".join([*lines, "\t".join(cells)]) + "\n")
    with pytest.raises(InputError, match=r"the strand is neither \+ nor -") as caught:
        read(form, path, "rn6" if form == "m6a_atlas" else "hg19")
    assert caught.value.line == len(lines) + 1


@pytest.mark.parametrize("form", sorted(SMALL))
def test_rows_cut_off(read, tmp_path, form):
    lines = SMALL[form].splitlines()
    path = tmp_path / "table"
    path.write_text("\n".join([*lines, "\t".join(lines[-1].split("\t")[:2])]) + "\n")
    with pytest.raises(InputError, match="fields and needs") as caught:
        read(form, path, "rn6" if form == "m6a_atlas" else "hg19")
    assert caught.value.line == len(lines) + 1


@pytest.mark.parametrize("form", ["m6a_atlas", "radar", "sites"])
def test_missing_columns_are_named(read, tmp_path, form):
    path = tmp_path / "table"
    path.write_text(SMALL[form].replace("strand", "direction"))
    with pytest.raises(InputError, match="the header lacks strand"):
        read(form, path, "rn6" if form == "m6a_atlas" else "hg19")


def test_bed_lines_of_browsers_and_blanks(read, tmp_path):
    path = tmp_path / "sites.bed"
    path.write_text("browser position chr1\ntrack name=x\n# remark\nchr1 100 101 x 0 +\n" + BED.replace("101", "100"))
    with pytest.raises(InputError, match=r"sites.bed:5: the end is not after the start \(found '100'\)"):
        read("bed", path)
    path.write_text("track name=x\nchr1 100 101 x 0 +\n")
    assert len(read("bed", path)[0]) == 1
    path.write_text("\t100\t101\tx\t0\t+\n")
    with pytest.raises(InputError, match="the chromosome is empty"):
        read("bed", path)


def test_lower_case_motif_is_understood(read, tmp_path):
    path = tmp_path / "sites.bed"
    path.write_text(BED.replace("GGACT", "ggact") + BED.replace("GGACT", "gct_5").replace("100\t101", "200\t201"))
    frame, counts = read("geo_bed", path)
    assert frame["start"].tolist() == [100]
    assert counts == {"motif in the name has no A in the middle": 1, "kept": 1}


@pytest.mark.parametrize("form", sorted(set(SMALL) - {"transcript_list"}))
def test_joined_lines_are_refused(read, tmp_path, form):
    head, _, last = SMALL[form].rstrip("\n").rpartition("\n")
    row = last.replace("100", "300").replace("101", "301")
    path = tmp_path / "table"
    path.write_text("\n".join([*([head] if head else []), last, row + "\t" + last, row]) + "\n")
    with pytest.raises(InputError, match=r"the row has \d+ fields where \d+ belong") as caught:
        read(form, path, "rn6" if form == "m6a_atlas" else "hg19")
    assert caught.value.line == 2 + head.count("\n") + bool(head)


def test_two_rows_of_rmbase_in_one_line(read, tmp_path):
    path = tmp_path / "rmbase.txt"
    path.write_text(RMBASE_HEADER + RMBASE.rstrip("\n") + RMBASE)
    with pytest.raises(InputError, match=r"rmbase.txt:2: the row has 29 fields where 15 belong"):
        read("rmbase_v2", path)


def test_empty_fields_at_the_end_of_a_row_are_no_joined_line(read, tmp_path):
    path = tmp_path / "sites.bed"
    path.write_text(BED + BED.replace("100\t101", "300\t301").rstrip("\n") + "\t\t\n" + BED.replace("100\t101", "5\t6"))
    assert len(read("bed", path)[0]) == 3


def test_wide_rows_are_refused_in_any_block(tmp_path):
    path = tmp_path / "sites.bed"
    lines = [f"chr1\t{at}\t{at + 1}\n" for at in range(7)]
    lines[2] = lines[2].strip() + "\tchr1\n"
    path.write_text("".join(lines))
    for at_once in (1, 3, 7, 100):
        with pytest.raises(InputError, match=":3: the row has 4 fields where 3 belong"):
            list(rows.field_blocks(path, {"start": 1}, at_once=at_once))
    path.write_text("".join(lines[:2] + lines[3:]))
    for at_once in (1, 3, 6, 100):
        blocks = list(rows.field_blocks(path, {"start": 1, "chrom": 0}, at_once=at_once))
        assert [len(block) for block in blocks] == [at_once] * (6 // at_once) + [6 % at_once] * (6 % at_once > 0)
        pd.testing.assert_frame_equal(pd.concat(blocks), rows.read_fields(path, {"start": 1, "chrom": 0}))


def test_names_that_look_like_missing_values_stay(read, tmp_path):
    path = tmp_path / "sites.bed"
    path.write_text("".join(BED.replace("chr1", chrom) for chrom in ("NA", "None", "nan")))
    assert read("bed", path)[0]["chrom"].tolist() == ["NA", "None", "nan"]
