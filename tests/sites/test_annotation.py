"""Gene annotation in its dialects."""

from __future__ import annotations

import gzip

import pytest

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.sites.annotation import read_annotation
from rnamarks.sites.annotation_formats import rows
from rnamarks.sites.contigs import match_contigs
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
    return read_annotation(path, drops, subject="made"), drops


def row_of(frame, transcript: str):
    return frame.set_index("transcript").loc[transcript]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_coordinates_on_both_strands(tmp_path, packed, ending, mark):
    text = mark + "#!genome-build made\n" + CODING
    frame, drops = read(write(tmp_path / "a.gtf", text.replace("\n", ending), packed))
    assert list(frame.columns) == column_names("transcripts", last="cds_end")
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
        (gtf(("1", "exon", 1, 10, "+", "ID=e1;Parent=t1")), "no transcript_id"),
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
    monkeypatch.setattr(rows, "_BLOCK", 3000)
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
    compared = [column for column in column_names("transcripts", last="cds_end") if column != "gene_name"]
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


def cds_only(transcript="t", chrom="chr1"):
    """A gene of an NCBI file without exon rows: its stop codon touches its second CDS."""
    return gtf(
        (chrom, "gene", 11, 43, "+", 'gene_id "g"; transcript_id "";'),
        (chrom, "CDS", 11, 20, "+", ids(transcript, more=' gene "ABC";')),
        (chrom, "CDS", 31, 40, "+", ids(transcript)),
        (chrom, "stop_codon", 41, 43, "+", ids(transcript)),
    )


def test_cds_rows_serve_as_exons_where_there_are_none(tmp_path):
    text = gtf(("chr1", "exon", 101, 110, "-", ids("other", "h"))) + cds_only()
    frame, drops = read(write(tmp_path / "a.gtf", text))
    row = row_of(frame, "t")
    assert (row["exon_starts"].tolist(), row["exon_ends"].tolist()) == ([10, 30], [20, 43])
    assert (row["cds_start"], row["cds_end"]) == (0, 23)
    assert (row["gene"], row["gene_name"]) == ("g", "ABC")
    assert drops.rows("note: no exon rows, CDS rows taken for exons") == 1
    assert drops.rows("kept") == 2
    alone, _ = read(write(tmp_path / "b.gtf", cds_only()))
    assert alone["transcript"].tolist() == ["t"]


def test_a_transcript_without_exon_and_cds_rows_is_counted(tmp_path):
    text = gtf(("chr1", "transcript", 1, 9, "+", ids("bare")), ("chr1", "transcript", 11, 43, "+", ids("t")))
    frame, drops = read(write(tmp_path / "a.gtf", text + cds_only()))
    assert frame["transcript"].tolist() == ["t"]
    assert drops.rows("no exon and no CDS row") == 1


def test_a_gene_of_an_ncbi_file_without_exon_rows(shared_cases):
    frame, drops = read(shared_cases / "cds_only.gtf")
    assert frame["gene"].tolist() == ["geneA", "rnaB"]
    assert [frame["exon_starts"][0].tolist(), frame["exon_ends"][0].tolist()] == [[100], [400]]
    assert drops.rows("note: no exon rows, CDS rows taken for exons") == 1


def test_text_in_quotes_is_text(tmp_path):
    note = 'note "formerly transcript_id old; gene_id oldg; gene_name OLD"; '
    text = gtf(
        ("chr1", "exon", 1, 9, "+", note + ids("t1", "g1") + ' gene "A;1"; note "gene ABC; transcript_id x";'),
        ("chr1", "exon", 21, 29, "+", "gene_id g2; transcript_id t2; gene_name bare;"),
    )
    frame, _ = read(write(tmp_path / "a.gtf", text))
    assert frame[["transcript", "gene", "gene_name"]].to_numpy().tolist() == [["t1", "g1", "A;1"], ["t2", "g2", "bare"]]


def test_quoted_text_of_published_files(shared_cases):
    frame, _ = read(shared_cases / "quoted_text.gtf")
    assert frame[["transcript", "gene", "gene_name"]].to_numpy().tolist() == [
        ["t1", "g1", "REAL"],
        ["t2", "g2", "TWO"],
        ["AT1.1", "AT1", "CYCD1;1"],
        ["AT2.1", "AT2", "CYCD1;2"],
    ]


