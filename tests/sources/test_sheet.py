from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mirror import published
from rnamarks.errors import InputError
from rnamarks.sites.species import read_species
from rnamarks.sources.sheet import COLUMNS, KINDS, Source, read_sources, select_source, url_fault

ROW = {
    "name": "genome_hg19",
    "version": "hg19",
    "kind": "genome",
    "species": "human",
    "url": "https://host.org/hg19.fa.gz",
    "url2": "https://host2.org/hg19.fa.gz",
    "sha256": "",
    "bytes": "",
    "assembly": "hg19",
    "licence": "free",
    "citation": "none",
    "file": "hg19.fa.gz",
    "checked": "yes",
    "note": "",
}


@pytest.fixture
def write(tmp_path: Path):
    def write(*rows: dict[str, str], columns=COLUMNS, above: str = "") -> Path:
        lines = ["\t".join(columns), *("\t".join((ROW | row)[column] for column in columns) for row in rows)]
        path = tmp_path / "sources.tsv"
        path.write_text(above + "\n".join(lines) + "\n")
        return path

    return write


def refused(path: Path, line: int | None) -> str:
    with pytest.raises(InputError) as error:
        read_sources(path)
    assert error.value.line == line
    assert str(error.value).startswith(f"{path}:")
    assert error.value.remedy
    return str(error.value)


def test_a_row_becomes_a_source(write):
    digits = "0123456789ABCDEF" * 4
    sources = read_sources(
        write({}, {"name": "b", "species": "human,mouse", "sha256": digits, "bytes": "12", "url2": ""})
    )
    assert sources[0] == Source(
        "genome_hg19", "hg19", "genome", ("human",), ROW["url"], ROW["url2"], "", None, "hg19", "free", "none",
        "hg19.fa.gz", True, "", False,
    )  # fmt: skip
    assert sources[0].urls == (ROW["url"], ROW["url2"])
    assert (sources[1].species, sources[1].sha256, sources[1].bytes) == (("human", "mouse"), digits.lower(), 12)
    assert sources[1].urls == (ROW["url"],)
    with pytest.raises(AttributeError):
        sources[0].name = "other"


def test_comments_blank_lines_and_another_order_of_columns(write):
    path = write({"kind": "windows", "assembly": ""}, columns=COLUMNS[::-1], above="# the sheet\n\n")
    assert read_sources(path)[0].kind == "windows"


def test_a_sheet_without_rows_and_an_empty_one(write, tmp_path):
    assert read_sources(write()) == []
    (tmp_path / "empty.tsv").write_text("")
    assert "empty" in refused(tmp_path / "empty.tsv", None)


def test_a_missing_sheet(tmp_path):
    assert "no such file" in refused(tmp_path / "none.tsv", None)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"name": "a b"}, "name is malformed"),
        ({"name": "../a"}, "name is malformed"),
        ({"name": ""}, "name is malformed"),
        ({"kind": "spectra"}, f"choose one of {', '.join(KINDS)}"),
        ({"species": "Homo sapiens"}, "species is malformed"),
        ({"url": ""}, "url is not a web address"),
        ({"url": "host.org/hg19.fa.gz"}, "url is not a web address"),
        ({"url": "https:///hg19.fa.gz"}, "url is not a web address"),
        ({"url": "https://host.org/a b"}, "url is not a web address"),
        ({"url": "https://host.org:port/a"}, "url is not a web address"),
        ({"url": "https://[host/a"}, "url is not a web address"),
        ({"url": "ftp://host.org/a"}, "give the same path as https://"),
        ({"url2": "s3://bucket/a"}, "url2 is not a web address"),
        ({"url2": "ftp://host.org/a"}, "url2 is an ftp address"),
        ({"url2": ROW["url"]}, "url2 repeats the url"),
        ({"sha256": "abc"}, "64 hexadecimal digits"),
        ({"sha256": "g" * 64}, "64 hexadecimal digits"),
        ({"bytes": "1e6"}, "whole number"),
        ({"bytes": "0"}, "whole number"),
        ({"bytes": "-3"}, "whole number"),
        ({"assembly": ""}, "assembly is empty"),
        ({"licence": ""}, "licence is empty"),
        ({"citation": ""}, "citation is empty"),
        ({"version": ""}, "version is empty"),
        ({"file": "a/b.gz"}, "without a folder"),
        ({"file": ".."}, "without a folder"),
        ({"file": "a.part"}, "reserved"),
        ({"checked": "maybe"}, "write yes, no or hand"),
        ({"checked": "hand"}, "say how the file is made"),
    ],
)
def test_a_bad_value_is_named_with_its_line(write, change, text):
    assert text in refused(write({"name": "good"}, change), 3)


