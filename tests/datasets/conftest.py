"""The external tools that the datasets stage runs, and windows to run them on."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def tools(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """cd-hit-est, cd-hit-est-2d and mmseqs on PATH, taken from the checkout's .tools/bin where PATH lacks them."""
    monkeypatch.setenv("PATH", os.pathsep.join([os.environ["PATH"], str(repository / ".tools" / "bin")]))
    missing = [name for name in ("cd-hit-est", "cd-hit-est-2d", "mmseqs") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not on PATH and not in .tools/bin: {', '.join(missing)} (run `make setup`)")


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def deepm6aseq(shared_data: Path) -> pd.DataFrame:
    """The DeepM6ASeq windows of human, mouse and zebrafish with their published train and test splits."""
    frames = []
    for species, prefix in (("human", "hs"), ("mouse", "mm"), ("zebrafish", "dr")):
        for split in ("train", "test"):
            for label, name in ((1, "pos"), (0, "neg")):
                path = shared_data / "m6a" / "deepm6aseq" / f"{prefix}_{name}_{split}.txt.gz"
                with gzip.open(path, "rt") as handle:
                    sequences = handle.read().replace("T", "U").split()
                frames.append(pd.DataFrame({"species": species, "sequence": sequences, "label": label, "given": split}))
    return complete(pd.concat(frames, ignore_index=True))


def complete(frame: pd.DataFrame) -> pd.DataFrame:
    """Fill in the columns of the windows border that a test does not care about; a species is a task."""
    unknown = {"gene": "", "orthogroup": "", "chrom": "", "strand": "", "given": "", "genome_start": -1}
    unknown |= {"task": frame.get("species"), "modification": "m6A"}
    frame = frame.assign(**{name: value for name, value in unknown.items() if name not in frame})
    return frame.assign(window=[f"w{number}" for number in range(len(frame))])


@pytest.fixture(scope="session")
def make_windows():
    return complete


def random_windows(generator: np.random.Generator, n: int, width: int = 101) -> list[str]:
    return ["".join(row) for row in generator.choice(list("ACGU"), (n, width))]


def mutate(sequence: str, n: int, generator: np.random.Generator) -> str:
    """The sequence with n letters at random places replaced by other letters."""
    letters = list(sequence)
    for at in generator.choice(len(letters), n, replace=False):
        letters[at] = generator.choice([letter for letter in "ACGU" if letter != letters[at]])
    return "".join(letters)


@pytest.fixture(scope="session")
def windows_at_random():
    return random_windows


@pytest.fixture(scope="session")
def with_substitutions():
    return mutate
