"""The keys of a configuration about language models: their corpus, their training, what they are tuned for."""

from __future__ import annotations

from typing import Any

from .key_fields import NAME_, key, section
from .models.settings.language import LANGUAGE_SIZES, LanguageSettings
from .training.settings import PUBLISHED, TRUNK_WAYS, WAYS, FinetuneSettings, MaskingSettings, TrainingSettings

# fields are only described here, no section is ever made: ruff: noqa: RUF009
STRANDS = ("both", "same")


@section
class RnaFiles:
    """RNA of one source."""

    files: list[str] = key("Paths, source:NAME, or downstream:NAME for the examples of a task.", fewest=1)
    format: str = key("Name of a reader of RNA.", "fasta", registry="RNA_FORMATS")
    families: str = key("Table that says which part each family is in.", None)
    part: str = key("Part of that table that is taken.", None)


@section
class Corpus:
    """RNA that language models learn from, and RNA that they are judged on."""

    sources: dict[str, RnaFiles] = key("Sources by name; of equal sequences the first stays.", names=NAME_, fewest=1)
    judged: dict[str, RnaFiles] = key("Sets never trained on; perplexity is reported on each.", {}, names=NAME_)
    shortest: int = key("Shorter sequences are dropped, nt.", 16, minimum=1)
    longest: int = key("Longer sequences are dropped, nt.", 8192, minimum=1)
    identity: float = key("Identity of linclust's clusters.", 0.7, above=0, maximum=1)
    coverage: float = key("Coverage of linclust's clusters.", 0.8, above=0, maximum=1)
    strands: str = key(
        "Whether a sequence and its reverse complement are in one cluster, as linclust puts them.",
        "both",
        choices=STRANDS,
    )
    held: float = key("Fraction of the clusters that is held out; one at least.", 0.01, above=0, below=1)
    apart: float = key(
        "A sequence this much like a validation or test example, or like judged RNA, leaves.", 0.8, above=0, maximum=1
    )


@section
class LanguageModel:
    """A language model: one that is pre-trained, or a released checkpoint."""

    size: str = key("Published size.", None, choices=tuple(LANGUAGE_SIZES))
    sizes: dict[str, Any] = key(
        "Sizes of one's own, or what differs from `size`.", {}, known=lambda: [*LanguageSettings.kinds()]
    )
    training: dict[str, Any] = key("Settings of the trainer.", {}, known=TrainingSettings.kinds)
    masking: dict[str, Any] = key("Settings of masking.", {}, known=MaskingSettings.kinds)
    seeds: list[int] = key("One pre-training each.", [1], minimum=1, fewest=1)
    checkpoint: str = key(
        "In place of a pre-training: a released file, or weights.safetensors of a language model's directory.", None
    )
    heads: int = key("Attention heads of a checkpoint that is not of a published size.", None, minimum=1)


@section
class Downstream:
    """A task that language models are tuned for: examples with an answer each."""

    target: str = key("What an example answers: base pairs, a class, a number.", choices=tuple(PUBLISHED))
    format: str = key("Name of a reader of examples.", registry="EXAMPLE_FORMATS")
    files: dict[str, str] = key("Files by their role in the format.", names=NAME_, fewest=1)
    columns: dict[str, str] = key("Of the format table: which column holds what.", None, names=NAME_)
    flank: int = key("Of the formats eie and spliceator: nt on either side of a splice site.", None, minimum=1)
    reads: int = key("Of the format mrl_varying: fewest reads of a 5' UTR; default 10.", None, minimum=1)
    longest: int = key("Longer examples are dropped, nt; default none.", None, minimum=1)
    maximum: int = key("Examples of each split that are kept, drawn at random; default all.", None, minimum=1)
    folds: list[str] = key(
        "Ways of splitting: given (as published), guarded (by cluster and family), or others that the format makes; "
        "default given where the files have a role test, else guarded.",
        None,
        pattern="^[A-Za-z0-9_]+$",
        fewest=1,
    )
    models: list[str] = key("Names in language_models; default all.", None)
    ways: list[str] = key(
        "How they are used: all of it trained (finetuned) or the head alone (frozen); and from random weights as "
        "controls, all of it trained (scratch) or the head alone (untrained).",
        list(TRUNK_WAYS),
        choices=WAYS,
        fewest=1,
    )
    baselines: list[str] = key("Names of baselines of its target.", [], registry="DOWNSTREAM_BASELINES")
    head: dict[str, Any] = key("Sizes of the head.", {})
    training: dict[str, Any] = key(
        "Settings of the fine-tuning, and under finetuned, frozen (and untrained) and scratch those of one way.",
        {},
        known=lambda: [*FinetuneSettings.kinds(), *TRUNK_WAYS],
    )
    seeds: list[int] = key(
        "One fine-tuning each; it begins with the pre-training of the same seed, else with the first.",
        [1],
        minimum=1,
        fewest=1,
    )


@section
class Families:
    """How well the vectors of language models keep families or classes of RNA apart, and a map of them."""

    downstream: str = key("Name in downstream, whose examples are shown.")
    models: list[str] = key("Names in language_models; default all.", None, fewest=1)
