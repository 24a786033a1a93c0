"""Published tables of values: their forms, their faults, and the genes they are of."""

from __future__ import annotations

import gzip
import zipfile

import numpy as np
import pandas as pd
import pytest

from rnamarks.biology.gene_tables import GENE_TABLES, find_column, join_genes, read_table, read_values
from rnamarks.errors import InputError


@pytest.fixture
def write(tmp_path):
    def to(text, name="table.tsv", pack=False):
        path = tmp_path / name
        data = text.encode()
        path.write_bytes(gzip.compress(data) if pack else data)
        return path

    return to


def as_dict(values):
    return dict(zip(values.frame["id"], values.frame["value"], strict=True))


RSEM = "gene_id\ttranscript_id(s)\tlength\tTPM\tFPKM\n"


def test_rsem_has_fpkm_by_default_and_any_other_column_by_name(write):
    path = write(RSEM + "ENSG1.4\tT1\t900\t3.5\t1.25\n10904\tX\t93\t0\t0\n", pack=True)
    assert as_dict(read_values(path, "rsem")) == {"ENSG1.4": 1.25, "10904": 0.0}
    values = read_values(path, "rsem", value="TPM", transform="log2p1")
    assert as_dict(values)["ENSG1.4"] == pytest.approx(np.log2(4.5))
    assert values.column == "log2(1 + TPM)"
    isoforms = write("transcript_id\tgene_id\tFPKM\nT1\tG1\t2\n", "iso.tsv")
    assert as_dict(read_values(isoforms, "rsem", id="transcript_id")) == {"T1": 2.0}


@pytest.mark.parametrize(
    "text",
    [
        "name\tvalue\nA\t1\nB\t2\n",
        "\ufeffname\tvalue\r\nA\t1\r\nB\t2\r\n",
        "name,value\nA,1\nB,2\n",
        "name;value\n\nA;1\nB;2\n",
        "name value\nA 1\nB 2\n",
        '"name"\t"value"\n"A"\t1\n"B"\t2\n',
        '"name","value"\n"A","1"\n"B","2"\n',
        "# made by a program\nname\tvalue\nA\t1\nB\t2\n",
    ],
    ids=["tabs", "CRLF and BOM", "commas", "semicolons", "blanks", "quoted tabs", "quoted commas", "comment"],
)
def test_separators_and_line_ends_do_not_matter(write, text):
    path = write(text)
    assert as_dict(read_values(path, id="name", value="value")) == {"A": 1.0, "B": 2.0}
    assert as_dict(read_values(path, id=1, value=2)) == {"A": 1.0, "B": 2.0}


def test_row_names_without_a_header_become_the_column_row(write):
    table = read_table(write("counts te\nT1.4 3 0.5\nT2.1 4 0.7\n"))
    assert list(table.columns) == ["row", "counts", "te"]
    assert table["te"].tolist() == ["0.5", "0.7"]


def test_repeated_column_names_are_numbered_and_ragged_rows_are_named(write):
    assert list(read_table(write("id\tx\tx\nA\t1\t2\n")).columns) == ["id", "x", "x (2)"]
    assert read_table(write("id\tx\ty\nA\t1\n")).iloc[0].tolist() == ["A", "1", ""]
    with pytest.raises(InputError, match=r"table\.tsv:3: the row has 4 fields and the header 2"):
        read_table(write("id\tx\nA\t1\nB\t1\t2\t3\n"))


def test_a_stray_quotation_mark_is_named(write):
    with pytest.raises(InputError, match=r"table\.tsv:3: the line is no CSV: .*close or remove the mark"):
        read_values(write('id,x\nA,1\n"B,2\nC,3\nD",4\n'), id="id", value="x")
    values = read_values(write('id\tx\nA\t1\n"B\t2\nC\t3\nD"\t4\n'), id="id", value="x")
    assert as_dict(values) == {"A": 1.0, "B": 2.0, "C": 3.0, "D": 4.0}


def test_duplicates_give_their_median_and_what_is_left_out_is_counted(write):
    path = write("id\tx\nA\t1\nA\t9\nA\t2\nB\tNA\nC\t\nD\t#DIV/0!\nE\tinf\n\t5\nF\tmany\nG\t4\nH\t-1\n")
    values = read_values(path, id="id", value="x")
    assert as_dict(values) == {"A": 2.0, "G": 4.0, "H": -1.0}
    assert values.counts == {
        "rows": 11,
        "no identifier": 1,
        "no value": 3,
        "value is no number": 1,
        "value is infinite": 1,
        "further rows of an identifier, joined to the median": 2,
        "kept": 3,
    }


