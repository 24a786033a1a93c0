"""Files inside archives, in the forms in which GEO publishes them, and tables of Excel and R."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile

import pytest

from mirror import GTF, r_data, workbook
from rnamarks.biology.gene_tables import read_values
from rnamarks.errors import InputError
from rnamarks.sources.members import extract_member, member_path, reference_of

RSEM = "gene_id\ttranscript_id(s)\tlength\teffective_length\texpected_count\tTPM\tFPKM\n"
HG19 = "GSM2072352_ENCFF001AAA_gene_quantifications_hg19.tsv.gz"
MEMBERS = {
    HG19: gzip.compress(f"{RSEM}ENSG00000000003.10\tENST1,ENST2\t2000\t1900\t10\t1.5\t2.5\n".encode()),
    "GSM2072352_ENCFF001BBB_gene_quantifications_GRCh38.tsv.gz": gzip.compress(RSEM.encode()),
    "GSM2072352_ENCFF001CCC_transcript_quantifications_hg19.tsv.gz": gzip.compress(RSEM.encode()),
    "GSM2072352_ENCFF001DDD_signal_of_unique_reads_hg19.bigWig": bytes(4000),
}


def write_tar(path, members=MEMBERS, mode="w", folder=""):
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(folder + name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def write_zip(path, members=MEMBERS):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"folder/{name}", content)
    return path


@pytest.mark.parametrize("wanted", ["*_gene_quantifications_hg19.tsv.gz", "*AAA*", HG19])
@pytest.mark.parametrize("kind", ["tar", "tar.gz", "in a folder", "zip"])
def test_one_table_of_an_archive_is_read(tmp_path, wanted, kind):
    if kind == "zip":
        archive = write_zip(tmp_path / "a.zip")
    elif kind == "tar.gz":
        archive = write_tar(tmp_path / "a.tar.gz", mode="w:gz")
    else:
        archive = write_tar(tmp_path / "GSM2072352_RAW.tar", folder="./raw/" if kind == "in a folder" else "")
    out = tmp_path / "members" / "one"
    assert extract_member(archive, wanted, out).endswith(HG19)
    assert out.read_bytes() == MEMBERS[HG19]
    assert read_values(out, "rsem").frame.to_dict("records") == [{"id": "ENSG00000000003.10", "value": 2.5}]


def test_members_are_listed_when_not_exactly_one_fits(tmp_path):
    archive, out = write_tar(tmp_path / "a_RAW.tar"), tmp_path / "out"
    with pytest.raises(
        InputError, match=r"a_RAW.tar: the archive has no such member .found '\*hg18\*'.; name one of"
    ) as error:
        extract_member(archive, "*hg18*", out)
    assert all(name in str(error.value) for name in MEMBERS)
    with pytest.raises(InputError, match=r"2 members of the archive fit") as error:
        extract_member(archive, "*_gene_*", out)
    assert "bigWig" not in str(error.value)
    many = write_tar(tmp_path / "many.tar", {f"m{at}": b"x" for at in range(30)})
    with pytest.raises(InputError, match="m19 and 10 more"):
        extract_member(many, "n", out)
    with pytest.raises(InputError, match="it holds no file"):
        extract_member(write_tar(tmp_path / "none.tar", {}), "n", out)
    assert not out.exists()
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".part"]


def test_what_is_no_archive_is_refused(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(InputError, match="no such file"):
        extract_member(tmp_path / "absent.tar", "x", out)
    for name, content in (("text.tar", b"<html></html>" * 100), ("empty.tar", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match="not a tar or zip archive, or a damaged one"):
            extract_member(tmp_path / name, "x", out)
    cut = write_tar(tmp_path / "cut.tar.gz", {"x": bytes(range(256)) * 400}, mode="w:gz")
    cut.write_bytes(cut.read_bytes()[:300])
    with pytest.raises(InputError, match="damaged"):
        extract_member(cut, "x", out)
    assert not out.exists()


@pytest.mark.parametrize("archive", ["data/GSM1_RAW.tar", "/far/a b/x.tar.gz", "../x.ZIP"])
def test_the_path_of_a_member_tells_archive_and_member(archive):
    path = member_path(f"{archive}#deep/*hg19.tsv")
    folder, first, second = path.rsplit("/", 2)
    assert folder == "resources/members"
    assert reference_of(first, second) == (archive, "deep/*hg19.tsv")


@pytest.mark.parametrize("path", ["data/table.tsv", "data/x.tar", "odd#name.bed", "x.tar#"])
def test_other_paths_stay(path):
    assert member_path(path) == path


TABLE = [["gene", "sites", "ratio", "note"], ["TFC3", "12", "0.25", "a"], ["EFB1", "7", "1e-05", ""]]
EXON = [["chr22", "unknown", "exon", "162", "388", ".", "+", ".", 'gene_id "A"; transcript_id "B";']]


@pytest.mark.parametrize(
    ("file", "content", "part", "lines"),
    [
        ("a.xlsx", workbook({"Legend": [["what"]], "S 3": TABLE}), "S 3", TABLE),
        ("a.RData", r_data("made", TABLE), "made", TABLE),
        ("a.rda", r_data("gtf", [GTF, *EXON]), "gtf", EXON),
    ],
)
def test_a_sheet_and_a_data_frame_become_text(tmp_path, file, content, part, lines):
    (tmp_path / file).write_bytes(content)
    assert member_path(f"{tmp_path}/{file}#{part}").startswith("resources/members/")
    assert extract_member(tmp_path / file, part, tmp_path / "out") == part
    assert (tmp_path / "out").read_text() == "".join("\t".join(row) + "\n" for row in lines)


def r_file(value: bytes) -> bytes:
    """An object ``made`` in an R data file of version 3, from its bytes."""
    head = b"RDX3\nX\n" + struct.pack(">iiii", 3, 0x40300, 0x30500, 5) + b"UTF-8"
    return head + struct.pack(">iiii", 0x402, 1, 0x40009, 4) + b"made" + value + END


END = struct.pack(">i", 254)


def r_text(*texts: str | None) -> bytes:
    chars = (
        struct.pack(">ii", 9, -1) if text is None else struct.pack(">ii", 0x40009, len(text)) + text.encode()
        for text in texts
    )
    return struct.pack(">ii", 16, len(texts)) + b"".join(chars)


def r_frame(names: tuple[str, ...], *columns: bytes) -> bytes:
    symbols = (struct.pack(">ii", 0x402, 1) + r_text(name)[8:] for name in ("names", "class"))
    attributes = [symbol + text for symbol, text in zip(symbols, (r_text(*names), r_text("data.frame")), strict=True)]
    return struct.pack(">ii", 0x313, len(columns)) + b"".join(columns) + b"".join(attributes) + END


def test_a_frame_of_recent_r_with_missing_values_and_compact_columns(tmp_path):
    # 5, 4, 3 as R 3.5 keeps it: the class of the vector, then length, first and step
    symbols = b"".join(struct.pack(">ii", 2, 1) + r_text(name)[8:] for name in ("compact_intseq", "base"))
    kind = symbols + struct.pack(">iiii", 2, 13, 1, 13) + END
    compact = struct.pack(">i", 238) + kind + struct.pack(">ii3d", 14, 3, 3, 5, -1) + END
    logical = struct.pack(">ii3i", 10, 3, 1, 0, -(1 << 31))
    real = struct.pack(">ii3d", 14, 3, 2.0, float("nan"), -0.5)
    whole = struct.pack(">ii3i", 13, 3, -(1 << 31), 0, 9)
    frame = r_frame(("a", "b", "c", "d", "e"), compact, logical, real, whole, r_text("x", None, "y\tz"))
    (tmp_path / "a.rda").write_bytes(r_file(frame))
    extract_member(tmp_path / "a.rda", "made", tmp_path / "out")
    assert (tmp_path / "out").read_text() == "a\tb\tc\td\te\n5\tTRUE\t2\t\tx\n4\tFALSE\t\t0\t\n3\t\t-0.5\t9\ty z\n"


def r_factor(code: int) -> bytes:
    """A factor of one value, whose only level is ``x``."""
    attributes = (
        struct.pack(">ii", 0x402, 1) + r_text(name)[8:] + r_text(text)
        for name, text in (("levels", "x"), ("class", "factor"))
    )
    return struct.pack(">iii", 0x30D, 1, code) + b"".join(attributes) + END


def test_a_factor_becomes_its_levels(tmp_path):
    (tmp_path / "a.rda").write_bytes(r_file(r_frame(("a", "b"), r_factor(1), r_factor(-(1 << 31)))))
    extract_member(tmp_path / "a.rda", "made", tmp_path / "out")
    assert (tmp_path / "out").read_text() == "a\tb\nx\t\n"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"RDA2\nA\n2\n", "none that R's save wrote in its usual form"),
        (r_data("made", TABLE)[:100], "the R data file is damaged"),
        (r_file(r_frame(("a",), r_text("x")))[:-30], "the R data file is damaged"),
        (r_file(r_frame(("a",), r_factor(2))), "the R data file is damaged"),
        (r_file(r_frame(("a",), r_factor(0))), "the R data file is damaged"),
        (r_file(r_frame(("a", "b"), r_text("x"), r_text("y", "z"))), "the R data file is damaged"),
        (r_file(struct.pack(">ii", 0x210, 0)), "the R data file is damaged"),
        (r_data("other", TABLE), r"no such object .found 'made'.; name one of other"),
        (r_file(r_text("x")), "the object is no data frame"),
        (r_file(struct.pack(">i", 3)), "an object of R's type 3, which is not read"),
        (r_file(r_frame(("a",), struct.pack(">ii", 19, 1) + r_text("x"))), "neither text nor numbers .found 'a'"),
    ],
)
def test_a_data_file_of_r_without_the_table_is_refused(tmp_path, content, text):
    (tmp_path / "a.rda").write_bytes(content)
    with pytest.raises(InputError, match=text):
        extract_member(tmp_path / "a.rda", "made", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_workbook_without_the_sheet_is_refused(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(workbook({"S1": TABLE}))
    with pytest.raises(InputError, match=r"no such sheet .found 'S2'.; choose one of S1"):
        extract_member(tmp_path / "a.xlsx", "S2", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("part", "fault"),
    [("xl/workbook.xml", "no workbook, or damaged"), ("xl/worksheets/sheet1.xml", "the sheet is damaged")],
)
def test_a_damaged_workbook_is_refused(tmp_path, part, fault):
    whole = zipfile.ZipFile(io.BytesIO(workbook({"one": [["a", "b"], ["c", "d"]]})))
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        for name in whole.namelist():
            content = whole.read(name)
            archive.writestr(name, content[: len(content) - 30] if name == part else content)
    with pytest.raises(InputError, match=fault):
        extract_member(tmp_path / "a.xlsx", "one", tmp_path / "out")
    assert not (tmp_path / "out").exists()
