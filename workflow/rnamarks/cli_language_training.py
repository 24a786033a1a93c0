"""``rnamarks lm``: the commands that train language models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .cli_language import app
from .cli_options import DeviceOption, check_paths, text_output, warn
from .errors import InputError, check_choice

SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Of every draw.")]
WorkersOption = Annotated[int, typer.Option("--threads", min=1, max=1024, help="CPU threads.")]
CheckpointsOption = Annotated[
    Path, typer.Option("--checkpoints", help="Folder of the states that a training goes on from.")
]


@app.command()
def corpus(
    files: Annotated[list[Path], typer.Argument(help="FASTA, plain or gzipped; DNA or RNA.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The corpus to write, one file.")],
    shortest: Annotated[int, typer.Option("--shortest", min=1, help="In nt.")] = 16,
    longest: Annotated[int, typer.Option("--longest", min=1, help="In nt.")] = 8192,
    identity: Annotated[float, typer.Option("--identity", min=0, max=1, help="Of linclust.")] = 0.7,
    coverage: Annotated[float, typer.Option("--coverage", min=0, max=1, help="Of linclust.")] = 0.8,
    strands: Annotated[
        str, typer.Option("--strands", help="both: an RNA and its reverse complement are one cluster; same: two.")
    ] = "both",
    held: Annotated[
        float, typer.Option("--held", min=0, max=1, help="Fraction of the clusters held out; one at least.")
    ] = 0.01,
    seed: SeedOption = 1,
    drops: Annotated[
        Path | None, typer.Option("--drops", help="TSV of sequences by file and reason; standard output without it.")
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
    checkpoints: CheckpointsOption = Path(".checkpoints"),
    device: DeviceOption = "auto",
    tokens: Annotated[int, typer.Option("--tokens", min=1, help="Most tokens at once; bounds the memory.")] = 16_384,
    threads: WorkersOption = 1,
) -> None:
    """Pre-train a language model; the same command again goes on where it was interrupted.

    15 % of the nucleotides are to be filled in (80 % masked, 10 % random, 10 % as they are); a pass reads one member of
    each cluster. AdamW, a warm-up of 1 % of the steps, then a cosine down to a fifth of the rate, as published. Writes
    history.tsv beside the model: perplexity and accuracy on what is held out, by epoch. Several processes share every
    batch: torchrun --nproc-per-node 2 --no-python rnamarks lm pretrain …, or srun of several tasks.
    """

    from .models.settings.language import LANGUAGE_SIZES
    from .started import is_first
    from .training.pretrain import pretrain, published_settings
    from .training.settings import MaskingSettings

    check_choice(size, LANGUAGE_SIZES, "no such size")
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
    if is_first():
        print(f"perplexity of held-out nucleotides {best['perplexity']:.3f}, accuracy {best['accuracy']:.3f}")


@app.command("finetune")
def finetune_model(
    examples: Annotated[
        Path,
        typer.Argument(
            metavar="EXAMPLES",
            help="Parquet or TSV: example, sequence, fold_NAME (train, valid, test or nothing), and partners or "
            "structure (dot-bracket), label or value.",
        ),
    ],
    folder: Annotated[Path, typer.Argument(help="The model directory to write.")],
    target: Annotated[str, typer.Option("--target", help="pairs, label or value.")],
    fold: Annotated[str, typer.Option("--fold", help="NAME of the column fold_NAME.")],
    model: Annotated[Path | None, typer.Option("--model", help="The language model's directory.")] = None,
    way: Annotated[
        str,
        typer.Option(
            "--way",
            help="finetuned; frozen: the head alone; from random weights: scratch, or untrained, the head alone.",
        ),
    ] = "finetuned",
    size: Annotated[
        str | None, typer.Option("--size", help="Of random weights without --model: nano, micro, mega or giga.")
    ] = None,
    changed: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the training, such as epochs=5, or of the head: head.hidden=64."),
    ] = None,
    cache: Annotated[
        Path | None, typer.Option("--cache", help="Of the head alone: folder that keeps the vectors of all sequences.")
    ] = None,
    seed: SeedOption = 1,
    checkpoints: CheckpointsOption = Path(".checkpoints"),
    device: DeviceOption = "auto",
    threads: WorkersOption = 1,
) -> None:
    """Tune a language model to base pairs, labels or values; the same command again goes on where it was interrupted.

    Rates, epochs and the order in which blocks join are those of the paper unless --set changes them. Writes
    history.tsv and predictions.parquet (splits valid and test) beside the model. Where the trunk is trained, several
    processes share every batch, as in pretrain.
    """
    import yaml

    from .models.settings.language import LANGUAGE_SIZES
    from .training.finetune import finetune
    from .training.settings import FinetuneSettings
    from .training.tuning_data import read_example_table

    if size is not None:
        check_choice(size, LANGUAGE_SIZES, "no such size")
    check_paths({"the examples": examples}, {"the folder": folder / "config.json"}, model)
    given: dict[str, dict] = {"head": {}, "training": {}}
    for text in changed or []:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise InputError("--set is no NAME=VALUE", value=text, remedy="write epochs=5")
        where = "head" if name.startswith("head.") else "training"
        try:
            given[where][name.removeprefix("head.")] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise InputError(f"the value of --set {name} is no YAML", value=value, remedy="correct it") from error
    predictions = finetune(
        read_example_table(examples),
        fold,
        folder,
        target=target,
        model=model,
        sizes=LANGUAGE_SIZES[size] if size else None,
        way=way,
        head=given["head"],
        settings=FinetuneSettings.for_target(target, given["training"], way),
        seed=seed,
        checkpoints=checkpoints,
        device=device,
        threads=threads,
        cache=cache,
        source=examples,
        report=warn,
    )
    if predictions is not None:
        print(f"predictions of {len(predictions):,} examples in {folder / 'predictions.parquet'}")