@pytest.mark.parametrize("value", ["1,234.5", "10,000", "0,5", "1.234.567", "12 000", "12'000", "1,2e3", "12.5%"])
def test_values_with_separators_are_an_error_with_their_line(write, value):
    path = write(f"name\tx\nA\t12.5\n\nB\t{value}\nC\t7\nD\t10\n")
    with pytest.raises(InputError, match=r"table\.tsv:4: a value of the column 'x' has separators") as error:
        read_values(path, id="name", value="x")
    assert value in str(error.value)


def test_separators_of_columns_that_are_not_read_do_no_harm(write):
    path = write("name\tx\tnote\nA\t12.5\t1,000\nB\t3\t2,5\n")
    assert as_dict(read_values(path, id="name", value="x")) == {"A": 12.5, "B": 3.0}


def test_genes_may_be_named_like_what_stands_for_no_value(write):
    path = write("gene_name\thalf_life\nnan\t5.1\nNA\t6.2\nNone\tnan\nTP53\t7.3\n")
    values = read_values(path, "half_life")
    assert as_dict(values) == {"nan": 5.1, "NA": 6.2, "TP53": 7.3}
    genes = pd.DataFrame({"gene": ["G1", "G2", "G3"], "gene_name": ["NA", "nan", "TP53"]})
    assert join_genes(genes, values, what="made")[0].tolist() == [6.2, 5.1, 7.3]


def test_what_has_no_logarithm_is_an_error(write):
    path = write("id\tx\nA\t8\nB\t0\nC\t-3\n")
    with pytest.raises(InputError, match="2 values of the column 'x' have no logarithm, first that of B"):
        read_values(path, id="id", value="x", transform="log2")
    kept = read_values(write("id\tx\nA\t8\nB\t0\n"), id="id", value="x", transform="log2p1")
    assert as_dict(kept) == {"A": np.log2(9), "B": 0.0}


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "the table is empty"),
        ("id\tx\n", {}, "a header and no row"),
        ("id\tx\nA\t1\n", {"value": "y"}, "lacks the column.*it has id, x"),
        ("id\tx\nA\t1\n", {"value": 3}, "the table has 2 columns"),
        ("id\tx\nA\tone\nB\ttwo\n", {}, "most values of the column 'x' are no numbers"),
        ("id\tx\nA\tNA\n", {}, "holds no value"),
        ("id\tx\nA\t1\n", {"transform": "log3"}, "no transform of that name"),
        ("id\tx\nA\t1\n", {"table_format": "excel"}, "no format of gene tables of that name"),
        ("id\tx\nA\t1\n", {"id": None}, "the columns of the table are not named"),
    ],
)
def test_faults_are_named(write, text, options, message):
    with pytest.raises(InputError, match=message):
        read_values(write(text), **{"id": "id", "value": "x"} | options)


def test_columns_are_found_in_another_case_if_one_fits(write):
    table = read_table(write("ID\tfpkm\tFPKM\nA\t1\t2\n"))
    assert find_column(table, "FPKM", "t") == "FPKM"
    assert find_column(table, "id", "t") == "ID"
    with pytest.raises(InputError, match="lacks the column"):
        find_column(table, "Fpkm", "t")


WIDE = ["gene", *(f"c{number}" for number in range(2, 28)), "half life"]


def test_wang2014_finds_the_header_below_titles_and_takes_column_28(write, tmp_path):
    lines = ["\t\tsiControl" + "\t" * 25, "\t".join(WIDE)]
    lines += [
        "\t".join([name, *(["1"] * 26), value]) for name, value in (("MYC", "0.9"), ("ACTB", "12"), ("MYC", "1.1"))
    ]
    values = read_values(write("\n".join(lines) + "\n"), "wang2014")
    assert (as_dict(values), values.column) == ({"MYC": 1.0, "ACTB": 12.0}, "half life")
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(
            [float(text) if text.replace(".", "").isdigit() else text or None for text in line.split("\t")]
        )
    book.save(tmp_path / "lifetime.xlsx")
    assert as_dict(read_values(tmp_path / "lifetime.xlsx", "wang2014")) == as_dict(values)
    packed = tmp_path / "lifetime.xlsx.gz"
    packed.write_bytes(gzip.compress((tmp_path / "lifetime.xlsx").read_bytes()))
    assert as_dict(read_values(packed, "wang2014")) == as_dict(values)
    packed.write_bytes(packed.read_bytes()[:-40])
    with pytest.raises(InputError, match="cut off or corrupt"):
        read_values(packed, "wang2014")
    packed.write_bytes(packed.read_bytes()[:12])
    with pytest.raises(InputError, match="cut off or corrupt"):
        read_values(packed, "wang2014")
    (tmp_path / "old.xls").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504))
    with pytest.raises(InputError, match="workbook of old Excel"):
        read_values(tmp_path / "old.xls", "wang2014")
    with pytest.raises(InputError, match="no header line is found"):
        read_values(write("1\t2\n3\t4\n"), "wang2014")
    with zipfile.ZipFile(tmp_path / "no.xlsx", "w") as archive:
        archive.writestr("a.txt", "b")
    with pytest.raises(InputError, match="the file is no workbook"):
        read_values(tmp_path / "no.xlsx", "wang2014")


