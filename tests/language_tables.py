"""Small tables of a run about language models, as rules would write them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from rnamarks.dictionary import column_names
from rnamarks.evaluation.structures import pairs_of_structures, score_structures, spread_of_structures
from rnamarks.figures.design import Design
from rnamarks.training.settings import WAYS

OFFERS = frozenset(("corpus", "language", "pretrained", "downstream", "pairs", "labels", "values", "families"))
DESIGN = Design("rna", (), (), None, "paper", OFFERS, simulated=True)
LANGUAGES = ("tiny", "small")
TASKS = {
    # target, ways of splitting, baselines, metrics, test RNAs
    "structure": ("pairs", ("given", "guarded"), ("nussinov",), 120),
    "splice": ("label", ("given", "danio"), ("kmer_logistic", "position_weights"), 1900),
    "ncrna": ("label", ("given",), ("kmer_logistic",), 640),
    "mrl": ("value", ("random", "human"), ("kmer_ridge",), 7600),
}
METRICS = {
    "structure": (
        "f1",
        "precision",
        "recall",
        "f1_relaxed",
        "precision_relaxed",
        "recall_relaxed",
        "pseudoknot_recall",
    ),
    "splice": ("accuracy", "f1", "auroc", "auprc"),
    "ncrna": ("accuracy", "f1"),
    "mrl": ("r2", "r2_pearson", "mae"),
}
LEVELS = {"finetuned": 0.82, "frozen": 0.62, "scratch": 0.55, "untrained": 0.5, "": 0.48}
FAMILIES = ("tRNA", "5S_rRNA", "SRP", "RNaseP", "tmRNA", "group_I_intron")


def fill(name: str, rows: list[dict]) -> pd.DataFrame:
    return pd.DataFrame(rows)[column_names(name)]


def predictors(task: str) -> list[str]:
    tuned = [f"{language}_{way}" for language in LANGUAGES for way in WAYS]
    return [*tuned, *TASKS[task][2]]


def level_of(predictor: str, fold: str, metric: str) -> float:
    way = predictor.rpartition("_")[2]
    level = LEVELS[way if way in LEVELS else ""] + 0.05 * predictor.startswith("small")
    level -= 0.12 * (fold != "given") + 0.03 * metric.startswith("recall")
    return level + 0.04 * metric.endswith(("relaxed", "pearson"))


def downstream_rows() -> list[dict]:
    rows = []
    for task, (target, folds, _, count) in TASKS.items():
        for fold in folds:
            for predictor in predictors(task):
                tuned = predictor.rpartition("_")[2] in LEVELS
                for seed in ("1", "2", "mean") if tuned else ("0", "mean"):
                    for metric in METRICS[task]:
                        value = level_of(predictor, fold, metric) + 0.01 * (seed == "1") - 0.01 * (seed == "2")
                        prevalence = 0.5 if metric == "auprc" else np.nan
                        rows += [
                            {"downstream": task, "target": target, "fold": fold, "predictor": predictor, "seed": seed}
                            | {"split": split, "metric": metric, "value": value, "low": value - 0.03}
                            | {"high": value + 0.03, "examples": count, "prevalence": prevalence}
                            for split in ("valid", "test")
                        ]
    return rows


def difference_rows() -> list[dict]:
    rows = []
    for task, (_, folds, _, count) in TASKS.items():
        names = predictors(task)
        for fold in folds:
            for at, first in enumerate(names):
                for second in names[at + 1 :]:
                    for metric in METRICS[task]:
                        value = level_of(first, fold, metric) - level_of(second, fold, metric)
                        rows.append(
                            {"downstream": task, "fold": fold, "first": first, "second": second, "metric": metric}
                            | {"split": "test", "difference": value, "low": value - 0.06, "high": value + 0.06}
                            | {"examples": count}
                        )
    return rows


def stems_of(length: int, random: np.random.Generator) -> np.ndarray:
    """Partners of a structure of three hairpins, with a pseudoknot in one of three."""
    partners = np.full(length, -1, dtype=np.int32)

    def pair(i: int, j: int, count: int) -> None:
        for step in range(count):
            partners[i + step], partners[j - step] = j - step, i + step

    third = length // 3
    for start in (0, third, 2 * third):
        pair(start + 1, start + third - 3, max(3, third // 3 - int(random.integers(0, 3))))
    loop = third // 3
    if random.random() < 0.34:
        free = np.flatnonzero(partners[: 2 * third] < 0)
        first, second = free[free < third], free[free >= third]
        middle = first[(first > loop) & (first < third - loop)]
        if len(middle) > 4 and len(second) > 4:
            pair(int(middle[0]), int(second[-2]), 3)
    return partners


def disturb(partners: np.ndarray, right: float, random: np.random.Generator) -> np.ndarray:
    """A prediction that keeps so many of the pairs and moves some of the others."""
    found = np.full(len(partners), -1, dtype=np.int32)
    for i in np.flatnonzero(partners > np.arange(len(partners))):
        j = int(partners[i])
        if random.random() > right:
            j = (
                j - 1
                if random.random() < 0.3
                else int(random.integers(i + 4, len(partners)))
                if i + 4 < len(partners)
                else j
            )
            if random.random() < 0.4:
                continue
        if found[i] < 0 and found[j] < 0 and j != i:
            found[i], found[j] = j, i
    return found


def structure_predictions(count: int = 60) -> list[tuple[dict, pd.DataFrame]]:
    found = []
    for fold in TASKS["structure"][1]:
        random = np.random.default_rng(7)
        lengths = random.integers(60, 380, count)
        known = [stems_of(int(length), random) for length in lengths]
        for predictor in predictors("structure"):
            tuned = predictor.rpartition("_")[2] in LEVELS
            for seed in ("1", "2") if tuned else ("0",):
                level = level_of(predictor, fold, "f1")
                rights = np.clip(random.normal(level, 0.15, count), 0.03, 1)
                frame = pd.DataFrame(
                    {
                        "example": [f"rna_{at}" for at in range(count)],
                        "split": "test",
                        "family": [FAMILIES[at % 6] if fold == "guarded" else "" for at in range(count)],
                        "length": lengths,
                        "partners": known,
                        "predicted": [disturb(one, right, random) for one, right in zip(known, rights, strict=True)],
                    }
                )
                found.append(({"downstream": "structure", "fold": fold, "predictor": predictor, "seed": seed}, frame))
    return found


def language_tables() -> dict[str, pd.DataFrame]:
    """All tables that the figures of language models read."""
    random = np.random.default_rng(3)
    drops = [
        {"stage": "corpus", "subject": "corpus", "source": source, "reason": reason, "rows": rows * scale}
        for source, scale in (("rfam", 3), ("transcripts", 11))
        for reason, rows in (
            ("shorter than 16 nt", 4),
            ("same as an earlier sequence", 31),
            ("like a test example", 12),
            ("kept", 420),
        )
    ]
    drops.append({"stage": "corpus", "subject": "corpus", "source": "all", "reason": "note: clusters", "rows": 2210})
    drops.append({"stage": "corpus", "subject": "judged", "source": "yeast", "reason": "kept", "rows": 300})
    relatives = [
        {"downstream": name, "split": split, "examples": count, "related": related, "fraction": related / count}
        | {"removed": removed, "left": 0, "identity": 0.8}
        for name, split, count, related, removed in (
            ("structure", "test", 120, 40, 95),
            ("structure", "valid", 60, 21, 40),
            ("splice", "test", 1900, 0, 0),
            ("yeast", "judged", 300, 12, 14),
        )
    ]
    histories, perplexity = [], []
    for at, (language, size) in enumerate(zip(LANGUAGES, (120_000, 1_900_000), strict=True)):
        for seed in ("1", "2"):
            for epoch in range(1, 13):
                nll = 1.05 + (0.3 - 0.02 * at) * np.exp(-epoch / 4) - 0.06 * at + 0.005 * int(seed)
                row = {
                    "language": language,
                    "seed": seed,
                    "epoch": epoch,
                    "loss": nll + 0.01 - 0.002 * epoch,
                    "nll": nll,
                }
                histories.append(row | {"perplexity": np.exp(nll), "accuracy": 0.5, "seconds": 1.0})
            for place, name in enumerate(("held", "yeast", "ribozymes")):
                value = np.exp(nll) + 0.25 * place
                perplexity.append(
                    {"language": language, "seed": seed, "set": name, "perplexity": value, "low": value - 0.06}
                    | {"high": value + 0.06, "accuracy": 0.5, "nucleotides": 9000, "sequences": 300 + place}
                    | {"parameters": size}
                )
    for place, name in enumerate(("held", "yeast", "ribozymes")):
        for rule, value in (("composition", 3.92), ("markov3", 3.71), ("kmer7", 3.5)):
            perplexity.append(
                {"language": rule, "seed": "0", "set": name, "perplexity": value + 0.02 * place, "low": value - 0.01}
                | {"high": value + 0.05, "accuracy": 0.3, "nucleotides": 9000, "sequences": 300 + place}
                | {"parameters": 4}
            )
    places, families = [], []
    for apart, language in ((1.0, "kmer"), (2.0, "tiny"), (3.0, "small")):
        centres = np.random.default_rng(5).normal(0, 10 * apart, (len(FAMILIES), 2))
        for at, family in enumerate(FAMILIES):
            for one in range(60 - 9 * at):
                x, y = centres[at] + random.normal(0, 6, 2)
                row = {"example": f"{family}_{one}", "family": family, "language": language}
                places.append(row | {"seed": "0" if language == "kmer" else "1", "x": x, "y": y})
        for measure, value in (("silhouette", 0.1 * apart), ("knn_accuracy", 0.5 + 0.14 * apart), ("knn_chance", 0.17)):
            families.append(
                {"language": language, "seed": "0" if language == "kmer" else "1", "measure": measure, "value": value}
                | {"low": value - 0.05, "high": value + 0.05, "examples": 190, "families": len(FAMILIES)}
            )
    predictions = structure_predictions()
    scores = score_structures(predictions)
    return {
        "corpus_drops": fill("corpus_drops", drops),
        "relatives": fill("relatives", relatives),
        "language_histories": fill("language_histories", histories),
        "perplexity": fill("perplexity", perplexity),
        "family_map": fill("family_map", places),
        "families": fill("families", families),
        "downstream": fill("downstream", downstream_rows()),
        "downstream_differences": fill("downstream_differences", difference_rows()),
        "structure_spread": spread_of_structures(scores, bootstrap=50),
        "structure_pairs": pairs_of_structures(predictions, scores, ["small_finetuned", "small_frozen", "nussinov"]),
        "drops": fill(
            "drops",
            [
                {"stage": "examples", "subject": name, "source": "published", "reason": reason, "rows": rows}
                for name in TASKS
                for reason, rows in (("longer than allowed", 7), ("kept", 900))
            ],
        ),
    }
