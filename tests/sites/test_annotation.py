"""Gene annotation in its dialects."""

from __future__ import annotations

import gzip

import pytest

from rnamarks.errors import InputError
from rnamarks.sites import annotation as annotation_module
from rnamarks.sites.annotation import ANNOTATION_COLUMNS, match_contigs, read_annotation
from rnamarks.sites.drops import Drops


def gtf(*rows: tuple) -> str:
    """GTF lines of (chrom, feature, start, end, strand, attributes), 1-based closed."""
    return "".join(
        f"{chrom}\tmade\t{feature}\t{start}\t{end}\t.\t{strand}\t.\t{attributes}\n"
        for chrom, feature, start, end, strand, attributes in rows
    )


def ids(transcript: str, gene: str = "g", more: str = "") -> str:
    return f'gene_id "{gene}"; transcript_id "{transcript}";{more}'


CODING = gtf(
    ("chr1", "exon", 11, 20, "+", ids("plus", "g1", ' gene_name "ABC"; transcript_biotype "protein_coding";')),
    ("chr1", "exon", 31, 50, "+", ids("plus", "g1")),
    ("chr1", "CDS", 16, 20, "+", ids("plus", "g1")),
    ("chr1", "CDS", 31, 40, "+", ids("plus", "g1")),
    ("chr1", "stop_codon", 41, 43, "+", ids("plus", "g1")),
    ("chr1", "exon", 131, 150, "-", ids("minus", "g2")),
    ("chr1", "exon", 111, 120, "-", ids("minus", "g2")),
    ("chr1", "CDS", 116, 120, "-", ids("minus", "g2")),
    ("chr1", "CDS", 131, 140, "-", ids("minus", "g2")),
    ("chr1", "stop_codon", 113, 115, "-", ids("minus", "g2")),
)


def write(path, text: str, packed: bool = False):
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    return path


def read(path):
    drops = Drops()
    return read_annotation(path, drops, species="made"), drops


def row_of(frame, transcript: str):
    return frame.set_index("transcript").loc[transcript]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_coordinates_on_both_strands(tmp_path, packed, ending, mark):
    text = mark + "#!genome-build made\n" + CODING
    frame, drops = read(write(tmp_path / "a.gtf", text.replace("\n", ending), packed))
    assert tuple(frame.columns) == ANNOTATION_COLUMNS
    plus, minus = row_of(frame, "plus"), row_of(frame, "minus")
    assert (plus.exon_starts.tolist(), plus.exon_ends.tolist()) == ([10, 30], [20, 50])
    assert (plus.cds_start, plus.cds_end) == (5, 23)
    assert (minus.exon_starts.tolist(), minus.exon_ends.tolist()) == ([110, 130], [120, 150])
    assert (minus.cds_start, minus.cds_end) == (10, 28)
    assert (plus.gene, plus.gene_name, plus.biotype) == ("g1", "ABC", "protein_coding")
    assert (minus.gene, minus.gene_name, minus.biotype) == ("g2", "", "")
    assert drops.rows("kept") == 2


def test_a_stop_codon_inside_the_coding_rows_gives_the_same_interval(tmp_path):
    outside, _ = read(write(tmp_path / "outside.gtf", CODING))
    text = CODING.replace("CDS\t31\t40", "CDS\t31\t43").replace("CDS\t116\t120", "CDS\t113\t120")
    inside, _ = read(write(tmp_path / "inside.gtf", text))
    without = "".join(line for line in text.splitlines(keepends=True) if "stop_codon" not in line)
    alone, _ = read(write(tmp_path / "alone.gtf", without))
    for frame in (inside, alone):
        assert frame[["cds_start", "cds_end"]].equals(outside[["cds_start", "cds_end"]])


def test_a_stop_codon_split_by_an_intron(tmp_path):
    text = gtf(
        ("1", "exon", 1, 10, "+", ids("t")),
        ("1", "exon", 21, 30, "+", ids("t")),
        ("1", "CDS", 1, 9, "+", ids("t")),
        ("1", "stop_codon", 10, 10, "+", ids("t")),
        ("1", "stop_codon", 21, 22, "+", ids("t")),
    )
    frame, _ = read(write(tmp_path / "a.gtf", text))
    assert frame[["cds_start", "cds_end"]].to_numpy().tolist() == [[0, 12]]


