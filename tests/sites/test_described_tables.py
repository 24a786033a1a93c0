"""Site tables of many modifications: described layouts, workbooks, technologies, and the real tables."""

from __future__ import annotations

import gzip

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.sites.drops import Drops
from rnamarks.sites.readers import LAYOUT_READERS, READERS
from rnamarks.sites.readers.described import Layout
from rnamarks.sites.site_sets import count_technologies, read_site_tables
from rnamarks.sites.site_tables import write_sites
from rnamarks.tables import read_tsv

PLAIN = {"chrom": "chr", "start": "pos", "strand": "strand", "origin": 1}
TABLE = "chr\tpos\tstrand\nchr1\t100\t+\nchr2\t7\t-\n"
SITES = [["chr1", 99, "+"], ["chr2", 6, "-"]]
# A at 3, 7, 11, ... on the plus strand and at 2, 6, 10, ... on the minus strand
GENOME = ">chr1\n" + "CGTA" * 15 + "\n"


@pytest.fixture
def read(modifications):
    def run(path, layout, name="m6A", assembly="hg19"):
        drops = Drops()
        frame = LAYOUT_READERS["table"](
            path, drops.scope("read", "human", "S"), assembly=assembly, modification=modifications[name], layout=layout
        )
        assert list(frame.columns) == column_names("sites")
        assert (frame["end"] == frame["start"] + 1).all()
        counts = dict(zip(drops.frame()["reason"], drops.frame()["rows"], strict=True))
        assert counts["kept"] == len(frame)
        return frame, counts

    return run


def positions(frame):
    return frame[["chrom", "start", "strand"]].to_numpy().tolist()


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        (TABLE, {}),
        (TABLE.replace("100", "99").replace("\t7\t", "\t6\t"), {"origin": 0}),
        (TABLE.replace("\t", ","), {"separator": "comma"}),
        (TABLE.replace("\t", ";"), {"separator": "semicolon"}),
        (TABLE.replace("\t", "   "), {"separator": "blank"}),
        (TABLE.replace("\n", "\r\n"), {}),
        (TABLE.replace("\n", "\r"), {}),
        ("\ufeff" + TABLE, {}),
        ("#" + TABLE, {}),
        ("Table S2\n\n" + TABLE, {"header": 3}),
        (TABLE + "\n# the end\n", {}),
        (TABLE.partition("\n")[2], {"header": 0, "chrom": 1, "start": 2, "strand": 3}),
        (TABLE, {"chrom": 1, "start": 2, "strand": 3}),
        (TABLE.replace("+", "forward").replace("-", "Reverse"), {}),
        (TABLE.replace("+", "1").replace("-", "\N{MINUS SIGN}"), {}),
        ('"chr","pos","strand"\n"chr1","100","+"\n"chr2","7","-"\n', {"separator": "comma"}),
        ("site\nchr1:100:+\nchr2:7:-\n", {"chrom": "", "start": "", "strand": "", "place": "site"}),
        ("site\nchr1:100-100(+)\nchr2:7-7(-)\n", {"chrom": "", "start": "", "strand": "", "place": "site"}),
        ("site\nchr1:100:C:+\nchr2:7:G:-\n", {"chrom": "", "start": "", "strand": "", "place": "site"}),
        ("s\tsite\n+\tchr1:100\n-\tchr2:7\n", {"chrom": "", "start": "", "strand": "s", "place": "site"}),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_one_table_in_many_dresses(read, tmp_path, text, layout, packed):
    path = tmp_path / "table.txt"
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    frame, counts = read(path, PLAIN | layout)
    assert positions(frame) == SITES
    assert counts == {"kept": 2}
    assert (frame["support"] == 1).all()


def workbook(path, rows, title="Sheet S3"):
    book = Workbook()
    book.active.title = "Legend"
    book.active.append(["what the sheets hold"])
    sheet = book.create_sheet(title)
    for row in rows:
        sheet.append(row)
    book.save(path)


