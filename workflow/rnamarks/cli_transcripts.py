"""``rnamarks transcripts``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .cli_options import (
    AnnotationOption,
    ExtendOption,
    GenesOption,
    check_paths,
    check_there,
    gene_names,
    regular,
    temporary_root,
    text_output,
    warn,
)


def transcripts(
    genome: Annotated[Path, typer.Option("--genome", help="Genome FASTA.")],
    annotation: AnnotationOption,
    extend: ExtendOption = None,
    gene: GenesOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="NAME.parquet, else FASTA (.gz: compressed); standard output without it."),
    ] = None,
) -> None:
    """Spliced RNA of a genome's transcripts, 5' to 3', as scan, null, the commands of lm and other programs read it.

    FASTA has U for T, and the gene, its name and the biotype behind the name, as Ensembl writes them; Parquet is the
    transcripts table, with exons, coding sequence and places on the genome.
    """
    from .prediction.kept import scratch
    from .sites.annotated import annotated_transcripts, write_transcripts
    from .sites.transcript_fasta import fasta_record

    genes = gene_names(gene)
    check_paths({"--genome": genome, "--annotation": annotation}, {"--out": out})
    check_there((genome, annotation))
    with (
        scratch(temporary_root()) as work,
        regular(annotation, work / "annotation") as annotation,
        regular(genome, work / "genome") as genome,
    ):
        frame = annotated_transcripts(annotation, genome=genome, extend=extend, genes=genes, workdir=work, warn=warn)
    if out is not None and out.suffix == ".parquet":
        write_transcripts(frame, out)
        return
    with text_output(out) as handle:
        handle.writelines(map(fasta_record, frame.itertuples()))
