"""``rnamarks lm``: language models on the command line."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .cli_options import DeviceOption, ModelOption, OutOption, ThreadsOption, check_paths, text_output, warn
from .errors import InputError, check_choice
from .files import atomic_path

if TYPE_CHECKING:
    import numpy as np
    import torch

    from .models.directory import ModelConfig
    from .models.language import Language

app = typer.Typer(no_args_is_help=True, help="Language models: import or train them, and what they say of sequences.")

FASTA = (
    "FASTA, or a table (.tsv, .csv, .parquet) with a column sequence and one called name, id, example or transcript; "
    "DNA or RNA; IUPAC codes are read as such; - reads FASTA from standard input."
)
MOST_DRAWN = 40
_LONGEST_NAME = 65_000
"""Bytes; an archive, as NPZ is one, has room for some more."""
TokensOption = Annotated[
    int | None, typer.Option("--tokens", min=1, help="Most tokens at once; bounds the memory, changes no number.")
]
TileOption = Annotated[
    int, typer.Option("--tile", min=16, help="Longer sequences, in nt, are read in tiles of this length that overlap.")
]
PrecisionOption = Annotated[
    str, typer.Option("--precision", help="32-true, or bf16-mixed: faster where the processor has it, three digits.")
]
LongestOption = Annotated[
    int, typer.Option("--longest", min=1, help="In nt; a longer sequence is an error. Memory grows with its square.")
]


@app.command("import")
def import_checkpoint(
    file: Annotated[
        Path,
        typer.Argument(
            help="A released checkpoint of RiNALMo, plain or fine-tuned; or weights.safetensors of a directory."
        ),
    ],
    folder: Annotated[Path, typer.Argument(help="The model directory to write.")],
    heads: Annotated[
        int | None,
        typer.Option("--heads", min=1, help="Attention heads of a block; default 20, as all published sizes have."),
    ] = None,
) -> None:
    """Turn a checkpoint into a model directory.

    Nothing in the file is run. Sizes follow from its shapes; every tensor is used once and every weight set once, or
    the differences are listed. What was loaded is printed, with the logits of a test sequence.
    """
    from .models.language_files import load_language
    from .models.language_import import import_checkpoint as write_imported
    from .models.packing import Pack
    from .models.tokens import tokenise

    check_paths({"the checkpoint": file}, {name: folder / name for name in ("config.json", "weights.safetensors")})
    found = write_imported(file, folder, heads)
    network, config = load_language(folder)
    weights = sum(one.numel() for one in network.parameters())
    sizes = ", ".join(f"{name} {value}" for name, value in found.sizes.items())
    print(f"{weights:,} weights; {sizes}; tasks {', '.join(config.task_names)}")
    logits = network(Pack.of([tokenise("GGGGAAAACCCC")]), "masked")[1:-1, 5:9].detach().numpy()
    print("GGGGAAAACCCC, most probable of A, C, G, U:", "".join("ACGU"[row.argmax()] for row in logits))


@app.command()
def logits(
    fasta: Annotated[Path, typer.Argument(help=FASTA)],
    model: ModelOption,
    out: Annotated[Path, typer.Option("--out", "-o", help="NPZ to write, one array per sequence.")],
    device: DeviceOption = "auto",
    tokens: TokensOption = None,
    tile: TileOption = 4096,
    precision: PrecisionOption = "32-true",
    threads: ThreadsOption = 0,
) -> None:
    """Logits of the vocabulary at every token.

    One float32 array per sequence, named by the first word of its header, shape (nt + 2, 22): <cls> first, <eos> last;
    columns <cls> <pad> <eos> <unk> <mask> A C G T(U) I R Y K M S W B D H V N -. Of sequences longer than --tile each
    nucleotide is read in the tile in which it is farthest from a cut.
    """
    _check_precision(precision)
    _form(out, ".npz")
    network, sequences, place, _ = _opened(fasta, model, {"--out": out}, device, threads, tile=tile)
    if "masked" not in network.heads:
        raise InputError("the model has no head for masked tokens", path=model, remedy="give a pre-trained model")
    from .prediction.language import describe

    def answer(vectors, pack):
        return pack.split(network.heads["masked"](vectors))

    with _npz(out) as put:
        for sequence, array in describe(
            network, sequences, answer, device=place, tokens=tokens, tile=tile, precision=precision, warn=warn
        ):
            put(sequence.name, array)


@app.command()
def embed(
    fasta: Annotated[Path, typer.Argument(help=FASTA)],
    model: ModelOption,
    out: Annotated[Path, typer.Option("--out", "-o", help="NPZ, or with --pool Parquet (.parquet), to write.")],
    pool: Annotated[
        str, typer.Option("--pool", help="none: a vector per token; cls or mean: one per sequence.")
    ] = "none",
    device: DeviceOption = "auto",
    tokens: TokensOption = None,
    tile: TileOption = 4096,
    precision: PrecisionOption = "32-true",
    threads: ThreadsOption = 0,
) -> None:
    """Vectors of the last layer.

    NPZ: one float32 array per sequence, named by the first word of its header, shape (nt + 2, width), <cls> first and
    <eos> last; with --pool shape (width,): that of <cls>, or the mean over the nucleotides. Parquet: a row per
    sequence, columns name and 0, 1, … width - 1. Of sequences longer than --tile each nucleotide is read in the tile in
    which it is farthest from a cut, and <cls> in the first.
    """
    from .prediction import language

    answers = {"none": language.embeddings, "cls": language.first_vectors, "mean": language.mean_vectors}
    check_choice(pool, answers, "no such pool")
    form = _form(out, ".npz", ".parquet")
    if form == ".parquet" and pool == "none":
        raise InputError("a table has one vector per sequence", path=out, remedy="add --pool cls or --pool mean")
    _check_precision(precision)
    network, sequences, place, _ = _opened(fasta, model, {"--out": out}, device, threads, tile=tile)
    rows = language.describe(
        network, sequences, answers[pool], device=place, tokens=tokens, tile=tile, precision=precision, warn=warn
    )
    if form == ".parquet":
        _write_table(out, ((sequence.name, array) for sequence, array in rows), network.trunk.width)
        return
    with _npz(out) as put:
        for sequence, array in rows:
            put(sequence.name, array)


@app.command()
def fold(
    fasta: Annotated[Path, typer.Argument(help=FASTA)],
    model: ModelOption,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Dot-brackets, or with that ending .bpseq or .ct (one RNA); else standard output."
        ),
    ] = None,
    probabilities: Annotated[
        Path | None,
        typer.Option("--probabilities", help="TSV of pairs with at least --least: name, i, j (from 0), probability."),
    ] = None,
    least: Annotated[float, typer.Option("--least", min=0, max=1, help="Of the pairs in --probabilities.")] = 0.01,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", min=0, max=1, help="Of called pairs; default that of the model, else 0.5."),
    ] = None,
    any_pair: Annotated[bool, typer.Option("--any-pair", help="Not only A-U, C-G and G-U.")] = False,
    arcs: Annotated[
        Path | None, typer.Option("--arcs", help=f"SVG of the pairs as arcs, of the first {MOST_DRAWN} RNAs.")
    ] = None,
    device: DeviceOption = "auto",
    tokens: TokensOption = None,
    longest: LongestOption = 2000,
    threads: ThreadsOption = 0,
) -> None:
    """Secondary structures, by a model tuned to them.

    The most probable pair is called first, then the most probable of nucleotides that are still free; pairs enclose
    three nucleotides or more. Pseudoknots take further kinds of brackets and dashed arcs, and are counted. Memory is
    1.4 kB for each pair of nucleotides with the published head: 5.6 GB for 2,000 nt.
    """
    import numpy as np
    from scipy.special import expit

    from .files import write_text
    from .structure.decoding import decode
    from .structure.pairs import Structure, format_structure, pseudoknotted

    if arcs is not None and arcs.suffix != ".svg":
        raise InputError("arcs are drawn as SVG", path=arcs, remedy="give a name that ends in .svg")
    kind = out.suffix.removeprefix(".") if out is not None and out.suffix in (".bpseq", ".ct") else "dbn"
    network, sequences, place, config = _opened(
        fasta, model, {"--out": out, "--probabilities": probabilities, "--arcs": arcs}, device, threads, limit=longest
    )
    task = _task_of(config, "pairs", model)
    known = config.thresholds.get(task, [])
    limit = threshold if threshold is not None else known[0]["probability"] if known else 0.5
    from .prediction.language import describe, letters_of

    knots = count = 0
    drawn = []
    with text_output(out) as handle, write_text(probabilities) if probabilities else nullcontext() as table:
        if table:
            table.write("name\ti\tj\tprobability\n")
        for sequence, found in describe(network, sequences, network.heads[task], device=place, tokens=tokens):
            if kind != "dbn" and count:
                raise InputError(f".{kind} holds one RNA", path=out, remedy="write dot-brackets, or give one sequence")
            chances, letters = expit(found), letters_of(sequence)
            pairs = decode(chances, letters, limit, canonical=not any_pair)
            handle.write(format_structure(Structure(sequence.name, letters, pairs), kind))
            crossing = pseudoknotted(pairs)
            count, knots = count + 1, knots + bool(crossing.any())
            if arcs and count <= MOST_DRAWN:
                drawn.append(
                    (f"{sequence.name}, {len(letters):,} nt, {len(pairs)} pairs", len(letters), pairs, crossing)
                )
            if table:
                for i, j in np.argwhere(np.triu(chances >= least, 1)):
                    table.write(f"{sequence.name}\t{i}\t{j}\t{chances[i, j]:.6g}\n")
    if arcs:
        from .figures.arcs import draw_structures
        from .figures.style import save_figure

        save_figure(draw_structures(drawn), arcs)
    warn(f"threshold {limit:g}; structures with a pseudoknot: {knots} of {count}")


@app.command()
def splice(
    fasta: Annotated[Path, typer.Argument(help=FASTA)],
    model: ModelOption,
    out: OutOption = None,
    device: DeviceOption = "auto",
    tokens: TokensOption = None,
    longest: LongestOption = 4096,
    threads: ThreadsOption = 0,
) -> None:
    """Whether the middle of each sequence is a splice site, by a model tuned to donors or to acceptors.

    Columns: name, length (nt), logit (natural-log odds as in training, where classes are balanced), probability. The
    published models read 400 nt, the site in the middle. A model of your own has label 1 for a site and 0 for none;
    for other labels there is classify.
    """
    from scipy.special import expit

    def row(logits: np.ndarray) -> list[float]:
        return [float(logits[0]), float(expit(logits[0]))]

    network, sequences, place, config = _opened(fasta, model, {"--out": out}, device, threads, limit=longest)
    task = _task_of(config, "label", model)
    labels = _labels(config, task)
    if network.heads[task].leave.out_features > 1 or labels != ["0", "1"]:
        raise InputError(
            "the model tells other labels than 0 and 1, a site",
            path=model,
            value=", ".join(labels),
            remedy="use rnamarks lm classify",
        )
    head = network.heads[task]
    _write_rows(out, ("logit", "probability"), row, network, sequences, head, place, tokens)


@app.command()
def classify(
    fasta: Annotated[Path, typer.Argument(help=FASTA)],
    model: ModelOption,
    out: OutOption = None,
    device: DeviceOption = "auto",
    tokens: TokensOption = None,
    longest: LongestOption = 4096,
    threads: ThreadsOption = 0,
) -> None:
    """The label of each sequence, by a model tuned to two or more.

    Columns: name, length (nt), label (the most probable), and the probability of each label, under its name, or its
    number from 0 where the model does not know names.
    """
    from .training.targets.label import probabilities_of

    network, sequences, place, config = _opened(fasta, model, {"--out": out}, device, threads, limit=longest)
    task = _task_of(config, "label", model)
    names = _labels(config, task)

    def row(logits: np.ndarray) -> list[str | float]:
        [chances] = probabilities_of(logits[None])
        return [names[chances.argmax()], *chances.tolist()]

    _write_rows(out, ("label", *names), row, network, sequences, network.heads[task], place, tokens)


@app.command()
def mrl(
    fasta: Annotated[Path, typer.Argument(help=FASTA)],
    model: ModelOption,
    out: OutOption = None,
    device: DeviceOption = "auto",
    tokens: TokensOption = None,
    longest: LongestOption = 4096,
    threads: ThreadsOption = 0,
) -> None:
    """Mean ribosome load of 5' untranslated regions, by a model tuned to it.

    Columns: name, length (nt), load (mean number of ribosomes, in the units of the training values, 0 at least).
    """
    network, sequences, place, config = _opened(fasta, model, {"--out": out}, device, threads, limit=longest)
    head = network.heads[_task_of(config, "value", model)]
    _write_rows(out, ("load",), lambda load: [max(0.0, float(load))], network, sequences, head.in_units, place, tokens)


def _write_rows(
    out: Path | None,
    columns: Sequence[str],
    row: Callable[[np.ndarray], Sequence[str | float]],
    network: Language,
    sequences: Iterable,
    answer: Callable,
    place: torch.device,
    tokens: int | None,
) -> None:
    """A row per sequence: its name, its length, and what ``row`` makes of the answer."""
    from .prediction.language import describe

    with text_output(out) as handle:
        handle.write("\t".join(["name", "length", *columns]) + "\n")
        for sequence, found in describe(network, sequences, answer, device=place, tokens=tokens):
            values = (value if isinstance(value, str) else f"{value:.7g}" for value in row(found))
            handle.write("\t".join([sequence.name, str(len(sequence.tokens) - 2), *values]) + "\n")


def _task_of(config: ModelConfig, target: str, model: Path) -> str:
    """The model's task of a target."""
    for task in config.tasks:
        if task.target == target:
            return task.name
    known = ", ".join(f"{task.name} ({task.target})" for task in config.tasks)
    raise InputError(f"the model has no head for {target}", path=model, value=known, remedy="take one tuned to it")


