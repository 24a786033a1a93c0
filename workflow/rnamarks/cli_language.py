"""``rnamarks lm``: language models on the command line."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from .cli_options import DeviceOption, ModelOption, OutOption, ThreadsOption, check_paths, text_output, warn
from .errors import InputError
from .files import atomic_path

if TYPE_CHECKING:
    import numpy as np
    import torch

    from .models.directory import ModelConfig
    from .models.language import Language

app = typer.Typer(no_args_is_help=True, help="Language models: import, vectors, logits of masked tokens.")

FASTA = "FASTA, plain or gzipped; DNA or RNA; IUPAC codes are read as such; - reads standard input."
TokensOption = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option("--tokens", min=1, help="Most tokens at once; bounds the memory, changes no number."),
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Of every draw.")]
WorkersOption = Annotated[int, typer.Option("--threads", min=1, max=1024, help="CPU threads.")]


@app.command("import")
def import_checkpoint(
    file: Annotated[Path, typer.Argument(help="A released checkpoint of RiNALMo, plain or fine-tuned.")],
    folder: Annotated[Path, typer.Argument(help="The model directory to write.")],
    heads: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--heads", min=1, help="Attention heads of a block; default 20, as all published sizes have."),
    ] = None,
) -> None:
    """Turn a checkpoint into a model directory.

    Nothing in the file is run. Sizes follow from its shapes; every tensor is used once and every weight set once, or
    the differences are listed. What was loaded is printed, with the logits of a test sequence.
    """
    from .files import sha256_of
    from .models.language_files import load_language, save_language
    from .models.language_import import read_checkpoint
    from .models.packing import Pack
    from .models.tokens import tokenise

    check_paths({"the checkpoint": file}, {"the folder": folder / "config.json"})
    found = read_checkpoint(file, heads)
    threshold = {"structure": found.threshold} if found.threshold is not None else None
    save_language(
        folder,
        found.network,
        found.sizes,
        found.outputs,
        threshold=threshold,
        training={"checkpoint": file.name, "sha256": sha256_of(file)},
    )
    network, config = load_language(folder)
    weights = sum(one.numel() for one in network.parameters())
    sizes = ", ".join(f"{name} {value}" for name, value in found.sizes.items())
    print(f"{weights:,} weights; {sizes}; tasks {', '.join(config.task_names)}")
    logits = network(Pack.of([tokenise("GGGGAAAACCCC")]), "masked")[1:-1, 5:9].detach().numpy()
    print("GGGGAAAACCCC, most probable of A, C, G, U:", "".join("ACGU"[row.argmax()] for row in logits))


@app.command()
def corpus(
    files: Annotated[list[Path], typer.Argument(help="FASTA, plain or gzipped; DNA or RNA.")],
    out: Annotated[Path, typer.Option("--out", help="The corpus to write, one file.")],
    shortest: Annotated[int, typer.Option("--shortest", min=1, help="In nt.")] = 16,
    longest: Annotated[int, typer.Option("--longest", min=1, help="In nt.")] = 8192,
    identity: Annotated[float, typer.Option("--identity", min=0, max=1, help="Of linclust.")] = 0.7,
    coverage: Annotated[float, typer.Option("--coverage", min=0, max=1, help="Of linclust.")] = 0.8,
    strands: Annotated[
        str, typer.Option("--strands", help="both: an RNA and its reverse complement are one cluster; same: two.")
    ] = "both",
    held: Annotated[float, typer.Option("--held", min=0, max=1, help="Fraction of the clusters held out.")] = 0.01,
    seed: SeedOption = 1,
    drops: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--drops", help="TSV of sequences by file and reason; standard output without it."),
    ] = None,
    threads: WorkersOption = 1,
) -> None:
    """Build a corpus for pre-training: lengths, letters, exact copies, clusters by MMseqs2, a hold-out of clusters.

    Of sequences that occur several times the first stays. MMseqs2 joins reverse complements, see --strands.
    """
    from .corpus.build import build_corpus
    from .tables import TSV

    inputs: dict[str, Path | None] = {f"{file} (file {number})": file for number, file in enumerate(files, 1)}
    check_paths(inputs, {"--out": out, "--drops": drops})
    names = [file.name.removesuffix(".gz").rsplit(".", 1)[0] for file in files]
    if len(set(names)) < len(names):
        raise InputError("two files have one name", value=", ".join(sorted(names)), remedy="rename one of them")
    counts = build_corpus(
        dict(zip(names, files, strict=True)),
        out,
        shortest=shortest,
        longest=longest,
        identity=identity,
        coverage=coverage,
        strands=strands,
        held=held,
        seed=seed,
        threads=threads,
        report=warn,
    )
    with text_output(drops) as handle:
        counts.frame().drop(columns=["stage", "subject"]).to_csv(handle, **TSV)


@app.command("pretrain")
def pretrain_model(
    corpus_file: Annotated[Path, typer.Argument(metavar="CORPUS", help="From rnamarks lm corpus.")],
    folder: Annotated[Path, typer.Argument(help="The model directory to write.")],
    size: Annotated[str, typer.Option("--size", help="nano (7.5M), micro (33M), mega (148M) or giga (651M).")] = "nano",
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Each ends with a validation.")] = 10,
    steps: Annotated[int, typer.Option("--steps", min=0, help="Of an epoch; 0 for a pass over all clusters.")] = 1000,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Sequences of a step.")] = 64,
    rate: Annotated[float, typer.Option("--rate", min=1e-9, max=1, help="Highest learning rate.")] = 1e-4,
    held: Annotated[
        str, typer.Option("--held", help="What training keeps away from: cluster, or random as in the paper.")
    ] = "cluster",
    seed: SeedOption = 1,
    checkpoints: Annotated[
        Path, typer.Option("--checkpoints", help="Folder of the states that a training goes on from.")
    ] = Path(".checkpoints"),
    device: DeviceOption = "auto",
    tokens: Annotated[int, typer.Option("--tokens", min=1, help="Most tokens at once; bounds the memory.")] = 16_384,
    threads: WorkersOption = 1,
) -> None:
    """Pre-train a language model; the same command again goes on where it was interrupted.

    15 % of the nucleotides are to be filled in (80 % masked, 10 % random, 10 % as they are); a pass reads one member of
    each cluster. AdamW, a warm-up of 1 % of the steps, then a cosine down to a fifth of the rate, as published. Writes
    history.tsv beside the model: perplexity and accuracy on what is held out, by epoch.
    """
    from .models.settings.language import LANGUAGE_SIZES
    from .training.pretrain import pretrain, published_settings
    from .training.settings import MaskingSettings

    if size not in LANGUAGE_SIZES:
        raise InputError("no such size", value=size, remedy=f"choose one of {', '.join(LANGUAGE_SIZES)}")
    check_paths({"the corpus": corpus_file}, {"the folder": folder / "config.json"})
    history = pretrain(
        corpus_file,
        folder,
        LANGUAGE_SIZES[size],
        published_settings(batch_size=batch, steps=steps, epochs=epochs, rate=rate),
        MaskingSettings(held=held, tokens=tokens),
        seed=seed,
        checkpoints=checkpoints,
        device=device,
        threads=threads,
        report=warn,
    )
    best = history.loc[history["nll"].idxmin()]
    print(f"perplexity of held-out nucleotides {best['perplexity']:.3f}, accuracy {best['accuracy']:.3f}")


@app.command()
def logits(
    fasta: Annotated[Path, typer.Argument(help=FASTA)],
    model: ModelOption,
    out: Annotated[Path, typer.Option("--out", help="NPZ to write, one array per sequence.")],
    device: DeviceOption = "auto",
    tokens: TokensOption = None,
    threads: ThreadsOption = 0,
) -> None:
    """Logits of the vocabulary at every token.

    One float32 array per sequence, named by the first word of its header, shape (nt + 2, 22): <cls> first, <eos> last;
    columns <cls> <pad> <eos> <unk> <mask> A C G T(U) I R Y K M S W B D H V N -.
    """
    network, sequences, place, _ = _opened(fasta, model, {"--out": out}, device, threads)
    if "masked" not in network.heads:
        raise InputError("the model has no head for masked tokens", path=model, remedy="give a pre-trained model")
    from .prediction.language import describe

    def answer(vectors, pack):
        return pack.split(network.heads["masked"](vectors))

    with _npz(out) as put:
        for sequence, array in describe(network, sequences, answer, device=place, tokens=tokens):
            put(sequence.name, array)


@app.command()
def embed(
    fasta: Annotated[Path, typer.Argument(help=FASTA)],
    model: ModelOption,
    out: Annotated[Path, typer.Option("--out", help="NPZ, or with --pool Parquet (.parquet), to write.")],
    pool: Annotated[
        str, typer.Option("--pool", help="none: a vector per token; cls or mean: one per sequence.")
    ] = "none",
    device: DeviceOption = "auto",
    tokens: TokensOption = None,
    threads: ThreadsOption = 0,
) -> None:
    """Vectors of the last layer.

    NPZ: one float32 array per sequence, named by the first word of its header, shape (nt + 2, width), <cls> first and
    <eos> last; with --pool shape (width,): that of <cls>, or the mean over the nucleotides. Parquet: a row per
    sequence, columns name and 0, 1, … width - 1.
    """
    from .prediction import language

    answers = {"none": language.embeddings, "cls": language.first_vectors, "mean": language.mean_vectors}
    if pool not in answers:
        raise InputError("no such pool", value=pool, remedy="choose none, cls or mean")
    if out.suffix == ".parquet" and pool == "none":
        raise InputError("a table has one vector per sequence", path=out, remedy="add --pool cls or --pool mean")
    network, sequences, place, _ = _opened(fasta, model, {"--out": out}, device, threads)
    rows = language.describe(network, sequences, answers[pool], device=place, tokens=tokens)
    if out.suffix == ".parquet":
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
        Optional[Path],  # noqa: UP045
        typer.Option("--out", help="Dot-brackets, or with that ending .bpseq or .ct (one RNA); else standard output."),
    ] = None,
    probabilities: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--probabilities", help="TSV of pairs with at least --least: name, i, j (from 0), probability."),
    ] = None,
    least: Annotated[float, typer.Option("--least", min=0, max=1, help="Of the pairs in --probabilities.")] = 0.01,
    threshold: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option("--threshold", min=0, max=1, help="Of called pairs; default that of the model, else 0.5."),
    ] = None,
    any_pair: Annotated[bool, typer.Option("--any-pair", help="Not only A-U, C-G and G-U.")] = False,
    device: DeviceOption = "auto",
    tokens: TokensOption = None,
    threads: ThreadsOption = 0,
) -> None:
    """Secondary structures by a model tuned to them (rnamarks lm import of a fine-tuned checkpoint).

    The most probable pair is called first, then the most probable of nucleotides that are still free; pairs enclose
    three nucleotides or more. Pseudoknots take further kinds of brackets, and are counted.
    """
    import numpy as np
    from scipy.special import expit

    from .files import write_text
    from .structure.decoding import decode
    from .structure.pairs import Structure, format_structure, pseudoknotted

    kind = out.suffix.removeprefix(".") if out is not None and out.suffix in (".bpseq", ".ct") else "dbn"
    network, sequences, place, config = _opened(
        fasta, model, {"--out": out, "--probabilities": probabilities}, device, threads
    )
    task = _task_of(config, "pairs", model)
    known = config.thresholds.get(task, [])
    limit = threshold if threshold is not None else known[0]["probability"] if known else 0.5
    from .prediction.language import describe, letters_of

    knots = count = 0
    with text_output(out) as handle, write_text(probabilities) if probabilities else nullcontext() as table:
        if table:
            table.write("name\ti\tj\tprobability\n")
        for sequence, found in describe(network, sequences, network.heads[task], device=place, tokens=tokens):
            if kind != "dbn" and count:
                raise InputError(f".{kind} holds one RNA", path=out, remedy="write dot-brackets, or give one sequence")
            chances, letters = expit(found), letters_of(sequence)
            pairs = decode(chances, letters, limit, canonical=not any_pair)
            handle.write(format_structure(Structure(sequence.name, letters, pairs), kind))
            count, knots = count + 1, knots + bool(pseudoknotted(pairs).any())
            if table:
                for i, j in np.argwhere(np.triu(chances >= least, 1)):
                    table.write(f"{sequence.name}\t{i}\t{j}\t{chances[i, j]:.6g}\n")
    warn(f"threshold {limit:g}; structures with a pseudoknot: {knots} of {count}")


@app.command()
def splice(
    fasta: Annotated[Path, typer.Argument(help=FASTA)],
    model: ModelOption,
    out: OutOption = None,
    device: DeviceOption = "auto",
    tokens: TokensOption = None,
    threads: ThreadsOption = 0,
) -> None:
    """Whether the middle of each sequence is a splice site, by a model tuned to donors or to acceptors.

    Columns: name, length (nt), logit (natural-log odds as in training, where classes are balanced), probability. The
    published models read 400 nt, the site in the middle.
    """
    from scipy.special import expit

    def row(logits: np.ndarray) -> list[float]:
        if len(logits) != 1:
            raise InputError("the model tells several classes", path=model, value=len(logits), remedy="use another")
        return [float(logits[0]), float(expit(logits[0]))]

    network, sequences, place, config = _opened(fasta, model, {"--out": out}, device, threads)
    head = network.heads[_task_of(config, "label", model)]
    _write_rows(out, ("logit", "probability"), row, network, sequences, head, place, tokens)


@app.command()
def mrl(
    fasta: Annotated[Path, typer.Argument(help=FASTA)],
    model: ModelOption,
    out: OutOption = None,
    device: DeviceOption = "auto",
    tokens: TokensOption = None,
    threads: ThreadsOption = 0,
) -> None:
    """Mean ribosome load of 5' untranslated regions, by a model tuned to it.

    Columns: name, length (nt), load (mean number of ribosomes, in the units of the training values, 0 at least).
    """
    network, sequences, place, config = _opened(fasta, model, {"--out": out}, device, threads)
    head = network.heads[_task_of(config, "value", model)]
    _write_rows(out, ("load",), lambda load: [max(0.0, float(load))], network, sequences, head.in_units, place, tokens)


def _write_rows(
    out: Path | None,
    columns: Sequence[str],
    row: Callable[[np.ndarray], list[float]],
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
            values = (f"{value:.7g}" for value in row(found))
            handle.write("\t".join([sequence.name, str(len(sequence.tokens) - 2), *values]) + "\n")


def _task_of(config: ModelConfig, target: str, model: Path) -> str:
    """The model's task of a target."""
    for task in config.tasks:
        if task.target == target:
            return task.name
    known = ", ".join(f"{task.name} ({task.target})" for task in config.tasks)
    raise InputError(f"the model has no head for {target}", path=model, value=known, remedy="import a tuned checkpoint")


def _opened(fasta: Path, model: Path, outputs: dict[str, Path | None], device: str, threads: int):
    """The network, its sequences to read, the device, its config; outputs are checked before work begins."""
    check_paths({"the input": fasta}, outputs, model)
    from .models.language_files import load_language
    from .prediction.language import read_sequences
    from .prediction.score import pick_device
    from .prediction.windows import set_threads

    set_threads(threads)
    network, config = load_language(model)
    return network, read_sequences(fasta, warn), pick_device(device), config


@contextmanager
def _npz(out: Path) -> Iterator:
    """A function that adds a named array to an NPZ file, which is written as it comes and appears when it is done."""
    import numpy as np

    with atomic_path(out) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:

        def put(name: str, array: np.ndarray) -> None:
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
