"""Every kind of file on a disk that becomes full: one sentence, and what was there before is kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

WORKFLOW = Path(__file__).resolve().parents[1] / "workflow"
BEGINNING = """
import sys
from pathlib import Path
import numpy as np
import pandas as pd
from rnamarks.errors import explain

folder, rows = Path(sys.argv[1]), 300_000
rng = np.random.default_rng(1)
frame = pd.DataFrame({"chrom": "chr1", "start": np.arange(rows) * 3, "strand": "+", "probability": rng.random(rows)})

def write(path):
    WRITE

path = folder / "out"
path.write_text("before")
try:
    write(path)
except Exception as error:
    print(explain(error) or repr(error))
assert path.read_text() == "before"
assert list(folder.iterdir()) == [path], list(folder.iterdir())
"""
WRITERS = {
    "TSV": "from rnamarks.tables import write_tsv; write_tsv(frame, path)",
    "Parquet": "from rnamarks.tables import write_parquet; write_parquet(frame, path)",
    "gzip": """from rnamarks.files import write_text
    (folder / "out.gz").symlink_to(path)
    try:
        with write_text(folder / "out.gz") as handle:
            frame.to_csv(handle)
    finally:
        (folder / "out.gz").unlink()""",
    "bigWig": """from rnamarks.prediction.tracks import write_bigwig
    write_bigwig([frame], path, "+", {"chr1": rows * 3})""",
    "SVG": """from rnamarks.figures.style import new_figure, save_figure
    figure = new_figure(3)
    figure.add_subplot().scatter(rng.random(20_000), rng.random(20_000))
    save_figure(figure, path)""",
    "safetensors": """from rnamarks.files import atomic_path
    from safetensors.numpy import save_file
    with atomic_path(path) as part:
        save_file({"a": rng.random(rows)}, part)""",
    "corpus": """from rnamarks.corpus.store import write_corpus
    whole = np.arange(30_000)
    arrays = {"members": whole, "offsets": np.arange(30_001), "held": whole}
    write_corpus(path, (np.zeros(99, np.uint8) for _ in whole), about={}, **arrays)""",
    "state of a training": """import torch
    from rnamarks.training.curriculum import Stage
    from rnamarks.training.processes import Processes
    from rnamarks.training.settings import TrainingSettings
    from rnamarks.training.trainer import _Training
    target = torch.nn.Identity()
    target.stage_epochs = 0
    target.stages, network = [Stage(("a",), ("a",))], torch.nn.Linear(600, 600)
    place = folder / "last.ckpt"
    training = _Training(network, target, TrainingSettings(), 1, folder, torch.device("cpu"), print, Processes())
    place.symlink_to(path)
    try:
        training._save()
    except OSError as error:
        raise OSError(*error.args[:2], str(path)) from error
    finally:
        place.unlink()""",
    "a library that does not say why": """from rnamarks.files import atomic_path
    with atomic_path(path) as part, open(part, "wb") as handle:
        np.save(handle, rng.random(rows))""",
}


@pytest.fixture
def on_a_full_disk(tmp_path):
    """Runs Python code with the path of an empty file system of one megabyte, which only that process sees."""
    own = ["unshare", "--map-root-user", "--mount", "sh", "-c", 'mount -t tmpfs -o size=1M none "$0" && exec "$@"']
    disk = tmp_path / "disk"
    disk.mkdir()
    if not shutil.which("unshare") or subprocess.run([*own, disk, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets no user mount a file system of their own")

    def run(code: str) -> str:
        done = subprocess.run(
            [*own, disk, sys.executable, "-c", code, disk],
            env=os.environ | {"PYTHONPATH": str(WORKFLOW), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().replace(str(disk), "DISK")

    return run


@pytest.mark.parametrize("kind", WRITERS)
def test_a_full_disk_is_named_by_every_writer(on_a_full_disk, kind):
    said = on_a_full_disk(BEGINNING.replace("WRITE", WRITERS[kind]))
    assert said.replace(".gz", "") == "DISK/out: no space is left; free some space and run it again"


def test_a_copy_on_a_full_disk_is_named_and_not_what_is_copied(on_a_full_disk):
    said = on_a_full_disk(
        """
import shutil, sys, tempfile
from rnamarks.errors import explain
with tempfile.NamedTemporaryFile() as source:
    source.write(bytes(2_000_000))
    source.flush()
    try:
        shutil.copyfile(source.name, sys.argv[1] + "/copy")
    except OSError as error:
        print(explain(error))
"""
    )
    assert said == "DISK/copy: no space is left; free some space and run it again"


def test_ranks_on_a_full_disk_are_an_error_and_no_end_of_the_process(on_a_full_disk):
    """A bus error would end it, where a mapped file finds no room."""
    said = on_a_full_disk(
        """
import sys
import numpy as np
from rnamarks.errors import explain
from rnamarks.prediction.ranks import Ranks
from rnamarks.prediction.significance import Null

logits = np.random.default_rng(1).normal(size=200_000).astype(np.float32)
try:
    Ranks([logits], Null(np.zeros(100)), None, sys.argv[1])
except OSError as error:
    print(explain(error))
"""
    )
    assert said.startswith("no space is left; ")


@pytest.mark.parametrize("code", [0, 1])
def test_a_program_that_fills_the_disk_is_not_believed(on_a_full_disk, code):
    said = on_a_full_disk(
        f"""
import sys
from rnamarks.datasets.tools import run_tool
from rnamarks.errors import explain

try:
    run_tool(["sh", "-c", "head -c 2000000 /dev/zero > out 2> /dev/null; exit {code}"], folder=sys.argv[1])
except OSError as error:
    print(explain(error))
"""
    )
    assert said == "DISK: no space is left; free some space and run it again"
