"""Small examples with a planted rule, for the tests of fine-tuning."""

from __future__ import annotations

import numpy as np
import pandas as pd

from rnamarks.downstream.formats import partners_of

SPLITS = ("train", "train", "train", "train", "valid", "test")


def table(rows: list[tuple], column: str) -> pd.DataFrame:
    """An examples table of (sequence, answer); a sixth each to valid and test."""
    frame = pd.DataFrame(rows, columns=["sequence", column])
    frame.insert(0, "example", [f"e{row}" for row in range(len(frame))])
    return frame.assign(
        family=[f"f{row % 5}" for row in range(len(frame))], fold_given=[SPLITS[row % 6] for row in range(len(frame))]
    )


def letters(random: np.random.Generator, count: int) -> str:
    return "".join(random.choice(list("ACGU"), count))


def hairpins(count: int, seed: int = 1) -> pd.DataFrame:
    """RNAs of 18 to 33 nt with one stem of G and C, whose loop is A and whose ends are U."""
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        stem, loop, before, after = random.integers([4, 4, 3, 3], [8, 8, 6, 6]).tolist()
        left = "".join(random.choice(list("CG"), stem))
        right = left[::-1].translate(str.maketrans("CG", "GC"))
        sequence = "U" * before + left + "A" * loop + right + "U" * after
        at = np.arange(stem)
        pairs = np.stack([before + at, before + 2 * stem + loop - 1 - at], axis=1)
        rows.append((sequence, partners_of(pairs, len(sequence))))
    return table(rows, "partners")


def labelled(count: int, names: tuple[str, ...], seed: int = 1) -> pd.DataFrame:
    """The label says which letter, A, C, G, … makes up most of the sequence."""
    random = np.random.default_rng(seed)
    rows = []
    for row in range(count):
        which = row // 6 % len(names)
        chances = np.full(4, 0.13)
        chances[which] = 0.61
        rows.append(("".join(random.choice(list("ACGU"), 12 + row % 7, p=chances)), names[which]))
    return table(rows, "label")


def valued(count: int, seed: int = 1) -> pd.DataFrame:
    """The value is 5 + 10 times the fraction of G."""
    random = np.random.default_rng(seed)
    rows = []
    for row in range(count):
        chance = random.random()
        sequence = "".join(random.choice(list("GA"), 14 + row % 9, p=[chance, 1 - chance]))
        rows.append((sequence, 5 + 10 * sequence.count("G") / len(sequence)))
    return table(rows, "value")
