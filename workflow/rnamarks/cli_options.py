"""Options and checks that the commands share."""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from .errors import InputError, explain
from .files import check_output, open_bytes, open_text, write_text


def named_model(model: str | None) -> Path | None:
    """What ``--model`` names, as a directory."""
    from .models.shipped import find_model

    return None if model is None else find_model(model)


# text until it is looked up: a path would drop the ./ that tells a folder from a name
NAMED = {"parser": str, "callback": named_model, "metavar": "NAME|DIR"}
ModelOption = Annotated[
    Path,
    typer.Option(
        "--model",
        "-m",
        help="A name that rnamarks models lists, or a model directory: config.json and weights.safetensors.",
        **NAMED,
    ),
]
ModelArgument = Annotated[Path, typer.Argument(help="A shipped model, or a directory.", **NAMED)]
TaskOption = Annotated[
    list[str] | None,
    typer.Option("--task", help="Which of the model's tasks (rnamarks info); may be left out where there is one."),
]
TasksOption = Annotated[list[str] | None, typer.Option("--task", help="Only these tasks, such as m6A,Y; default all.")]
GenesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--gene",
        help="Only these genes or transcripts of the annotation, such as TP53,NM_000546, or @FILE with one per line.",
    ),
]
ModeOption = Annotated[str, typer.Option("--mode", help="exact: the networks; fast: the student distilled from them.")]
OutOption = Annotated[Path | None, typer.Option("--out", "-o", help="TSV to write; standard output without it.")]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
BatchOption = Annotated[int, typer.Option("--batch-size", min=1, help="Windows at once; bounds the memory.")]
ScanBatchOption = Annotated[
    int | None,
    typer.Option(
        "--batch-size",
        min=1,
        help="Windows at once in exact mode; default by network: 64 or 128 on a CPU, more on a GPU.",
    ),
]
ThreadsOption = Annotated[
    int,
    typer.Option(
        "--threads",
        "-t",
        min=0,
        max=1024,
        help="CPU threads; 0 takes torch's default, one per core or OMP_NUM_THREADS.",
    ),
]
AssemblyGenomeOption = Annotated[Path, typer.Option("--genome", help="Genome FASTA of the assembly of the sites.")]
AnnotationOption = Annotated[
    Path, typer.Option("--annotation", help="GTF, GFF3 or UCSC gene table of the same assembly.")
]


def _ends(text: str | None) -> dict[str, int]:
    """What ``--extend`` asks for: ``five`` and ``three``, nt; nothing where it is left out."""
    if text is None:
        return {}
    if not (ends := re.fullmatch(r"([0-9]{1,4}),([0-9]{1,4})", text)):
        raise InputError("--extend takes two numbers of nt below 10,000", value=text, remedy="give such as 50,250")
    return {"five": int(ends[1]), "three": int(ends[2])}


ExtendOption = Annotated[
    dict,
    typer.Option(
        "--extend",
        parser=str,
        callback=_ends,
        metavar="FIVE,THREE",
        help="nt by which transcripts without UTRs go on, where an annotation has none, such as 50,250.",
    ),
]
BootstrapOption = Annotated[int, typer.Option("--bootstrap", min=1, help="Resamples behind the 95 % intervals.")]
TaxonOption = Annotated[int, typer.Option("--taxid", min=0, help="NCBI taxon, for the header of bedRMod.")]


def task_names(given: list[str] | None) -> list[str]:
    """What :data:`TasksOption` names, each time one task or several, separated by commas."""
    return [name.strip() for text in given or [] for name in text.split(",")]


def gene_names(given: list[str] | None) -> list[str]:
    """What :data:`GenesOption` names: separated by commas, or the lines of a file."""
    names: list[str] = []
    for text in given or []:
        if text.startswith("@"):
            with open_text(text[1:]) as lines:
                names += [line.strip() for line in lines if line.strip()]
        else:
            names += [name.strip() for name in text.split(",") if name.strip()]
    if given and not names:
        raise InputError("no gene is named", value=" ".join(given), remedy="name one, or leave --gene out")
    return names


def warn(line: str) -> None:
    """Write a line to standard error, led by the name of the program."""
    print(f"rnamarks: {line}", file=sys.stderr)


class Warnings(logging.Handler):
    """Says what the library warns of as the commands say it."""

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage()
        if record.exc_info and record.exc_info[1]:
            error = record.exc_info[1]
            line += f": {explain(error) or ''.join(traceback.format_exception(error)).rstrip()}"
        warn(line)


def check_paths(
    inputs: Mapping[str, Path | None], outputs: Mapping[str, Path | None], model: Path | None = None
) -> None:
    """Raise :class:`InputError` unless all outputs can be written, none is an input or another output, and standard
    input is read once.

    Parameters
    ----------
    inputs, outputs : mapping of str to path or None
        Name of the option to what was given.
    model : path-like, optional
        A directory whose files are inputs, too.
    """
    known: dict[str, Path] = {}
    for name, path in inputs.items():
        if path is None:
            continue
        for other, taken in known.items():
            if _is_standard_input(path) and _is_standard_input(taken):
                raise InputError(
                    f"{other} and {name} are both standard input, which can be read once",
                    remedy="give one of them as a file",
                )
        known[name] = path
    if model is not None and model.is_dir():
        known |= {f"a file of --model, {path.name}": path for path in model.iterdir()}
    for name, path in outputs.items():
        if path is None:
            continue
        if str(path) == "-":
            raise InputError(f"{name} - is no file", remedy="give /dev/stdout for standard output")
        check_output(path)
        for other, taken in known.items():
            if _is_file(path) and _is_file(taken) and _same(path, taken):
                raise InputError(f"{name} is {other}", path=path, remedy="choose another output")
        known[name] = path


def check_there(paths: Iterable[Path | None]) -> None:
    """Raise :class:`InputError` for the first of these inputs, standard input aside, that does not exist."""
    for path in paths:
        if path is not None and str(path) != "-" and not path.exists():
            raise InputError("no such file", path=path, remedy="check the path")


def check_annotated(genome: Path | None, annotation: Path | None) -> None:
    """Raise :class:`InputError` for a genome without an annotation."""
    if genome is not None and annotation is None:
        raise InputError("a genome alone has no transcripts", path=genome, remedy="add --annotation")


def _is_standard_input(path: Path) -> bool:
    return str(path) in ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")


def _is_file(path: Path) -> bool:
    """Whether a path leads to a regular file, or to nothing yet."""
    return path.is_file() or not path.exists()


def _same(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return os.path.realpath(one) == os.path.realpath(other)


def temporary_root() -> Path:
    """A folder of this user's below that of temporary files, for what has no output beside which it could lie."""
    return Path(tempfile.gettempdir()) / f".rnamarks-{os.getuid()}"


@contextmanager
def text_output(out: Path | None) -> Iterator:
    """A file to write, which appears when it is done, or standard output."""
    if out is None:
        yield sys.stdout
    else:
        with write_text(out) as handle:
            yield handle


@contextmanager
def regular(path: Path | None, copy: Path) -> Iterator[Path | None]:
    """A path, or in place of a pipe a copy of what it holds, which can be read more than once."""
    if path is None or path.is_file():
        yield path
        return
    with open_bytes(path) as raw, open(copy, "wb") as handle:
        shutil.copyfileobj(raw, handle)
    from .archives import shown_as

    with shown_as(path, copy):
        yield copy
