"""Unmodified nucleotides that a null distribution is made of: which, and their logits.

They must be new to the model. A nucleotide of the training split scores lower than another that is just as unmodified,
and p-values from such ones would be too small.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, shown
from ..models.directory import CARD, CONFIG, STUDENT, WEIGHTS, read_config, regular_file
from ..sequences import encode, read_records
from .bases import choose_tasks
from .changes import change_sizes
from .engine import score_each
from .kept import scratch
from .modes import load_engine, modes_of
from .significance import write_null
from .unmodified import Drawn, Seen, Sequences, draw_unmodified, negative_sequences, unlisted_sequences

MINIMUM = 100
"""Nucleotides that a null distribution needs."""


def unmodified_windows(
    folder: str | Path,
    splits: Mapping[str, str | Path],
    *,
    scheme: str,
    n: int,
    seed: int,
    files: Sequence[Mapping[str, Any]] = (),
    transcripts: Mapping[str, str | Path] | None = None,
    sites: Mapping[str, Sequence[str | Path]] | None = None,
) -> tuple[dict[str, Drawn], str]:
    """Windows around unmodified nucleotides for every task of a model directory.

    Parameters
    ----------
    folder : path-like
        The model directory.
    splits : mapping of task to path
    scheme : str
        Scheme that the model was trained on.
    n : int
        Windows wanted of each task.
    seed : int
    files : sequence of mappings
        See :func:`negative_sequences`; either these or ``transcripts``.
    transcripts, sites : mapping
        See :func:`unlisted_sequences`. Transcripts of genes with a training window are left out, unless that leaves a
        task without enough; then only training windows are.

    Returns
    -------
    windows : dict of task to Drawn
        Up to n of each, as wide as the model reads or wider.
    source : str
        In words.

    Raises
    ------
    InputError
        If a task gets fewer than :data:`MINIMUM` windows.
    """
    engine, config, _ = load_engine(folder)
    tasks = choose_tasks(config.tasks)
    seen = Seen(splits, scheme)
    width = max(config.window, engine.width)
    middle = slice((width - config.window) // 2, (width + config.window) // 2)

    def windows_of(sequences: Sequences) -> dict[str, Drawn]:
        # some of what is drawn is left out as seen
        drawn = draw_unmodified(sequences, tasks, width, 2 * n, seed, known, engine.reads)
        return {task: one.keep(seen.new(one.codes[:, middle], task)).keep(slice(n)) for task, one in drawn.items()}

    known: dict[str, dict[str, np.ndarray]] = {}
    if not transcripts:
        windows = windows_of(negative_sequences(files))
        names = ", ".join(Path(entry["file"]).name for entry in files)
        source = f"nucleotides of {names}, those of unmodified windows or all taken as unmodified"
    else:
        windows = windows_of(unlisted_sequences(transcripts, sites or {}, tasks, seen.genes, known))
        source = "nucleotides of transcripts of genes without a training window that no list calls modified"
        if min(len(one.codes) for one in windows.values()) < MINIMUM:
            # a scheme that does not keep genes together may leave no gene without one
            windows = windows_of(unlisted_sequences(transcripts, sites or {}, tasks, {}, known))
            source = "nucleotides of transcripts, in the middle of no training window, that no list calls modified"
    _require_enough(windows, folder)
    return windows, source


def add_null(
    folder: str | Path,
    windows: Mapping[str, Drawn],
    *,
    source: str,
    device: str = "auto",
    batch_size: int | None = None,
) -> None:
    """Put the null distributions of each mode that a model directory has into it, and those of random changes.

    Parameters
    ----------
    folder : path-like
    windows : mapping of str to Drawn
        Task to windows around nucleotides taken as unmodified.
    source : str
        Which nucleotides, in words.
    device, batch_size
        See :func:`rnamarks.prediction.modes.load_engine`.
    """
    null, changes = {}, {}
    codes, structure = ({task: one[part] for task, one in windows.items()} for part in (0, 1))
    for mode in modes_of(folder):
        loaded = load_engine(folder, mode, device=device, batch_size=batch_size)
        null[mode] = score_each(loaded.engine, codes, structure)
        changes[mode] = change_sizes(loaded.engine, codes, null[mode], loaded.config.tasks, structure)
    write_null(folder, null, source=source, changes=changes)


def replace_null(
    model: str | Path,
    background: str | Path,
    out: str | Path,
    *,
    n: int = 10_000,
    seed: int = 1,
    device: str = "auto",
    batch_size: int | None = None,
) -> dict[str, int]:
    """Copy a model directory, with a null distribution from other sequences, all taken as unmodified.

    Parameters
    ----------
    model : path-like
    background : path-like
        FASTA of sequences like those to be scanned, but others, such as transcripts of the same kind of RNA. Modified
        nucleotides among them make p larger, hence calls fewer.
    out : path-like
        Directory to make.
    n : int
        Nucleotides wanted of each task.
    seed : int
    device, batch_size
        See :func:`rnamarks.prediction.modes.load_engine`.

    Returns
    -------
    dict of str to int
        Task to nucleotides of its null.

    Raises
    ------
    InputError
        If ``out`` is there already, the model or the sequences are at fault, or a task gets fewer than :data:`MINIMUM`
        nucleotides.
    """
    model, out = Path(model), Path(out)
    config, _ = read_config(model)
    if n < MINIMUM:
        raise InputError(f"a null distribution needs {MINIMUM} nucleotides", value=n, remedy="use for example 10000")
    if out.exists() or out.is_symlink():
        raise _there_already(out)
    engine = load_engine(model, device="cpu").engine
    if engine.reads == "exons":
        raise InputError(
            "the model judges bases by the exons of their transcript, and sequences alone have none",
            path=background,
            remedy="keep the null distribution that the model has, or take a model without gene structure",
        )
    sequences = ((record.header, encode(record.sequence), None, None) for record in read_records(background))
    width = max(config.window, engine.width)
    windows = draw_unmodified(sequences, choose_tasks(config.tasks), width, n, seed, reads=engine.reads)
    _require_enough(windows, background)
    with scratch(out.parent / ".rnamarks-null") as work:
        made = work / "model"
        made.mkdir()
        for name in (WEIGHTS, CONFIG, CARD, STUDENT):
            if name in (WEIGHTS, CONFIG) or (model / name).exists():
                shutil.copyfile(regular_file(model, name), made / name)
        source = f"nucleotides of {Path(shown(background)).name}, all taken as unmodified"
        add_null(made, windows, source=source, device=device, batch_size=batch_size)
        try:
            made.rename(out)
        except OSError as error:
            # made by another process meanwhile
            raise (_there_already(out) if out.exists() else error) from error
    return {task: len(one.codes) for task, one in windows.items()}


def _there_already(out: Path) -> InputError:
    return InputError("the directory is there already", path=out, remedy="choose another --out")


def _require_enough(windows: Mapping[str, Drawn], path: str | Path) -> None:
    for task, (codes, _) in windows.items():
        if len(codes) < MINIMUM:
            raise InputError(
                f"only {len(codes)} unmodified nucleotides were found for {task}",
                path=path,
                remedy=f"give sequences with {MINIMUM} or more that fit it",
            )
