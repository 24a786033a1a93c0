"""The configuration of a model of one's own sites, and the command that runs it."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from string import Template
from typing import Any

from .errors import InputError
from .files import write_text
from .own_sites import Begin, Question, guess_reader

SNAKEFILE = Path("workflow", "Snakefile")
_BATCH, _MOST_STEPS = 64, 400
_TEXT = Template("""\
# Written by rnamarks train. Change what you like, and go on with
#     $command
# with .venv/bin and .tools/bin of the clone on PATH, which does again what a change touches, and nothing else.
# `rnamarks keys` explains every key; config/README.md of the repository shows more: several species, other networks,
# motifs, half-lives.
run: $species
seed: 1

modification: $modification
motif: $motif
motif_offset: $offset
window: $window
# unmodified sites per modified one, from transcripts that have a modified one: others may not have been covered
negatives_per_positive: 10
negatives_from: modified_transcripts

species_sheet: $species_sheet
modification_sheet: $modification_sheet
sources: {sheet: $source_sheet}

species:
  $species:
    assembly: $assembly
    genome: $genome
    annotation: $annotation
    # nt by which genes go on whose annotation has no untranslated regions
    extend: {five: $five, three: $three}
    sites:
      - $sites

# simple models, which the report sets beside the network; of few sites they learn more than a network does
baselines: [prevalence, composition, kmer_logistic, kmer_blend]

models:
  own:
    network: $network
    hyperparameters: $hyperparameters
    training: $training
$start
# guarded keeps genes and similar windows together; more seeds make steadier models
trainings:
  - {model: own, setting: single, schemes: [guarded], seeds: [1, 2]}

# what becomes the model: both together, weighted on the validation split
stacks:
  stacked: {members: [own, kmer_blend], setting: single, schemes: [guarded]}

release: {model: stacked, setting: single_$species, scheme: guarded}

significance: {bases: 2000}

# each of these adds tables and figures to the report:
# transcriptome: {}         # every site of every transcript
# landscape: {}             # where sites lie on transcripts; needs transcriptome
# motifs: {}                # motifs of the network's filters, and without a model
# attention: {}             # nucleotides that the network looks at
# student: {}               # fast mode of the model

evaluation: {bootstrap: 1000}