@pytest.mark.parametrize("sheet", ["Sheet S3", 2])
@pytest.mark.parametrize("name", ["table.xlsx", "GSE1.xls"])
def test_workbooks_whatever_they_are_called(read, tmp_path, sheet, name):
    rows = [["Supplementary Table 3"], [], ["chr", "pos", "strand", "n"], ["chr1", 100.0, "+", 3], ["chr2", 7, "-", 1]]
    workbook(tmp_path / "table.xlsx", rows)
    (tmp_path / "table.xlsx").rename(tmp_path / name)
    frame, _ = read(tmp_path / name, PLAIN | {"sheet": sheet, "header": 3, "support": "n"})
    assert positions(frame) == SITES
    assert frame["support"].tolist() == [3, 1]


def test_rows_of_other_kinds_and_peaks_are_counted(read, tmp_path):
    path = tmp_path / "table.txt"
    path.write_text(
        "chr\tfrom\tto\tstrand\tmodification\tcell\n"
        "chr1\t10\t10\t+\tm6A\tHeLa\nchr1\t10\t10\t+\t6mA\tHEK\nchr1\t20\t20\t-\tm1A\tHeLa\n"
        "chr1\t30\t39\t-\tm6A\tHeLa\nchr1\t40\t40\t-\tm6A\tMOLM13\nchr1\t10\t10\t-\tm6A\tHeLa\n"
    )
    layout = {
        "chrom": "chr",
        "start": "from",
        "end": "to",
        "strand": "strand",
        "origin": 1,
        "modification": "modification",
    }
    frame, counts = read(path, layout | {"where": {"cell": ["HeLa", "HEK"]}})
    assert positions(frame) == [["chr1", 9, "+"], ["chr1", 9, "-"]]
    assert counts == {
        "cell is not HeLa or HEK": 1,
        "another modification": 1,
        "wider than one nucleotide (peak)": 1,
        "duplicate position": 1,
        "kept": 2,
    }
    half_open = layout | {"origin": 0}
    with pytest.raises(InputError, match=r"table.txt:2: the end is before the start \(found '10'\)"):
        read(path, half_open)


def test_a_modification_that_is_not_in_the_table_gives_an_empty_one(read, tmp_path):
    path = tmp_path / "table.txt"
    path.write_text("site\tmodification\nchr1:10:+\tm6A\n")
    frame, counts = read(path, {"place": "site", "origin": 1, "modification": "modification"}, name="m5U")
    assert counts == {"another modification": 1, "kept": 0}
    assert frame.empty


@pytest.mark.parametrize(
    ("text", "layout", "said"),
    [
        ("", {}, "holds no site"),
        ("chr\tpos\tstrand\n", {}, "holds no site"),
        (TABLE, {"header": 9}, "holds no site"),
        (TABLE, {"strand": "str"}, r":1: the header has no single column str"),
        (TABLE.replace("chr\t", "pos\t"), {"chrom": 1}, r":1: the header has no single column pos"),
        (TABLE, {"strand": 4}, r":1: the header has no single column 4"),
        (TABLE, {"origin": 0, "header": 0, "chrom": 1, "start": 2, "strand": 3}, ":1: the strand is neither"),
        (TABLE + "chr1\t5\n", {}, r":4: the row has 2 fields and needs 3"),
        (TABLE + "chr1\t0\t+\n", {}, r":4: start is no whole number of at least 1 \(found '0'\)"),
        (TABLE + "chr1\t1e3\t+\n", {}, r":4: start is no whole number"),
        (TABLE + "chr1\t5\t.\n", {}, r":4: the strand is neither \+ nor - \(found '.'\)"),
        (TABLE + "\t5\t+\n", {}, ":4: the chromosome is empty"),
        ("site\nchr1-5\n", {"chrom": "", "start": "", "strand": "", "place": 1}, ":2: the place is not like chr1:100"),
        (TABLE, {"origin": 2}, "the origin is neither 0 nor 1"),
        (TABLE, {"origin": True}, "the origin is neither 0 nor 1"),
        (TABLE, {"start": ""}, "does not say where the sites are"),
        (TABLE, {"place": 1}, "does not say where the sites are"),
        (TABLE, {"strand": ""}, "no column of strands"),
        (TABLE, {"header": 0}, "columns without a header have no names"),
        (TABLE, {"chrom": -1}, "a column has no such number"),
        (TABLE, {"header": -1}, "the header is no line number"),
        (TABLE, {"separator": "pipe"}, "no such separator .*choose one of tab, comma"),
        (TABLE, {"strnd": "strand"}, "no such key of a layout .*known are origin, chrom"),
        (b"PK\x03\x04 no book", {}, "the file is no workbook"),
        (b"\xd0\xcf\x11\xe0old", {}, "the file is a workbook of old Excel"),
        (gzip.compress(TABLE.encode())[:-9], {}, "cut off or corrupt"),
        (b"\xff\xfe\x00", {}, "not UTF-8"),
    ],
)
def test_what_does_not_fit_is_one_sentence(read, tmp_path, text, layout, said):
    path = tmp_path / "table"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=said) as caught:
        read(path, PLAIN | layout)
    assert "\n" not in str(caught.value)


