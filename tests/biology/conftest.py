"""Made transcripts, genes and orthologues with a planted truth; and real ones."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from rnamarks.biology.candidates import Candidates
from rnamarks.biology.capacity import measure_capacity
from rnamarks.biology.landscape import stop_distance
from rnamarks.tasks import Task, add_task_columns

SEVEN = ("human", "chimp", "macaque", "mouse", "rat", "pig", "zebrafish")


def make_calls(genes=120, strength=3.0, seed=0, per_gene=40):
    """Coding transcripts and candidates; a call is likelier near the stop codon, on the log-odds scale by strength."""
    random = np.random.default_rng(seed)
    utr5, cds, utr3 = (
        random.integers(50, 250, genes),
        3 * random.integers(200, 700, genes),
        random.integers(200, 1800, genes),
    )
    table = pd.DataFrame(
        {
            "transcript": [f"T{number}" for number in range(genes)],
            "gene": [f"G{number}" for number in range(genes)],
            "length": utr5 + cds + utr3,
            "cds_start": utr5,
            "cds_end": utr5 + cds,
        }
    )
    transcript = np.repeat(np.arange(genes), per_gene)
    position = (random.random(genes * per_gene) * table["length"].to_numpy()[transcript]).astype(np.int64)
    near = np.exp(-np.abs(stop_distance(table, transcript, position)) / 200)
    called = random.random(len(near)) < 1 / (1 + np.exp(2.5 - strength * near))
    return table, Candidates(transcript, position, called)


def make_genes(capacity, species="human", seed=0):
    """A gene table with given mean probabilities."""
    random = np.random.default_rng(seed)
    n = len(capacity)
    sites = random.integers(10, 60, n)
    return pd.DataFrame(
        {
            "gene": [f"{species}{number}" for number in range(n)],
            "gene_name": [f"Gene{number}" for number in range(n)],
            "transcript": [f"{species}T{number}" for number in range(n)],
            "length": random.integers(800, 5000, n),
            "cds_length": 300,
            "gc": random.random(n),
            "sites": sites,
            "mean_probability": capacity,
            "sum_probability": capacity * sites,
            "called": random.poisson(1, n),
        }
    )


def make_capacity(groups=150, shared=(("multi", 0.8), ("single", 0.5)), species=SEVEN, seed=0, copies=0.1):
    """Capacity and orthologues; ``shared`` is the correlation of a group's capacity between species, by predictor."""
    random = np.random.default_rng(seed)
    common = random.normal(size=groups)
    capacity, orthologues = [], []
    for name in species:
        group = np.repeat(np.arange(groups), 1 + (random.random(groups) < copies))
        for predictor, share in shared:
            own = random.normal(size=len(group))
            score = np.sqrt(share) * common[group] + np.sqrt(1 - share) * own
            genes = make_genes(1 / (1 + np.exp(2 - score)), name, seed)
            genes["gene_name"] = [f"Gene{number}" if name == species[0] else f"GENE{number}" for number in group]
            capacity.append(measure_capacity(genes, transcripts=name, task=name, predictor=predictor))
        orthologues.append(
            pd.DataFrame({"species": name, "gene": genes["gene"], "orthogroup": [f"OG{at:04d}" for at in group]})
        )
    tasks = [Task(name, species=name, modification="m6A", base="A") for name in species]
    return add_task_columns(pd.concat(capacity, ignore_index=True), tasks), pd.concat(orthologues, ignore_index=True)


@pytest.fixture(scope="session")
def made():
    """The functions that make worlds."""
    return SimpleNamespace(calls=make_calls, genes=make_genes, capacity=make_capacity, seven=SEVEN)
