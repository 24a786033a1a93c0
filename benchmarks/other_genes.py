"""Shipped m6A models against sites of genes without a trained adenosine, by `rnamarks compare`.

    PYTHONPATH=workflow python benchmarks/other_genes.py FOLDER [--models m6a m6a-structure]

miCLIP sites (Linder et al. 2015) on the first 0.8 Mnt of GRCh38's chr16, 17 and 18 with GENCODE's genes, of the data
beside the project. FOLDER takes the inputs and, by model, the report, which can be opened. The network under the trees
was trained on windows of DeepM6ASeq from the whole genome, so sites whose 41 nt are in one are known to it: the second
figures are of genes without such a site.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyfaidx

from rnamarks.files import open_text

PIECES = "gene_context/human_pieces/hs1pct"
WINDOWS = "m6a/deepm6aseq/hs_pos_train.txt.gz"
SITES = "annotation/single_nucleotide/miCLIP_m6A_Linder2015_hg38.bed.gz"


def main() -> None:
    """Write the inputs, compare, and print the metrics of ranking."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--models", nargs="+", default=["m6a", "m6a-structure"])
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    genome, sites = (arguments.folder / name for name in ("genome.fa", "sites.bed"))
    genes = arguments.data / f"{PIECES}.gff3.gz"
    lengths = write_genome(arguments.data / f"{PIECES}.fa.gz", genome)
    with open_text(arguments.data / SITES) as lines, sites.open("w") as out:
        rows = (line.split("\t", 3) for line in lines if not line.startswith("#"))
        out.writelines("\t".join(row) for row in rows if int(row[2]) <= lengths.get(row[0], 0))
    known = seen(sites, genome, arguments.data / WINDOWS)
    print(f"# 41 nt around {len(known)} of {sum(1 for _ in sites.open())} sites are in a training window")
    print("model\tgenes\tmetric\tvalue\tlow\thigh\tpositions\tsites\tprevalence\tnumber of genes")
    for model in arguments.models:
        everything = compare(model, "all", sites, genes, arguments.folder)
        placed = pd.read_csv(everything / "prior.tsv.gz", sep="\t")
        place = list(zip(placed["chrom"], placed["genome_start"], placed["strand"], strict=True))
        of_known = set(placed["gene"][[one in known for one in place]])
        kept = {one for one, gene in zip(place, placed["gene"], strict=True) if gene not in of_known}
        fresh = arguments.folder / "fresh.bed"
        rows = [row for row in sites.read_text().splitlines() if place_of(row) in kept]
        fresh.write_text("".join(f"{row}\n" for row in rows))
        compare(model, "without known sites", fresh, genes, arguments.folder)


def compare(model: str, which: str, sites: Path, genes: Path, folder: Path) -> Path:
    """Compare and print the metrics of ranking; the folder of the report."""
    out = folder / f"{model} {which}".replace(" ", "_")
    files = ["--genome", folder / "genome.fa", "--annotation", genes]
    command = ["--sites", sites, *files, "--model", model, "--out", out]
    subprocess.run([sys.executable, "-m", "rnamarks.cli", "compare", *map(str, command)], check=True)
    table = pd.read_csv(out / "metrics.tsv", sep="\t")
    for row in table[table["metric"].isin(["auroc", "auprc"])].itertuples():
        values = f"{row.value:.3f}\t{row.low:.3f}\t{row.high:.3f}"
        counts = f"{row.n:.0f}\t{row.n_positive:.0f}\t{row.prevalence:.3f}\t{row.genes:.0f}"
        print(f"{model}\t{which}\t{row.metric}\t{values}\t{counts}", flush=True)
    return out


def place_of(row: str) -> tuple[str, int, str]:
    """Chromosome, 0-based start and strand of a row of BED."""
    chrom, start, *_, strand = row.split()
    return chrom, int(start), strand


def seen(sites: Path, genome: Path, windows: Path) -> set[tuple[str, int, str]]:
    """Places of sites whose 41 nt on the genome, on the site's strand, are part of a window."""
    stretches: set[str] = set()
    with open_text(windows) as lines:
        for line in lines:
            letters = line.strip().upper()
            stretches.update(letters[start : start + 41] for start in range(len(letters) - 40))
    found = set()
    with pyfaidx.Fasta(str(genome), sequence_always_upper=True) as contigs:
        for row in sites.read_text().splitlines():
            chrom, start, strand = place_of(row)
            around = contigs[chrom][start - 20 : start + 21]
            if (str(around) if strand == "+" else around.reverse.complement.seq) in stretches:
                found.add((chrom, start, strand))
    return found


def write_genome(packed: Path, out: Path) -> dict[str, int]:
    """Write the sequences, unpacked; lengths in nt by name."""
    lengths: dict[str, int] = {}
    with open_text(packed) as lines, out.open("w") as target:
        for line in lines:
            target.write(line)
            if line.startswith(">"):
                name = line[1:].split()[0]
                lengths[name] = 0
            else:
                lengths[name] += len(line.strip())
    return lengths


if __name__ == "__main__":
    main()