def test_missing_files_sheets_origins_and_wrong_assemblies(read, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "nowhere", PLAIN)
    workbook(tmp_path / "t.xlsx", [["chr", "pos", "strand"]])
    for sheet in ("S9", 3, 0):
        with pytest.raises(InputError, match=r"no such sheet .*choose one of Legend, Sheet S3"):
            read(tmp_path / "t.xlsx", PLAIN | {"sheet": sheet})
    with pytest.raises(InputError, match="the layout has no origin"):
        Layout.from_mapping({"place": 1})
    # keys of a configuration are text
    assert Layout.from_mapping({"origin": 1, "header": 0, "place": 1, "where": {"3": "x"}}).where == {3: "x"}
    (tmp_path / "sites_hg38.txt").write_text(TABLE)
    with pytest.raises(InputError, match=r"another assembly than hg19 \(found 'hg38'\)"):
        read(tmp_path / "sites_hg38.txt", PLAIN)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from("12XY"), st.integers(0, 10**9), st.sampled_from("+-"), st.integers(1, 9)),
        min_size=1,
        max_size=30,
    ),
    origin=st.integers(0, 1),
    order=st.permutations(["chrom", "start", "end", "strand", "support"]),
)
def test_any_order_of_columns_and_either_origin_gives_the_sites(modifications, tmp_path_factory, rows, origin, order):
    path = tmp_path_factory.mktemp("any") / "t.csv"
    written = pd.DataFrame(rows, columns=["chrom", "start", "strand", "support"])
    written["end"] = written["start"] + 1
    written["start"] += origin
    written[order].to_csv(path, index=False)
    layout = {name: name for name in order} | {"origin": origin, "separator": "comma"}
    frame = LAYOUT_READERS["table"](
        path, Drops().scope("read", "human", "S"), assembly="hg19", modification=modifications["m6A"], layout=layout
    )
    most: dict = {}
    for chrom, start, strand, support in rows:
        most[chrom, start, strand] = max(support, most.get((chrom, start, strand), 0))
    assert {tuple(row[:3]): row[3] for row in frame[["chrom", "start", "strand", "support"]].to_numpy()} == most


@pytest.fixture
def read_sets(tmp_path, modifications):
    def run(*entries, name="m6A"):
        (tmp_path / "genome.fa").write_text(GENOME)
        paths = []
        for number, entry in enumerate(entries):
            paths.append(tmp_path / f"table{number}")
            paths[-1].write_text(entry["text"])
        return read_site_tables(
            paths,
            [entry.get("format", "bed") for entry in entries],
            [entry["name"] for entry in entries],
            technologies=[entry.get("technology") for entry in entries],
            layouts=[entry.get("layout") for entry in entries],
            genome=tmp_path / "genome.fa",
            workdir=tmp_path / "work",
            assembly="hg19",
            modification=modifications[name],
            subject="human",
        )

    return run


