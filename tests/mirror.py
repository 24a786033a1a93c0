"""A mirror of published files, made of the folder of real data: what ``sources: mirror:`` reads instead of the network.

The folder holds most files as they were published, compressed; a file whose checksum the sheet has is found by it. Of
the others it holds a part, or the same in another form, which here takes on the published form again.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from openpyxl import Workbook

from rnamarks.sources.sheet import Source

YEAST = ("m6A", "Y", "m1A")
OTHERS: dict[str, str] = {
    "archiveii": "structure/archiveii/ArchiveII_6families.csv.gz",
    "archiveii_folds": "structure/archiveii/ArchiveII_famfold_splits.csv.gz",
    "bprna_short": "structure/bprna_short/bpRNA-1m_90_short.dbn.gz",
    "eie_arabidopsis": "splice/exon_intron_exon/eie.at.txt.gz",
    "eie_worm": "splice/exon_intron_exon/eie.ce.txt.gz",
    "gencode24_chr22": "transcripts/human_chr22/gencode.v24.annotation_chr22.gtf.gz",
    "hox_annotation": "transcripts/human_hox/transcripts.gtf.gz",
    "hox_transcripts": "transcripts/human_hox/transcripts.fasta.gz",
    "isoforms_chr1": "gene_context/human_chr1/isoforms_hg19.fa.gz",
    "isoforms_chr1_annotation": "gene_context/human_chr1/isoforms_hg19.gtf.gz",
    "modomics_trna_modified": "multirm/trna_modomics/modified.fa.gz",
    "modomics_trna_unmodified": "multirm/trna_modomics/unmodified.fa.gz",
    "mrl_human_snv": "mrl/human_snv_5utr.csv.gz",
    "mrl_random50": "mrl/egfp_m1pseudo_2_random50.csv.gz",
    "rnasstr_families": "ncrna/rfam_seed/family_assignments.tsv.gz",
    "yeast_annotation": "yeast/annotation_R64-1-1.96.gtf.gz",
    "yeast_genome": "yeast/genome_R64-1-1.fa.gz",
    "yeast_m6a_SK1": "yeast/m6a_SK1_wrong_assembly.txt.gz",
    **{f"m6A_GSE86336_HeLa_{part}": f"annotation/geo_m6a/GSM230042{number}_precise_m6A_sites_HeLa_{part}_hg19.bed.gz"
       for part, number in (("CA", 6), ("NU", 7), ("CY", 8))},
    **{f"m6A_GSE98623_MOLM13_{one}": f"annotation/geo_m6a/GSM260207{one - 1}_molm13_rep{one}.tag.uniq.sites.bed.gz"
       for one in (1, 2, 3)},
    **{f"m5c_writer_fold{fold}": f"multirm/m5c_151nt/fold{fold}.fa.gz" for fold in range(1, 6)},
    **{f"imrm_yeast_{name}": f"yeast/windows_{name}.fa.gz" for name in YEAST},
}  # fmt: skip
"""What has no checksum, because the folder has another packing or a part of it."""

FORMS: dict[str, Callable[[Path], bytes]] = {
    "rfam_seed_14-2": lambda data: b"".join(
        (data / f"ncrna/rfam_seed/Rfam14.2_seed_part{part}.sto.gz").read_bytes() for part in (1, 2)
    ),
    "nm_njuseq": lambda data: workbook(
        {cell: _rows(data / f"multirm/nm_njuseq/{cell}.tsv.gz") for cell in ("HeLa", "HEK293T")}
    ),
    "refseq_chr22_annotation": lambda data: r_data(
        "gtf_dataframe", [GTF, *_rows(data / "gene_context/human_chr22/refseq_chr22_hg19.gtf.gz")]
    ),
    "yeast_half_life": lambda data: r_data("yeast_half_life", _rows(data / "yeast/half_life.tsv.gz")),
    "yeast_expression": lambda data: r_data("yeast_exp", _rows(data / "yeast/expression.tsv.gz")),
}
"""What the folder has as text, and is published in another form."""

GTF = ["seqname", "source", "feature", "start", "end", "score", "strand", "frame", "attributes"]


def build_mirror(folder: Path, sources: Iterable[Source], data: Path) -> list[str]:
    """Write ``folder/NAME/FILE`` for each source that the folder of real data has; gives the names of the others."""
    missing = []
    for source in sources:
        content = published(source, data)
        if content is None:
            missing.append(source.name)
        else:
            (folder / source.name).mkdir(parents=True, exist_ok=True)
            (folder / source.name / source.file).write_bytes(content)
    return missing


def published(source: Source, data: Path) -> bytes | None:
    """The bytes of a source as they are published, or as near to that as the folder of real data comes."""
    if source.name in FORMS:
        return FORMS[source.name](data)
    path = data / OTHERS[source.name] if source.name in OTHERS else _digests(data).get(source.sha256)
    if path is None:
        return None
    packed = path.read_bytes()
    return packed if source.file.endswith(".gz") or path.suffix != ".gz" else gzip.decompress(packed)


@cache
def _digests(data: Path) -> dict[str, Path]:
    """Files by the checksum of what they hold."""
    return {hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest(): path for path in data.rglob("*.gz")}


def _rows(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in gzip.decompress(path.read_bytes()).decode().splitlines()]


def workbook(sheets: dict[str, list[list[str]]]) -> bytes:
    """An Excel file of tables, the first row of each being its header."""
    book = Workbook(write_only=True)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append([_number(cell) for cell in row])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def r_data(name: str, rows: list[list[str]]) -> bytes:
    """A data frame as R's ``save`` writes it (version 2, XDR); columns are integers, doubles, or text as factors."""
    header, *body = rows
    columns = [_r_column(list(column)) for column in zip(*body, strict=True)]
    row_names = struct.pack(">iiii", 13, 2, -(1 << 31), -len(body))
    attributes = (
        _r_pair("names", _r_texts(header))
        + _r_pair("row.names", row_names)
        + _r_pair("class", _r_texts(["data.frame"]))
    )
    frame = struct.pack(">ii", 0x313, len(columns)) + b"".join(columns) + attributes + _END
    head = b"RDX2\nX\n" + struct.pack(">iii", 2, 0x40000, 0x20300)
    return gzip.compress(head + _r_pair(name, frame) + _END, 6, mtime=0)


_END = struct.pack(">i", 254)


def _r_pair(tag: str, value: bytes) -> bytes:
    return struct.pack(">ii", 0x402, 1) + _r_char(tag) + value


def _r_char(text: str) -> bytes:
    content = text.encode()
    return struct.pack(">ii", 0x40009, len(content)) + content


def _r_texts(texts: list[str]) -> bytes:
    return struct.pack(">ii", 16, len(texts)) + b"".join(map(_r_char, texts))


def _r_column(texts: list[str]) -> bytes:
    numbers = [_number(text) for text in texts]
    if all(isinstance(number, int) for number in numbers):
        return struct.pack(f">ii{len(numbers)}i", 13, len(numbers), *numbers)
    if all(isinstance(number, int | float) for number in numbers):
        return struct.pack(f">ii{len(numbers)}d", 14, len(numbers), *numbers)
    levels = sorted(set(texts))
    codes = {level: code for code, level in enumerate(levels, 1)}
    values = struct.pack(f">ii{len(texts)}i", 0x30D, len(texts), *(codes[text] for text in texts))
    return values + _r_pair("levels", _r_texts(levels)) + _r_pair("class", _r_texts(["factor"])) + _END


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
