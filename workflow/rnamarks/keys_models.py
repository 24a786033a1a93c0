"""The keys of a configuration about models: trainings, what is released, and what it is judged by."""

from __future__ import annotations

from typing import Any

from .key_fields import NAME_, key, section
from .keys_sites import LabelledWindows, WindowFile, Windows
from .models.settings.combiner import CombinerSettings
from .models.settings.student import StudentSettings
from .training.settings import TRUNK_WAYS, DistillationSettings, SiteSettings

# fields are only described here, no section is ever made: ruff: noqa: RUF009


@section
class Start:
    """Trained weights to begin with: a model and a setting of this run, or a folder."""

    model: str = key("Name in models; one of its trainings is taken.", None)
    setting: str = key("Setting of that training.", None)
    scheme: str = key("Scheme of that training; default the same.", None)
    seed: int = key("Seed of that training; default the same.", None, minimum=0)
    folder: str = key("A model directory, such as a released one.", None)
    task: str = key("Task whose head a task that is new to it begins with.", None)


@section
class Trunk:
    """A pre-trained language model in place of a network's own trunk."""

    language: str = key("Name in language_models, or a folder, written with a /, that holds a language model.")
    seed: int = key("Seed of its pre-training; default the first; 0 for an imported one.", None, minimum=0)
    way: str = key(
        "What becomes of its weights: they stay; are trained on, at training.learning_rate, by default 1e-4; or, as a "
        "control, are replaced by random ones that are trained likewise.",
        "frozen",
        choices=TRUNK_WAYS,
    )


@section
class Network:
    """A network with its hyperparameters and training settings."""

    network: str = key("Name in the registry of networks.", registry="MODELS")
    hyperparameters: dict[str, Any] = key("Arguments of the network.", {})
    training: dict[str, Any] = key(
        "Settings of the trainer.", {}, known=lambda: [*SiteSettings.kinds().keys() - {"curriculum"}]
    )
    start: Start = key("Trained weights to begin with.", None, fewest=1)
    trunk: Trunk = key("A language model under the network's heads.", None)


@section
class Setting:
    """A set of tasks trained together."""

    tasks: list[str] = key("Names.", None, fewest=1)
    nearest: int = key("Tasks of the root species and of its nearest on the tree, so many in all.", None, minimum=1)
    curriculum: str = key("Order in which the tasks are met.", "tree", registry="CURRICULA")


@section
class Training:
    """Trainings of one model in one setting."""

    model: str = key("Name in models.")
    setting: str = key("Name in settings, or single for one model per task.")
    tasks: list[str] = key("For single, which tasks; default all.", None)
    schemes: list[str] = key("Schemes of splitting: paper, guarded, or of splits.chromosomes.", fewest=1)
    seeds: list[int] = key("One training each.", minimum=0, fewest=1)


@section
class StackEntry:
    """A weighted sum of the logits of a network and of baselines; weights are fitted to the validation split."""

    members: list[str] = key("One name in models and one or more in baselines.", fewest=2)
    setting: str = key("A setting that the network is trained in, or single.")
    schemes: list[str] = key("Schemes that the network is trained on.", fewest=1)


@section
class CombinerEntry:
    """Trees that judge the sites of tasks with site tables by more than a window, fitted to the training split."""

    model: str = key("Name in models whose logits are read.", None)
    setting: str = key("Setting of its training; single: on the task itself.", "single")
    scheme: str = key("Scheme of its training; default the same.", None)
    tasks: list[str] = key("Tasks.", fewest=1)
    schemes: list[str] = key("Schemes of splitting, with a model those that it is trained on.", fewest=1)
    folds: int = key(
        "Folds of genes of the training split; where the model was trained on the task, networks of the other folds "
        "give the logits that the trees learn from.",
        4,
        minimum=2,
    )
    settings: dict[str, Any] = key("What is read, and sizes of the trees.", {}, known=CombinerSettings.kinds)


@section
class Predictor:
    """A trained model, all seeds together."""

    model: str = key("Name in models, stacks or combiners.")
    setting: str = key("Name in settings, or single for one model per task.")
    scheme: str = key("Scheme of splitting.")
    licence: str = key("Licence of the weights for the model card, such as MIT.", "", pattern="^[A-Za-z0-9 .+-]*$")
    limits: list[str] = key("Sentences for the model card on where not to trust the model, Markdown.", [], pattern=".+")


@section
class Release(Predictor):
    """The training, stack or combiner whose seeds become results/<run>/model."""

    ranks_only: list[str] = key("Tasks that rank nucleotides and call none: scans give them no q.", [])
    also: list[str] = key("Names in predictors that get a card and a null distribution, too.", [])


@section
class LineSearch:
    """Hyperparameters tried one after the other, for the target results/<run>/training/line_search.tsv."""

    model: str = key("Name in models.")
    setting: str = key("Name in settings.")
    scheme: str = key("Scheme of splitting.")
    folds: int = key("Folds of the cross-validation.", 5, minimum=2)
    grid: dict[str, list[Any]] = key("Values of each parameter.")


@section
class External(LabelledWindows):
    """A further test set for the released model."""

    name: str = key("Name of the set.")
    task: str = key("Task that it is scored for.")
    format: str = key("Name of a window reader.", "lines", registry="WINDOW_FORMATS")


@section
class LaboratorySet:
    """Windows of one modification from one laboratory."""

    name: str = key("Name of the set.", pattern=NAME_)
    task: str = key("Task that it is about.")
    windows: Windows = key("Its windows, centred on the site; splits are not looked at.")


@section
class Laboratories:
    """Trained here, tested there: each set trains a baseline that all sets of its task test, and so does the model."""

    baseline: str = key("Name of the baseline that each set trains.", "kmer_blend", registry="BASELINES")
    fewest: int = key("Tests with fewer windows of either label have no AUROC.", 30, minimum=2)
    sets: list[LaboratorySet] = key(
        "Sets, of each task one or more; those that the run trains on among them.", fewest=1
    )


@section
class Evaluation:
    """Intervals and thresholds."""

    bootstrap: int = key("Resamples.", 1000, minimum=1)
    resample: str = key(
        "What the bootstrap draws: windows within their labels, or genes with all their windows, where they are known.",
        "windows",
        choices=("windows", "genes"),
    )
    against: list[str] = key(
        "Negatives that tasks are judged by: their own, or those of all tasks, too.",
        ["own"],
        choices=("own", "all"),
        fewest=1,
    )
    precisions: list[float] = key("Precisions that thresholds are given for.", [0.5, 0.7, 0.9], above=0, maximum=1)


@section
class Student:
    """The network of fast mode, distilled from the released model."""

    hyperparameters: dict[str, Any] = key("Arguments of the student network.", {}, known=StudentSettings.kinds)
    training: dict[str, Any] = key("Settings of the distillation.", {}, known=DistillationSettings.kinds)


@section
class Significance:
    """Unmodified nucleotides that p-values of the released model are counted against."""

    bases: int = key("Of each task; the smallest p is 1 / (1 + bases).", 10000, minimum=100)
    windows: list[WindowFile] = key(
        "Files whose unmodified windows, uncropped, hold them; default the run's transcripts.", []
    )
