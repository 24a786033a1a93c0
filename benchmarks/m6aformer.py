"""Shipped m6A models against the package m6aformer: ranking of real adenosines, and time from FASTA to table.

    PYTHONPATH=workflow python benchmarks/m6aformer.py --peer FOLDER [--models m6a] [--repeats 3]

FOLDER is an environment that the package is installed into at the first call. Judged are DRACH of the chromosome 1
genes of `gene_context`, the longest isoform of each gene with a listed m6A, which the shipped models were not trained
on; intervals are over genes, differences paired. The package's weights are those for DRACH and 201 nt. What they were
trained on is not known here, so these genes may be among it. Time is that of the whole command, read and write
included, over the transcripts of both chromosomes; the programs run in turn.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from m6a_sites import said
from peers import install_peer

import rnamarks
from rnamarks.evaluation.bootstrap import resample_genes, resampled_metrics
from rnamarks.files import open_text

CHROMOSOME = "chr1"
FASTA = ("gene_context/human_chr1/isoforms_hg19.fa.gz", "transcripts/human_chr22/refseq_chr22_transcripts.fa.gz")


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", type=Path, required=True, help="folder for m6aformer")
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--models", nargs="+", default=["m6a"], help="names or directories that need no annotation")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bootstrap", type=int, default=1000)
    arguments = parser.parse_args()
    rows = pd.read_csv(arguments.data / "gene_context" / "m6a_candidates_hg19.tsv.gz", sep="\t").query("DRACH == 1")
    rows["label"] = rows["assays"] != "."
    with tempfile.TemporaryDirectory() as folder:
        chosen, everything = Path(folder, "judged.fa"), Path(folder, "timed.fa")
        judged = longest_isoforms(rows[rows["#chrom"] == CHROMOSOME])
        take(arguments.data, chosen, set(judged["transcript"]))
        take(arguments.data, everything, None)
        rank(judged, chosen, Path(folder), arguments)
        race(everything, Path(folder), arguments)


def longest_isoforms(rows: pd.DataFrame) -> pd.DataFrame:
    """Candidates on the longest isoform of each gene that has a site on it."""
    isoforms = rows.groupby(["gene", "transcript"], as_index=False).agg(
        length=("tx_len", "first"), sites=("label", "sum")
    )
    isoforms = isoforms.sort_values(["gene", "length", "transcript"], ascending=[True, False, True])
    longest = isoforms.drop_duplicates("gene").query("sites > 0")
    return rows[rows["transcript"].isin(longest["transcript"])].reset_index(drop=True)


def take(data: Path, out: Path, names: set[str] | None) -> None:
    """Write the transcripts with these names, all without names."""
    with out.open("w") as target:
        for file in FASTA:
            kept = False
            with open_text(data / file) as lines:
                for line in lines:
                    if line.startswith(">"):
                        name = line[1:].split()[0]
                        kept = names is None or name in names
                        line = f">{name}\n"
                    if kept:
                        target.write(line)


def rank(judged: pd.DataFrame, fasta: Path, folder: Path, arguments: argparse.Namespace) -> None:
    """Print AUROC and AUPRC of each on the candidates that all have scored."""
    judged = judged.set_index(["transcript", "tx_pos0"])
    scores = {}
    for model in arguments.models:
        for mode in ("exact", "fast"):
            run(ours(model, mode, fasta, folder / "ours.tsv", arguments), arguments)
            table = pd.read_csv(folder / "ours.tsv", sep="\t").set_index(["sequence", "start"])
            scores[f"{model}, {mode}"] = table["logit"].reindex(judged.index)
    run(theirs(fasta, folder / "peer.tsv", arguments), arguments)
    table = pd.read_csv(folder / "peer.tsv", sep="\t")
    scores["m6aformer"] = table.set_index(["chrom", "start"])["logit"].reindex(judged.index)
    frame = pd.DataFrame(scores)
    scored = frame.notna().all(axis=1)
    print(f"# {scored.sum()} of {len(frame)} candidates scored by all", flush=True)
    frame, judged = frame[scored], judged[scored]
    labels = judged["label"].to_numpy()
    genes = judged["gene"].to_numpy()
    drawn = resample_genes(genes, arguments.bootstrap, np.random.default_rng(1))
    values, draws = resampled_metrics(labels, frame.T.to_numpy(), resamples=drawn)
    print(f"# {len(set(genes))} genes, {labels.sum()} sites, prevalence {labels.mean():.3f}")
    print("model\tAUROC\tAUPRC\tAUROC minus m6aformer\tAUPRC minus m6aformer")
    for i, name in enumerate(frame):
        cells = [said(values[metric][i], draws[metric][i]) for metric in ("auroc", "auprc")]
        cells += [
            said(values[metric][i] - values[metric][-1], draws[metric][i] - draws[metric][-1])
            for metric in ("auroc", "auprc")
        ]
        print("\t".join([name, *cells]), flush=True)


def race(fasta: Path, folder: Path, arguments: argparse.Namespace) -> None:
    """Print seconds of each command, in turn, and how many times faster than the peer's each is."""
    commands = {
        f"{model}, {mode}": ours(model, mode, fasta, folder / "timed.tsv", arguments)
        for model in arguments.models
        for mode in ("exact", "fast")
    } | {"m6aformer": theirs(fasta, folder / "peer_timed.tsv", arguments)}
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(arguments.repeats):
        for name, command in commands.items():
            seconds[name].append(run(command, arguments))
    with (folder / "peer_timed.tsv").open() as lines:
        candidates = sum(1 for _ in lines) - 1
    print(f"# {candidates} DRACH, {arguments.threads} threads\nprogram\tcandidates/s\ttimes m6aformer")
    for name, taken in seconds.items():
        ratios = sorted(peer / own for peer, own in zip(seconds["m6aformer"], taken, strict=True))
        spread = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        print(f"{name}\t{candidates / statistics.median(taken):.0f}\t{spread}", flush=True)


def ours(model: str, mode: str, fasta: Path, out: Path, arguments: argparse.Namespace) -> list[str]:
    """Command of a scan that writes every DRACH."""
    options = ["--mode", mode, "--all", "--no-top", "--threads", str(arguments.threads), "--device", "cpu"]
    return [sys.executable, "-m", "rnamarks.cli", "scan", str(fasta), "--model", model, *options, "--out", str(out)]


def theirs(fasta: Path, out: Path, arguments: argparse.Namespace) -> list[str]:
    """Command of the peer, installed first if it is not."""
    python = install_peer(arguments.peer, "m6aformer==0.1.2")
    options = ["--model", "drach_201", "--motif", "DRACH", "--strand", "+", "--device", "cpu"]
    return [str(python), "-m", "m6aformer", "predict", "--input", str(fasta), "--output", str(out), *options]


def run(command: list[str], arguments: argparse.Namespace) -> float:
    """Seconds that a program takes."""
    threads = str(arguments.threads)
    own = {"PYTHONPATH": str(Path(rnamarks.__file__).parents[1])} if "rnamarks.cli" in command else {}
    started = time.perf_counter()
    subprocess.run(
        command,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | own | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads},
    )
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