def test_every_format_is_documented():
    assert GENE_TABLES.names() == ["columns", "half_life", "riboseq_te", "rsem", "saluki", "wang2014"]
    assert all(GENE_TABLES[name].about for name in GENE_TABLES)


def genes(n=20):
    return pd.DataFrame(
        {
            "gene": [f"ENSG{number:011d}.3" for number in range(n)],
            "gene_name": [f"Name{number}" for number in range(n)],
            "transcript": [f"ENST{number:011d}" for number in range(n)],
        }
    )


def table_of(write, ids):
    return read_values(write("id\tx\n" + "".join(f"{one}\t{at}\n" for at, one in enumerate(ids))), id="id", value="x")


@pytest.mark.parametrize(
    ("ids", "key"),
    [
        ([f"ENSG{number:011d}" for number in range(20)], "gene"),
        ([f"NAME{number}" for number in range(20)], "gene_name"),
        ([f"ENST{number:011d}.1" for number in range(20)], "transcript"),
    ],
)
def test_genes_are_found_by_whatever_the_table_names_them(write, ids, key):
    values, record = join_genes(genes(), table_of(write, ids), what="made")
    assert values.tolist() == list(range(20))
    assert (record["key"], record["fraction"], record["doubtful"]) == (key, 1.0, 0)


def test_share_is_of_the_shorter_list(write):
    everything = [f"ENSG{number:011d}" for number in range(400)]
    assert join_genes(genes(), table_of(write, everything), what="long")[1]["fraction"] == 1.0
    values, record = join_genes(genes(300), table_of(write, everything[:6]), what="short")
    assert (record["wanted"], record["matched"], int(values.notna().sum())) == (6, 6, 6)


def test_other_naming_is_an_error_unless_allowed(write):
    strange = table_of(write, [f"Y{number}" for number in range(18)] + ["Name0", "Name1"])
    with pytest.raises(InputError, match=r"only 2 of 20 gene names of made matched \(10\.0%.*known are such as"):
        join_genes(genes(), strange, what="made")
    values, record = join_genes(genes(), strange, what="made", minimum=0)
    assert (int(values.notna().sum()), record["fraction"]) == (2, 0.1)


def test_a_symbol_of_two_genes_gives_neither_a_value(write):
    frame = genes().assign(gene_name=["Name0", *(f"Name{number}" for number in range(19))])
    values, record = join_genes(frame, table_of(write, [f"Name{number}" for number in range(19)]), what="made")
    assert values.iloc[:2].isna().all()
    assert (record["doubtful"], int(values.notna().sum())) == (2, 18)


@pytest.mark.parametrize(
    ("file", "options", "n", "known"),
    [
        ("half_life/PULSE_3UTR_hl_psi.tsv.gz", {"table_format": "half_life"}, 7475, ("UBE2Q2", 8.38300370346)),
        (
            "half_life/saluki_all_HLs_human.tsv.gz",
            {"table_format": "saluki", "value": "He_ActD_HeLa_1"},
            9734,
            ("ENSG00000000419", 1.11947587247475),
        ),
        (
            "half_life/saluki_human_PC1.txt.gz",
            {"id": "ensembl_gene_id", "value": "human_PC1"},
            13921,
            ("ENSG00000000457", -6.92917289890567),
        ),
        (
            "expression_te/Muscle_riboseq_rnaseq_te.txt.gz",
            {"table_format": "riboseq_te", "value": "te", "transform": "log2"},
            6080,
            ("ENST00000252172", np.log2(868.063322612795)),
        ),
        (
            "expression_te/Muscle_riboseq_rnaseq_te.txt.gz",
            {"table_format": "riboseq_te", "id": "row", "transform": "log2p1"},
            6497,
            ("ENST00000418404.3", np.log2(1 + 2.57848527122158)),
        ),
    ],
)
def test_real_tables_are_read(shared_data, file, options, n, known):
    values = as_dict(read_values(shared_data / "downstream" / file, **options))
    assert len(values) == n
    assert values[known[0]] == pytest.approx(known[1])


def test_saluki_needs_its_study_named(shared_data):
    with pytest.raises(
        InputError, match=r"columns of the table are not named; give value; it has .*Bazzini_ActD_HEK293_1"
    ):
        read_values(shared_data / "downstream/half_life/saluki_all_HLs_human.tsv.gz", "saluki")
