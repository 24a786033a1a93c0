"""Speed and memory of scoring every DRACH of a simulated transcriptome.

Speed: the scan of a model directory, from the file of transcripts to the table of sites, with the MASS network and
random weights; against the same network given one window at a time (on a sample of the same windows), and against a
scan with the architecture of DeepM6ASeq, in turn in one process. Two isoforms of each gene share their last exon, so
some windows are equal, as in a real transcriptome; windows/s counts sites, whether or not a window was seen before.

Memory: the rules scan_transcriptome, summarise_sites and export_sites, with a small network of the registry, since what
is to be shown is that nothing grows with the transcriptome, and a larger network's share is the same for every batch.
Each size and rule is measured in a process of its own; the peak is that of the whole process less its peak after the
imports and the same rule on 0.2 Mnt. A block has 0.9 Mnt, so below that a block is all there is. Three things grow yet:
pages of the files in which sites are ranked, which the system may drop (12 bytes per site); what torch compiled for
each size of a block's last batch, of which there are at most 63; and in pyBigWig the zoom levels of a track, 50 bytes
per site.

    PYTHONPATH=workflow python benchmarks/transcriptome.py [--mnt 0.1] [--sizes 1 3 10 30 100] [--skip speed|memory]

With --chunks 1 2 4 the scan is made in so many chunks, besides.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from rnamarks.evaluation.calibration import Calibration
from rnamarks.prediction.site_files import read_site_metadata
from rnamarks.sequences import decode
from rnamarks.tasks import Task

MEAN_NT = 3000
GENES_AT_ONCE = 1000
WIDTH = 101
SMALL_MNT = 0.2
N_CHROMOSOMES = 20
GENE_SPAN = 100_000
NETWORK = {"filters": [6, 4], "lstm_units": 3}
TASK = Task("human", species="human", modification="m6A", base="A", motif="DRACH", motif_offset=2)
TEXTS = ("transcript", "gene", "gene_name", "biotype", "chrom", "strand")


def simulate(path: Path, n_nt: int, seed: int = 1) -> int:
    """Write transcripts of about ``n_nt`` in all, some genes at a time; returns the exact size.

    Two isoforms a gene that share their last exon; genes on both strands of 20 chromosomes, one gene after another on
    the next chromosome; every 30th gene without coordinates. One row group, as the rules write it.
    """
    rng = np.random.default_rng(seed)
    made = gene = 0
    fields = [(name, pa.string()) for name in TEXTS]
    fields += [(name, pa.list_(pa.int64())) for name in ("exon_starts", "exon_ends")]
    fields += [("cds_start", pa.int64()), ("cds_end", pa.int64()), ("sequence", pa.string())]
    schema = pa.schema(fields)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while made < n_nt:
            rows = []
            for _ in range(GENES_AT_ONCE):
                if made >= n_nt:
                    break
                shared = rng.integers(0, 4, int(rng.gamma(2.0, MEAN_NT / 4)) + 100, dtype=np.uint8)
                for isoform in range(2):
                    own = rng.integers(0, 4, int(rng.gamma(2.0, MEAN_NT / 4)) + 100, dtype=np.uint8)
                    row = {"transcript": f"g{gene}.{isoform}", "gene": f"g{gene}", "gene_name": f"G{gene}"}
                    row |= {"biotype": "mRNA", "cds_start": 50, "cds_end": 110}
                    row |= {"sequence": decode(np.concatenate((own, shared)))}
                    row |= place(gene, isoform, len(own), len(shared))
                    rows.append(row)
                    made += len(own) + len(shared)
                gene += 1
            writer.write_batch(pa.RecordBatch.from_pylist(rows, schema))
    return made


def place(gene: int, isoform: int, n_own: int, n_shared: int) -> dict[str, object]:
    """Coordinates (0-based half-open) of an isoform, whose first exon is its own and whose last exon is shared."""
    if gene % 30 == 0:
        return {"chrom": "", "strand": "+", "exon_starts": [], "exon_ends": []}
    start = gene // N_CHROMOSOMES * GENE_SPAN
    forward = gene // N_CHROMOSOMES % 2 == 0
    # the first exon of a transcript lies last on the reverse strand
    shared, own = (2, isoform) if forward else (0, 1 + isoform)
    shared, own = (start + number * GENE_SPAN // 3 for number in (shared, own))
    exons = sorted([(own, own + n_own), (shared, shared + n_shared)])
    return {
        "chrom": f"chr{gene % N_CHROMOSOMES + 1}",
        "strand": "+" if forward else "-",
        "exon_starts": [first for first, _ in exons],
        "exon_ends": [last for _, last in exons],
    }


def save_network(folder: Path, name: str, hyperparameters: dict[str, object]) -> None:
    """A model directory with a network of the registry, random weights and a calibration."""
    import torch

    from rnamarks.models.checkpoint import save_model
    from rnamarks.models.directory import ModelConfig
    from rnamarks.models.registry import build_model

    torch.manual_seed(0)
    network = build_model(name, [TASK.name], WIDTH, hyperparameters)
    if name == "deepm6aseq":
        with torch.no_grad():
            # else every site has nearly the same probability
            network.heads[TASK.name][0].weight.mul_(20)
    constants = {TASK.name: Calibration(prevalence=0.1).to_dict()}
    save_model(folder, [network.state_dict()], ModelConfig(name, [TASK], WIDTH, hyperparameters, constants))


def scan(model: Path, folder: Path, device: str = "cpu", batch_size: int | None = None) -> dict[str, object]:
    """What the rule scan_transcriptome does, in ``folder``; the metadata of the sites."""
    from rnamarks.prediction.scan import ScanOptions
    from rnamarks.prediction.scanner import Outputs, Scanner

    out = folder / "sites.parquet"
    Scanner(model, device=device, batch_size=batch_size).run(
        folder / "transcripts.parquet",
        ScanOptions(alpha=None, top=False),
        Outputs(table=out),
        checkpoints=folder / "checkpoints",
        warn=lambda line: None,
    )
    return read_site_metadata(out)


def measure_speed(mnt: float, repeats: int, threads: int, device: str, batch_size: int | None) -> None:
    """Print windows/s and nt/s of both networks, and of one window at a time."""
    import torch
    from scoring import one_at_a_time

    from rnamarks.models.checkpoint import load_model
    from rnamarks.prediction.bases import find_sites
    from rnamarks.prediction.score import pick_device, score_windows
    from rnamarks.prediction.spool import spool_transcripts

    torch.set_num_threads(threads)
    where = pick_device(device)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in ("mass", "deepm6aseq"):
            save_network(folder / name, name, {})
        network = load_model(folder / "mass")[0].networks
        simulate(folder / "transcripts.parquet", int(mnt * 1e6))
        spool = spool_transcripts(folder / "transcripts.parquet", folder, WIDTH // 2)
        at = find_sites(np.array(spool.codes), TASK)
        windows = np.lib.stride_tricks.sliding_window_view(spool.codes, WIDTH)[at - WIDTH // 2]
        different = len(np.unique(windows, axis=0))
        few = windows[:: max(1, len(windows) // 200)][:200]
        speeds: dict[str, list[float]] = {}
        nt_speeds: dict[str, list[float]] = {}
        for _ in range(repeats):
            for name in ("mass", "deepm6aseq"):
                started = time.perf_counter()
                described = scan(folder / name, folder, device, batch_size)
                seconds = time.perf_counter() - started
                speeds.setdefault(name, []).append(described["sites"] / seconds)
                nt_speeds.setdefault(name, []).append(described["nt"] / seconds)
            started = time.perf_counter()
            single = one_at_a_time(network, few, where)
            speeds.setdefault("mass, one at a time", []).append(len(few) / (time.perf_counter() - started))
            together = score_windows(network, few, TASK.name, device=where)
            worst = float(np.abs(single - together).max())
        print(f"speed: {described['nt'] / 1e6:.2f} Mnt, {described['sites']} sites, {different} different windows")
        size = (folder / "sites.parquet").stat().st_size
        print(f"table of sites: {size / described['sites']:.1f} bytes per site")
        print(f"device {where.type}, {threads} threads, median of {repeats} (lowest to highest)")
        for name, values in speeds.items():
            line = f"{name:22}{statistics.median(values):9.0f} windows/s ({min(values):.0f} to {max(values):.0f})"
            print(line + (f"{statistics.median(nt_speeds[name]):12.0f} nt/s" if name in nt_speeds else ""))
        for name in ("mass, one at a time", "deepm6aseq"):
            ratios = [a / b for a, b in zip(speeds["mass"], speeds[name], strict=True)]
            print(f"mass / {name}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
        print(f"largest difference of logits, one at a time and in batches: {worst:.1e}")


def measure_chunks(mnt: float, numbers: list[int], threads: int) -> None:
    """Print what each chunk of a scan, and their joining, takes of the processor; the tables are equal to the byte."""
    import torch

    from rnamarks.prediction.scan import ScanOptions
    from rnamarks.prediction.scanner import Outputs, Scanner

    torch.set_num_threads(threads)
    quiet = {"warn": lambda line: None}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        save_network(folder / "mass", "mass", {})
        n_nt = simulate(folder / "transcripts.parquet", int(mnt * 1e6))
        scanner, tables = Scanner(folder / "mass", device="cpu"), set()
        print(f"chunks: {n_nt / 1e6:.2f} Mnt, {threads} threads")
        for n in numbers:
            paths, seconds = [folder / f"{n}.{chunk}" for chunk in range(n)], []
            for chunk, path in enumerate(paths):
                started = time.process_time()
                where = {"task": TASK.name, "chunk": chunk, "chunks": n, "checkpoints": folder / "checkpoints"}
                scanner.score_chunk(folder / "transcripts.parquet", path, **where, **quiet)
                seconds.append(time.process_time() - started)
            started = time.process_time()
            options = ScanOptions(alpha=None, top=False)
            outputs = Outputs(table=folder / "sites.parquet")
            scanner.run(folder / "transcripts.parquet", options, outputs, chunks=paths, **quiet)
            joined = time.process_time() - started
            tables.add((folder / "sites.parquet").read_bytes())
            print(f"{n:4d}: longest {max(seconds):.1f} s, all {sum(seconds):.1f} s, joining {joined:.1f} s", flush=True)
        if len(tables) > 1:
            sys.exit("the tables differ")


def peak_mb() -> float:
    """Largest resident size of this program so far, MB."""
    # getrusage would count what the process that started this one held
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024 / 1e6


def run_scan(folder: Path) -> None:
    """What the rule scan_transcriptome does."""
    import torch

    torch.set_num_threads(1)
    scan(folder.parent / "model", folder)


def run_summarise(folder: Path) -> None:
    """What the rule summarise_sites does."""
    from rnamarks.prediction.summaries import write_summaries

    files = (folder / name for name in ("sites.parquet", "transcripts.parquet", "transcripts.tsv", "genes.tsv"))
    write_summaries(*files)


def run_export(folder: Path) -> None:
    """What the rule export_sites does."""
    from rnamarks.prediction.bedrmod import prediction_header, write_bedrmod
    from rnamarks.prediction.merging import export_comments, merge_isoforms, select_sites
    from rnamarks.prediction.site_files import read_site_metadata
    from rnamarks.prediction.tracks import chromosome_sizes, write_bed, write_bigwig

    metadata = read_site_metadata(folder / "sites.parquet")
    merged = merge_isoforms(folder / "sites.parquet")
    chosen = select_sites(merged)
    comments = export_comments(metadata, merged, chosen)
    stated = {"organism": 9606, "assembly": "made", "annotation_source": "made", "annotation_version": "1"}
    write_bedrmod(chosen, folder / "sites.bedrmod", prediction_header(metadata, **stated), comments=comments)
    write_bed(chosen, folder / "sites.bed", comments)
    sizes = chromosome_sizes(folder / "transcripts.parquet")
    for strand, name in (("+", "plus"), ("-", "minus")):
        write_bigwig(merged, folder / f"{name}.bw", strand, sizes)


STAGES = {"scan": run_scan, "summarise": run_summarise, "export": run_export}


def measure_stage(stage: str, folder: Path) -> dict[str, float]:
    """Peak memory of one rule on ``folder / "large"`` in this process, above that on ``folder / "small"``."""
    STAGES[stage](folder / "small")
    before = peak_mb()
    started = time.perf_counter()
    STAGES[stage](folder / "large")
    return {"seconds": time.perf_counter() - started, "before_mb": before, "peak_mb": peak_mb() - before}


def measure_memory(sizes: list[float], folder: Path) -> None:
    """Print the curve: every size and rule in a process of its own."""
    save_network(folder / "model", "deepm6aseq", NETWORK)
    (folder / "small").mkdir()
    (folder / "large").mkdir()
    run_itself("--simulate", folder / "small" / "transcripts.parquet", "--sizes", SMALL_MNT)
    print(f"memory: peak above that of {SMALL_MNT} Mnt in the same process, MB (s)")
    print(f"{'Mnt':>7} {'transcripts':>12} {'sites':>9} {'merged':>9}" + "".join(f"{name:>16}" for name in STAGES))
    for size in sizes:
        transcripts = folder / "large" / "transcripts.parquet"
        run_itself("--simulate", transcripts, "--sizes", size)
        rows = {name: json.loads(run_itself("--stage", name, "--folder", folder)) for name in STAGES}
        described = read_site_metadata(folder / "large" / "sites.parquet")
        with open(folder / "large" / "sites.bed") as handle:
            merged = sum(not line.startswith("#") for line in handle)
        cells = (f"{row['peak_mb']:.1f} ({row['seconds']:.0f})" for row in rows.values())
        print(
            f"{described['nt'] / 1e6:7.1f} {described['sequences']:12d} {described['sites']:9d} {merged:9d}"
            + "".join(f"{cell:>16}" for cell in cells),
            flush=True,
        )
    print("before: " + ", ".join(f"{name} {row['before_mb']:.0f} MB" for name, row in rows.items()))


def run_itself(*arguments: object) -> str:
    """Standard output of this program with other arguments, in a process of its own."""
    command = [sys.executable, __file__, *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--mnt", type=float, default=0.1, help="size of the transcriptome for the speed, Mnt")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch-size", type=int, help="default: that of score_windows")
    parser.add_argument("--sizes", type=float, nargs="+", default=[1, 3, 10, 30, 100], help="for the memory, Mnt")
    parser.add_argument("--chunks", type=int, nargs="+", default=[], help="numbers of chunks to scan in")
    parser.add_argument("--skip", choices=["speed", "memory"], nargs="+", default=[])
    parser.add_argument("--simulate", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--stage", choices=list(STAGES), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help="for files; default one that is deleted")
    options = parser.parse_args()
    if options.simulate:
        simulate(options.simulate, int(options.sizes[0] * 1e6))
        return
    if options.stage:
        print(json.dumps(measure_stage(options.stage, options.folder)))
        return
    if "speed" not in options.skip:
        measure_speed(options.mnt, options.repeats, options.threads, options.device, options.batch_size)
    if options.chunks:
        measure_chunks(options.mnt, options.chunks, options.threads)
    if "memory" not in options.skip:
        with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
            measure_memory(options.sizes, Path(scratch))


if __name__ == "__main__":
    main()