def _labels(config: ModelConfig, task: str) -> list[str]:
    """Names of a task's labels; their numbers where the model does not know them."""
    entry = config.hyperparameters["outputs"][task]
    return entry.get("names") or list(map(str, range(max(2, entry.get("labels", 1)))))


def _form(out: Path, *forms: str) -> str:
    """The form that the ending of an output asks for, the first where it has none; another is an error."""
    form = out.suffix.lower() or forms[0]
    check_choice(form, forms, "it is not written in that form", path=out)
    return form


def _check_precision(precision: str) -> None:
    check_choice(precision, ("32-true", "bf16-mixed"), "no such precision")


def _opened(
    fasta: Path,
    model: Path,
    outputs: dict[str, Path | None],
    device: str,
    threads: int,
    tile: int | None = None,
    limit: int | None = None,
):
    """The network, its sequences to read, the device, its config; outputs are checked before work begins."""
    check_paths({"the input": fasta}, outputs, model)
    from .models.language_files import load_language
    from .prediction.language import read_sequences, whole_length
    from .prediction.score import pick_device
    from .prediction.windows import set_threads

    set_threads(threads)
    network, config = load_language(model)
    tile, limit = (whole_length(network, asked) if asked else None for asked in (tile, limit))
    return network, read_sequences(fasta, warn, tile=tile, limit=limit), pick_device(device), config


