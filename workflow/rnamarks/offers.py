"""What each section of a configuration needs of the run, and which of those asked for the run can have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .configuration import Plan

Need = Callable[["Plan"], str]
"""Says why a run cannot have a section, or ``""``."""


def _predictor(plan: Plan) -> str:
    return (
        "" if plan.release or plan.config.get("predictors") else "no trained model is named under predictors or release"
    )


def _release(plan: Plan) -> str:
    return "" if plan.release else "no model is released"


def _transcripts(plan: Plan) -> str:
    more = (plan.config.get("transcriptome") or {}).get("more")
    return "" if plan.genomes() or more else "no species has a genome and annotation, and no transcripts are given"


def _genome(plan: Plan) -> str:
    return "" if plan.genomes() else "no species has a genome and annotation"


def _several_tasks(plan: Plan) -> str:
    return "" if len(plan.tasks) > 1 else "there is only one task"


def _two_in_one_genome(plan: Plan) -> str:
    return "" if plan.neighbouring_tasks() else "no species has site tables of two modifications"


def _unmodified(plan: Plan) -> str:
    if plan.null_files() or plan.genomes():
        return ""
    return "there are no unmodified nucleotides: no window files under significance.windows, no genome"


def _orthologues(plan: Plan) -> str:
    if not plan.config.get("orthologues"):
        return "no orthologues are given"
    per_modification = Counter(task.modification for task in plan.tasks.values() if task.species in plan.genomes())
    return (
        "" if max(per_modification.values(), default=0) > 1 else "no modification has tasks in two species with genomes"
    )


def _filters(plan: Plan) -> str:
    predictors = plan.config.get("predictors") or ({"": plan.release} if plan.release else {})
    chosen = (plan.config.get("motifs") or {}).get("predictors", predictors)
    known = any(plan.has_filters(predictors[name]["model"]) for name in chosen if name in predictors)
    return "" if known else "no network begins with convolutions over the sequence"


def _language(plan: Plan) -> str:
    return "" if plan.language.models else "there is no language model"


def _has(section: str) -> Need:
    def need(plan: Plan) -> str:
        return "" if plan.config.get(section) is not None else f"there is no section {section}"

    return need


NEEDS: dict[str, tuple[str, tuple[Need, ...]]] = {
    "student": ("student", (_release,)),
    "significance": ("significance", (_release, _unmodified)),
    "transcriptome": ("transcriptome", (_predictor, _transcripts)),
    "landscape": ("landscape", (_has("transcriptome"), _predictor, _genome)),
    "motifs": ("motifs", (_predictor,)),
    "filters": ("motifs", (_predictor, _filters)),
    "attention": ("attention", (_predictor,)),
    "consensus": ("consensus", (_predictor, _has("attention"))),
    "mutations": ("mutations", (_predictor, _has("attention"))),
    "association": ("association", (_release, _several_tasks)),
    "proximity": ("proximity", (_two_in_one_genome,)),
    "optimisation": ("optimisation", (_predictor,)),
    "capacity": ("capacity", (_has("transcriptome"), _predictor, _transcripts)),
    "conservation": ("capacity", (_has("transcriptome"), _predictor, _orthologues)),
    "ontology": ("ontology", (_has("capacity"), _has("transcriptome"), _predictor, _transcripts)),
    "regulation": ("regulation", (_has("capacity"), _has("transcriptome"), _predictor, _transcripts)),
    "corpus": ("corpus", (_language,)),
    "downstream": ("downstream", ()),
    "families": ("families", (_has("downstream"), _language)),
}
"""Analysis to the section that asks for it and what the run must have."""


def offered(plan: Plan) -> tuple[list[str], dict[str, str]]:
    """Which analyses a run has, and why it lacks others that its configuration asks for.

    Returns
    -------
    offers : list of str
        Analyses, in the order of :data:`NEEDS`; besides ``release``, ``external``, ``laboratories`` and
        ``all_tasks``; ``language`` and ``pretrained`` models; ``pairs``, ``labels`` and ``values`` for the targets of
        downstream tasks.
    left_out : dict of str to str
        Section to reason.
    """
    offers, left_out = [], {}
    for name, (section, needs) in NEEDS.items():
        if plan.config.get(section) is None:
            continue
        reason = next(filter(None, (need(plan) for need in needs)), "")
        if not reason:
            offers.append(name)
        elif name == section:
            left_out[name] = reason
    others: Mapping[str, object] = {
        "release": plan.release,
        "external": plan.external,
        "databases": (plan.config.get("motifs") or {}).get("databases"),
        "laboratories": plan.laboratories,
        "all_tasks": plan.runs_of_all_tasks(),
        "language": plan.language.models,
        "pretrained": plan.language.trained,
        "pairs": plan.language.runs_about("pairs"),
        "labels": plan.language.runs_about("label"),
        "values": plan.language.runs_about("value"),
    }
    return [*offers, *(name for name, value in others.items() if value)], left_out
