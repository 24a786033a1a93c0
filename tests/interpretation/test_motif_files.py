"""Every published motif file can be read, and every broken one is named or counted."""

from __future__ import annotations

import gzip
import tarfile

import numpy as np
import pytest

from rnamarks.errors import InputError
from rnamarks.interpretation.motif_files import DUPLICATE, MOTIF_FORMATS, read_motifs, read_own, write_meme
from rnamarks.interpretation.pwm import PWM

HEAD = "MEME version 4\n\nALPHABET= ACGU\n\nBackground letter frequencies\nA 0.25 C 0.25 G 0.25 U 0.25\n\n"
ROW = "0.1 0.2 0.3 0.4\n"
CISBP = {
    "Danio_rerio": 67,
    "Homo_sapiens": 97,
    "Macaca_mulatta": 72,
    "Mus_musculus": 77,
    "Pan_troglodytes": 75,
    "Rattus_norvegicus": 76,
    "Sus_scrofa": 57,
}


@pytest.mark.parametrize(("species", "motifs"), CISBP.items())
def test_cisbp_rna_of_the_seven_species(shared_data, species, motifs):
    found = read_motifs(shared_data / "motifs" / "cisbp_rna_meme" / f"{species}.meme.gz", strict=True)
    assert found.drops == {"kept": motifs}
    assert found.motifs[0].label.upper() == "A1CF"
    assert all(motif.sites is None and "(" not in motif.label for motif in found.motifs)
    assert {motif.width for motif in found.motifs} <= set(range(4, 19))


@pytest.mark.parametrize(("species", "motifs"), [("Homo_sapiens", 1194), ("Mus_musculus", 55)])
def test_attract_as_meme(shared_data, species, motifs):
    found = read_motifs(shared_data / "motifs" / "attract_meme" / f"{species}.meme.gz", strict=True)
    assert found.drops == {"kept": motifs}
    assert not [motif.label for motif in found.motifs if ":" in motif.label]


def test_cisbp_rna_archive(shared_data):
    path = shared_data / "motifs" / "cisbp_rna_pwm" / "cisbp_rna_human_pwms.tar.gz"
    found = read_motifs(path, "cisbp_rna")
    assert found.drops == {"the matrix has no column": 60, "kept": 297}
    first = found.motifs[0]
    assert first.name == "M001_0.6"
    as_meme = read_motifs(shared_data / "motifs" / "cisbp_rna_meme" / "Homo_sapiens.meme.gz").motifs[0]
    assert first.frequencies == pytest.approx(as_meme.frequencies, abs=2e-6)
    with pytest.raises(InputError, match=r"M\d+_0.6.txt:1: motif M\d+_0.6: the matrix has no column"):
        read_motifs(path, "cisbp_rna", strict=True)


@pytest.mark.parametrize(
    ("organism", "motifs"), [("", 1583), ("Homo sapiens", 1194), ("mus_musculus", 55), ("Danio_rerio", 5)]
)
def test_attract(shared_data, organism, motifs):
    folder = shared_data / "motifs" / "attract"
    # in either order
    paths = [folder / "attract_metadata.txt.gz", folder / "attract_pwm.txt.gz"]
    found = read_motifs(paths, "attract", organism=organism, strict=True)
    assert found.drops == {"kept": motifs}
    assert found.motifs[0].alternative
    if organism == "Homo sapiens":
        as_meme = read_motifs(shared_data / "motifs" / "attract_meme" / "Homo_sapiens.meme.gz").motifs
        twins = {motif.name: motif for motif in as_meme}
        assert set(twins) == {motif.name for motif in found.motifs}
        assert max(np.abs(twins[m.name].frequencies - m.frequencies).max() for m in found.motifs) < 1e-6
        assert sum(twins[motif.name].label in motif.label.split("/") for motif in found.motifs) >= 1190


def test_formats_are_registered():
    assert MOTIF_FORMATS.names() == ["attract", "cisbp_rna", "meme"]
    with pytest.raises(InputError, match="attract, cisbp_rna, meme"):
        read_motifs("x", "jaspar")


