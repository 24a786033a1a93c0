"""Whatever happens to a file on its way, its reader gives a table or one sentence, never another error."""

from __future__ import annotations

import gzip
import random

import pytest

from rnamarks.errors import InputError
from rnamarks.sites.annotation import read_annotation
from rnamarks.sites.drops import Drops
from rnamarks.sites.modifications import load_modifications
from rnamarks.sites.orthologues import ORTHOLOGUE_FORMATS
from rnamarks.sites.readers import LAYOUT_READERS, READERS
from rnamarks.sites.transcript_fasta import read_transcript_fasta
from rnamarks.sites.transcripts import build_transcripts
from rnamarks.sites.window_files import read_windows
from rnamarks.sites.window_formats import WINDOW_FORMATS
from rnamarks.tasks import Task

PLACED = "\t.\t+\t.\t"
GTF = "".join(
    f'chr1\tx\t{feature}\t{start}\t{end}{PLACED}gene_id "g{name}"; transcript_id "{name}"; note "a; b";\n'
    for name, feature, start, end in (
        ("a", "transcript", 1, 60),
        ("a", "exon", 1, 20),
        ("a", "exon", 31, 60),
        ("a", "CDS", 3, 14),
        ("b", "CDS", 71, 82),
        ("b", "stop_codon", 83, 85),
    )
)
TABLE = "".join(
    f"{bin_}\tt{bin_}\tchr1\t+\t10\t50\t10\t50\t2\t10,30,\t20,50,\t0\tNAME\tcmpl\tcmpl\t0,\n" for bin_ in (1, 2)
)
GENOME = ">chr1 x\n" + "ACGTTGCAAC\n" * 12 + ">chr2\nACGT\n"
SITES = {
    "bed": "chr1\t100\t101\tx_GGACT\t3\t+\nchr1\t7\t8\tx_GGACT\t3\t-\n",
    "m6a_atlas": "ID\tseqnames\tstart\tstrand\tTechnique_Num\nm6A_1\tchr1\t100\t+\t2\n",
    "rmbase_v2": "chr1\t100\t101\tid\t0\t+\tm6A|1\tm6A\t3\tGSE1\t1\tG\tcoding\texon\tGGACT\n",
    "transcript_list": "ENST1#G\t0\tchr1\t+\t50\t200\t100,\n",
    "bedmethyl": "chr1\t3\t4\ta\t20\t+\t3\t4\t255,0,0\t20\t85.00\t17\t3\t0\t0\t0\t0\t0\n",
    "table": "chr,pos,strand\nchr1,100,+\nchr2,7,-\n",
}
SITES |= {"geo_bed": SITES["bed"]}
LAYOUTS = {
    "bedmethyl": {"minimum_coverage": 1, "minimum_percentage": 1, "code": "a"},
    "table": {"origin": 1, "chrom": "chr", "start": "pos", "strand": "strand", "separator": "comma"},
}
WINDOWS = {
    "lines": "GGACU\nGGACA\n",
    "fasta": ">a\nGGACU\n>chr1:5-10(+)\nGGACA\n",
    "fasta_signed": ">+1\nGAACU\n>-1\nCCACC\n",
    "fasta_tagged": ">P1\nGGACU\n>N1\nGGACA\n",
    "fasta_tagged_padded": ">type_1|7\nPPGGACUPP\n>negative|0\nPPGGACAAA\n",
    "adar_chat": "".join(
        f'{{"messages": [{{"role": "user", "content": "L:{left}, A:A, R:{right}"}}, '
        f'{{"role": "assistant", "content": "{answer}"}}]}}\n'
        for left, right, answer in (("GGN", "CUU", "yes"), ("NNG", "ACC", "no"))
    ),
    "nju_seq": f"Chr\tNm\tID\tNm-50:Nm+50\nX\tA\tENSG1\t{'GACUC' * 10}A{'GACUC' * 10}\n",
    "modomics": ">id:1|Species:x\nGGTPCGA7ÆA\n>id:2\nACGUBUA\n",
    "csv": 'sequence,label,n\nGGACU,1,"x"\nGGACA,0,y\n',
}
CODES = (
    "Short Name,RNAMods code (2023),Moiety type,Reference NucleoBase\nm5U,T,nucleoside,U\nY,P,nucleoside,U\n"
    "m7G,7,nucleoside,G\nm1A,Æ,nucleoside,A\npm5U,T,nucleotide,U\nCm,B,nucleoside,C\n"
)
ORTHOLOGUES = {
    "orthogroups": "species\tgene\torthogroup\nhuman\tA\tO1\nmouse\tB\tO1\n",
    "compara": "gene_stable_id\tspecies\thomology_type\thomology_gene_stable_id\thomology_species\n"
    "A\thomo_sapiens\tortholog_one2one\tB\tmus_musculus\n",
}
TEXTS = (
    {("sites", form): text for form, text in SITES.items()}
    | {("windows", form): text for form, text in WINDOWS.items()}
    | {("orthologues", form): text for form, text in ORTHOLOGUES.items()}
    | {("annotation", "gtf"): GTF, ("annotation", "genepred"): TABLE}
    | {("genome", "fasta"): GENOME, ("transcripts", "fasta"): ">a x\nACGU\n>b\nAC\n"}
)
PIECES = [
    b"\t",
    b"\n",
    b"\r",
    b'"',
    b",",
    b";",
    b" ",
    b"\0",
    b"\xff",
    b"NA",
    b"-1",
    b"9" * 25,
    b">",
    b"#",
    b"\xef\xbb\xbf",
]