def test_no_coding_sequence(tmp_path):
    frame, _ = read(write(tmp_path / "a.gtf", gtf(("1", "exon", 1, 10, "+", ids("t")))))
    assert frame[["cds_start", "cds_end"]].to_numpy().tolist() == [[-1, -1]]


def test_one_id_on_two_chromosomes_is_two_transcripts(tmp_path):
    text = gtf(
        ("chrY", "exon", 101, 110, "+", ids("NM_1")),
        ("chrX", "exon", 1, 10, "+", ids("NM_1")),
        ("chrX", "CDS", 4, 9, "+", ids("NM_1")),
        ("chrX", "exon", 31, 40, "-", ids("NM_1")),
    )
    frame, drops = read(write(tmp_path / "a.gtf", text))
    assert dict(zip(frame["transcript"], frame["chrom"] + frame["strand"], strict=True)) == {
        "NM_1": "chrY+",
        "NM_1_dup1": "chrX+",
        "NM_1_dup2": "chrX-",
    }
    assert row_of(frame, "NM_1_dup1").cds_end == 9
    assert drops.rows("note: transcript id on several loci, suffix _dup added") == 2


def test_what_cannot_be_a_transcript_is_counted(tmp_path):
    text = CODING + gtf(
        ("1", "exon", 1, 10, "+", ids("overlap")),
        ("1", "exon", 10, 20, "+", ids("overlap")),
        ("1", "exon", 1, 10, ".", ids("strandless")),
        ("1", "exon", 1, 10, "+", ids("astray")),
        ("1", "CDS", 5, 12, "+", ids("astray")),
        ("1", "exon", 1, 10, "+", ids("twice")),
        ("1", "exon", 1, 10, "+", ids("twice")),
    )
    frame, drops = read(write(tmp_path / "a.gtf", text))
    assert sorted(frame["transcript"]) == ["minus", "plus", "twice"]
    for reason in ("exons overlap each other", "no strand", "coding sequence outside the exons"):
        assert drops.rows(reason) == 1
    assert drops.rows("note: exon rows listed twice") == 1


def test_genes_of_a_file_that_names_none(tmp_path):
    text = gtf(
        ("1", "exon", 1, 10, "+", ids("t3", "t3")),
        ("1", "exon", 31, 40, "+", ids("t3", "t3")),
        ("1", "exon", 35, 45, "+", ids("t1", "t1")),
        ("1", "exon", 35, 45, "-", ids("t2", "t2")),
        ("1", "exon", 15, 20, "+", ids("t4", "t4")),
        ("2", "exon", 1, 10, "+", ids("t5", "t5")),
    )
    frame, drops = read(write(tmp_path / "a.gtf", text))
    genes = frame.set_index("transcript")["gene"].to_dict()
    assert genes == {"t1": "t1", "t3": "t1", "t2": "t2", "t4": "t4", "t5": "t5"}
    assert drops.rows("note: gene told from overlapping exons") == 5


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("chr1\tmade\texon\t1\t10\t.\t+\t.\n", "9 tab-separated fields"),
        ("chr1 made exon 1 10 . + . x\n", "9 tab-separated fields"),
        (gtf(("1", "exon", "one", 10, "+", ids("t"))), "the start is not a whole number"),
        (gtf(("1", "exon", 1, "1e3", "+", ids("t"))), "the end is not a whole number"),
        (gtf(("1", "exon", 0, 10, "+", ids("t"))), "the start is not 1 or more"),
        (gtf(("1", "exon", 10, 1, "+", ids("t"))), "the end lies before the start"),
        (gtf(("1", "exon", 1, 10, "+", "ID=e1;Parent=t1")), "convert GFF3 to GTF"),
        (gtf(("1", "exon", 1, 10, "+", 'gene_id "g"; transcript_id "";')), "no transcript_id"),
        (gtf(("1", "exon", 1, 10, "+", 'orig_gene_id "g"; transcript_id "t";')), "no gene_id"),
    ],
)
def test_a_malformed_line_is_named(tmp_path, bad, says):
    path = write(tmp_path / "a.gtf", "# head\n" + CODING + bad)
    with pytest.raises(InputError, match=says) as caught:
        read(path)
    assert f"{path}:12: " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "# nothing\n", gtf(("1", "gene", 1, 10, "+", 'gene_id "g";'))])
def test_nothing_in_the_file(tmp_path, text):
    with pytest.raises(InputError, match=r"a\.gtf: the annotation (is empty|has no exon)"):
        read(write(tmp_path / "a.gtf", text))


