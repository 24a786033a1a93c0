"""What runs need that were not made: the table of docs/scale.md, from measured slopes and stated assumptions.

    python benchmarks/scale.py [--core-hour 0.04] [--gpu-hour 2.5] [--tb-month 20] [--gpu-cores 30] [--mfu 0.3]

Each slope names the command that measured it; put in your own.
"""

from __future__ import annotations

import argparse

# planning.py: jobs and processor seconds of planning, of nothing and more by species; jobs that scan, by species
JOBS, PLAN_S = (64, 14), (3.3, 0.072)
SCANS = 2
# transcriptome.py --mnt 1.9 --threads 1 --chunks 1 2, of MASS as published; sites and bytes of --mnt 0.3
SCAN_S_MNT, JOIN_S_MNT, SITES_MNT, SITE_BYTES = 14.6, 0.05, 16_900, 24.4
# training_step.py over the scan of transcriptome.py at the same load, and the scan of a quiet machine, per core
TRAIN_WINDOWS_S = 0.22 * 3_111 / 2
# corpus.py: processor time of all three sizes, scaled to 36 million records; GB of disk and of memory
CORPUS_CORE_H, CORPUS_GB, CORPUS_MEMORY = 114 / 3600 * 36 / 1.11, 100 + 21, 3.4
# rnamarks.training.throughput.operations of giga, per nucleotide of RNAs of 500 nt
GIGA_OPERATIONS = 4.23e9
# what the data sheet of a GPU says of bfloat16 (H100, H200)
GPU_OPERATIONS = 989e12

# config/paper/mass.yaml as planned: trainings of MASS and DeepM6ASeq, fits of its line search, at all their epochs
SEVEN_JOBS, SEVEN_WINDOWS = 386, 63 * 50 * 500 * 700 + 42 * 50 * 1000 * 256 + 240 * 50 * 500 * 700
# config/paper/rinalmo.yaml: jobs; steps and RNAs of a step of pre-training, nt of an RNA (assumed)
RNA_JOBS, RNA_NT = 1145, 200_000 * 1344 * 500
# assumed: Mnt of transcripts and windows of a species
MNT_SPECIES, CHUNK_MNT, WINDOWS_SPECIES = 150, 20, 45_000
# the job with most memory is split_windows: what its rule asks for, and bytes of a window of docs/results.md
SPLIT_GB, SPLIT_GB_MB, WINDOW_BYTES = 1.0, 0.25, 34


def scans(species: int) -> tuple[int, float, float]:
    """Jobs that chunks add, core hours and GB of the scans of so many species."""
    mnt = SCANS * species * MNT_SPECIES
    return (
        SCANS * species * round(MNT_SPECIES / CHUNK_MNT),
        mnt * (SCAN_S_MNT + JOIN_S_MNT) / 3600,
        mnt * SITES_MNT * SITE_BYTES / 1e9,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--core-hour", type=float, default=0.04, help="price")
    parser.add_argument("--gpu-hour", type=float, default=2.5, help="price")
    parser.add_argument("--tb-month", type=float, default=20, help="price")
    parser.add_argument("--gpu-cores", type=float, default=30, help="cores that a GPU is worth in training MASS")
    parser.add_argument("--mfu", type=float, default=0.3, help="fraction of a GPU's operations that giga uses")
    given = parser.parse_args()
    rows = []
    for name, species, jobs, windows in (
        ("seven vertebrates, `paper/mass.yaml`", 7, SEVEN_JOBS, SEVEN_WINDOWS),
        # one training of all, three seeds, and one of each alone; no search
        ("1,000 species, the demo's analyses", 1000, JOBS[0] + JOBS[1] * 1000, 1003 * 50 * 500 * 700),
    ):
        chunks, core_h, gb = scans(species)
        gpu_h = windows / TRAIN_WINDOWS_S / 3600 / given.gpu_cores
        memory = SPLIT_GB + SPLIT_GB_MB * WINDOWS_SPECIES * WINDOW_BYTES * species / 1e6
        # tracks and transcripts take about as much as the tables of sites
        rows.append((name, jobs + chunks, PLAN_S[0] + PLAN_S[1] * species, memory, 2 * gb, core_h, gpu_h))
    gpu_h = RNA_NT * GIGA_OPERATIONS / (GPU_OPERATIONS * given.mfu) / 3600
    rows.append(
        ("36 million ncRNAs, giga, `paper/rinalmo.yaml`", RNA_JOBS, 7, CORPUS_MEMORY, CORPUS_GB, CORPUS_CORE_H, gpu_h)
    )
    print("| run | jobs | planning, s | memory of a job, GB | disk, GB | core hours | GPU hours | price |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, jobs, plan, memory, disk, core_h, gpu_h in rows:
        price = core_h * given.core_hour + gpu_h * given.gpu_hour + disk / 1000 * given.tb_month
        cells = (f"{jobs:,}", f"{plan:.0f}", f"{memory:.0f}", f"{disk:,.0f}", f"{core_h:,.0f}", f"{gpu_h:,.0f}")
        print(f"| {name} | {' | '.join(cells)} | {price:,.0f} |")


if __name__ == "__main__":
    main()
