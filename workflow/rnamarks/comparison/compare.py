"""Predictions of a model beside a user's measurements: every step from the files to the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from ..dictionary import column_names
from ..errors import InputError
from ..models.directory import read_config
from ..prediction.scan import ScanOptions
from ..prediction.scanner import Outputs, Scanner
from ..progress import Progress
from ..sites.annotation import STAGE, read_annotation
from ..sites.contigs import match_contigs
from ..sites.coordinates import TranscriptMap
from ..sites.drops import Drops
from ..sites.extension import extend_ends
from ..sites.modifications import Modification
from ..sites.readers.measurements import Limits, Measured, read_measurements
from ..sites.transcripts import build_transcripts, open_genome
from ..tables import read_parquet, write_parquet
from ..tasks import Task, add_task_columns, find_task
from .measures import Positions
from .offsets import Fit, scan_offsets
from .places import PLACE, place_on_genome, scored_positions
from .results import ALL, WITHOUT, measure, measure_places, prior, say_positions, say_results

MOST_MEASURED = 0.5
"""If more of the covered motif positions are sites, the file is taken for a list of sites."""


@dataclass(frozen=True)
class Question:
    """What is compared with what.

    Attributes
    ----------
    sites, genome, annotation, model : Path
    task, form : str or None
        Told from the model and the file where not given.
    control : Path or None
        Measurements of RNA without the modification, in the format of the sites where that is given.
    extend : mapping of str to int
        See :func:`rnamarks.sites.transcripts.build_transcripts`.
    limits : Limits
    shift : int
        Added to every position on the genome.
    mode, device : str
        See :func:`rnamarks.prediction.modes.load_engine`.
    bootstrap : int
        Resamples of genes.
    seed : int
    """

    sites: Path
    genome: Path
    annotation: Path
    model: Path
    task: str | None = None
    form: str | None = None
    control: Path | None = None
    extend: Mapping[str, int] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    shift: int = 0
    mode: str = "exact"
    device: str = "auto"
    bootstrap: int = 1000
    seed: int = 0


@dataclass(frozen=True)
class Comparison:
    """What came out: the task, the model's name, tables by their name in the dictionary, sentences that say it, and
    the rules that were followed, as (what, how)."""

    task: Task
    predictor: str
    tables: dict[str, pd.DataFrame]
    sentences: list[str]
    rules: list[tuple[str, str]]


def compare(
    question: Question,
    workdir: Path,
    *,
    progress: Progress = lambda done, total: None,
    warn: Callable[[str], None] = print,
) -> Comparison:
    """Compare a model's predictions with a user's measurements.

    Parameters
    ----------
    question : Question
    workdir : Path
        For the genome's index and what the scan leaves.
    progress, warn : callable

    Raises
    ------
    InputError
        If a file is at fault, or no site is on a transcript.
    """
    drops = Drops()
    config, _ = read_config(question.model)
    task = find_task(config.tasks, question.task)
    modification = _modification(task)
    scope = drops.scope("read", task.name, "sites")
    measured = read_measurements(
        question.sites, scope, modification=modification, form=question.form, limits=question.limits
    )
    warn(_say_read(question.sites, measured))
    described = read_annotation(question.annotation, drops, subject=task.name)
    with _opened(question.genome, workdir) as (lengths, lookup):
        contigs = list(lengths)
        pairs = match_contigs(described["chrom"], contigs)
        named = described[described["chrom"].isin(list(pairs))]
        named = named.assign(chrom=named["chrom"].map(pairs)).reset_index(drop=True)
        placed = place_on_genome(measured, named, contigs, scope, path=question.sites, shift=question.shift)
        fit = _check_sites(placed, lookup, task, question.sites)
        control, control_rule = _read_control(question, modification, named, contigs, drops, task)
        # positions on transcripts are those of the annotation as it is
        named = extend_ends(named, lengths, drops.scope(STAGE, task.name, "genome"), **question.extend)
    warn(fit.sentence)
    given = fit.table.iloc[0]
    wanted = _transcripts_with(placed if measured.complete else placed[placed["called"]], named)
    sites = placed[placed["called"]]
    on = np.zeros(len(sites), dtype=bool)
    on[TranscriptMap(named).overlaps(sites["chrom"], sites["strand"], sites["start"].to_numpy())[0]] = True
    if not on.any():
        raise InputError(
            f"none of {len(sites):,} sites is on an annotated transcript, and {given['on_base_share']:.0%} are on "
            f"{task.base}",
            path=question.sites,
            remedy=fit.remedy or "check that sites, genome and annotation are of one assembly",
        )
    transcripts = build_transcripts(
        named[wanted].reset_index(drop=True), question.genome, drops, workdir=workdir, subject=task.name,
        annotation_path=question.annotation,
    )  # fmt: skip
    predicted = _scan(question, task, transcripts, workdir, progress, warn)
    if not len(predicted):
        raise InputError(
            f"the transcripts with sites hold no {task.place[0]}", path=question.sites, remedy="check --task"
        )
    positions, rows, coverage = _choose_positions(predicted, transcripts, placed, measured)
    counts = {
        "sites": (len(sites), np.nan),
        **{name: (given[name], given[f"{name}_share"]) for name in ("on_base", "in_motif")},
        "on_transcripts": (on.sum(), on.mean()),
        "at_motif_positions": (positions.measured.sum(), positions.measured.sum() / len(sites)),
    }
    sets = {ALL: positions}
    sentences = [fit.sentence, say_positions(positions, len(sites), int(on.sum()), task), f"Judged by {coverage}."]
    if control is not None:
        shared, sentence = _in_control(rows, sites, control)
        sentences.append(sentence)
        counts["control_shared"] = (shared[1], shared[1] / len(sites))
        sets[WITHOUT] = positions.only(~shared[0])
    settings = {"n": question.bootstrap, "seed": question.seed}
    tables = measure(sets, counts, task, **settings)
    predictor = question.model.resolve().name
    tables |= measure_places(transcripts, rows, positions, sites, predictor, task, **settings)
    tables |= {
        "offsets": add_task_columns(fit.table.assign(task=task.name), [task])[column_names("offsets")],
        "prior": prior(predicted),
        "drops": drops.frame(),
    }
    rules = [
        ("Sites", _say_read(question.sites, measured)),
        *control_rule,
        ("Moved", f"every position by {question.shift:+d}, as --shift says" if question.shift else "nothing"),
        ("Genome and annotation", f"{question.genome}, {question.annotation}"),
        ("Model", f"{question.model}, task {task.name}, {question.mode} mode"),
        ("Motif", f"{task.place[0]}, {task.base or 'its base'} at place {task.place[1] + 1}"),
        ("Positions to judge by", coverage),
        ("Intervals", f"95 %, {question.bootstrap:,} resamples of genes"),
    ]
    return Comparison(task, predictor, tables, [*sentences, *say_results(tables)], rules)


def _modification(task: Task) -> Modification:
    motif, offset = task.place
    name = task.modification or task.name
    return Modification(name, name, task.label, task.base, motif, offset, "", task.colour, ())


@contextmanager
def _opened(genome: Path, workdir: Path) -> Iterator[tuple[dict[str, int], Callable[[str, int, int], str]]]:
    """nt of the genome's contigs, and a function that looks text up."""
    with open_genome(genome, workdir) as fasta:
        lengths = {name: len(fasta[name]) for name in fasta.keys()}  # noqa: SIM118
        yield lengths, lambda chrom, start, end: fasta[chrom][start:end].seq


