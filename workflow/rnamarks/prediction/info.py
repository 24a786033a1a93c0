"""What a model directory holds and can do, in words."""

from __future__ import annotations

from pathlib import Path

from ..models.checkpoint import load_model
from ..models.combiner import check_record
from ..models.directory import CARD, NULL, STUDENT, read_card, read_config, sidecar_settings
from .changes import read_changes
from .significance import read_null

_SECTIONS = ("trained on", "data", "test split")


def describe_model(folder: str | Path) -> str:
    """Lines about a model directory: its tasks, what it can do, and from its card the data and the test figures."""
    config, digest = read_config(folder)
    networks = load_model(folder)[0].networks.members
    student, null = sidecar_settings(folder, STUDENT), sidecar_settings(folder, NULL)
    reads = {"": "sequences", "ends": "whole transcripts", "exons": "transcripts with their exons"}
    combined = ""
    if config.combiner:
        combined = f", trees over their logits that read {reads[check_record(config.combiner)[0].reads]}"
    stacked = f", stacked with {', '.join(config.stack['baselines'])}" if config.stack else ""
    trunk = config.training.get("trunk")
    over = f" over a language model ({trunk['way']})" if trunk else ""
    lines = [
        f"model\t{config.model}, {config.members} networks{over}{stacked}{combined}",
        f"sha256\t{digest}",
        f"window\t{config.window} nt{' of the networks' if combined else ''}, the site in the middle",
        "modes\texact" + (", fast" if student is not None else "; no fast mode (no student.safetensors)"),
        f"p, q\t{null['source'] if null is not None else 'no (no null.safetensors; rnamarks null makes one)'}",
        f"percentile\t{_changes_of(folder, config.task_names)}",
        f"attention\t{'yes, in exact mode' if all(network.attends for network in networks) else 'no'}",
        "",
        "task\tspecies\tmodification\tbase\tmotif\tsite\tcalibrated at prevalence\tnull, exact\tnull, fast",
    ]
    sizes = {mode: read_null(folder, config.task_names, mode)[0] for mode in ("exact", "fast")[: 1 + bool(student)]}
    for task in config.tasks:
        motif, offset = task.place
        constants = config.calibration.get(task.name)
        fields = [task.name, task.species, task.modification, task.base, motif, offset + 1]
        fields.append(f"{constants['prevalence']:.4g}" if constants else "no")
        fields += [
            sizes[mode][task.name].size if task.name in sizes.get(mode, {}) else "no" for mode in ("exact", "fast")
        ]
        lines.append("\t".join(map(str, fields)))
    if (Path(folder) / CARD).exists():
        shown = False
        for line in read_card(folder).splitlines():
            if line.startswith("## "):
                shown = line[3:].lower().startswith(_SECTIONS)
                lines += [""] * shown
            if shown:
                lines.append(line)
    return "\n".join(lines).rstrip()


def _changes_of(folder: str | Path, tasks: list[str]) -> str:
    """Whether rnamarks variants can tell how large an effect is beside random ones."""
    found = read_changes(folder, tasks, "exact")
    if not found:
        return "no (no random changes beside the null; rnamarks null makes them)"
    return f"of the effects of variants among up to {max(one.size for one in found.values()):,} random changes"
