"""Speed and memory of `rnamarks scan`, with random weights at the published sizes.

Speed: windows per second (one window per base) on one random sequence, in turn in one process: one window at a time
with gradients kept and the network run twice, as the original's command line does; the plain network in batches, of
which the best counts; the project's own forward pass in batches; the exact scan and the fast scan, from FASTA to the
table, loading of the model included.

Memory: the scan of longer sequences, each in a process of its own; the peak is that of the whole process. An exact
scan of 10 Mnt takes an hour with the published network; --units makes a smaller one, since the network's share is the
same at any length.

    PYTHONPATH=workflow python benchmarks/scan.py [--nt 20000] [--threads 2] [--sizes 0.1 1 10] [--skip speed|memory]
        [--modes fast exact] [--units 8]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from rnamarks.evaluation.calibration import Calibration
from rnamarks.models.checkpoint import load_model, save_model
from rnamarks.models.directory import ModelConfig
from rnamarks.models.multirm import MultiRM
from rnamarks.models.registry import build_model
from rnamarks.models.student import Student, add_student
from rnamarks.prediction.engine import score_each
from rnamarks.prediction.modes import MODES, load_engine
from rnamarks.prediction.scan import ScanOptions
from rnamarks.prediction.scanner import Outputs, Scanner
from rnamarks.prediction.significance import write_null
from rnamarks.sequences import LETTERS
from rnamarks.sites.modifications import load_modifications
from rnamarks.sites.windows import lay
from rnamarks.tasks import Task

WINDOW = 51
BATCHES = (16, 32, 64, 128, 256, 512, 1024)
SHEET = Path(__file__).resolve().parents[1] / "config" / "modifications.tsv"


def make_model(folder: Path, units: int | None = None) -> None:
    """A model directory with random weights, twelve modifications, a student and null distributions.

    ``units`` of the LSTM, and as many everywhere else, instead of the published sizes.
    """
    tasks = [
        Task(name, modification=name, base=entry.base, motif=entry.motif, motif_offset=entry.motif_offset)
        for name, entry in load_modifications(SHEET).items()
    ]
    names = [task.name for task in tasks]
    torch.manual_seed(0)
    sizes = dict.fromkeys(("dims", "units", "attention", "hidden"), units) if units else {}
    network = build_model("multirm", names, WINDOW, sizes)
    calibration = dict.fromkeys(names, Calibration(0.1).to_dict())
    save_model(folder, [network.state_dict()], ModelConfig("multirm", tasks, WINDOW, sizes, calibration))
    student = Student(names, receptive=WINDOW).eval()
    add_student(folder, student, calibration=calibration, agreement=dict.fromkeys(names, 0.0))
    windows = dict.fromkeys(names, np.random.default_rng(1).integers(0, 4, (500, WINDOW)).astype(np.uint8))
    null = {mode: score_each(load_engine(folder, mode, device="cpu").engine, windows) for mode in MODES}
    write_null(folder, null, source="random windows")


def write_sequence(path: Path, nt: int) -> np.ndarray:
    """A random sequence as FASTA; returns its codes."""
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 4, nt).astype(np.uint8)
    with open(path, "wb") as handle:
        handle.write(b">random\n")
        for start in range(0, nt, 60):
            handle.write(LETTERS[codes[start : start + 60]].tobytes() + b"\n")
    return codes


def scan(folder: Path, mode: str, model: Path) -> None:
    """One scan of the sequence in ``folder``, to a table beside it."""
    outputs = Outputs(table=folder / "s.tsv")
    Scanner(model, mode=mode, device="cpu").run(
        folder / "s.fa", ScanOptions(top=mode == "exact"), outputs, warn=lambda line: None
    )


def plain_forward(network: MultiRM, windows: torch.Tensor) -> torch.Tensor:
    """Logits of all tasks, each layer as the paper has it: torch's LSTM over the 300-d vectors of the words."""
    attention = network.pool
    states, (final, _) = network.trunk.lstm(network.trunk.embedding(windows))
    query = attention.from_final(torch.cat([final[0], final[1]], dim=1))
    hidden = torch.tanh(attention.from_positions(states) + query[:, None])
    contexts = attention.score(hidden).softmax(dim=1).transpose(1, 2) @ states
    return torch.stack([network.heads[task](contexts[:, row]) for row, task in enumerate(network.tasks)], dim=1)


def rate(work: Callable[[], object], windows: int) -> float:
    """Windows per second."""
    started = time.perf_counter()
    work()
    return windows / (time.perf_counter() - started)


