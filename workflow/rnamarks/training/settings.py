"""Settings of training and distillation with defaults and ranges; the standard library alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import InputError
from ..models.settings import Choice, Real, Settings, Whole, setting
from ..registry import registered
from .curriculum import CURRICULA

BALANCED = "balanced"
OBJECTIVES = tuple(registered("OBJECTIVES"))
"""Names in :data:`rnamarks.training.objectives.OBJECTIVES`."""
DRAWS = ("uniform", "balanced", "tempered")
SAMPLINGS = ("replacement", "cycle")
SCHEDULES = ("constant", "one_cycle")
PRECISIONS = ("auto", "32-true", "bf16-mixed")

_MANY = Whole(1, 1_000_000)
_RATE = Real(0, 1000, above=True)


@dataclass(frozen=True)
class TrainingSettings(Settings):
    """How to train.

    Attributes
    ----------
    curriculum : str
        Name in the registry of curricula.
    batch_size : int
        Windows per step, half of them positive.
    steps_per_epoch : int
        Steps between validations; 0 for as many as one pass over the training windows of all tasks takes.
    epochs : int
        Most epochs of the last stage, the one with all tasks.
    stage_epochs : int
        Most epochs of each earlier stage.
    patience : int
        Epochs without a better validation score after which a stage ends.
    learning_rate, classifier_learning_rate : float
        Adam's rates for trunk and pool, and for the heads.
    weight_decay : float
        Decoupled (AdamW), on weight matrices and filters only, not on biases and norms; 0 is plain Adam.
    schedule : {"constant", "one_cycle"}
        ``one_cycle`` rises linearly over the fraction ``warm_up`` of all planned steps and falls as a cosine to the
        fraction ``floor`` of the rate.
    warm_up, floor : float
    sampling : {"replacement", "cycle"}
        See :class:`rnamarks.training.sampler.BalancedSampler`.
    shift : int
        Windows are moved at random by up to this many nt.
    label_smoothing : float
        Fraction of each label given to the other class.
    average_decay : float
        Decay per step of an exponential moving average of the weights, which is then what is validated and kept; 0
        for none. The decay at step t is at most (1 + t) / (10 + t), so that the first weights do not linger.
    gradient_clip : float
        Largest norm of the gradient; 0 for no limit.
    validation_windows : int
        Most windows per task and validation, drawn once; 0 for all.
    precision : {"auto", "32-true", "bf16-mixed"}
        ``auto`` is bf16 on a GPU and single precision on a CPU. Where a machine cannot compute in bf16 it is single
        precision, which is reported.
    objective : str
        ``balanced``: each step has windows of one task, half of them positive. A name of the registry of objectives:
        each step has windows of all tasks and labels for all; there is one stage then, without a curriculum.
    draw, others
        Of pooled batches; see :class:`rnamarks.training.pooled.PooledSampler`.
    ohem_keep : float
        Fraction of a pooled batch that online hard example mining keeps.
    """

    curriculum: str = setting("tree", Choice(tuple(CURRICULA.names())))
    batch_size: int = setting(256, _MANY)
    steps_per_epoch: int = setting(200, Whole(0, 1_000_000_000))
    epochs: int = setting(20, _MANY)
    stage_epochs: int = setting(3, _MANY)
    patience: int = setting(5, _MANY)
    learning_rate: float = setting(1e-3, _RATE)
    classifier_learning_rate: float = setting(1e-3, _RATE)
    weight_decay: float = setting(0.0, Real(0, 1000))
    schedule: str = setting("constant", Choice(SCHEDULES))
    warm_up: float = setting(0.1, Real(0, 1))
    floor: float = setting(0.0, Real(0, 1))
    sampling: str = setting("replacement", Choice(SAMPLINGS))
    shift: int = setting(0, Whole(0, 100_000))
    label_smoothing: float = setting(0.0, Real(0, 1, below=True))
    average_decay: float = setting(0.0, Real(0, 1, below=True))
    gradient_clip: float = setting(0.0, Real(0, 1e9))
    validation_windows: int = setting(0, Whole(0, 1_000_000_000))
    precision: str = setting("auto", Choice(PRECISIONS))
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

    def steps_for(self, windows: int) -> int:
        """Steps of an epoch where there are this many training windows."""
        return self.steps_per_epoch or math.ceil(windows / self.batch_size)


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