@contextmanager
def _npz(out: Path) -> Iterator:
    """A function that adds a named array to an NPZ file, which is written as it comes and appears when it is done."""
    import numpy as np

    with atomic_path(out) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:

        def put(name: str, array: np.ndarray) -> None:
            if len(name.encode()) > _LONGEST_NAME:
                raise InputError(f"a name has more than {_LONGEST_NAME} bytes", value=name, remedy="give a shorter one")
            with archive.open(f"{name}.npy", "w", force_zip64=True) as handle:
                np.lib.format.write_array(handle, np.ascontiguousarray(array), allow_pickle=False)

        yield put


def _write_table(out: Path, rows: Iterator[tuple[str, np.ndarray]], width: int) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("name", pa.string()), *((str(column), pa.float32()) for column in range(width))])
    with atomic_path(out) as part, pq.ParquetWriter(part, schema, compression="zstd") as writer:
        names: list[str] = []
        vectors: list[np.ndarray] = []

        def flush() -> None:
            block = np.stack(vectors).T
            writer.write_table(pa.table([pa.array(names), *map(pa.array, block)], schema=schema))
            names.clear()
            vectors.clear()

        for name, vector in rows:
            names.append(name)
            vectors.append(vector)
            if len(names) == 10_000:
                flush()
        if names:
            flush()