def test_what_is_written_is_read_back(tmp_path):
    generator = np.random.default_rng(0)
    motifs = [
        PWM("f1", generator.dirichlet(np.ones(4), 18), sites=123, alternative="A1CF"),
        PWM("f2", generator.dirichlet(np.ones(4), 1)),
    ]
    for name in ("m.meme", "m.meme.gz"):
        write_meme(motifs, tmp_path / name)
        back = read_motifs(tmp_path / name, source="here").motifs
        assert [(m.name, m.sites, m.alternative, m.source) for m in back] == [
            ("f1", 123, "A1CF", "here"),
            ("f2", 20, "", "here"),
        ]
        for one, other in zip(back, motifs, strict=True):
            assert one.frequencies == pytest.approx(other.frequencies, abs=1e-6)
    first = (tmp_path / "m.meme.gz").read_bytes()
    write_meme(motifs, tmp_path / "m.meme.gz")
    assert (tmp_path / "m.meme.gz").read_bytes() == first
    write_meme([], tmp_path / "none.meme")
    assert read_own(tmp_path / "none.meme") == []
    with pytest.raises(InputError, match="no motif can be used"):
        read_motifs(tmp_path / "none.meme")


def test_dna_letters_crlf_and_byte_order_mark(tmp_path):
    text = (
        "\ufeffMEME version 5.5.7 (Release date: ...)\r\nALPHABET= ACGT\r\nstrands: + -\r\nMOTIF 1-GGACT STREME-1\r\n"
        "letter-probability matrix: alength= 4 w= 2 nsites= 87 E= 1.2e-005\r\n 0 0 1 0\r\n 0 0 0 1\r\n"
    )
    (tmp_path / "a.meme.gz").write_bytes(gzip.compress(text.encode("utf-8")))
    motif = read_motifs(tmp_path / "a.meme.gz").motifs[0]
    assert (motif.name, motif.alternative, motif.sites, motif.consensus()) == ("1-GGACT", "STREME-1", 87, "GU")


def test_meme_with_its_own_alphabet_and_other_matrices(tmp_path):
    (tmp_path / "a.meme").write_text(
        '***\nMEME version 5.5.7\n***\nALPHABET "RNA" RNA-LIKE\nU "Uracil" 008000\nA "Adenine" CC0000\n'
        'C "Cytosine" 0000CC\nG "Guanine" FFB300\nN "Any" = ACGU\nT = U\nEND ALPHABET\n\n'
        "MOTIF GGACU MEME-1\twidth =   2  sites =  12  llr = 40  E-value = 1.0e-5\n"
        "log-odds matrix: alength= 4 w= 2 n= 9 bayes= 1 E= 1\n -1 -2 3 4\n -1 -2 3 4\n\n"
        "letter-probability matrix: alength= 4 w= 2 nsites= 12 E= 1\n\n 0.7 0.1 0.1 0.1\n 0 0 0 1\n-----\n"
        "Time  0.1 secs.\n"
    )
    motif = read_motifs(tmp_path / "a.meme").motifs[0]
    assert (motif.name, motif.alternative, motif.width, motif.consensus()) == ("GGACU", "MEME-1", 2, "AU")
    (tmp_path / "b.meme").write_text(
        'MEME version 5\nALPHABET "DNA" DNA-LIKE\nA "Adenine" CC0000 ~ T "Thymine" 008000\n'
        'C "Cytosine" 0000CC ~ G "Guanine" FFB300\nEND ALPHABET\nMOTIF x\n'
        "letter-probability matrix: alength= 4 w= 1 nsites= 2 E= 0\n0 0 0 1\n"
    )
    assert read_motifs(tmp_path / "b.meme").motifs[0].consensus() == "U"


BROKEN = {
    "the matrix has no column": ("w= 0", ""),
    "a column has not four numbers": ("w= 2", ROW + "0.1 0.2 0.7\n"),
    "the matrix has another width than its header says": ("w= 3", ROW + ROW),
    "a frequency is not a number": ("w= 2", ROW + "0.1 0.2 x 0.4\n"),
    "a frequency is negative": ("w= 1", "0.5 0.6 0.2 -0.3\n"),
    "the frequencies of a column do not sum to 1": ("w= 2", ROW + "1 2 3 4\n"),
}


