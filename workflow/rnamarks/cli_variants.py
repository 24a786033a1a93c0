"""``rnamarks variants``."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from .cli_options import (
    AnnotationOption,
    DeviceOption,
    ExtendOption,
    ModelOption,
    ModeOption,
    OutOption,
    ScanBatchOption,
    TasksOption,
    ThreadsOption,
    check_paths,
    regular,
    task_names,
    temporary_root,
    text_output,
    warn,
)
from .models.shipped import DEFAULT


def variants(
    source: Annotated[
        Path, typer.Argument(metavar="FILE", help="VCF or BCF, plain, gzipped or bgzipped; - reads standard input.")
    ],
    genome: Annotated[Path, typer.Option("--genome", help="Genome FASTA on which the variants were called.")],
    annotation: AnnotationOption,
    extend: ExtendOption = None,
    model: ModelOption = Path(DEFAULT),
    task: TasksOption = None,
    mode: ModeOption = "exact",
    out: OutOption = None,
    vcf: Annotated[
        Path | None,
        typer.Option("--vcf", help="VCF to write, the records with the INFO field RNAMARKS; bgzipped if NAME.gz."),
    ] = None,
    haplotypes: Annotated[
        bool, typer.Option("--haplotypes", help="Apply alleles of one phased haplotype and one transcript together.")
    ] = False,
    foremost: Annotated[
        bool,
        typer.Option(
            "--foremost",
            help="Of each allele, transcript and task only the base that is changed most, and those lost or gained.",
        ),
    ] = False,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
    batch_size: ScanBatchOption = None,
) -> None:
    """What variants of a genome do to the modifications of its RNA.

    Of every transcript that has a variant in an exon, the bases whose window or motif the variant touches are scored
    without and with it. One row per allele, transcript, task and base; an allele without a score has one row that says
    why in the column reason.

    A model that also reads where bases lie (the shipped m6a and m6a-structure) is given the places of the reference:
    exons, coding sequence, open reading frame and ends are those of the transcript without the variant, so that the
    gain or loss of a start or stop codon changes nothing through them.

    Columns: chrom, start (0-based), ref, alt as in FILE; haplotype (alleles applied together); transcript, gene,
    gene_name, strand; task, modification; genome_start, genome_end (of the base, 0-based half-open, -1 if it is
    inserted), transcript_start (0-based on the RNA), region; distance (nt along the RNA from the change, negative
    towards the 5' end); motif (kept, lost, gained: whether the base can be asked about before and after);
    probability_ref, probability_alt (calibrated), logit_ref, logit_alt, delta_logit (alternative minus reference,
    natural-log odds), percentile (percent of random changes of one nucleotide, anywhere in the window of such a base,
    whose delta_logit is smaller, whatever the sign), reason.
    """
    from .prediction.kept import scratch
    from .prediction.windows import set_threads
    from .progress import show_sites
    from .sites.annotated import say_drops
    from .variants.annotate import VariantOptions, annotate_variants
    from .variants.records import vcf_output

    check_paths(
        {"the input": source, "--genome": genome, "--annotation": annotation}, {"--out": out, "--vcf": vcf}, model
    )
    options = VariantOptions(mode, tuple(task_names(task)), haplotypes, foremost, extend, device, batch_size)
    set_threads(threads)
    with (
        scratch(temporary_root()) as work,
        regular(source, work / "source") as source,
        regular(genome, work / "genome") as genome,
        regular(annotation, work / "annotation") as annotation,
        text_output(out) as handle,
        vcf_output(vcf) as annotated,
        show_sites(sys.stderr, "variants", "records") as progress,
    ):
        found = annotate_variants(
            source,
            genome,
            annotation,
            model,
            options,
            out=handle,
            vcf=annotated,
            workdir=work,
            report=partial(say_drops, warn=warn),
            progress=progress,
            warn=warn,
        )
    without = found.alleles - found.scored
    warn(
        f"{found.records:,} records with {found.alleles:,} alternative alleles: {found.scored:,} scored, "
        f"{without:,} without a score; {found.rows:,} rows"
    )
    for reason, number in found.reasons.items():
        warn(f"without a score: {number:,}, {reason}")
