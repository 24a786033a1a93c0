"""bedRMod files are written as specified, read back by others, and broken ones are refused with reason and line."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import scan_world as world

from rnamarks.errors import InputError
from rnamarks.prediction.bedrmod import (
    COLUMNS,
    HEADER_KEYS,
    BedRModHeader,
    prediction_header,
    write_bedrmod,
)
from rnamarks.prediction.bedrmod_check import MOST_FAULTS, check_bedrmod

TASK = {"name": "human", "modification": "m6A", "base": "A", "motif": "DRACH", "motif_offset": 2}
TASK["colour"] = "#882255"
METADATA = {"tasks": [TASK], "predictor": "multi", "model_sha256": "ab12", "prevalence": {"human": 0.09}}
STATED = {"organism": 9606, "assembly": "GRCh38", "annotation_source": "Ensembl", "annotation_version": "110"}

# the example of the specification
EXAMPLE = """#fileformat=bedRModv2
#organism=9606
#modification_type=RNA
#modification_names=20607:m5C:C,21891:m6A:A
#assembly=GRCh38
#annotation_source=Ensembl
#annotation_version=110
#sequencing_platform=Illumina NovaSeq 6000
#basecalling=
#bioinformatics_workflow=workflow:somewhere
#experiment=https://doi.org/10.1
#external_source=SRA:PRJNA1,GEO:GSE1
#chrom\tchromStart\tchromEnd\tname\tscore\tstrand\tthickStart\tthickEnd\titemRgb\tcoverage\tfrequency
1\t1391918\t1391919\t20607\t0\t-\t1391918\t1391919\t0,0,0\t42\t42.56
2\t8878712\t8878713\t20607,CpG\t0\t-\t8878712\t8878713\t0\t318\t44.23
3\t11980442\t11980443\t21891\t0\t+\t11980442\t11980443\t0,0,0\t111\t0
"""


def sites() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "chrom": ["KI270728.1", "chr1", "chr1", "chrM"],
            "start": [5, 0, 9_000_000_000, 7],
            "strand": ["+", "-", "+", "+"],
            "modification": "m6A",
            "probability": np.array([0.25, 1.0, 1e-7, 0.51234], dtype=np.float32),
            "isoforms": [1, 3, 1, 2],
        }
    )


def written(tmp_path, frame=None, **options):
    header = prediction_header(METADATA, **STATED, **options)
    path = tmp_path / "sites.bedrmod"
    write_bedrmod([sites() if frame is None else frame], path, header, comments=["4 sites"])
    return path


def broken(tmp_path, text: str):
    path = tmp_path / "broken.bedrmod"
    path.write_bytes(text.encode())
    return path


def test_what_is_written_is_sound_and_says_that_it_is_predicted(tmp_path):
    path = written(tmp_path, limits=["probability>0.5", "false_fraction<0.1"])
    report = check_bedrmod(path)
    assert (report.n_faults, report.n_warnings, report.sites) == (0, 0, 4)
    assert tuple(report.header) == HEADER_KEYS
    assert report.header["modification_names"] == "m6A:m6A:A"
    workflow = report.header["bioinformatics_workflow"]
    for text in (
        "PREDICTIONS from sequence, no measurement",
        "model:multi sha256 ab12",
        "tasks:human;",
        "probability>0.5 and false_fraction<0.1",
        "coverage:transcripts scored at the site (no reads)",
        "not a stoichiometry",
    ):
        assert text in workflow
    lines = path.read_text().splitlines()
    assert "# 4 sites" in lines
    assert "# sequence KI270728.1 is written KI270728_1" in lines
    assert lines[len(HEADER_KEYS)] == "#" + "\t".join(COLUMNS)
    assert all(line.count("=") == 1 for line in lines[: len(HEADER_KEYS)])
    assert lines[len(HEADER_KEYS) + 3] == "KI270728_1\t5\t6\tm6A\t250\t+\t5\t6\t136,34,85\t1\t25.0000"


def test_reading_back(tmp_path):
    frame, header = world.read_bedrmod(written(tmp_path))
    expected = sites()
    assert frame["chromStart"].tolist() == expected["start"].tolist()
    assert frame["chromEnd"].tolist() == (expected["start"] + 1).tolist()
    assert frame["coverage"].tolist() == expected["isoforms"].tolist()
    np.testing.assert_allclose(frame["frequency"], 100 * expected["probability"], atol=1e-4)
    assert frame["score"].tolist() == ["250", "1000", "0", "512"]
    assert set(frame["name"]) == {"m6A"}
    assert header["organism"] == "9606"


def test_pysam_reads_equal_content(tmp_path):
    frame = sites().iloc[[1, 3]]
    path = written(tmp_path, frame)
    pysam.tabix_compress(str(path), str(tmp_path / "s.bed.gz"))
    pysam.tabix_index(str(tmp_path / "s.bed.gz"), preset="bed")
    with pysam.TabixFile(str(tmp_path / "s.bed.gz")) as bed:
        rows = [
            (row.contig, row.start, row.end, row.name, row.strand, int(row[9]), float(row[10]))
            for row in bed.fetch(parser=pysam.asBed())
        ]
    assert rows == [("chr1", 0, 1, "m6A", "-", 3, 100.0), ("chrM", 7, 8, "m6A", "+", 2, 51.234)]


def test_no_site_is_said(tmp_path):
    report = check_bedrmod(written(tmp_path, sites().iloc[:0]))
    assert report.n_faults == 0
    assert "no site" in str(report.warnings[0])
    frame, _ = world.read_bedrmod(tmp_path / "sites.bedrmod")
    assert len(frame) == 0


@pytest.mark.parametrize("dress", [lambda text: text, lambda text: text.replace("\n", "\r\n")])
def test_the_example_of_the_specification(tmp_path, dress):
    report = check_bedrmod(broken(tmp_path, dress(EXAMPLE)))
    assert [str(fault) for fault in report.faults] == []
    assert report.sites == 3
    (tmp_path / "x.gz").write_bytes(gzip.compress(EXAMPLE.encode()))
    assert check_bedrmod(tmp_path / "x.gz").n_faults == 0


SITE = "1\t1391918\t1391919\t20607\t0\t-\t1391918\t1391919\t0,0,0\t42\t42.56"
FAULTS = {
    "no format": (("#fileformat=bedRModv2\n", ""), 1, "header field fileformat is missing"),
    "another version": (("bedRModv2", "bedRModv1.8"), 1, "the format is another one"),
    "a missing key": (("#experiment=https://doi.org/10.1\n", ""), 1, "experiment is missing"),
    "a key twice": (("#basecalling=", "#basecalling=\n#basecalling="), 10, "is in line 9"),
    "a value that must be there": (("#assembly=GRCh38", "#assembly="), 5, "assembly has no value"),
    "an organism by name": (("=9606", "=human"), 2, "no NCBI taxon"),
    "names without base": (("20607:m5C:C", "20607:m5C"), 4, "malformed"),
    "names of any base": (("20607:m5C:C", "20607:m5C:N"), 4, "malformed"),
    "a name explained twice": (("20607:m5C:C", "21891:m1A:A,20607:m5C:C"), 4, "explains a name twice"),
    "ten fields": ((SITE, SITE.rpartition("\t")[0]), 14, "11 or more fields, this one 10"),
    "another number of fields": (("44.23", "44.23\tx\ty"), 15, "the line has 13 fields, others 11"),
    "a contig with a dot": (("\n2\t", "\nKI270728.1\t"), 15, "chrom holds more than"),
    "a start that is no number": (("\t8878712\t8878713", "\t8,878,712\t8878713"), 15, "chromStart is no whole number"),
    "a negative start": (("\t8878712\t8878713", "\t-8\t8878713"), 15, "chromStart is no whole number"),
    "an end before the start": (("1\t1391918\t1391919", "1\t1391919\t1391918"), 14, "chromEnd is not above"),
    "thick off the site": (("-\t1391918\t1391919", "-\t1391910\t1391919"), 14, "leave the site"),
    "a name without explanation": (("\t21891\t", "\tm1A\t"), 16, "not in modification_names"),
    "an empty field": (("\t0\t-\t1391918", "\t\t-\t1391918"), 14, "the score is missing"),
    "no ASCII": (("20607,CpG", "20607,\u03a8"), 15, "printable ASCII"),
    "a strand": (("\t0\t+\t", "\t0\t*\t"), 16, "strand is none of"),
    "a colour": (("0,0,0\t42", "0,0,256\t42"), 14, "three numbers up to 255"),
    "no coverage": (("\t318\t", "\t0\t"), 15, "coverage is 0"),
    "a fraction of reads": (("\t318\t", "\t31.8\t"), 15, "coverage is no whole number"),
    "a frequency above 100": (("42.56", "142.56"), 14, "no percentage"),
    "a frequency that is none": (("42.56", "nan"), 14, "no percentage"),
    "a blank line": ((f"{SITE}\n", f"{SITE}\n\n"), 15, "blank"),
    "a header below a site": ((f"{SITE}\n", f"{SITE}\n#organism=9606\n"), 15, "below a site"),
    "two kinds of line ends": ((f"{SITE}\n", f"{SITE}\r\n"), None, "end in several ways"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_broken_files_are_refused(tmp_path, name):
    (old, new), line, says = FAULTS[name]
    assert old in EXAMPLE
    path = broken(tmp_path, EXAMPLE.replace(old, new, 1))
    report = check_bedrmod(path)
    assert report.n_faults == len(report.faults) == 1
    (fault,) = report.faults
    assert says in str(fault)
    assert str(fault).startswith(f"{path}:{line}: " if line else f"{path}: ")
    assert fault.remedy
    with pytest.raises(InputError):
        world.read_bedrmod(path)


def test_every_fault_is_reported(tmp_path):
    text = EXAMPLE.replace("=9606", "=x").replace("\t318\t", "\t0\t").replace("\t111\t0", "\t111\t-1")
    report = check_bedrmod(broken(tmp_path, text))
    assert [fault.line for fault in report.faults] == [2, 15, 16]
    many = EXAMPLE + "1\t2\n" * (MOST_FAULTS + 5)
    report = check_bedrmod(broken(tmp_path, many))
    assert (len(report.faults), report.n_faults) == (MOST_FAULTS, MOST_FAULTS + 5)


@pytest.mark.parametrize("text", ["", "#fileformat=bedRModv2\n", "chr1\t1\t2\n"])
def test_files_that_are_something_else(tmp_path, text):
    assert check_bedrmod(broken(tmp_path, text)).n_faults >= 11


def test_what_is_only_advised_against(tmp_path):
    blanks = EXAMPLE.replace(SITE, SITE.replace("\t", " "))
    report = check_bedrmod(broken(tmp_path, blanks))
    assert report.n_faults == 0
    assert "separated by blanks" in str(report.warnings[0])
    frame, _ = world.read_bedrmod(tmp_path / "broken.bedrmod")
    assert frame["frequency"].tolist() == [42.56, 44.23, 0]
    scored = EXAMPLE.replace("\t0\t+\t", "\thigh\t+\t")
    assert "score is no whole number" in str(check_bedrmod(broken(tmp_path, scored)).warnings[0])
    twelve = "\n".join(line if line.startswith("#") or not line else line + "\tx" for line in EXAMPLE.split("\n"))
    assert "BED12" in str(check_bedrmod(broken(tmp_path, twelve)).warnings[0])


def test_a_header_that_the_format_cannot_hold():
    with pytest.raises(InputError, match="header field assembly"):
        prediction_header(METADATA, **STATED | {"assembly": ""})
    with pytest.raises(InputError, match="header field annotation_source"):
        prediction_header(METADATA, **STATED | {"annotation_source": "Ensémbl"})

    def asked(**changes):
        return METADATA | {"tasks": [TASK | changes]}

    for changes in (
        {"base": "", "motif": "", "motif_offset": 0},
        {"base": "", "motif": "RAC", "motif_offset": 0},
        {"modification": ""},
    ):
        with pytest.raises(InputError, match="does not tell its modification and the unmodified base"):
            prediction_header(asked(**changes), **STATED)
    with pytest.raises(InputError, match="give its ChEBI number"):
        prediction_header(asked(modification="m2,2G"), **STATED)
    metadata = asked(modification="m2,7G", base="", motif="", motif_offset=0)
    header = prediction_header(metadata, base="G", chebi="7", **STATED)
    assert header.modification_names == [("7", "m2,7G", "G")]


def test_several_modifications_in_one_file(tmp_path):
    tasks = [TASK, TASK | {"name": "mouse"}, {"name": "Y", "modification": "Y", "base": "U"}]
    header = prediction_header(METADATA | {"tasks": tasks}, **STATED)
    assert header.modification_names == [("m6A", "m6A", "A"), ("Y", "Y", "U")]
    frame = sites().assign(modification=["m6A", "Y", "Y", "m6A"])
    write_bedrmod([frame], tmp_path / "s.bedrmod", header)
    found, _ = world.read_bedrmod(tmp_path / "s.bedrmod")
    assert found["name"].tolist() == ["m6A", "Y", "Y", "m6A"]
    assert found["itemRgb"].tolist() == ["136,34,85", "0,0,0", "0,0,0", "136,34,85"]


def test_sites_in_parts(tmp_path):
    whole = written(tmp_path).read_bytes()
    parts = [sites().iloc[:1], sites().iloc[1:3], sites().iloc[3:3], sites().iloc[3:]]
    header = prediction_header(METADATA, **STATED)
    write_bedrmod(parts, tmp_path / "parts.bedrmod", header, comments=["4 sites"])
    assert (tmp_path / "parts.bedrmod").read_bytes() == whole
    with pytest.raises(TypeError, match="gone through twice"):
        write_bedrmod(iter(parts), tmp_path / "parts.bedrmod", header)


def test_two_chromosomes_of_one_name(tmp_path):
    frame = sites().assign(chrom=["a.1", "a_1", "b", "c"])
    with pytest.raises(InputError, match=r"so a\.1 and this one would be the same"):
        written(tmp_path, frame)


def test_header_lines_are_those_of_the_specification():
    header = BedRModHeader(9606, [("21891", "m6A", "A"), ("m5C", "m5C", "C")], "GRCh38", "Ensembl", "110")
    assert header.lines()[:7] == [
        "#fileformat=bedRModv2",
        "#organism=9606",
        "#modification_type=RNA",
        "#modification_names=21891:m6A:A,m5C:m5C:C",
        "#assembly=GRCh38",
        "#annotation_source=Ensembl",
        "#annotation_version=110",
    ]
    assert [line.partition("=")[0][1:] for line in header.lines()] == list(HEADER_KEYS)
