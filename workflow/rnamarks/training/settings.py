"""How to train: what a configuration may say of it, with the defaults."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ..errors import InputError
from .objectives import OBJECTIVES
from .pooled import DRAWS

SCHEDULES = ("constant", "one_cycle")
BALANCED = "balanced"


@dataclass(frozen=True)
class TrainingSettings:
    """How to train; defaults are those of ``config/config.yaml``'s schema.

    Attributes
    ----------
    curriculum : str
        Name in the register of curricula.
    batch_size : int
        Windows per step, half of them positive.
    steps_per_round : int
        Steps between validations; 0 for as many as one pass over the training windows of all species takes.
    rounds : int
        Most rounds of the last stage, the one with all species.
    stage_rounds : int
        Most rounds of each earlier stage.
    patience : int
        Rounds without a better validation score after which a stage ends.
    learning_rate, classifier_learning_rate : float
        Adam's rates for the shared extractor and for the classifiers.
    weight_decay : float
        Decoupled (AdamW), on weight matrices and filters only, not on biases and norms; 0 is plain Adam.
    schedule : {"constant", "one_cycle"}
        ``one_cycle`` rises linearly over the first tenth of all planned steps and falls as a cosine to zero.
    sampling : {"replacement", "cycle"}
        See :class:`rnamarks.training.sampler.BalancedSampler`.
    shift : int
        Windows are moved at random by up to this many nt.
    label_smoothing : float
        Share of each label given to the other class.
    average_decay : float
        Decay per step of an exponential moving average of the weights, which is then what is validated and kept; 0
        for none. The decay at step t is at most (1 + t) / (10 + t), so that the first weights do not linger.
    gradient_clip : float
        Largest norm of the gradient; 0 for no limit.
    validation_windows : int
        Most windows per species and validation, drawn once; 0 for all.
    precision : {"auto", "32-true", "bf16-mixed"}
        ``auto`` is bf16 on a GPU and single precision on a CPU.
    objective : str
        ``balanced``: each step has windows of one head, half of them positive. A name of the register of objectives:
        each step has windows of all heads and labels for all; there is one stage then, without a curriculum.
    draw, others
        Of pooled batches; see :class:`rnamarks.training.pooled.PooledSampler`.
    ohem_keep : float
        Share of a pooled batch that online hard example mining keeps.
    """

    curriculum: str = "tree"
    batch_size: int = 256
    steps_per_round: int = 200
    rounds: int = 20
    stage_rounds: int = 3
    patience: int = 5
    learning_rate: float = 1e-3
    classifier_learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: str = "constant"
    sampling: str = "replacement"
    shift: int = 0
    label_smoothing: float = 0.0
    average_decay: float = 0.0
    gradient_clip: float = 0.0
    validation_windows: int = 0
    precision: str = "auto"
    objective: str = BALANCED
    draw: str = "uniform"
    others: float = 1.0
    ohem_keep: float = 0.7

    def __post_init__(self) -> None:
        for name, known in (
            ("schedule", SCHEDULES),
            ("objective", (BALANCED, *OBJECTIVES)),
            ("draw", DRAWS),
        ):
            if getattr(self, name) not in known:
                raise InputError(
                    f"no such {name}", value=getattr(self, name), remedy=f"choose one of {', '.join(known)}"
                )
        if not 0 <= self.others <= 1:
            raise InputError("others is not a weight", value=self.others, remedy="give a number from 0 to 1")
        if not 0 < self.ohem_keep <= 1:
            raise InputError("ohem_keep is not a share", value=self.ohem_keep, remedy="give a number above 0, up to 1")

    @property
    def is_pooled(self) -> bool:
        """Whether each step has windows of all heads."""
        return self.objective != BALANCED

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> TrainingSettings:
        """Settings from a configuration; an unknown key is an error that lists the known ones."""
        known = [entry.name for entry in fields(cls)]
        for key in values:
            if key not in known:
                raise InputError("no such training setting", value=key, remedy=f"known are {', '.join(known)}")
        return cls(**values)

    def steps_for(self, windows: int) -> int:
        """Steps of a round where there are this many training windows."""
        return self.steps_per_round or math.ceil(windows / self.batch_size)