def bed(*starts):
    return "".join(f"chr1\t{start}\t{start + 1}\tx\t0\t+\n" for start in starts)


def test_technologies_are_counted_and_written(read_sets, tmp_path):
    sites, _ = read_sets(
        {"name": "GSE1", "technology": "miCLIP", "text": bed(3, 7, 11)},
        {"name": "GSE1", "technology": "miCLIP", "text": bed(3, 7, 15)},
        {"name": "GSE2", "technology": "miCLIP", "text": bed(3, 11)},
        {"name": "GSE3", "technology": "m6A-CLIP-seq", "text": bed(3, 7)},
        {"name": "RMBase", "text": bed(3, 19)},
    )
    assert sites[["start", "source", "support", "technologies"]].to_numpy().tolist() == [
        [3, "GSE1,GSE2,GSE3,RMBase", 4, 3],
        [7, "GSE1,GSE3", 2, 2],
        [11, "GSE1,GSE2", 2, 1],
        [15, "GSE1", 1, 1],
        [19, "RMBase", 1, 1],
    ]
    write_sites(sites, tmp_path / "sites.tsv.gz", "hg19")
    again, metadata = read_tsv(tmp_path / "sites.tsv.gz", [*column_names("sites"), "technologies"])
    assert metadata == {"assembly": "hg19"}
    assert again["technologies"].tolist() == [3, 2, 1, 1, 1]


def test_tables_without_a_technology_have_no_such_column(read_sets):
    sites, _ = read_sets({"name": "a", "text": bed(3)}, {"name": "b", "text": bed(3)})
    assert list(sites.columns) == column_names("sites")
    assert count_technologies(sites, {"a": "x", "b": "x"}).tolist() == [1]
    assert count_technologies(sites, {"a": "x"}).tolist() == [2]
    assert count_technologies(sites.iloc[:0], {}).tolist() == []


def test_one_source_has_one_technology(read_sets):
    with pytest.raises(InputError, match=r"table1: the source GSE1 has another technology .*\(found 'BS-seq'\)"):
        read_sets(
            {"name": "GSE1", "technology": "miCLIP", "text": bed(3)},
            {"name": "GSE1", "technology": "BS-seq", "text": bed(3)},
        )


def test_a_table_of_several_bases_gives_each_modification_its_own(read_sets):
    layout = {"chrom": 1, "start": 2, "end": 3, "strand": 6, "origin": 1, "header": 0, "mixed_bases": True}
    # start and end alike and counted from 1, as Nm-seq is deposited
    text = "".join(f"chr1\t{n}\t{n}\tx\t0\t+\n" for n in range(5, 45))
    entry = {"name": "GSE90164", "format": "table", "text": text}
    for name, first in (("Am", 7), ("Cm", 4), ("Gm", 5), ("Um", 6)):
        sites, drops = read_sets(entry | {"layout": layout}, name=name)
        assert sites["start"].tolist() == list(range(first, 44, 4))
        assert drops.rows(f"base at the site is not {'U' if name == 'Um' else name[0]}") == 30
    with pytest.raises(InputError, match="only 25% of 40 sites have A"):
        read_sets(entry | {"layout": layout | {"mixed_bases": False}}, name="Am")


def test_layouts_are_for_the_formats_that_take_one(read_sets):
    with pytest.raises(InputError, match="the format table does not say what is in which column; add a layout"):
        read_sets({"name": "a", "format": "table", "text": bed(3)})
    with pytest.raises(InputError, match="the format bed takes no layout"):
        read_sets({"name": "a", "layout": {"place": 1, "origin": 1}, "text": bed(3)})
    assert "table" not in READERS


@pytest.fixture
def real(modifications, shared_data):
    def run(form, file, name, assembly="hg19", **options):
        drops = Drops()
        register = LAYOUT_READERS if options else READERS
        frame = register[form](
            shared_data / "annotation" / file,
            drops.scope("read", "human", "S"),
            assembly=assembly,
            modification=modifications[name],
            **options,
        )
        return frame, dict(zip(drops.frame()["reason"], drops.frame()["rows"], strict=True))

    return run