@pytest.fixture(scope="module")
def use(repository, tmp_path_factory):
    """A function that reads a file as what it is."""
    folder = tmp_path_factory.mktemp("damaged")
    modification = load_modifications(repository / "config" / "modifications.tsv")["m6A"]
    (folder / "genome.fa").write_text(GENOME)
    (folder / "genes.gtf").write_text(GTF)
    (folder / "codes.csv").write_text(CODES)
    rows = read_annotation(folder / "genes.gtf", Drops())

    def run(kind, form, path):
        if kind == "sites":
            options = {"assembly": "hg19", "modification": modification}
            if form in LAYOUTS:
                options["layout"] = LAYOUTS[form]
            return (LAYOUT_READERS if form in LAYOUTS else READERS)[form](path, Drops().scope("", "", ""), **options)
        if kind == "windows":
            entry = {"file": path, "format": form, "label": 1 if form in ("lines", "fasta") else None, "given": ""}
            entry |= {"codes": folder / "codes.csv"} if form == "modomics" else {}
            return read_windows(entry, task=Task("x", base="A", centred=False), width=None, drops=Drops())
        if kind == "orthologues":
            return ORTHOLOGUE_FORMATS[form](path, {"human": "Homo sapiens", "mouse": "Mus musculus"})
        if kind == "transcripts":
            return read_transcript_fasta(path, Drops(), annotation=rows, minimum_matched=0)
        genes, genome = (rows, path) if kind == "genome" else (read_annotation(path, Drops()), folder / "genome.fa")
        return build_transcripts(genes, genome, Drops(), workdir=folder / path.name, annotation_path=path)

    return run


def damage(data: bytes, rng: random.Random) -> bytes:
    """The bytes with one to three of: a piece put in, some taken out, cut off, other line ends, a stretch twice."""
    for _ in range(rng.randint(1, 3)):
        at, other = sorted(rng.randrange(len(data) + 1) for _ in range(2))
        data = rng.choice(
            [
                data[:at] + rng.choice(PIECES) + data[at:],
                data[:at] + data[at + rng.randint(1, 12) :],
                data[:at],
                data.replace(b"\n", rng.choice([b"\r", b"\r\n", b""])),
                data[:other] + data[at:],
            ]
        )
    if rng.random() < 0.1:
        data = gzip.compress(data)
        at = rng.randrange(10, len(data))
        data = data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :]
    return data


@pytest.mark.parametrize(("kind", "form"), list(TEXTS))
def test_a_damaged_file_gives_a_table_or_a_sentence(use, tmp_path, kind, form):
    text = TEXTS[kind, form].encode()
    path = tmp_path / "whole"
    path.write_bytes(text)
    assert len(use(kind, form, path))
    rng = random.Random(7)
    said = []
    for number in range(40):
        path = tmp_path / f"damaged{number}"
        path.write_bytes(damage(text, rng))
        try:
            use(kind, form, path)
        except InputError as error:
            said.append((path.name, str(error)))
    assert len(said) > 5
    assert [message for name, message in said if name not in message] == []


@pytest.mark.parametrize(("kind", "form"), list(TEXTS))
@pytest.mark.parametrize("content", [b"", b"\n", gzip.compress(b"")])
def test_an_empty_file_is_refused(use, tmp_path, kind, form, content):
    path = tmp_path / "empty"
    path.write_bytes(content)
    with pytest.raises(InputError):
        use(kind, form, path)


def test_every_window_format_is_tried():
    assert set(WINDOWS) == set(WINDOW_FORMATS.names())
    assert set(ORTHOLOGUES) == set(ORTHOLOGUE_FORMATS.names())