def _check_sites(placed: pd.DataFrame, lookup: Callable, task: Task, path: Path) -> Fit:
    sites = placed[placed["called"]]
    if not len(sites):
        raise InputError(
            f"none of {len(placed):,} covered positions counts as a site", path=path, remedy="lower --minimum-share"
        )
    return scan_offsets(sites, lookup, task)


def _read_control(
    question: Question, modification: Modification, named: pd.DataFrame, contigs: list[str], drops: Drops, task: Task
) -> tuple[pd.DataFrame | None, list[tuple[str, str]]]:
    """Sites of the control, and how it was read; None and nothing without one."""
    if question.control is None:
        return None, []
    scope = drops.scope("read", task.name, "control")
    control = read_measurements(
        question.control, scope, modification=modification, form=question.form, limits=question.limits
    )
    placed = place_on_genome(control, named, contigs, scope, path=question.control, shift=question.shift)
    return placed[placed["called"]], [("Control", _say_read(question.control, control))]


def _say_read(path: Path, measured: Measured) -> str:
    return f"{path}, read as {measured.form}: {measured.rule}"


def _transcripts_with(placed: pd.DataFrame, named: pd.DataFrame) -> np.ndarray:
    """Which transcripts hold a position."""
    _, row, _ = TranscriptMap(named).overlaps(placed["chrom"], placed["strand"], placed["start"].to_numpy())
    return np.isin(np.arange(len(named)), row)


def _scan(
    question: Question, task: Task, transcripts: pd.DataFrame, workdir: Path, progress: Progress, warn: Callable
) -> pd.DataFrame:
    source, out = workdir / "transcripts.parquet", workdir / "predicted.parquet"
    write_parquet(transcripts, source)
    scanner = Scanner(question.model, mode=question.mode, device=question.device)
    options, outputs = ScanOptions(alpha=None, top=False), Outputs(table=out)
    scanner.run(source, options, outputs, tasks=[task.name], progress=progress, warn=warn)
    return read_parquet(out)[0]


def _choose_positions(
    predicted: pd.DataFrame, transcripts: pd.DataFrame, placed: pd.DataFrame, measured: Measured
) -> tuple[Positions, pd.DataFrame, str]:
    if measured.complete:
        positions, rows = scored_positions(predicted, transcripts, placed, complete=True)
        if len(positions) and positions.measured.mean() <= MOST_MEASURED:
            return positions, rows, f"{len(rows):,} motif positions that the file says are covered"
    positions, rows = scored_positions(predicted, transcripts, placed, complete=False)
    why = "lists hardly any position without a modification" if measured.complete else "does not list what was covered"
    told = f"all {len(rows):,} motif positions of transcripts with at least one site, since the file {why}"
    return positions, rows, f"{told}: those that no read covers count as unmodified, so precision is underestimated"


def _in_control(rows: pd.DataFrame, sites: pd.DataFrame, control: pd.DataFrame) -> tuple[tuple[np.ndarray, int], str]:
    """Which positions the control has as sites, and how many of the user's sites it has."""
    keys = pd.MultiIndex.from_frame(control[PLACE])
    shared = int(pd.MultiIndex.from_frame(sites[PLACE]).isin(keys).sum())
    here = pd.MultiIndex.from_arrays([rows["chrom"], rows["genome_start"], rows["strand"]]).isin(keys)
    sentence = f"{shared:,} of {len(sites):,} sites ({shared / len(sites):.1%}) are in the control, too"
    return (here, shared), f"{sentence}; the measures are also given without them (without_control)."
