"""Settings of training and distillation with defaults and ranges; the standard library alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ..errors import InputError, check_choice
from ..models.settings import Choice, Flag, Real, Settings, Whole, setting
from ..registry import registered
from .curriculum import CURRICULA

BALANCED = "balanced"
OBJECTIVES = tuple(registered("OBJECTIVES"))
"""Names in :data:`rnamarks.training.objectives.OBJECTIVES`."""
DRAWS = ("uniform", "balanced", "tempered")
SAMPLINGS = ("replacement", "cycle")
SCHEDULES = ("constant", "one_cycle", "linear")
PRECISIONS = ("auto", "32-true", "bf16-mixed")

TRUNK_WAYS = ("finetuned", "frozen", "scratch")
"""How a language model is put to a task: all of it is trained, the head alone, or all of it from random weights."""
UNTRAINED = "untrained"
"""The head alone over random weights, the control of ``frozen``."""
WAYS = (*TRUNK_WAYS, UNTRAINED)
RANDOM_WAYS = ("scratch", UNTRAINED)
"""Those that begin with random weights."""
_TRAINED_AS = {UNTRAINED: "frozen"}

_MANY = Whole(1, 1_000_000)
_RATE = Real(0, 1000, above=True)


@dataclass(frozen=True)
class TrainingSettings(Settings):
    """How to train, whatever the target.

    Attributes
    ----------
    batch_size : int
        Examples per step.
    steps_per_epoch : int
        Steps between validations; 0 for as many as one pass over the training examples takes.
    epochs : int
        Most epochs; of the last stage, where a target has several.
    patience : int
        Epochs without a better validation score after which a stage ends.
    learning_rate, head_learning_rate : float
        Adam's rates for trunk and pool, and for the heads.
    weight_decay : float
        Decoupled (AdamW), on weight matrices and filters only, not on biases and norms; 0 is plain Adam.
    compiled : bool
        On a GPU, compile the feed-forward layers of a language model, which takes minutes at the start.
    schedule : {"constant", "one_cycle", "linear"}
        ``one_cycle`` rises linearly over the fraction ``warm_up`` of all planned steps and falls as a cosine to the
        fraction ``floor`` of the rate, which is reached after the fraction ``decay`` of the steps. ``linear`` rises
        likewise and falls along a line.
    warm_up, floor, decay : float
    average_decay : float
        Decay per step of an exponential moving average of the weights, which is then what is validated and kept; 0
        for none. The decay at step t is at most (1 + t) / (10 + t), so that the first weights do not linger.
    gradient_clip : float
        Largest norm of the gradient; 0 for no limit.
    validation_windows : int
        Most examples per task and validation, drawn once; 0 for all.
    precision : {"auto", "32-true", "bf16-mixed"}
        ``auto`` is bf16 on a GPU and single precision on a CPU. Where a machine cannot compute in bf16 it is single
        precision, which is reported.
    """

    batch_size: int = setting(256, _MANY)
    steps_per_epoch: int = setting(200, Whole(0, 1_000_000_000))
    epochs: int = setting(20, _MANY)
    patience: int = setting(5, _MANY)
    learning_rate: float = setting(1e-3, _RATE)
    head_learning_rate: float = setting(1e-3, _RATE)
    weight_decay: float = setting(0.0, Real(0, 1000))
    compiled: bool = setting(False, Flag())
    schedule: str = setting("constant", Choice(SCHEDULES))
    warm_up: float = setting(0.1, Real(0, 1))
    floor: float = setting(0.0, Real(0, 1))
    decay: float = setting(1.0, Real(0, 1, above=True))
    average_decay: float = setting(0.0, Real(0, 1, below=True))
    gradient_clip: float = setting(0.0, Real(0, 1e9))
    validation_windows: int = setting(0, Whole(0, 1_000_000_000))
    precision: str = setting("auto", Choice(PRECISIONS))

    def steps_for(self, examples: int) -> int:
        """Steps of an epoch where there are this many training examples."""
        return self.steps_per_epoch or math.ceil(examples / self.batch_size)


@dataclass(frozen=True)
class SiteSettings(TrainingSettings):
    """How to train on windows with a site or none in the middle; half of a batch of one task is positive.

    Attributes
    ----------
    curriculum : str
        Name in the registry of curricula.
    stage_epochs : int
        Most epochs of each stage but the last, the one with all tasks.
    sampling : {"replacement", "cycle"}
        See :class:`rnamarks.training.sampler.BalancedSampler`.
    shift : int
        Windows are moved at random by up to this many nt.
    label_smoothing : float
        Fraction of each label given to the other class.
    objective : str
        ``balanced``: each step has windows of one task, half of them positive. A name of the registry of objectives:
        each step has windows of all tasks and labels for all; there is one stage then, without a curriculum.
    draw, others
        Of pooled batches; see :class:`rnamarks.training.pooled.PooledSampler`.
    ohem_keep : float
        Fraction of a pooled batch that online hard example mining keeps.
    """

    curriculum: str = setting("tree", Choice(tuple(CURRICULA.names())))
    stage_epochs: int = setting(3, _MANY)
    sampling: str = setting("replacement", Choice(SAMPLINGS))
    shift: int = setting(0, Whole(0, 100_000))
    label_smoothing: float = setting(0.0, Real(0, 1, below=True))
    objective: str = setting(BALANCED, Choice((BALANCED, *OBJECTIVES)))
    draw: str = setting("uniform", Choice(DRAWS))
    others: float = setting(1.0, Real(0, 1))
    ohem_keep: float = setting(0.7, Real(0, 1, above=True))

    def check(self) -> None:
        if not self.is_pooled and self.batch_size % 2:
            raise InputError("the batch size is odd", value=self.batch_size, remedy="half of a batch is positive")

    @property
    def is_pooled(self) -> bool:
        """Whether each step has windows of all tasks."""
        return self.objective != BALANCED


@dataclass(frozen=True)
class MaskingSettings(Settings):
    """What a language model is asked in pre-training.

    Attributes
    ----------
    longest : int
        Nucleotides read of a sequence; of a longer one a piece at random.
    fraction : float
        Of the nucleotides that are chosen to be filled in.
    held : {"cluster", "random"}
        Hold-out that training keeps away from: whole clusters, or sequences at random as in the paper.
    tokens : int
        Most tokens computed at once; a larger batch adds up the gradients of its parts.
    """

    longest: int = setting(1022, Whole(1, 100_000))
    fraction: float = setting(0.15, Real(0, 1, above=True))
    held: str = setting("cluster", Choice(("cluster", "random")))
    tokens: int = setting(16_384, Whole(1, 1_000_000_000))


def settings_of_way(values: Mapping[str, Any], way: str) -> dict[str, Any]:
    """Of settings for all of :data:`WAYS`, with those of single ones under their names, what concerns one way.

    ``untrained`` is trained as ``frozen`` is.
    """
    common = {name: value for name, value in values.items() if name not in TRUNK_WAYS}
    return common | dict(values.get(_TRAINED_AS.get(way, way), {}))


@dataclass(frozen=True)
class FinetuneSettings(TrainingSettings):
    """How to fine-tune a language model; defaults as published are made by :meth:`for_target`.

    In the first ``head_epochs`` epochs the trunk is frozen. Then its last ``blocks_per`` blocks and the layer norm
    behind them are trained as well, and every ``every`` epochs ``blocks_per`` blocks more; the embedding begins with
    the first block. What is frozen has no dropout either, so that its vectors do not change from step to step (in the
    released code it has).

    Attributes
    ----------
    learning_rate, head_learning_rate : float
        Of pre-trained weights, and of those that begin at random: the head, and without pre-training the trunk.
    head_epochs, blocks_per, every : int
        Epochs of the head alone; blocks that begin together, 0 for all; epochs between two such beginnings.
    longest : int
        Nucleotides of the longest example that is trained and validated on, 0 for no limit; predicted are all.
    tokens, pairs : int
        Most tokens, and most pairs of nucleotides (of base pairs), computed at once; a larger batch adds up the
        gradients of its parts.
    """

    head_epochs: int = setting(0, Whole(0, 1_000_000))
    blocks_per: int = setting(0, Whole(0, 256))
    every: int = setting(1, _MANY)
    longest: int = setting(0, Whole(0, 1_000_000))
    tokens: int = setting(8192, Whole(1, 1_000_000_000))
    pairs: int = setting(160_000, Whole(1, 1_000_000_000))

    @classmethod
    def for_target(cls, target: str, values: Mapping[str, Any], way: str = "finetuned", where: str = "") -> Self:
        """Settings of RiNALMo's fine-tuning (:data:`PUBLISHED`), changed by those of a configuration.

        Without ``head_learning_rate`` it is ``learning_rate``, without ``patience`` all epochs are trained.

        Parameters
        ----------
        target : {"pairs", "label", "value"}
        values : mapping
            Settings; under ``finetuned``, ``frozen`` and ``scratch`` those of one way alone.
        way : {"finetuned", "frozen", "scratch", "untrained"}
            See :func:`settings_of_way`.
        where : str
            See :meth:`from_mapping`.
        """
        check_choice(target, PUBLISHED, "no such target")
        if not isinstance(values, Mapping) or not isinstance(values.get(_TRAINED_AS.get(way, way), {}), Mapping):
            return cls.from_mapping(values, where)
        given: dict[str, Any] = PUBLISHED[target] | settings_of_way(values, way)
        given.setdefault("patience", given["epochs"])
        given.setdefault("head_learning_rate", given["learning_rate"])
        return cls.from_mapping(given, where)

    def trained_blocks(self, epoch: int, blocks: int) -> int:
        """How many of a trunk's blocks an epoch trains, the last ones; -1 where not even the norm behind them is."""
        if epoch < self.head_epochs:
            return -1
        return (
            min(blocks, self.blocks_per * (1 + (epoch - self.head_epochs) // self.every)) if self.blocks_per else blocks
        )


_SLOWLY = {"steps_per_epoch": 0, "schedule": "linear", "warm_up": 0.0, "floor": 0.1, "learning_rate": 1e-4}
PUBLISHED: dict[str, dict[str, Any]] = {
    # a step per RNA
    "pairs": _SLOWLY | {"epochs": 15, "batch_size": 1, "head_epochs": 3, "blocks_per": 3, "every": 3},
    "label": {"steps_per_epoch": 0, "epochs": 2, "batch_size": 32, "learning_rate": 1e-5, "weight_decay": 1e-6},
    # the rate falls over 5,000 of about 60,000 steps
    "value": _SLOWLY | {"epochs": 50, "batch_size": 64, "head_epochs": 5, "decay": 5 / 60},
}
"""Fine-tuning of structures, splice sites and mean ribosome loads by Penić et al. 2024, by target."""


@dataclass(frozen=True)
class DistillationSettings(Settings):
    """How to distil.

    Attributes
    ----------
    copies : float
        Windows made from each training window: moved along the sequence, cut off at one side as by the end of a
        transcript, mutated, and shuffled beyond the nearest nucleotides, in equal numbers.
    minimum, maximum : int
        Each task has at least ``minimum`` windows, with as many made ones as that takes, and at most ``maximum`` of its
        own.
    mutation_rate : float
        Fraction of nucleotides redrawn in a mutated window; the site's own stays.
    temper : float
        A task's windows are drawn in proportion to the power ``temper`` of their number: 1 draws every window equally
        often, 0 every task.
    logit_weight : float
        Weight of the squared difference of logits, in units of each task's variance, beside the cross-entropy against
        the teacher's probabilities.
    batch_size, epochs : int
        An epoch draws as many windows as there are, own and made.
    learning_rate, weight_decay : float
        Of AdamW; the rate rises over the first tenth of the steps and falls as a cosine to zero.
    """

    copies: float = setting(1.0, Real(0, 1000))
    minimum: int = setting(10_000, Whole(1, 1_000_000_000))
    maximum: int = setting(30_000, Whole(1, 1_000_000_000))
    mutation_rate: float = setting(0.1, Real(0, 1))
    temper: float = setting(0.5, Real(0, 1))
    logit_weight: float = setting(1.0, Real(0, 1e6))
    batch_size: int = setting(256, _MANY)
    epochs: int = setting(12, _MANY)
    learning_rate: float = setting(2e-3, _RATE)
    weight_decay: float = setting(1e-3, Real(0, 1000))
