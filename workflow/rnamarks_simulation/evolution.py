"""Genomes that evolve along the species tree.

Substitutions follow the HKY85 model (Hasegawa, Kishino and Yano 1985, J. Mol. Evol. 22:160) in steps of at most
:data:`STEP` million years. In coding sequence a codon that turned into a stop is put back, and one whose amino acid
changed is kept with the probability ``omega``. Insertions and deletions of 1 to 6 nt happen outside coding sequence;
gene order changes by inversions; genes are lost and duplicated.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import expm

from .genes import AMINO_ACID, FREQUENCIES, GeneCopy, make_gene

if TYPE_CHECKING:
    from rnamarks.training.tree import Clade

    from .parameters import WorldParameters

STEP = 25.0
_RELATIVE_RATE = np.array([1.0, 1.0, 0.6, 1.0, 0.0])
"""Mutation rates of spacer, intron, UTR, coding and fixed columns."""


@dataclass
class Genome:
    """One genome.

    Attributes
    ----------
    chromosomes : list of list of GeneCopy
        Genes in the order of the chromosome.
    weights : numpy.ndarray, shape=(n_clade_elements,)
        What the elements that differ between species weigh in this one.
    copies : int
        Duplications that have happened on the way here.
    """

    chromosomes: list[list[GeneCopy]]
    weights: np.ndarray
    copies: int = 0

    def clone(self) -> Genome:
        """A copy that can evolve on its own."""
        return Genome(
            [[gene.clone() for gene in genes] for genes in self.chromosomes], self.weights.copy(), self.copies
        )


def ancestor(parameters: WorldParameters, elements: int, seed: int) -> Genome:
    """The genome at the root: genes dealt out to chromosomes, weights of the clade elements zero."""
    rng = np.random.default_rng([seed, 1])
    genes = [make_gene(family, parameters, rng) for family in range(1, parameters.genes + 1)]
    chromosomes = [genes[number :: parameters.chromosomes] for number in range(parameters.chromosomes)]
    return Genome(chromosomes, np.zeros(elements))


def evolve(root: Genome, tree: Clade, parameters: WorldParameters, seed: int) -> dict[str, Genome]:
    """Genomes at the tips.

    Parameters
    ----------
    root : Genome
        At the root of ``tree``; left as it is.
    tree : rnamarks.training.tree.Clade
        Branch lengths in millions of years.
    parameters : WorldParameters
    seed : int
        Each branch draws from its own stream, so a species does not depend on the order of the tree file.

    Returns
    -------
    dict of str to Genome
        By the names of the tips.
    """
    tips: dict[str, Genome] = {}

    def descend(genome: Genome, clade: Clade) -> None:
        if not clade.children:
            tips[clade.name] = genome
            return
        for child in clade.children:
            key = zlib.crc32(",".join(sorted(tip.name for tip in child.tips())).encode())
            rng = np.random.default_rng([seed, 2, key])
            descend(_along_branch(genome.clone(), child.length, parameters, rng, key), child)

    descend(root.clone(), tree)
    return tips


def _along_branch(
    genome: Genome, time: float, parameters: WorldParameters, rng: np.random.Generator, key: int
) -> Genome:
    steps = max(1, math.ceil(time / STEP))
    for genes in genome.chromosomes:
        for gene in genes:
            for _ in range(steps):
                _substitute(gene, time / steps, parameters, rng)
            toggled = rng.random(gene.has.size) < 0.5 * (1 - math.exp(-2 * parameters.indel_rate * time))
            gene.has ^= toggled
            gene.hidden = _ornstein_uhlenbeck(gene.hidden, time, parameters.hidden_memory, 1.0, rng)
    genome.weights = _ornstein_uhlenbeck(genome.weights, time, parameters.clade_memory, parameters.clade_weight, rng)
    _rearrange(genome, time, parameters, rng, key)
    return genome


def _ornstein_uhlenbeck(
    value: np.ndarray, time: float, memory: float, spread: float, rng: np.random.Generator
) -> np.ndarray:
    """A value that forgets its start over ``memory`` million years and has the stationary deviation ``spread``."""
    kept = math.exp(-time / memory)
    return kept * value + spread * math.sqrt(1 - kept**2) * rng.standard_normal(value.size)


def _substitute(gene: GeneCopy, time: float, parameters: WorldParameters, rng: np.random.Generator) -> None:
    cumulative = _transition(time * parameters.substitution_rate, parameters.kappa)
    thresholds = cumulative[gene.model.kind, gene.codes]
    draw = rng.random(gene.codes.size)
    proposal = np.zeros(gene.codes.size, dtype=np.uint8)
    for letter in range(3):
        proposal += draw > thresholds[:, letter]
    columns = gene.model.codons
    if columns.size:
        old, new = gene.codes[columns], proposal[columns]
        before, after = (AMINO_ACID[codon @ np.array([16, 4, 1])] for codon in (old.astype(int), new.astype(int)))
        refused = (after < 0) | ((after != before) & (rng.random(after.size) >= parameters.omega))
        proposal[columns] = np.where(refused[:, None], old, new)
    gene.codes = proposal


@lru_cache(maxsize=256)
def _transition(amount: float, kappa: float) -> np.ndarray:
    """Cumulative HKY85 probabilities, shape=(kinds, from, to), at ``amount`` expected substitutions per free site."""
    rates = np.tile(FREQUENCIES, (4, 1))
    for first, second in ((0, 2), (1, 3)):
        rates[first, second] *= kappa
        rates[second, first] *= kappa
    np.fill_diagonal(rates, 0)
    np.fill_diagonal(rates, -rates.sum(axis=1))
    rates /= -(FREQUENCIES * np.diag(rates)).sum()
    return np.stack([np.cumsum(expm(rates * amount * relative), axis=1) for relative in _RELATIVE_RATE])


def _rearrange(genome: Genome, time: float, parameters: WorldParameters, rng: np.random.Generator, key: int) -> None:
    for _ in range(rng.poisson(parameters.inversion_rate * time)):
        genes = genome.chromosomes[int(rng.integers(len(genome.chromosomes)))]
        first, last = np.sort(rng.integers(0, len(genes) + 1, size=2))
        genes[first:last] = genes[first:last][::-1]
        for gene in genes[first:last]:
            gene.forward = not gene.forward
    lost = 1 - math.exp(-parameters.loss_rate * time)
    gained = 1 - math.exp(-parameters.duplication_rate * time)
    for number, genes in enumerate(genome.chromosomes):
        kept = [gene for gene in genes if rng.random() >= lost]
        genome.chromosomes[number] = kept or genes[:1]
    for gene in [gene for genes in genome.chromosomes for gene in genes]:
        if rng.random() < gained:
            genome.copies += 1
            double = gene.clone()
            double.copy = key % 10_000 * 100 + genome.copies
            genes = genome.chromosomes[int(rng.integers(len(genome.chromosomes)))]
            genes.insert(int(rng.integers(0, len(genes) + 1)), double)