def test_missing_and_cut_files(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "none.gtf")
    path = tmp_path / "cut.gtf.gz"
    path.write_bytes(gzip.compress(CODING.encode() * 50)[:-20])
    with pytest.raises(InputError, match="cut off or corrupt"):
        read(path)


def test_blocks_do_not_matter(shared_data, monkeypatch):
    path = shared_data / "transcripts" / "human_hox" / "transcripts.gtf.gz"
    whole, _ = read(path)
    monkeypatch.setattr(annotation_module, "_BLOCK", 3000)
    pieces, _ = read(path)
    assert whole.astype(str).equals(pieces.astype(str))


def test_derived_regions_equal_the_annotated_utrs(shared_data):
    path = shared_data / "transcripts" / "human_hox" / "transcripts.gtf.gz"
    frame, _ = read(path)
    utr = {"five_prime_utr": {}, "three_prime_utr": {}}
    with gzip.open(path, "rt") as handle:
        for line in handle:
            fields = line.rstrip("\n").split("\t")
            if len(fields) == 9 and fields[2] in utr:
                name = fields[8].split('transcript_id "')[1].split('"')[0]
                utr[fields[2]][name] = utr[fields[2]].get(name, 0) + int(fields[4]) - int(fields[3]) + 1
    coding = frame[frame["cds_start"] >= 0]
    assert len(frame) == 27
    assert len(coding) >= 18
    for row in coding.itertuples():
        length = int((row.exon_ends - row.exon_starts).sum())
        assert row.cds_start == utr["five_prime_utr"].get(row.transcript, 0)
        assert length - row.cds_end == utr["three_prime_utr"].get(row.transcript, 0)


def test_gencode_and_old_ensembl(shared_data):
    folder = shared_data / "transcripts"
    frame, _ = read(folder / "human_chr22" / "gencode.v24.annotation_chr22.gtf.gz")
    assert len(frame) == 4511
    assert frame["gene"].nunique() == 1372
    assert (frame["biotype"] != "").all()
    old, _ = read(folder / "human_hg19_sample" / "hg19.sample.gtf.gz")
    assert len(old) == 166
    assert set(old["chrom"]) == {"1"}


def test_ucsc_table_and_its_gtf_agree(tmp_path, shared_data):
    table = shared_data / "transcripts" / "human_hg19_sample" / "hg19_refGene.sample.txt.gz"
    frame, _ = read(table)
    assert len(frame) == 101
    with gzip.open(table, "rt") as handle:
        lines = handle.readlines()
    rows = []
    for line in lines:
        _, name, chrom, strand, _, _, low, high, _, starts, ends, _, gene, *_ = line.split("\t")
        for start, end in zip(starts.split(",")[:-1], ends.split(",")[:-1], strict=True):
            rows.append((chrom, "exon", int(start) + 1, end, strand, ids(name, gene)))
            left, right = max(int(start), int(low)), min(int(end), int(high))
            if left < right:
                rows.append((chrom, "CDS", left + 1, right, strand, ids(name, gene)))
    as_gtf, _ = read(write(tmp_path / "a.gtf", gtf(*rows)))
    compared = [column for column in ANNOTATION_COLUMNS if column != "gene_name"]
    assert frame[compared].astype(str).equals(as_gtf[compared].astype(str))
    no_bin = write(tmp_path / "no_bin.txt", "#name\n" + "".join(line.split("\t", 1)[1] for line in lines))
    assert read(no_bin)[0].astype(str).equals(frame.astype(str))
    broken = write(tmp_path / "broken.txt", lines[0] + lines[1].replace(",", "x", 1))
    with pytest.raises(InputError, match=r"broken\.txt:2: the line is no row of a UCSC gene table"):
        read(broken)


def test_contig_names():
    genome = ["chr1", "chrX", "chrM", "chr4_gl000193_random"]
    pairs = {"1": "chr1", "chrX": "chrX", "MT": "chrM", "GL000193.1": "chr4_gl000193_random"}
    assert match_contigs([*pairs, "HSCHR6_MHC"], genome) == pairs
    assert match_contigs(["chr1", "chrM", "2"], ["1", "MT"]) == {"chr1": "1", "chrM": "MT"}
    assert match_contigs(["MT"], ["M", "chrM"]) == {}