@pytest.mark.parametrize("cut", [-2, -4, -20, -30, -45])
def test_a_file_cut_inside_a_line_is_refused_with_the_line(tmp_path, cut):
    text = gtf(("chr1", "exon", 1, 9, "+", ids("t1")), ("chr1", "exon", 21, 29, "+", ids("transcript_two")))
    with pytest.raises(InputError, match=r"a.gtf:2: ") as caught:
        read(write(tmp_path / "a.gtf", text[:cut].rstrip('";')))
    assert caught.value.line == 2
    gene = gtf(("chr1", "gene", 1, 9, "+", 'gene_id "g1'))
    with pytest.raises(InputError, match=r"a.gtf:3: a quotation mark is never closed"):
        read(write(tmp_path / "a.gtf", text + gene[:-1]))


@pytest.mark.parametrize("cut", ["gene_version", 'X"', ' tag "y"; '])
def test_a_file_cut_between_attributes_is_refused(tmp_path, cut):
    more = ' gene_version "3"; gene_name "X"; tag "y"; note "z";'
    text = gtf(("chr1", "exon", 1, 9, "+", ids("t1", "g1", more)), ("chr1", "exon", 21, 29, "+", ids("t1", "g1", more)))
    at = text.rindex(cut) + (len(cut) if cut[0] in "X " else 0)
    with pytest.raises(InputError, match=r"a.gtf: the file ends inside a line .*cut off"):
        read(write(tmp_path / "a.gtf", text[:at]))


def test_a_last_line_without_an_end_is_read_and_announced(tmp_path, caplog):
    text = gtf(("chr1", "exon", 1, 9, "+", ids("t1")), ("chr1", "exon", 21, 29, "+", ids("t2")))
    assert len(read(write(tmp_path / "a.gtf", text))[0]) == 2
    assert "has no end" not in caplog.text
    assert len(read(write(tmp_path / "a.gtf", text.rstrip("\n")))[0]) == 2
    assert "the last line has no end" in caplog.text


def test_a_gene_table_cut_inside_a_line_is_refused(tmp_path):
    row = "1\tt{}\tchr1\t+\t10\t50\t10\t50\t1\t10,\t50,\t0\tNAME\tcmpl\tcmpl\t0,\n"
    assert len(read(write(tmp_path / "a.txt", row.format(1) + row.format(2)))[0]) == 2
    with pytest.raises(InputError, match=r"a.txt:2: the line is no row"):
        read(write(tmp_path / "a.txt", row.format(1) + row.format(2)[:-20]))
    with pytest.raises(InputError, match=r"a.txt:2: the line is no row"):
        read(write(tmp_path / "a.txt", row.format(1) + row.format(2).replace("10,", "9" * 30 + ",")))


def test_no_transcript_left_is_said(tmp_path):
    text = gtf(("+", "exon", 1, 9, "chr1", ids("t1")), ("+", "exon", 21, 29, "chr1", ids("t2")))
    with pytest.raises(InputError, match=r"a.gtf: no transcript can be used \(2 no strand\)"):
        read(write(tmp_path / "a.gtf", text))


def test_names_that_look_like_missing_values_stay(tmp_path):
    text = gtf(
        ("NA", "exon", 1, 9, "+", ids("nan", "NA", ' gene_name "None";')),
        ("chr1", "exon", 21, 29, "+", ids("NA", "null")),
    )
    frame, _ = read(write(tmp_path / "a.gtf", text))
    assert frame[["transcript", "gene", "gene_name", "chrom"]].to_numpy().tolist() == [
        ["nan", "NA", "None", "NA"],
        ["NA", "null", "", "chr1"],
    ]


@pytest.mark.parametrize("ending", ["\r", "\r\n"])
def test_other_line_ends(tmp_path, ending):
    plain, _ = read(write(tmp_path / "a.gtf", CODING))
    other, _ = read(write(tmp_path / "b.gtf", CODING.replace("\n", ending)))
    assert plain.to_string() == other.to_string()


def test_a_damaged_archive(tmp_path):
    data = bytearray(gzip.compress(CODING.encode() * 20))
    data[30] ^= 255
    (tmp_path / "a.gtf.gz").write_bytes(data)
    with pytest.raises(InputError, match="cut off or corrupt"):
        read(tmp_path / "a.gtf.gz")
