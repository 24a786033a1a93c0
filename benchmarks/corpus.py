"""Memory, time and disk of building a corpus, by the number of records, and what follows for 36 million.

    PYTHONPATH=workflow python benchmarks/corpus.py [--records 10000 100000 1000000] [--folder FOLDER] [--threads 2]

Records are random RNAs of 16 to 1,000 nt, four in ten of them mutated copies of the one before, so that there are
clusters. Each number is built in a process of its own. Its memory is the largest that the system cannot take back
(anonymous pages, looked at twenty times a second); with the pages of files that it reads and writes, which the system
drops when others need room, it is the resident set. MMseqs2's is the resident set of the largest of its processes; it
splits its work by the memory that the machine has. Slopes are those between the two largest numbers.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

GOAL = 36_000_000
_CHUNK = 10_000


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--folder", type=Path, help="for temporary files")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--child", type=Path, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        build(*arguments.child, arguments.threads)
        return
    print("records\tMnt\ts\tMB of memory\tMB resident\tMB of MMseqs2\tMB of disk meanwhile\tMB of the corpus")
    rows = []
    for count in arguments.records:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            rows.append(measure(count, Path(folder), arguments.threads))
        print("\t".join(f"{value:.0f}" for value in rows[-1]), flush=True)
    if len(rows) > 1:
        last, before = (np.array(row) for row in (rows[-1], rows[-2]))
        expected = last + (last - before) / (last[0] - before[0]) * (GOAL - last[0])
        _, letters, seconds, own, _, _, disk, size = expected
        print(
            f"36 million records ({letters / 1e3:.1f} Gnt): {seconds / 3600:.1f} h, {own / 1e3:.1f} GB of memory, "
            f"{disk / 1e3:.0f} GB of disk meanwhile, {size / 1e3:.0f} GB of corpus"
        )


def measure(count: int, folder: Path, threads: int) -> tuple[float, ...]:
    """What building a corpus of so many records takes."""
    letters = simulate(folder / "records.fa", count)
    before, largest, done = used(folder), 0, threading.Event()

    def watch() -> None:
        nonlocal largest
        while not done.wait(0.2):
            largest = max(largest, used(folder) - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    command = [sys.executable, __file__, "--threads", str(threads), "--child", folder / "records.fa", folder / "c.lmdb"]
    try:
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    finally:
        done.set()
        watcher.join()
    seconds = time.perf_counter() - started
    own, resident, others = (int(word) / 1e3 for word in told.split()[-3:])
    size = (folder / "c.lmdb").stat().st_blocks * 512
    return count, letters / 1e6, seconds, own, resident, others, largest / 1e6, size / 1e6


def used(folder: Path) -> int:
    """Bytes on the disk below a folder; files come and go meanwhile."""
    told = subprocess.run(["du", "-sB1", folder], capture_output=True, text=True).stdout
    return int(told.split()[0])


def build(fasta: Path, corpus: Path, threads: int) -> None:
    """In a process of its own: build, and print its memory, its resident set and that of what it started, in kB."""
    from rnamarks.corpus.build import build_corpus

    largest, done = 0, threading.Event()

    def watch() -> None:
        nonlocal largest
        while not done.wait(0.05):
            told = Path("/proc/self/status").read_text()
            largest = max(largest, int(told.split("RssAnon:")[1].split()[0]))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    build_corpus({"simulated": fasta}, corpus, threads=threads, report=lambda line: None)
    done.set()
    watcher.join()
    print(largest, *(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def simulate(path: Path, count: int) -> int:
    """Write records, and tell how many nucleotides they have."""
    random = np.random.default_rng(count)
    letters, total, earlier = np.frombuffer(b"ACGU", np.uint8), 0, np.zeros(0, np.uint8)
    with open(path, "wb") as handle:
        for begin in range(0, count, _CHUNK):
            size = min(_CHUNK, count - begin)
            lengths, copies = random.integers(16, 1001, size), random.random(size) < 0.4
            for index, (length, copied) in enumerate(zip(lengths.tolist(), copies.tolist(), strict=True), begin):
                if copied and len(earlier):
                    earlier = earlier.copy()
                    changed = random.integers(len(earlier), size=1 + len(earlier) // 20)
                    earlier[changed] = letters[random.integers(4, size=len(changed))]
                else:
                    earlier = letters[random.integers(4, size=length)]
                handle.write(b">r%d\n%b\n" % (index, earlier.tobytes()))
                total += len(earlier)
    return total


if __name__ == "__main__":
    if not shutil.which("mmseqs"):
        sys.exit("mmseqs is not on PATH")
    main()