@pytest.mark.parametrize("name", ["genome_hg19", "GENOME_hg19"])
def test_a_name_comes_once(write, name):
    assert "is already in line 2" in refused(write({}, {"name": name}), 3)


def test_the_header_is_checked(write, tmp_path):
    assert "lacks sha256" in refused(write({}, columns=[c for c in COLUMNS if c != "sha256"]), 1)
    path = write({})
    path.write_text(path.read_text().replace("note", "nota"))
    assert "lacks note" in refused(path, 1)
    path.write_text("\t".join([*COLUMNS, "extra"]) + "\n")
    assert "unknown column 'extra'" in refused(path, 1)
    path.write_text("\t".join([*COLUMNS, "name"]) + "\n")
    assert "twice" in refused(path, 1)


def test_a_line_with_too_few_fields(write):
    path = write({})
    path.write_text(path.read_text() + "genome_mm10\tmm10\n")
    assert f"2 fields and the header {len(COLUMNS)}" in refused(path, 3)


def test_windows_line_ends_and_a_byte_order_mark(write):
    path = write({})
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_sources(path)[0].name == "genome_hg19"


def test_selecting_a_source(write):
    sources = read_sources(write({}, {"name": "b"}))
    assert select_source(sources, "b").name == "b"
    with pytest.raises(InputError, match="genome_hg19, b"):
        select_source(sources, "c")
    with pytest.raises(InputError, match="the sheet is empty"):
        select_source([], "c")


def test_url_fault_lets_ordinary_addresses_pass():
    for url in ("http://host/a", "https://host.org:8443/a/b?x=1", "HTTPS://host/a", "http://[::1]:80/a"):
        assert url_fault(url) is None


@pytest.fixture(scope="module")
def shipped(repository: Path) -> dict[str, Source]:
    return {source.name: source for source in read_sources(repository / "config" / "sources.tsv")}


@pytest.fixture(scope="module")
def assemblies(repository: Path) -> dict[str, str]:
    return {entry.species: entry.assembly for entry in read_species(repository / "config" / "species.tsv")}


def test_shipped_every_species_of_the_paper_is_covered(shipped, assemblies):
    for species in ("human", "chimp", "macaque", "mouse", "rat", "pig", "zebrafish", "arabidopsis"):
        for kind in ("sites", "genome", "annotation"):
            found = [one for one in shipped.values() if one.kind == kind and one.species == (species,)]
            assert assemblies[species] in {one.assembly for one in found}, (species, kind)
        assert species == "arabidopsis" or f"rmbase_{assemblies[species]}" in shipped
    assert any(one.kind == "orthologues" for one in shipped.values())
    assert {"human", "mouse"} <= {s for one in shipped.values() if one.name.startswith("sramp") for s in one.species}


def test_shipped_species_and_assemblies_agree_with_the_register(shipped, assemblies):
    for one in shipped.values():
        assert set(one.species) <= {*assemblies, "all"}, one.name
        if one.assembly and one.assembly not in one.note:
            assert one.assembly == ",".join(assemblies[species] for species in one.species), one.name


def test_shipped_addresses_name_one_release(shipped):
    for one in shipped.values():
        for url in one.urls:
            path = urlsplit(url).path
            assert not re.search(r"/(current|latest|master|main)[/_]", path), one.name
            assert path.endswith(".gz") == one.file.endswith(".gz"), one.name
            if "github" in url:
                # of some commits only the beginning is known
                assert re.search(r"/[0-9a-f]{40}/" if one.checked else r"/[0-9a-f]{12,40}/", path), one.name


def test_shipped_size_and_checksum_come_together_and_doubts_are_explained(shipped):
    for one in shipped.values():
        assert bool(one.sha256) == bool(one.bytes), one.name
        assert one.checked or one.by_hand or one.note, one.name


def test_shipped_checksums_are_those_of_the_real_files(shipped, shared_data):
    """The packed copies unpack to the published bytes."""
    known = [one for one in shipped.values() if one.sha256]
    for one in known:
        data = published(one, shared_data)
        assert data is not None, one.name
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (one.sha256, one.bytes), one.name
    assert len(known) > 100