resources: {device: auto, training_threads: 1, checkpoints: .checkpoints}
""")


def find_workflow(given: Path | None) -> Path:
    """Root of a clone of the repository: the one named, else the one that this library lies in.

    Raises
    ------
    InputError
        If there is none. A wheel holds the library without the workflow.
    """
    root = Path(__file__).resolve().parents[2] if given is None else given.resolve()
    if not (root / SNAKEFILE).is_file():
        raise InputError(
            "the workflow is not part of an installed package"
            if given is None
            else "the folder is no clone of rnamarks",
            path=given,
            value=None,
            remedy="clone the repository, run `make setup` in it, and add --workflow FOLDER, the clone's",
        )
    return root


def write_configuration(question: Question, start: Begin, root: Path, folder: Path, sites: int, cores: int) -> Path:
    """Write ``config.yaml`` into a folder.

    Parameters
    ----------
    question : Question
    start : Begin
    root, folder : path-like
        The clone, and where results go.
    sites : int
        Modified sites, after which the length of an epoch goes.
    cores : int
        For the command in the file's head.
    """
    form, layout = guess_reader(question)
    # a pass over the training windows, of which 11 are cut for each site and 0.7 trained on
    steps = max(10, min(_MOST_STEPS, round(sites * 11 * 0.7 / _BATCH)))
    training: dict[str, Any] = {"batch_size": _BATCH, "steps_per_epoch": steps, "schedule": "one_cycle"}
    if question.start is None:
        training |= {"epochs": 10, "patience": 10, "learning_rate": 0.003, "head_learning_rate": 0.003}
        begun = ""
    else:
        training |= {"epochs": 4, "patience": 4, "learning_rate": 0.0003, "head_learning_rate": 0.001}
        begun = f"    start: {_yaml({'folder': str(question.start.resolve()), 'task': start.task})}\n"
    entry = {"table": str(question.sites.resolve()), "format": form, "name": "own"} | (
        {"layout": layout} if layout else {}
    )
    text = _TEXT.substitute(
        command=command(root, folder, cores),
        species=question.species,
        modification=question.modification,
        motif=_yaml(start.motif),
        offset=start.motif_offset,
        window=start.window,
        species_sheet=_yaml(root / "config/species.tsv"),
        modification_sheet=_yaml(root / "config/modifications.tsv"),
        source_sheet=_yaml(root / "config/sources.tsv"),
        assembly=_yaml(question.assembly),
        genome=_yaml(question.genome.resolve()),
        annotation=_yaml(question.annotation.resolve()),
        five=question.extend.get("five", 0),
        three=question.extend.get("three", 0),
        sites=_yaml(entry),
        network=start.network,
        hyperparameters=_yaml(dict(start.hyperparameters)),
        training=_yaml(training),
        start=begun,
    )
    path = folder / "config.yaml"
    with write_text(path) as handle:
        handle.write(text)
    return path


def check_configuration(path: Path, root: Path) -> None:
    """Raise :class:`InputError` unless a configuration fits the schema and itself, and its sources are known."""
    from .analyses import Analyses
    from .configuration import Plan
    from .keys import with_defaults
    from .run_files import check_files
    from .schema import check_config, placed
    from .sources.sheet import read_sources
    from .yaml_files import read_yaml

    config = read_yaml(path)
    try:
        plan = Plan(with_defaults(check_config(config, [path])))
        check_files(Analyses(plan), {source.name: source for source in read_sources(root / "config" / "sources.tsv")})
    except InputError as error:
        raise placed(error, [path], config) from error


def command(root: Path, folder: Path, cores: int) -> str:
    """The command line that runs Snakemake on the configuration of a folder."""
    words = ["snakemake", "--cores", str(cores), "--snakefile", str(root / SNAKEFILE), "--directory", str(folder)]
    return shlex.join([*words, "--configfile", str(folder / "config.yaml")])


def arguments(root: Path, folder: Path, cores: int) -> list[str]:
    """:func:`command` for this interpreter, as a list; Snakemake says little."""
    return [sys.executable, "-m", *shlex.split(command(root, folder, cores)), "--quiet", "rules"]


def figures(folder: Path, run: str) -> list[str]:
    """AUROC and AUPRC on the test split of a finished run, in lines: of the model, its network and the baselines."""
    from .dictionary import column_names
    from .tables import read_tsv

    table, _ = read_tsv(folder / "results" / run / "evaluation" / "metrics.tsv", column_names("metrics"))
    table = table[(table["scheme"] == "guarded") & (table["split"] == "test") & (table["against"] == "own")]
    # all seeds of a model together
    table = table[(table["seed"].astype(str) == "ensemble") & table["metric"].isin(["auroc", "auprc"])]
    rows = table.set_index(["model", "metric"])
    first = rows.iloc[0]
    lines = [
        f"test split: {int(first['n_positive']):,} modified and {int(first['n_negative']):,} unmodified sites of other "
        f"genes, prevalence {float(first['prevalence']):.3f}; AUROC and AUPRC with 95 % intervals:"
    ]
    for model in sorted(table["model"].unique(), key=lambda name: -float(rows.loc[(name, "auroc"), "value"])):
        figures = []
        for metric in ("auroc", "auprc"):
            value, low, high = (float(rows.loc[(model, metric), name]) for name in ("value", "low", "high"))
            figures.append(f"{value:.3f} ({low:.3f} to {high:.3f})")
        name = {"stacked": "stacked, the model", "own": "own, the network alone"}.get(model, model)
        lines.append(f"  {name:<24}{'  '.join(figures)}")
    return lines


def _yaml(value: Any) -> str:
    """A value on one line; what JSON writes is YAML."""
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
