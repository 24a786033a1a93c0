"""The scripts of the rules on a simulated run of two modifications in two species, from scans to tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from rnamarks.dictionary.tables import TABLES
from rnamarks.sites.modifications import load_modifications
from rnamarks.sites.species import read_species, select_species
from rnamarks.tables import read_tsv, write_parquet, write_tsv
from rnamarks.tasks import Task
from rnamarks.training.tree import read_tree
from rnamarks_simulation.downstream import write_downstream
from rnamarks_simulation.parameters import MixedParameters
from rnamarks_simulation.truth import gene_truth
from rnamarks_simulation.world import simulate, write_world
from stand_in import run_script

ROOT = Path(__file__).resolve().parents[2]
SPECIES, MODIFICATIONS = ("human", "mouse"), ("m6A", "Y")
TASKS = [
    Task(f"{species}_{name}", species=species, modification=name, base="A" if name == "m6A" else "U")
    for name in MODIFICATIONS
    for species in SPECIES
]


def scans(world, folder):
    """Predicted sites and the tables by transcript and gene, by what :data:`TASKS` and two predictors would say."""
    random = np.random.default_rng(3)
    sites = {("m6A", one.species): world.truth[world.truth["species"] == one.species] for one in world.species}
    sites |= {("Y", one.organism.species): one.sites for one in world.modified}
    genes, found = gene_truth(world), {"entries": [], "sites": [], "transcripts": [], "genes": []}
    for predictor in ("multi", "single"):
        for task in TASKS:
            mine = genes[genes["species"] == task.species].set_index("transcript")
            frame = sites[task.modification, task.species]
            frame = frame[frame["transcript"].isin(mine.index)]
            logit = frame["logit"] + random.normal(size=len(frame))
            frame = frame.rename(columns={"transcript": "sequence"})
            frame = frame.assign(logit=logit, probability=expit(logit), length=frame["sequence"].map(mine["length"]))
            by_transcript = frame.groupby("sequence")["probability"]
            table = mine.reset_index()[["transcript", "gene", "gene_name", "biotype", "length", "cds_length", "gc"]]
            coding = (table["cds_length"] > 0) & (table["cds_length"] + 50 < table["length"])
            table = table.assign(
                cds_start=np.where(coding, 50, -1),
                cds_end=np.where(coding, 50 + table["cds_length"], -1),
                sites=table["transcript"].map(by_transcript.size()).fillna(0).astype(int),
                mean_probability=table["transcript"].map(by_transcript.mean()),
                sum_probability=table["transcript"].map(by_transcript.sum()).fillna(0.0),
                called=0,
            )
            stem = folder / f"{task.name}.{predictor}"
            write_parquet(frame.drop(columns="species", errors="ignore"), f"{stem}.sites.parquet")
            write_tsv(table, f"{stem}.transcripts.tsv")
            found["entries"].append({"transcripts": task.species, "task": task.name, "predictor": predictor})
            found["sites"].append(f"{stem}.sites.parquet")
            found["transcripts"].append(f"{stem}.transcripts.tsv")
            found["genes"].append(f"{stem}.transcripts.tsv")
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Folder with the tables of all scripts but that of distances."""
    folder = tmp_path_factory.mktemp("run")
    species = select_species(read_species(ROOT / "config" / "species.tsv"), list(SPECIES))
    sheet = load_modifications(ROOT / "config" / "modifications.tsv")
    tree = ROOT / "config" / "species.nwk"
    sizes = MixedParameters(genes=80, chromosomes=2, site_factor=0.4)
    world = simulate(species, read_tree(tree), sizes, modifications={"Y": sheet["Y"]})
    write_world(world, folder)
    write_downstream(world, folder)
    lengths = {chrom: len(dna) for chrom, dna in world.layouts["human"].chromosomes.items()}
    write_parquet(pd.DataFrame({"transcript": ["T"]}), folder / "spliced.parquet", {"lengths": lengths})
    scanned = scans(world, folder)
    tasks, matching = [task.record() for task in TASKS], {"minimum": 0.5}

    def run(name, inputs, outputs, **params):
        outputs = {key: folder / file for key, file in outputs.items()}
        run_script(f"biology/{name}", folder / f"{name}.log", inputs=inputs, outputs=outputs, params=params)

    run(
        "measure_landscape",
        {"sites": scanned["sites"], "tables": scanned["transcripts"]},
        {"landscape": "landscape.tsv", "statistics": "landscape_statistics.tsv"},
        **{"entries": scanned["entries"], "tasks": tasks, "measured": [], "call": "probability", "threshold": 0.5},
        **{"bins": 12, "stop_bin": 100, "bootstrap": 20, "seed": 1},
    )
    run(
        "measure_capacity",
        {"genes": scanned["genes"]},
        {"capacity": "capacity.tsv", "definitions": "capacity_definitions.tsv"},
        **{"entries": scanned["entries"], "tasks": tasks, "definition": "mean", "high": "median"},
    )
    run(
        "count_conserved",
        {"capacity": folder / "capacity.tsv", "orthologues": folder / "orthologues.tsv", "tree": tree},
        {
            "counts": "conservation.tsv",
            "differences": "conservation_differences.tsv",
            "similarity": "capacity_similarity.tsv",
            "conserved": "conserved_genes.tsv",
            "genes": "conserved_capacity.tsv",
        },
        **{"species": list(SPECIES), "tips": {one.species: one.tree_name for one in species}, "bootstrap": 20},
        **{"permutations": 20, "seed": 1} | matching,
    )
    run(
        "enrich_terms",
        {
            "capacity": folder / "capacity.tsv",
            "ontology": folder / "go.obo",
            "associations": [folder / f"{name}.gaf.gz" for name in SPECIES],
        },
        {"terms": "terms.tsv", "shared": "terms_shared.tsv", "mapping": "terms_mapping.tsv"},
        **{"entries": [{"transcripts": name} for name in SPECIES], "tasks": tasks},
        options={"fraction": 0.1, "background": "tested", "namespaces": ["molecular_function"]} | matching,
    )
    chosen = [at for at, entry in enumerate(scanned["entries"]) if entry["transcripts"] == "human"][:2]
    run(
        "relate_regulation",
        {
            **{name: [scanned[name][at] for at in chosen] for name in ("genes", "transcripts", "sites")},
            **{"capacity": folder / "capacity.tsv", "spliced": folder / "spliced.parquet"},
            "files": [folder / f"human.{name}" for name in ("expression.tsv.gz", "h3k36me3.narrowPeak.gz")],
        },
        {
            "tests": "regulation.tsv",
            **{name: f"regulation_{name}.tsv" for name in ("quantiles", "trends", "bins", "matches")},
        },
        tables=[{"name": kind, "kind": kind, "files": 1} for kind in ("expression", "peaks")],
        **{"entries": [scanned["entries"][at] for at in chosen], "tasks": tasks, "assembly": "hg19"} | matching,
    )
    return folder


