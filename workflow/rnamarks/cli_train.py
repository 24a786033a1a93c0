"""``rnamarks train``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from .cli_options import NAMED, AnnotationOption, AssemblyGenomeOption, ExtendOption, check_paths, warn
from .errors import InputError


def train(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder to make: config.yaml, and results below results/.")
    ],
    sites: Annotated[
        Path,
        typer.Option(
            "--sites", help="Modified sites: BED with strands, bedMethyl or bedRMod (from 10 reads and 10 % on)."
        ),
    ],
    genome: AssemblyGenomeOption,
    annotation: AnnotationOption,
    start: Annotated[
        Path | None,
        typer.Option(
            "--start",
            help="A model whose network is trained on, without its trees: a name that rnamarks models lists, or a "
            "directory; random weights without it.",
            **NAMED,
        ),
    ] = None,
    modification: Annotated[str, typer.Option("--modification", help="MODOMICS short name.")] = "m6A",
    motif: Annotated[
        str | None,
        typer.Option(
            "--motif",
            help="IUPAC letters around the modified one, which is small, such as DRaCH or RGaC; default the start's, "
            "else the modification's.",
        ),
    ] = None,
    species: Annotated[str, typer.Option("--species", help="What results call it: letters and digits.")] = "mine",
    assembly: Annotated[
        str, typer.Option("--assembly", help="Name of the genome assembly; default the genome's file name.")
    ] = "",
    extend: ExtendOption = None,
    form: Annotated[
        str | None, typer.Option("--format", help="Format of the sites; told from the content without it.")
    ] = None,
    cores: Annotated[int, typer.Option("--cores", min=1, help="Jobs at once.")] = os.cpu_count() or 1,
    workflow: Annotated[
        Path | None,
        typer.Option("--workflow", help="A clone of the repository; needed where rnamarks is installed without one."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Write and check the configuration, and train nothing.")
    ] = False,
) -> None:
    """Train a model of your own sites: writes a configuration, checks it and the files, and runs the workflow.

    Sites are told from other occurrences of their motif on the transcripts that have one. Model, card and report with
    figures on genes that were held out end up in DIR/results/SPECIES; DIR/config.yaml is yours to change. Needs what
    `pip install 'rnamarks[workflow]'` brings, and a clone of the repository.
    """
    from .own_configuration import arguments, check_configuration, command, figures, find_workflow, write_configuration
    from .own_sites import Question, begin, check_sites
    from .prediction.kept import scratch

    root = find_workflow(workflow)
    for package in ("snakemake", "yaml", "jsonschema"):
        if find_spec(package) is None:
            raise ModuleNotFoundError(f"No module named '{package}'", name=package)
    folder = folder.resolve()
    inputs = {"--sites": sites, "--genome": genome, "--annotation": annotation}
    for path in inputs.values():
        if not path.is_file():
            raise InputError("no such file", path=path, remedy="check the path; a pipe will not do, it is read again")
    config = folder / "config.yaml"
    check_paths(inputs, {"DIR": config})
    if config.exists():
        raise InputError(
            "the folder has a configuration",
            path=config,
            remedy=f"run `{command(root, folder, cores)}`, or name another folder",
        )
    if not re.fullmatch("[A-Za-z][A-Za-z0-9]*", species):
        raise InputError("a species is called by letters and digits", value=species, remedy="rename it")
    question = Question(
        sites=sites,
        genome=genome,
        annotation=annotation,
        form=form,
        modification=modification,
        motif=motif,
        species=species,
        assembly=assembly or genome.name.removesuffix(".gz").rpartition(".")[0] or genome.name,
        start=start,
        extend=extend,
    )
    chosen = begin(question, root)
    with scratch(folder.parent / ".rnamarks-train") as work:
        counts = check_sites(question, chosen, root, work)
    warn(
        f"{counts['read']:,} sites of {modification}, {counts['motif']:,} of them in {chosen.motif}, "
        f"{counts['transcripts']:,} of these on a transcript"
    )
    write_configuration(question, chosen, root, folder, counts["transcripts"], cores)
    try:
        check_configuration(config, root)
    except InputError:
        config.unlink()
        raise
    warn(f"configuration: {config}")
    if not dry_run:
        _run(arguments(root, folder, cores), root)
        for line in figures(folder, species):
            warn(line)
        results = folder / "results" / species
        for name, path in (("model", "model"), ("card", "model/card.md"), ("report", "report.html")):
            warn(f"{name}: {results / path}")
    warn(f"to go on by hand, change config.yaml and run: {command(root, folder, cores)}")


def _run(words: list[str], root: Path) -> None:
    """Run Snakemake with the programs of the clone on the path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), str(root / ".tools" / "bin"), os.environ.get("PATH", "")])
    library = os.pathsep.join(filter(None, [str(root / "workflow"), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(words, env=os.environ | {"PATH": path, "PYTHONPATH": library}, check=False)
    if done.returncode:
        raise InputError(
            "the workflow stopped, for the reason that is written above",
            value=f"exit code {done.returncode}",
            remedy="mend it and go on where it stopped with the command at the head of config.yaml",
        )
