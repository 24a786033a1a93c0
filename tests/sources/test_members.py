"""Files inside archives, in the forms in which GEO publishes them."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

import pytest

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