@pytest.mark.parametrize(
    ("form", "file", "name", "least"),
    [
        ("bed", "single_nucleotide/metaPlotR_pseudoU.bed.gz", "Y", 390),
        ("geo_bed", "geo_m6a/GSE63753_hek293.abcam.CIMS.m6A.9536.bed.gz", "m6A", 9_536),
        ("geo_bed", "geo_m6a/GSM2602070_molm13_rep1.tag.uniq.sites.bed.gz", "m6A", 8_113),
    ],
)
def test_described_beds_meet_their_own_readers(real, form, file, name, least):
    own, _ = real(form, file, name)
    layout = {"chrom": 1, "start": 2, "end": 3, "strand": 6, "origin": 0, "header": 0}
    told, counts = real("table", file, name, layout=layout)
    assert len(own) >= least
    assert positions(told) == positions(own)
    assert counts["kept"] == len(own)


def test_a_described_database_meets_its_own_reader(real):
    own, _ = real("redi", "a_to_i/hg19_REDIportal.txt.gz", "I")
    layout = {"chrom": 1, "start": 2, "strand": 5, "origin": 1, "header": 0, "where": {3: ["A"], 4: "G", 5: "+"}}
    told, _ = real("table", "a_to_i/hg19_REDIportal.txt.gz", "I", layout=layout)
    assert positions(told) == positions(own[own["strand"] == "+"])
    assert len(told) > 10


def test_rmbase_rows_of_each_modification(real):
    file = "rmbase/RMBase_v2_hg19_otherMod_site.sample.txt.gz"
    counts = {name: real("rmbase_v2", file, name)[1] for name in ("m5U", "m7G", "m5C", "Um", "Y")}
    assert {name: count["kept"] for name, count in counts.items()} == {"m5U": 30, "m7G": 43, "m5C": 0, "Um": 0, "Y": 0}
    assert counts["m7G"]["no G in the middle of the row's sequence"] == 1


def test_radar_dump_and_download_give_the_same_sites(real, modifications, tmp_path):
    dump, _ = real("radar", "a_to_i/hg19_RADAR2.sqlite.sql.gz", "I")
    assert len(dump) == 99
    path = tmp_path / "Human_AG_all_hg19_v2.txt"
    header = ["chromosome", "position", "gene", "strand", "annot1", "annot2", "alu?", "non_alu_repetitive?"]
    rows = dump.assign(chromosome="chr" + dump["chrom"], position=dump["start"] + 1)
    rows.assign(**dict.fromkeys(set(header) - set(rows), "no"))[header].to_csv(path, sep="\t", index=False)
    scope = Drops().scope("read", "human", "S")
    text = READERS["radar"](path, scope, assembly="hg19", modification=modifications["I"])
    assert [[row[0].removeprefix("chr"), *row[1:]] for row in positions(text)] == positions(dump)


@pytest.mark.parametrize("header", [0, 1])
def test_joined_rows_and_stray_quotes_are_refused(read, tmp_path, header):
    rows = ["chr1,100,+", "chr2,7,-", "chr2,8,-chr2,9,-", "chr2,10,-"]
    path = tmp_path / "t.csv"
    head = ["chr,pos,strand"][:header]
    path.write_text("\n".join([*head, *rows]) + "\n")
    named = {"chrom": "chr", "start": "pos", "strand": "strand"} if header else {"chrom": 1, "start": 2, "strand": 3}
    layout = named | {"origin": 1, "separator": "comma", "header": header}
    with pytest.raises(InputError, match=rf"t.csv:{3 + header}: the row has 5 fields where 3 belong"):
        read(path, layout)
    path.write_text("\n".join([*head, *rows[:2], 'chr2,"8,-', rows[3]]) + "\n")
    with pytest.raises(InputError, match=rf"t.csv:{3 + header}: the line is no CSV"):
        read(path, layout)