@pytest.mark.parametrize(("reason", "motif"), BROKEN.items())
def test_broken_matrices_are_counted_or_an_error(tmp_path, reason, motif):
    width, rows = motif
    path = tmp_path / "a.meme"
    path.write_text(
        f"{HEAD}MOTIF good\nletter-probability matrix: alength= 4 w= 1\n{ROW}\n"
        f"MOTIF bad\nletter-probability matrix: alength= 4 {width} nsites= 5 E= 0\n{rows}\n"
    )
    found = read_motifs(path)
    assert found.drops == {"kept": 1, reason: 1}
    assert [motif.name for motif in found.motifs] == ["good"]
    with pytest.raises(InputError, match=f"a.meme:12: motif bad: {reason}.*; correct or remove"):
        read_motifs(path, strict=True)


def test_nan_and_names_given_twice(tmp_path):
    path = tmp_path / "a.meme"
    one = f"MOTIF a\nletter-probability matrix: alength= 4 w= 1\n{ROW}\n"
    path.write_text(f"{HEAD}{one}{one}MOTIF b\nletter-probability matrix: w= 1\nnan 0 0 1\n")
    assert read_motifs(path).drops == {"kept": 1, DUPLICATE: 1, "a frequency is not a number": 1}
    with pytest.raises(InputError, match="given twice"):
        read_motifs(path, strict=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not MEME text"),
        (">M001\nA 1 2 3\n", "not MEME text"),
        ("MEME version 4\nALPHABET= ACDEFGHIKLMNPQRSTVWY\n", "neither RNA nor DNA"),
        (f"{HEAD}MOTIF\n", "a.meme:8: the motif has no name"),
        (HEAD, "no motif can be used"),
        (f"{HEAD}MOTIF a\n", "1 left out: the matrix has no column"),
    ],
)
def test_files_of_another_kind(tmp_path, text, words):
    (tmp_path / "a.meme").write_text(text)
    with pytest.raises(InputError, match=words):
        read_motifs(tmp_path / "a.meme")


def test_organism_needs_a_format_that_knows_it(tmp_path):
    (tmp_path / "a.meme").write_text(HEAD)
    with pytest.raises(InputError, match="which organism"):
        read_motifs(tmp_path / "a.meme", organism="Homo sapiens")


@pytest.fixture
def cisbp_folder(tmp_path):
    folder = tmp_path / "cisbp" / "pwms_all_motifs"
    folder.mkdir(parents=True)
    (folder / "M001_0.6.txt").write_text("Pos\tA\tC\tG\tU\n1\t0.7\t0.1\t0.1\t0.1\n2\t0.1\t0.1\t0.1\t0.7\n")
    (folder / "M002_0.6.txt").write_text("Pos\tA\tC\tG\tT\r\n1\t0.1\t0.7\t0.1\t0.1\r\n")
    (folder / "M003_0.6.txt").write_text("Pos\tA\tC\tG\tU\n")
    (folder / "readme.txt").write_text("not a matrix\n")
    return folder.parent


def test_cisbp_rna_folder_with_its_table_of_proteins(cisbp_folder):
    assert read_motifs(cisbp_folder, "cisbp_rna").drops == {"kept": 2, "the matrix has no column": 1}
    with pytest.raises(InputError, match=r"RBP_Information\.txt"):
        read_motifs(cisbp_folder, "cisbp_rna", organism="Homo sapiens")
    (cisbp_folder / "RBP_Information.txt").write_text(
        "RBP_ID\tMotif_ID\tRBP_Name\tRBP_Species\n1\tM001_0.6\tA1CF\tHomo_sapiens\n2\tM002_0.6\tHrb\tDrosophila\n"
        '3\tM001_0.6\t"A1CF2\tHomo_sapiens\n4\t.\tX\tHomo_sapiens\n'
    )
    found = read_motifs(cisbp_folder, "cisbp_rna", organism="Homo sapiens")
    assert [(motif.name, motif.label, motif.consensus()) for motif in found.motifs] == [
        ("M001_0.6", 'A1CF/"A1CF2', "AU")
    ]
    archive = cisbp_folder.parent / "all.tar"
    with tarfile.open(archive, "w") as handle:
        handle.add(cisbp_folder, arcname="download")
    assert read_motifs(archive, "cisbp_rna").drops["kept"] == 2


