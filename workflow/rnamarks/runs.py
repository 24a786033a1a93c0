"""Sets of predictions that a configuration asks for, and what model directories are packed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .errors import InputError


@dataclass(frozen=True)
class Run:
    """One set of predictions: a network or a stack with one seed, or a baseline.

    ``setting`` names the species trained together; ``single_<species>`` is one species alone. ``kind`` is ``network``,
    ``stack`` or ``baseline``.
    """

    folder: str
    model: str
    setting: str
    split: str
    seed: int
    kind: str = "network"

    @property
    def trained(self) -> bool:
        """Whether there is a network in it, and hence one run per seed."""
        return self.kind != "baseline"

    @property
    def stem(self) -> str:
        return f"{self.model}/{self.setting}/{self.split}/{self.seed}"

    @property
    def predictions(self) -> str:
        return f"{self.folder}/predictions/{self.stem}.parquet"

    @property
    def heads(self) -> str:
        """Logits of every head on the windows of all of them, of a run about modifications."""
        return f"{self.folder}/predictions/{self.stem}.heads.parquet"

    @property
    def weights(self) -> str:
        """What was learned: of a network or a baseline its own file; of a stack the table that its seeds share."""
        if self.kind == "stack":
            return f"{self.folder}/models/{self.model}/{self.setting}/{self.split}/weights.tsv"
        return f"{self.folder}/models/{self.stem}/weights.safetensors"

    @property
    def history(self) -> str | None:
        return f"{self.folder}/models/{self.stem}/history.tsv" if self.kind == "network" else None

    def record(self) -> dict[str, Any]:
        """Plain values for a rule's params; ``single_<species>`` becomes ``single``."""
        setting = "single" if self.setting.startswith("single") else self.setting
        return {"model": self.model, "setting": setting, "split": self.split, "seed": self.seed}


@dataclass(frozen=True)
class Parts:
    """What one model directory is packed from.

    Attributes
    ----------
    networks : tuple of Run
        One per seed.
    baselines : tuple of Run
        Of a stack.
    weights : str or None
        Of a stack: the table of its weights.
    """

    networks: tuple[Run, ...]
    baselines: tuple[Run, ...] = ()
    weights: str | None = None

    def inputs(self) -> dict[str, list[str]]:
        """Files for the rule that packs the directory, by name of the input."""
        return {
            "weights": [run.weights for run in self.networks],
            "baselines": [run.weights for run in self.baselines],
            "stack": [self.weights] if self.weights else [],
        }


def check_starts(networks: Mapping[str, Any], runs: Sequence[Run]) -> None:
    """Raise :class:`InputError` unless each training that starts from another one's weights finds them.

    Parameters
    ----------
    networks : mapping of str to mapping
        The section ``models`` of a configuration.
    runs : sequence of Run
        All that the configuration asks for.
    """
    known = {run.stem for run in runs}
    for name, entry in networks.items():
        if "start" in entry and entry["start"].keys() - {"head"} not in ({"model", "setting"}, {"folder"}):
            raise InputError(
                f"models.{name}.start needs a model and a setting, or a folder",
                value=", ".join(entry["start"]),
                remedy="see config/README.md",
            )
    for run in runs:
        start = networks.get(run.model, {}).get("start", {})
        if run.kind != "network" or "model" not in start:
            continue
        if "start" in networks.get(start["model"], {}):
            raise InputError(
                f"models.{run.model} starts from a model that itself starts from another",
                value=start["model"],
                remedy="start from a model that is trained from random weights",
            )
        wanted = replace(run, model=start["model"], setting=start["setting"])
        if wanted.stem not in known:
            raise InputError(
                f"models.{run.model} starts from a training that the configuration does not ask for",
                value=wanted.stem,
                remedy="add its setting, split and seed to trainings",
            )
