from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.sites.readers import LAYOUT_READERS, READERS
from rnamarks.sites.site_tables import write_sites

from .small_tables import LIST, PLAIN, REDI, RMBASE, RMBASE_HEADER, SMALL, check_border


def shared(first, second):
    """Number of positions that two site tables both name."""
    keys = ["chrom", "start", "strand"]
    return len(first[keys].drop_duplicates().merge(second[keys].drop_duplicates()))


def test_all_formats_are_entered():
    assert set(READERS.names()) == set(SMALL)
    assert set(LAYOUT_READERS.names()) == {"bedmethyl", "table"}


@pytest.mark.parametrize(
    ("file", "assembly", "kept", "repeated"),
    [
        ("GSE63753_hek293.abcam.CIMS.m6A.9536.bed.gz", "hg19", 9_536, 0),
        ("GSE63753_hek293.sysy.CITS.m6A.12051.bed.gz", "hg19", 12_051, 0),
        ("GSM1828594_precise_m6A_sites_CD8T_hg18.bed.gz", "hg18", 19_682, 0),
        ("GSM2300426_precise_m6A_sites_HeLa_CA_hg19.bed.gz", "hg19", 37_609, 6),
        ("GSM2300428_precise_m6A_sites_HeLa_CY_hg19.bed.gz", "hg19", 46_351, 10),
        ("GSM2602070_molm13_rep1.tag.uniq.sites.bed.gz", "hg19", 8_113, 0),
    ],
)
def test_geo_files(read, shared_data, file, assembly, kept, repeated):
    frame, counts = read("geo_bed", shared_data / "annotation" / "geo_m6a" / file, assembly)
    check_border(frame, assembly)
    expected = {"kept": kept} | ({"duplicate position": repeated} if repeated else {})
    assert counts == expected
    assert (frame["support"] == 1).all()
    if "HeLa" in file:
        assert "chr4_gl000193_random" in set(frame["chrom"])


def test_wrong_modification_is_seen_in_the_motifs(read, shared_data):
    path = shared_data / "annotation" / "geo_m6a" / "GSE63753_hek293.abcam.CIMS.m6A.9536.bed.gz"
    frame, counts = read("geo_bed", path, modification="m7G")
    assert len(frame) == 0
    assert counts == {"motif in the name has no G in the middle": 9_536, "kept": 0}


def test_hg18_file_is_refused_for_hg19_and_hardly_overlaps(read, shared_data):
    folder = shared_data / "annotation" / "geo_m6a"
    old_path = folder / "GSM1828594_precise_m6A_sites_CD8T_hg18.bed.gz"
    with pytest.raises(InputError, match=r"another assembly than hg19 \(found 'hg18'\)"):
        read("geo_bed", old_path)
    old, _ = read("geo_bed", old_path, "hg18")
    new, _ = read("geo_bed", folder / "GSM1828594_precise_m6A_sites_CD8T_hg19.bed.gz")
    union, _ = read(
        "bed", shared_data / "annotation" / "single_nucleotide" / "iM6A_SingleNucleotideReselutionData_hg19.bed.gz"
    )
    assert (len(old), len(new)) == (19_682, 19_677)
    assert shared(old, new) == 0
    assert shared(old, union) == 1
    assert shared(new, union) == len(new)


@pytest.mark.parametrize(
    ("file", "assembly", "modification", "counts"),
    [
        ("PseudoU_Schwartz2014_Li2015_hg38.bed.gz", "hg38", "Y", {"2 nt wide (liftOver artefact)": 10, "kept": 1_786}),
        ("miCLIP_m6A_Linder2015_hg38.bed.gz", "hg38", "m6A", {"2 nt wide (liftOver artefact)": 2, "kept": 15_165}),
        ("PARCLIP_YTHDF2_Wang2014_hg38.bed.gz", "hg38", "m6A", {"wider than one nucleotide (peak)": 2_671, "kept": 0}),
        ("MeRIPseq_m1A_Dominissini2016_hg38.bed.gz", "hg38", "m1A", {"duplicate position": 1_483, "kept": 30_644}),
        ("bsRNAseq_m5C_Squires2012_hg38.bed.gz", "GRCh38", "m5C", {"kept": 10_490}),
        ("iM6A_MAZTER_mm10.bed.gz", "mm10", "m6A", {"duplicate position": 13, "kept": 1_693}),
        ("iM6A_MAZTER_hg19.bed.gz", "hg19", "m6A", {"kept": 1_411}),
        ("metaPlotR_m6a.bed.gz", "hg19", "m6A", {"kept": 9_536}),
        ("metaPlotR_pseudoU.bed.gz", "hg19", "Y", {"duplicate position": 4, "kept": 392}),
    ],
)
def test_single_nucleotide_beds(read, shared_data, file, assembly, modification, counts):
    path = shared_data / "annotation" / "single_nucleotide" / file
    frame, found = read("bed", path, assembly, modification)
    check_border(frame, assembly)
    assert found == counts