def test_not_cisbp_rna(tmp_path, cisbp_folder):
    (tmp_path / "x.tar.gz").write_bytes(b"\x1f\x8bnothing")
    with pytest.raises(InputError, match="not a tar or zip archive"):
        read_motifs(tmp_path / "x.tar.gz", "cisbp_rna")
    with pytest.raises(InputError, match="no such file"):
        read_motifs(tmp_path / "missing", "cisbp_rna")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"M001_0\.6\.txt"):
        read_motifs(tmp_path / "empty", "cisbp_rna")
    (cisbp_folder / "pwms_all_motifs" / "M004_0.6.txt").write_text("A C G U\n0.25 0.25 0.25 0.25\n")
    with pytest.raises(InputError, match=r"M004_0\.6\.txt:1: not a CISBP-RNA matrix"):
        read_motifs(cisbp_folder, "cisbp_rna")


ATTRACT_HEAD = (
    "Gene_name\tGene_id\tMutated\tOrganism\tMotif\tLen\tExperiment_description\tDatabase\tPubmed\t"
    "Experiment_description\tFamily\tMatrix_id\tScore\n"
)


def attract_row(gene, organism, matrix):
    return f"{gene}\tid\tno\t{organism}\tGGAC\t4\tSELEX\tR\t1\tSELEX\tN/A\t{matrix}\t1.000000**\n"


def test_attract_joins_genes_and_tells_organisms_apart(tmp_path):
    (tmp_path / "pwm.txt").write_text(">s1\t1\n0 0 1 0\n>s2\t2\n1 0 0 0\n0 0 0 1\n>s3\t2\n1 0 0 0\n")
    (tmp_path / "db.txt").write_text(
        ATTRACT_HEAD
        + attract_row("A", "Homo_sapiens", "s1")
        + attract_row("B", "Homo_sapiens", "s1")
        + attract_row("C", "Mus_musculus", "s2")
        + "\n"
    )
    paths = [tmp_path / "pwm.txt", tmp_path / "db.txt"]
    found = read_motifs(paths, "attract")
    assert [motif.label for motif in found.motifs] == ["A/B", "C"]
    assert found.drops == {"kept": 2, "the matrix has another width than its header says": 1}
    assert [motif.name for motif in read_motifs(paths, "attract", organism="homo sapiens").motifs] == ["s1"]
    with pytest.raises(InputError, match="no motif of Danio rerio"):
        read_motifs(paths, "attract", organism="Danio rerio")
    assert [motif.label for motif in read_motifs(paths[:1], "attract").motifs] == ["s1", "s2"]
    with pytest.raises(InputError, match=r"ATtRACT_db\.txt, too"):
        read_motifs(paths[:1], "attract", organism="Homo sapiens")
    with pytest.raises(InputError, match="matrices are missing"):
        read_motifs(paths[1:], "attract")


def test_attract_faults_name_the_line(tmp_path):
    (tmp_path / "pwm.txt").write_text(">s1\t1\n0 0 1 0\n>\n")
    (tmp_path / "db.txt").write_text(ATTRACT_HEAD + "A\tshort\n")
    with pytest.raises(InputError, match=r"db\.txt:2: the line has 2 fields and the header 13"):
        read_motifs([tmp_path / "pwm.txt", tmp_path / "db.txt"], "attract")
    with pytest.raises(InputError, match=r"pwm\.txt:3: the matrix has no id"):
        read_motifs(tmp_path / "pwm.txt", "attract")
    (tmp_path / "db.txt").write_text("Gene_name\tMatrix_id\n")
    with pytest.raises(InputError, match="lacks Organism"):
        read_motifs([tmp_path / "pwm.txt", tmp_path / "db.txt"], "attract")
    (tmp_path / "other.txt").write_text("hello\n")
    with pytest.raises(InputError, match="neither ATtRACT"):
        read_motifs(tmp_path / "other.txt", "attract")
