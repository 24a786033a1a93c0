"""Motif files of the demo world: what invented RNA-binding proteins bind, in the manner of CISBP-RNA.

Most motifs are decoys; one each holds the words that the rule of methylation looks for.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rnamarks.files import write_text
from rnamarks.sequences import encode

from .rule import CLADE, SHARED

Motif = tuple[str, str, np.ndarray]
"""Identifier, name of the protein, and probabilities of A, C, G, U, shape=(width, 4)."""

PLANTED = {
    "WRITR1": ("letters", "GGACU"),
    "UPSTR1": (SHARED[0].name, SHARED[0].word),
    "DOWNS1": (SHARED[1].name, SHARED[1].word),
    "CLADE1": (CLADE[0].name, CLADE[0].word),
    "CLADE2": (CLADE[1].name, CLADE[1].word),
}
"""Invented protein to the term of the rule that it reads and the word in the middle of its motif."""

DECOYS = 55
_FLOOR = 0.005


def motifs(rng: np.random.Generator) -> list[Motif]:
    """The motifs of a world: decoys of 5 to 8 nt and, in between, those of :data:`PLANTED`, 7 nt wide.

    No gapless overlay of a decoy's consensus on a planted word has more than three equal nucleotides.
    """
    words = [encode(word) for _, word in PLANTED.values()]
    drawn: list[tuple[str, np.ndarray]] = []
    while len(drawn) < DECOYS:
        consensus = rng.integers(0, 4, size=int(rng.choice([5, 6, 7, 7, 7, 8])))
        probabilities = _pwm(consensus, rng)
        if max(shared_letters(consensus, word) for word in words) <= 3:
            drawn.append((f"RBX{len(drawn) + 1:02d}", probabilities))
    for name, word in zip(PLANTED, words, strict=True):
        core = _pwm(word, rng, sharp=True)
        flanks = [rng.dirichlet(np.full(4, 30.0))[None] for _ in range(2)]
        drawn.insert(int(rng.integers(len(drawn) + 1)), (name, np.concatenate([flanks[0], core, flanks[1]])))
    numbers = np.sort(rng.choice(np.arange(1, 350), size=len(drawn), replace=False))
    return [
        (f"M{number:03d}_0.6", name, probabilities)
        for number, (name, probabilities) in zip(numbers, drawn, strict=True)
    ]


def write_meme(chosen: list[Motif], path: str | Path, *, inferred: bool = False) -> None:
    """MEME text, version 4, as the MEME suite ships CISBP-RNA.

    Parameters
    ----------
    chosen : list of Motif
    path : path-like
    inferred : bool
        Write names as of a species whose motifs were inferred from another one's: ``(Rbx01)_(RBD_1.00)``.
    """
    with write_text(path) as handle:
        handle.write("MEME version 4\n\nALPHABET= ACGU\n\nBackground letter frequencies (from uniform background):\n")
        handle.write("A 0.25000 C 0.25000 G 0.25000 U 0.25000 \n\n")
        for identifier, name, probabilities in chosen:
            shown = f"({name.capitalize()})_(RBD_1.00)" if inferred else name
            handle.write(f"MOTIF {identifier} {shown}\n\n")
            handle.write(f"letter-probability matrix: alength= 4 w= {len(probabilities)} nsites= 1 E= 0\n")
            handle.writelines("".join(f"  {value:.6f}\t" for value in row) + "\n" for row in probabilities)
            handle.write("\n")


def _pwm(consensus: np.ndarray, rng: np.random.Generator, *, sharp: bool = False) -> np.ndarray:
    """Probabilities around a consensus: clear in most columns, mixed in some unless ``sharp``."""
    width = consensus.size
    top = rng.uniform(0.82, 0.97, size=width)
    if not sharp:
        vague = rng.random(width) < 0.3
        vague[rng.integers(width, size=2)] = False
        top[vague] = rng.uniform(0.4, 0.7, size=int(vague.sum()))
    rest = rng.dirichlet(np.ones(3), size=width) * (1 - top)[:, None]
    table = np.empty((width, 4))
    for row, letter in enumerate(consensus):
        table[row, letter] = top[row]
        table[row, np.arange(4) != letter] = rest[row]
    table = np.maximum(table, _FLOOR)
    return table / table.sum(axis=1, keepdims=True)


def shared_letters(consensus: np.ndarray, word: np.ndarray) -> int:
    """Equal nucleotides, as codes, in the best overlay without gaps."""
    padded = np.pad(consensus, word.size - 1, constant_values=4)
    return int((np.lib.stride_tricks.sliding_window_view(padded, word.size) == word).sum(axis=1).max())