def test_tables_are_those_that_the_catalogue_explains(run):
    of_biology = {table.path.removeprefix("biology/"): table for table in TABLES.values()}
    for file in sorted(of_biology.keys() & {path.name for path in run.iterdir()}):
        assert list(read_tsv(run / file)[0].columns) == [column.name for column in of_biology[file].columns], file


def test_every_task_has_its_rows_and_its_species_and_modification(run):
    known = {(task.name, task.species, task.modification) for task in TASKS}
    for file in ("landscape.tsv", "landscape_statistics.tsv", "capacity.tsv", "terms_mapping.tsv"):
        frame = read_tsv(run / file)[0]
        assert set(frame[["task", "species", "modification"]].itertuples(index=False, name=None)) == known
        assert (frame["transcripts"] == frame["species"]).all()
    related = read_tsv(run / "regulation.tsv")[0]
    assert set(related["task"]) == {"human_m6A", "human_Y"}
    assert related.groupby("task")["name"].nunique().to_dict() == {"human_m6A": 2, "human_Y": 2}


def test_modifications_are_compared_between_their_species(run):
    counts = read_tsv(run / "conservation.tsv")[0]
    assert set(counts["modification"]) == {"m6A", "Y"}
    assert (counts["n_species"] == 2).all()
    similar = read_tsv(run / "capacity_similarity.tsv")[0].set_index(["modification", "predictor"])
    assert similar["distance"].nunique() == 1
    assert (similar["low"] < similar["spearman"]).all()
    assert set(read_tsv(run / "terms_shared.tsv")[0]["modification"]) <= {"m6A", "Y"}