def test_comment_of_the_other_assembly_is_seen(read, shared_data, tmp_path):
    original = shared_data / "annotation" / "single_nucleotide" / "PseudoU_Schwartz2014_Li2015_hg38.bed.gz"
    (tmp_path / "sites.bed.gz").write_bytes(original.read_bytes())
    with pytest.raises(InputError, match="found 'hg38'"):
        read("bed", tmp_path / "sites.bed.gz", "hg19", "Y")


def test_text_in_the_score_column_needs_the_plain_bed_reader(read, shared_data):
    path = shared_data / "annotation" / "single_nucleotide" / "metaPlotR_m6a.bed.gz"
    with pytest.raises(InputError, match=r":1: the score is no number of reads .*; read this file with the format bed"):
        read("geo_bed", path)
    cims, _ = read("geo_bed", shared_data / "annotation" / "geo_m6a" / "GSE63753_hek293.abcam.CIMS.m6A.9536.bed.gz")
    bed, _ = read("bed", path)
    assert shared(bed, cims) == len(bed) == len(cims) == 9_536


@pytest.mark.parametrize(
    ("modification", "counts"),
    [
        ("m7G", {"another modification": 481, "no G in the middle of the row's sequence": 1, "kept": 43}),
        ("m5U", {"another modification": 495, "kept": 30}),
        ("I", {"another modification": 522, "kept": 3}),
        ("m6A", {"another modification": 525, "kept": 0}),
    ],
)
def test_rmbase(read, shared_data, modification, counts):
    path = shared_data / "annotation" / "rmbase" / "RMBase_v2_hg19_otherMod_site.sample.txt.gz"
    frame, found = read("rmbase_v2", path, modification=modification)
    check_border(frame)
    assert found == counts


def test_rmbase_says_its_assembly(read, shared_data):
    path = shared_data / "annotation" / "rmbase" / "RMBase_v2_hg19_otherMod_site.sample.txt.gz"
    with pytest.raises(InputError, match="another assembly than mm10"):
        read("rmbase_v2", path, "mm10", "m7G")


def test_rmbase_supports_types_with_commas_and_wide_rows(read, tmp_path):
    path = tmp_path / "m6A.txt"
    rows = [
        RMBASE,
        RMBASE.replace("\tm6A\t3", "\tm2,2G\t3"),
        RMBASE.replace("\tm6A\t3", "\tm6A,m1A\t3"),
        RMBASE.replace("\t101\t", "\t102\t"),
        RMBASE.replace("GGACT", "GGCCT").replace("\t100\t101\t", "\t200\t201\t"),
        RMBASE.replace("\tm6A\t3", "\tm6A\t5"),
    ]
    path.write_text("## provider: RMBase v2.0\n" + RMBASE_HEADER + "".join(rows))
    frame, counts = read("rmbase_v2", path)
    assert frame.values.tolist() == [["chr1", 100, 101, "+", "m6A", "S", 5]]
    assert counts == {
        "another modification": 2,
        "wider than one nucleotide (peak)": 1,
        "no A in the middle of the row's sequence": 1,
        "duplicate position": 1,
        "kept": 1,
    }


def test_rmbase_of_another_version_is_refused(read, tmp_path):
    path = tmp_path / "m6A.txt"
    path.write_text("##\n" + RMBASE_HEADER.replace("modName ", "") + RMBASE)
    with pytest.raises(InputError, match=":2: the header has other columns"):
        read("rmbase_v2", path)


def test_m6a_atlas(read, shared_data):
    path = shared_data / "annotation" / "m6a_atlas" / "m6A-Atlas2_Rat_Site.txt.gz"
    frame, counts = read("m6a_atlas", path, "rn6")
    check_border(frame, "rn6")
    assert counts == {"kept": 6_156}
    assert ((frame["chrom"] == "chr1") & (frame["start"] == 1_730_830) & (frame["strand"] == "+")).sum() == 1
    assert (frame["support"] == 1).all()
    with pytest.raises(InputError, match=r"another assembly than rn5 \(found 'rn6'\)"):
        read("m6a_atlas", path, "rn5")
    with pytest.raises(InputError, match="m6A only"):
        read("m6a_atlas", path, "rn6", "Y")


def test_inosine_tables(read, shared_data, tmp_path):
    folder = shared_data / "annotation" / "a_to_i"
    frame, counts = read("radar", folder / "hg19_RADAR2.sqlite.sql.gz")
    check_border(frame)
    assert counts == {"kept": 99}
    site = frame[frame["start"] == 206_256_300].iloc[0]
    assert (site["chrom"], site["strand"], site["modification"]) == ("1", "-", "I")
    frame, counts = read("redi", folder / "hg19_REDIportal.txt.gz")
    check_border(frame)
    assert counts == {"kept": 100}
    assert frame["start"].min() == 10_186
    with pytest.raises(InputError, match="inosine only"):
        read("redi", folder / "hg19_REDIportal.txt.gz", modification="m6A")

    path = tmp_path / "redi.txt"
    path.write_text("Region\tPosition\tRef\tEd\tStrand\n" + REDI + "1\t200\tT\tC\t-\n1\t300\tT\tC\t+\n")
    frame, counts = read("redi", path)
    assert frame["start"].tolist() == [99, 199]
    assert counts["not an A-to-G change on its strand"] == 1


