"""Speed and memory of scoring every DRACH of a simulated transcriptome.

Speed: `scan_transcripts`, from the file of transcripts to the table of sites, with the MASS network and random weights;
against the same network given one window at a time (on a sample of the same windows), and against a scan with the
architecture of DeepM6ASeq, in turn in one process. Two isoforms of each gene share their 3' half, so some windows are
equal, as in a real transcriptome; windows/s counts sites, whether or not a window was seen before.

Memory: a scan with a stand-in for the network (a weighted sum over the window, which costs next to nothing), since
what is to be shown is that nothing grows with the transcriptome and the network's share is the same for every batch.
Each size is measured in a process of its own; the peak is that of the whole process less what it held after the
imports and a scan of 0.2 Mnt.

    PYTHONPATH=workflow python benchmarks/transcriptome.py [--mnt 0.1] [--sizes 1 10 30 100] [--skip speed|memory]
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
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from rnamarks.evaluation.calibration import Calibration
from rnamarks.prediction.site_files import stream_sites
from rnamarks.prediction.transcriptome import ScanSettings, scan_transcripts
from rnamarks.sequences import decode

MEAN_NT = 3000
GENES_AT_ONCE = 100
WIDTH = 101
COLUMNS = ["transcript", "gene", "gene_name", "biotype", "chrom", "strand", "exon_starts", "exon_ends"]


def simulate(path: Path, n_nt: int, seed: int = 1) -> int:
    """Write transcripts of about ``n_nt`` in all, two isoforms a gene, some genes at a time; returns the exact size."""
    rng = np.random.default_rng(seed)
    made = gene = 0
    writer = None
    while made < n_nt:
        rows = []
        for _ in range(GENES_AT_ONCE):
            if made >= n_nt:
                break
            codes = rng.integers(0, 4, int(rng.gamma(2.0, MEAN_NT / 2)) + 200, dtype=np.uint8)
            other = rng.integers(0, 4, len(codes) // 2, dtype=np.uint8)
            start = gene * 100_000
            for isoform, sequence in enumerate((codes, np.concatenate((other, codes[len(codes) // 2 :])))):
                exons = np.array([start]), np.array([start + len(sequence)])
                name = f"g{gene}.{isoform}"
                rows.append((name, f"g{gene}", "", "mRNA", "chr1", "+", *exons, 50, 110, decode(sequence)))
                made += len(sequence)
            gene += 1
        frame = pd.DataFrame(rows, columns=[*COLUMNS, "cds_start", "cds_end", "sequence"])
        table = pa.Table.from_pandas(frame, preserve_index=False)
        if writer is None:
            writer = pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    writer.close()
    return made


def stand_in(codes: np.ndarray) -> np.ndarray:
    """A score that reads the whole window and costs little."""
    return codes.astype(np.float32) @ np.linspace(-0.02, 0.02, codes.shape[1], dtype=np.float32)


def scan(transcripts: Path, folder: Path, score) -> dict[str, object]:
    """One scan into ``folder``."""
    return scan_transcripts(
        transcripts,
        folder / "sites.parquet",
        score,
        ScanSettings(window=WIDTH),
        checkpoints=folder / "checkpoints",
        identity={},
        calibration=Calibration(prevalence=0.1),
    )


def measure_speed(mnt: float, repeats: int, threads: int, device: str, batch_size: int | None) -> None:
    """Print windows/s and nt/s of both networks, and of one window at a time."""
    import torch

    from rnamarks.models.register import build_model
    from rnamarks.prediction.score import pick_device, score_windows

    torch.set_num_threads(threads)
    where = pick_device(device)
    networks = {}
    for name in ("mass", "deepm6aseq"):
        torch.manual_seed(0)
        networks[name] = build_model(name, ["human"], WIDTH)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        transcripts = folder / "transcripts.parquet"
        simulate(transcripts, int(mnt * 1e6))
        given: dict[str, list[np.ndarray]] = {}

        def scorer(name: str):
            def score(codes: np.ndarray) -> np.ndarray:
                given.setdefault(name, []).append(codes)
                return score_windows(networks[name], codes, "human", device=where, batch_size=batch_size)

            return score

        speeds: dict[str, list[float]] = {}
        nt_speeds: dict[str, list[float]] = {}
        for name in networks:
            score_windows(networks[name], np.zeros((64, WIDTH), dtype=np.uint8), "human", device=where)
        for _ in range(repeats):
            given.clear()
            for name in networks:
                started = time.perf_counter()
                described = scan(transcripts, folder, scorer(name))
                seconds = time.perf_counter() - started
                speeds.setdefault(name, []).append(described["sites"] / seconds)
                nt_speeds.setdefault(name, []).append(described["nt"] / seconds)
            windows = np.concatenate(given["mass"])
            few = windows[:: max(1, len(windows) // 200)][:200]
            started = time.perf_counter()
            single = score_windows(networks["mass"], few, "human", device=where, batch_size=1)
            speeds.setdefault("mass, one at a time", []).append(len(few) / (time.perf_counter() - started))
            together = score_windows(networks["mass"], few, "human", device=where)
            worst = float(np.abs(single - together).max())
        print(f"speed: {described['nt'] / 1e6:.2f} Mnt, {described['sites']} sites, {len(windows)} different windows")
        print(f"device {where.type}, {threads} threads, median of {repeats} (lowest to highest)")
        for name, values in speeds.items():
            line = f"{name:22}{statistics.median(values):9.0f} windows/s ({min(values):.0f} to {max(values):.0f})"
            print(line + (f"{statistics.median(nt_speeds[name]):12.0f} nt/s" if name in nt_speeds else ""))
        for name in ("mass, one at a time", "deepm6aseq"):
            ratios = [a / b for a, b in zip(speeds["mass"], speeds[name], strict=True)]
            print(f"mass / {name}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
        print(f"largest difference of logits, one at a time and in batches: {worst:.1e}")


def peak_mb() -> float:
    """Largest resident size of this program so far, MB."""
    # getrusage would count what the process that started this one held
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024 / 1e6


def measure_memory(mnt: float) -> dict[str, float]:
    """Peak memory of one scan in this process."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, size in (("small", 0.2), ("large", mnt)):
            # in a process of its own, so that making the transcripts is not in this one's peak
            command = [sys.executable, __file__, "--simulate", str(folder / name), "--sizes", str(size)]
            subprocess.run(command, check=True)
        scan(folder / "small", folder, stand_in)
        before = peak_mb()
        started = time.perf_counter()
        described = scan(folder / "large", folder, stand_in)
        seconds = time.perf_counter() - started
        peak = peak_mb() - before
        rows = sum(len(frame) for frame in stream_sites(folder / "sites.parquet", ["position"]))
        if rows != described["sites"]:
            raise AssertionError(f"{rows} rows of {described['sites']} sites")
        return {
            "mnt": described["nt"] / 1e6,
            "sites": rows,
            "seconds": seconds,
            "before_mb": before,
            "peak_mb": peak,
        }


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--mnt", type=float, default=0.1, help="size of the transcriptome for the speed, Mnt")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch-size", type=int, help="default: that of score_windows")
    parser.add_argument("--sizes", type=float, nargs="+", default=[1, 10, 30, 100], help="for the memory, Mnt")
    parser.add_argument("--skip", choices=["speed", "memory"], nargs="+", default=[])
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--simulate", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.simulate:
        simulate(options.simulate, int(options.sizes[0] * 1e6))
        return
    if options.one:
        print(json.dumps(measure_memory(options.sizes[0])))
        return
    if "speed" not in options.skip:
        measure_speed(options.mnt, options.repeats, options.threads, options.device, options.batch_size)
    if "memory" not in options.skip:
        print("memory: stand-in for the network")
        print(f"{'Mnt':>7} {'sites':>9} {'s':>7} {'Mnt/s':>7} {'before MB':>10} {'peak MB above':>14}")
        for size in options.sizes:
            command = [sys.executable, __file__, "--one", "--sizes", str(size)]
            row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            print(
                f"{row['mnt']:7.1f} {row['sites']:9d} {row['seconds']:7.2f} {row['mnt'] / row['seconds']:7.1f} "
                f"{row['before_mb']:10.1f} {row['peak_mb']:14.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
