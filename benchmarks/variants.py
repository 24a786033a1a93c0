"""Speed of `rnamarks variants`: SNVs per second, beside a scan of each changed transcript as a whole.

A random genome with genes of five exons on both strands and three isoforms each; SNVs at random places of their exons;
a model of random weights at the published sizes, twelve modifications (that of benchmarks/scan.py), or a shipped one.
The time of the command is that of reading, scoring and writing, the model loaded: once with all SNVs and once with a
tenth of them, since what is read at the start does not grow with the variants. The rescan, which has no windows to
choose, is timed over some of the changed transcripts, one SNV on one transcript each, all modifications.

    PYTHONPATH=workflow python benchmarks/variants.py [--snvs 4000] [--genes 40] [--rescans 40] [--threads 2]
        [--modes fast exact] [--model m6a]
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from scan import make_model

from rnamarks.models.shipped import find_model
from rnamarks.prediction.bases import choose_tasks, find_sites, gap_for
from rnamarks.prediction.modes import MODES, load_engine
from rnamarks.sequences import decode
from rnamarks.sites.windows import lay
from rnamarks.variants.annotate import VariantOptions, annotate_variants
from rnamarks.variants.table import NOTHING

EXONS, EXON, INTRON, APART = 5, 400, 600, 2000
BASES = "ACGT"


def write_genome(folder: Path, genes: int) -> tuple[str, list[tuple[int, int]]]:
    """Genome and annotation; returns the genome's letters and the exons of all genes."""
    size = genes * (EXONS * (EXON + INTRON) + APART)
    codes = np.random.default_rng(1).integers(0, 4, size).astype(np.uint8)
    text = decode(codes).replace("U", "T")
    with open(folder / "g.fa", "w") as handle:
        handle.write(">chr1\n" + "\n".join(text[at : at + 60] for at in range(0, size, 60)) + "\n")
    exons = []
    with open(folder / "g.gtf", "w") as handle:
        for gene in range(genes):
            first = gene * (EXONS * (EXON + INTRON) + APART) + APART // 2
            own = [
                (first + number * (EXON + INTRON), first + number * (EXON + INTRON) + EXON) for number in range(EXONS)
            ]
            exons += own
            for isoform, kept in enumerate((own, own[1:], [own[0], *own[2:]])):
                told = f'gene_id "g{gene}"; transcript_id "g{gene}.{isoform}";'
                for start, end in kept:
                    handle.write(f"chr1\tx\texon\t{start + 1}\t{end}\t.\t{'+-'[gene % 2]}\t.\t{told}\n")
    return text, exons


def write_snvs(path: Path, text: str, exons: list[tuple[int, int]], number: int) -> None:
    """A VCF of SNVs in exons, in order."""
    rng = np.random.default_rng(2)
    places = np.concatenate([np.arange(*exon) for exon in exons])
    with open(path, "w") as handle:
        handle.write("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
        for at in np.sort(rng.choice(places, number, replace=False)).tolist():
            alt = BASES[(BASES.index(text[at]) + int(rng.integers(1, 4))) % 4]
            handle.write(f"chr1\t{at + 1}\t.\t{text[at]}\t{alt}\t.\t.\t.\n")


def annotate(folder: Path, calls: Path, model: Path, mode: str) -> tuple[float, int]:
    """Seconds and rows of one run."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as work, open(folder / "o.tsv", "w") as out:
        found = annotate_variants(
            calls,
            folder / "g.fa",
            folder / "g.gtf",
            model,
            VariantOptions(mode=mode, device="cpu"),
            out=out,
            vcf=io.StringIO(),
            workdir=work,
            warn=lambda line: None,
        )
    # of a model that is asked about a motif some SNVs have none near
    if lacking := found.alleles - found.scored - found.reasons.get(NOTHING, 0):
        raise SystemExit(f"{lacking} SNVs in exons have no score")
    return time.perf_counter() - began, found.rows


def rescan(model: Path, mode: str, number: int) -> float:
    """Transcripts per second, whole, as they are and changed: twice four exons."""
    loaded = load_engine(model, mode, device="cpu")
    tasks = choose_tasks(loaded.config.tasks)
    rng = np.random.default_rng(3)
    began = time.perf_counter()
    for _ in range(number):
        before = rng.integers(0, 4, (EXONS - 1) * EXON).astype(np.uint8)
        after = before.copy()
        after[len(after) // 2] = (after[len(after) // 2] + 1) % 4
        codes = lay([before, after], gap_for(tasks, loaded.engine)).codes
        loaded.engine.score(codes, {task.name: find_sites(codes, task) for task in tasks})
    return number / (time.perf_counter() - began)


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--snvs", type=int, default=4000)
    parser.add_argument("--genes", type=int, default=40)
    parser.add_argument("--rescans", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=["fast", "exact"])
    parser.add_argument("--model", help="a name or a directory; random weights without it")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = find_model(given.model) if given.model else folder / "model"
        if not given.model:
            make_model(model)
        text, exons = write_genome(folder, given.genes)
        print("mode\tSNVs\trows\tseconds\tSNVs/s\tSNVs/s without the start\trescans of one transcript/s")
        for mode in given.modes:
            number = given.snvs if mode == "fast" else max(10, given.snvs // 40)
            few = max(1, number // 10)
            for path, size in (("many.vcf", number), ("few.vcf", few)):
                write_snvs(folder / path, text, exons, size)
            annotate(folder, folder / "few.vcf", model, mode)
            at_start, _ = annotate(folder, folder / "few.vcf", model, mode)
            seconds, rows = annotate(folder, folder / "many.vcf", model, mode)
            steady = (number - few) / max(seconds - at_start, 1e-9)
            whole = rescan(model, mode, given.rescans if mode == "fast" else max(2, given.rescans // 20))
            print(
                f"{mode}\t{number}\t{rows}\t{seconds:.2f}\t{number / seconds:.0f}\t{steady:.0f}\t{whole:.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