def test_radar_insert_with_too_few_values(read, tmp_path):
    path = tmp_path / "radar.sql"
    path.write_text("BEGIN TRANSACTION;\nINSERT INTO \"x\" VALUES('1',5);\n")
    with pytest.raises(InputError, match=r"radar\.sql:2: the INSERT"):
        read("radar", path)
    path.write_text("BEGIN TRANSACTION;\nINSERT INTO \"x\" VALUES('1',5,'it''s','+','a');\nCOMMIT;\n")
    assert read("radar", path)[0]["start"].tolist() == [4]


@pytest.mark.parametrize(
    ("file", "bed", "assembly", "sites"),
    [
        ("human", "iM6A_SingleNucleotideReselutionData_hg19", "hg19", 47_084),
        ("mouse", "iM6A_All5mers_precise_m6A_sites_all3combined_mm10", "mm10", 37_563),
    ],
)
def test_transcript_lists_meet_their_bed(read, shared_data, file, bed, assembly, sites):
    folder = shared_data / "annotation"
    listed, counts = read(
        "transcript_list", folder / "transcript_sites" / f"iM6A_UniqmRNA_{file}RRACHm6Asites_dataset.txt.gz", assembly
    )
    check_border(listed, assembly)
    assert counts == {"kept": sites}
    whole, _ = read("bed", folder / "single_nucleotide" / f"{bed}.bed.gz", assembly)
    assert shared(listed, whole) == sites
    minus = listed["strand"] == "-"
    assert shared(listed[minus].assign(start=listed["start"] + 2), whole) < 0.05 * minus.sum()


def test_transcript_list_offsets_and_bounds(read, tmp_path):
    path = tmp_path / "list.txt"
    path.write_text(LIST + LIST.replace("\t+\t", "\t-\t").replace("100,", "100,200,202,"))
    frame, counts = read("transcript_list", path)
    assert frame[["start", "strand"]].values.tolist() == [[98, "-"], [100, "+"], [198, "-"]]
    assert counts == {"outside its transcript": 1, "kept": 3}
    path.write_text(LIST + LIST.replace("100,", "100,,101"))
    with pytest.raises(InputError, match=r"list.txt:2: positions is no whole number .*\(found ''\)"):
        read("transcript_list", path)


def test_own_table_survives_a_round(read, tmp_path):
    frame = pd.DataFrame(
        [["chr1", 5, 6, "+", "m6A", "a,b", 2], ["chr2", 7, 8, "-", "m6A", "a", 1]], columns=column_names("sites")
    )
    write_sites(frame, tmp_path / "sites.tsv.gz", "hg19")
    with gzip.open(tmp_path / "sites.tsv.gz", "rt") as handle:
        assert handle.readline() == "#assembly=hg19\n"
    again, counts = read("sites", tmp_path / "sites.tsv.gz")
    pd.testing.assert_frame_equal(again, frame, check_dtype=False)
    assert counts == {"kept": 2}
    with pytest.raises(InputError, match=r":1: the first line is not #assembly=mm10 \(found 'hg19'\)"):
        read("sites", tmp_path / "sites.tsv.gz", "mm10")


def test_own_table_fills_empty_sources_and_keeps_to_one_modification(read, tmp_path):
    path = tmp_path / "sites.tsv"
    path.write_text(PLAIN + "chr1\t50\t51\t+\tm6A\t\t1\nchr1\t60\t61\t+\tm1A\tz\t1\n")
    frame, counts = read("sites", path)
    assert frame["source"].tolist() == ["S", "a,b"]
    assert counts == {"another modification": 1, "kept": 2}
    path.write_text(PLAIN.replace("\t101\t", "\t102\t"))
    with pytest.raises(InputError, match=r"sites.tsv:3: the end is not the start \+ 1"):
        read("sites", path)


def test_unknown_format_lists_the_known():
    with pytest.raises(InputError, match="choose one of bed, geo_bed"):
        READERS["rmbase_v3"]


def test_large_table_comes_out_sorted_and_whole(read, tmp_path):
    rng = np.random.default_rng(1)
    starts = rng.choice(10_000_000, 30_000, replace=False)
    path = tmp_path / "big.bed"
    path.write_text("".join(f"chr1\t{start}\t{start + 1}\tx\t0\t+\n" for start in starts))
    frame, _ = read("bed", path)
    assert frame["start"].to_numpy().tolist() == sorted(starts.tolist())