def measure_speed(nt: int, repeats: int, threads: int) -> None:
    """Print windows per second and their ratios."""
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as scratch:
        folder, model = Path(scratch), Path(scratch) / "model"
        make_model(model)
        codes = write_sequence(folder / "s.fa", nt)
        network = load_model(model)[0].members[0]
        windows = torch.from_numpy(lay([codes], WINDOW // 2).windows(np.arange(nt) + WINDOW // 2, WINDOW))

        def one_at_a_time() -> None:
            for window in windows[:100]:
                network.forward_all(window[None])
                network.attend(window[None])

        def batches(size: int, logits: Callable[[torch.Tensor], torch.Tensor]) -> None:
            with torch.inference_mode():
                for start in range(0, 4096, size):
                    logits(windows[start : start + size])

        plain_logits = partial(plain_forward, network)
        with torch.inference_mode():
            torch.testing.assert_close(plain_logits(windows[:64]), network.forward_all(windows[:64]), atol=1e-5, rtol=0)

        speeds: dict[str, list[float]] = {}
        for _ in range(repeats):
            found = {
                f"{name}, batches of {size}": rate(lambda size=size, logits=logits: batches(size, logits), 4096)
                for name, logits in (("plain", plain_logits), ("ours", network.forward_all))
                for size in BATCHES
            }
            found["one at a time, twice"] = rate(one_at_a_time, 100)
            found["exact scan"] = rate(lambda: scan(folder, "exact", model), nt)
            found["fast scan"] = rate(lambda: scan(folder, "fast", model), nt)
            for name, value in found.items():
                speeds.setdefault(name, []).append(value)
    print(f"speed: {nt:,} nt, {threads} threads, median of {repeats} (lowest to highest)")
    for name, values in speeds.items():
        print(f"{name:26}{statistics.median(values):10.0f} windows/s ({min(values):.0f} to {max(values):.0f})")
    middle = {name: statistics.median(values) for name, values in speeds.items()}
    for kind in ("plain", "ours"):
        best = max(value for name, value in middle.items() if name.startswith(f"{kind}, "))
        print(f"exact / {kind} in its best batches: {middle['exact scan'] / best:.2f}")
    print(f"exact / one at a time: {middle['exact scan'] / middle['one at a time, twice']:.1f}")
    print(f"fast / exact: {middle['fast scan'] / middle['exact scan']:.1f}")


def measure_memory(mnt: float, mode: str, units: int | None, threads: int) -> dict[str, float]:
    """Peak memory of one scan in this process."""
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as scratch:
        folder, model = Path(scratch), Path(scratch) / "model"
        make_model(model, units)
        subprocess.run([sys.executable, __file__, "--write", str(folder / "s.fa"), "--sizes", str(mnt)], check=True)
        started = time.perf_counter()
        scan(folder, mode, model)
        seconds = time.perf_counter() - started
        (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
        with open(folder / "s.tsv", "rb") as handle:
            rows = sum(1 for _ in handle) - 1
    return {"mnt": mnt, "rows": rows, "seconds": seconds, "peak_mb": int(line.split()[1]) * 1024 / 1e6}


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--nt", type=int, default=20_000, help="length of the sequence for the speed")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.1, 1, 10], help="for the memory, Mnt")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=["fast"], help="for the memory")
    parser.add_argument(
        "--units", type=int, help="for the memory, sizes of the network's layers; default the published"
    )
    parser.add_argument("--skip", choices=["speed", "memory"], nargs="+", default=[])
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write_sequence(options.write, int(options.sizes[0] * 1e6))
        return
    if options.one:
        print(json.dumps(measure_memory(options.sizes[0], options.modes[0], options.units, options.threads)))
        return
    if "speed" not in options.skip:
        measure_speed(options.nt, options.repeats, options.threads)
    if "memory" not in options.skip:
        print(f"{'mode':>6} {'Mnt':>6} {'rows':>9} {'s':>7} {'nt/s':>9} {'peak MB':>8}")
        more = ["--threads", str(options.threads)] + (["--units", str(options.units)] if options.units else [])
        for mode in options.modes:
            for size in options.sizes:
                command = [sys.executable, __file__, "--one", "--modes", mode, "--sizes", str(size), *more]
                row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                print(
                    f"{mode:>6} {row['mnt']:6.1f} {row['rows']:9d} {row['seconds']:7.2f} "
                    f"{row['mnt'] * 1e6 / row['seconds']:9.0f} {row['peak_mb']:8.0f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
