"""Whether the vectors of a language model tell RNA families apart (Penić et al. 2024, Figure 2).

The vector of ``<cls>`` stands for an RNA; frequencies of 3-mers with the length, and the vector of a model with random
weights, are what it has to beat. Each space is standardised by column and distances are one minus the cosine. The map
is t-SNE of all RNAs. The scores are taken among RNAs no two of which resemble each other: a nearest neighbour that is
95 % identical says nothing of the space.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ..datasets.neighbours import neighbours
from ..dictionary import column_names
from ..errors import InputError
from ..evaluation.bootstrap import interval
from ..models.kmers import kmer_counts
from ..models.tokens import tokenise
from ..sequences import encode

KMER = "kmer"
"""What stands for a language model in rows about 3-mers."""
UNTRAINED = "untrained"
"""What stands for one with random weights, which tells families apart by their composition already."""
SHUFFLES = 200
PERPLEXITY = 30.0
_WORD = 3
_MOST = 2000
_IDENTITY = 0.8
"""RNAs at most; scores are of RNAs less alike than this."""


def choose_examples(examples: pd.DataFrame, maximum: int, seed: int) -> pd.DataFrame:
    """RNAs of known family, at most ``maximum``: large families give way first, so that rare ones stay whole.

    Parameters
    ----------
    examples : pandas.DataFrame
        ``example``, ``sequence`` and ``label`` where there is one, else ``family``. Equal sequences count once.
    maximum : int
    seed : int

    Returns
    -------
    pandas.DataFrame
        ``example``, ``sequence``, ``family``, in the order in which they came.

    Raises
    ------
    InputError
        If fewer than two families have two RNAs.
    """
    named = examples.assign(family=examples["label"] if "label" in examples else examples["family"])
    named = named[named["family"] != ""].drop_duplicates("sequence")[["example", "sequence", "family"]]
    sizes = named["family"].value_counts()
    named = named[named["family"].isin(sizes.index[sizes > 1])]
    if named["family"].nunique() < 2:
        raise InputError(
            "there are no two families with two RNAs each",
            value=", ".join(map(str, sizes.index[:5])) or "none",
            remedy="give a set with families or classes",
        )
    rank = named.sample(frac=1, random_state=seed).groupby("family").cumcount()[named.index]
    # the smallest ranks of every family, as many as fit
    kept = rank.sort_values(kind="stable").index[:maximum]
    return named.loc[named.index.isin(kept)].reset_index(drop=True)


def kmer_vectors(sequences: list[str]) -> np.ndarray:
    """Frequencies of the 64 3-mers, and the logarithm of the length, shape (n, 65)."""
    counts = np.vstack([kmer_counts(encode(sequence)[None], _WORD) for sequence in sequences]).astype(np.float64)
    lengths = np.array([[len(sequence)] for sequence in sequences])
    return np.hstack([counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), np.log(lengths)])


def language_vectors(
    examples: pd.DataFrame, folder: str | Path, *, untrained: int | None = None, device: str = "cpu"
) -> np.ndarray:
    """Vectors of ``<cls>`` by the language model of a directory, shape (n, width).

    With ``untrained``, a seed, by one of the same sizes with random weights.
    """
    import torch

    from ..models.language import Language
    from ..models.language_files import load_language
    from ..prediction.language import Sequence, describe, first_vectors
    from ..prediction.score import pick_device

    network, config = load_language(folder)
    if untrained is not None:
        torch.manual_seed(untrained)
        network = Language({}, **config.hyperparameters["sizes"])
    rows = (Sequence(row.example, tokenise(row.sequence)) for row in examples.itertuples())
    answers = describe(network, rows, first_vectors, device=pick_device(device))
    return np.array([vector for _, vector in answers])


def standardise(vectors: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and deviation 1, then rows of length 1, so that a product of rows is their cosine."""
    from sklearn.preprocessing import StandardScaler, normalize

    return normalize(StandardScaler().fit_transform(vectors))


def map_vectors(vectors: np.ndarray, *, seed: int, threads: int = 1) -> np.ndarray:
    """Places of standardised vectors by t-SNE, shape (n, 2)."""
    from sklearn.manifold import TSNE

    reach = min(PERPLEXITY, (len(vectors) - 1) / 3)
    found = TSNE(metric="cosine", perplexity=reach, init="random", random_state=seed, n_jobs=threads)
    return found.fit_transform(vectors.astype(np.float32))


def unlike(sequences: list[str], identity: float, threads: int = 1) -> np.ndarray:
    """Which sequences stay when of each two at or above an identity only the first does, shape (n,), bool.

    Identity is that of :mod:`rnamarks.datasets.neighbours`.
    """
    pairs = neighbours(sequences, min_identity=identity, threads=threads, most=max(300, len(sequences)))
    near: dict[int, list[int]] = {}
    for one, other in zip(pairs["query"].tolist(), pairs["target"].tolist(), strict=True):
        near.setdefault(one, []).append(other)
        near.setdefault(other, []).append(one)
    kept = np.ones(len(sequences), dtype=bool)
    for at in range(len(sequences)):
        if kept[at]:
            kept[[other for other in near.get(at, []) if other > at]] = False
    return kept


def score_vectors(vectors: np.ndarray, families: np.ndarray, *, bootstrap: int, seed: int) -> pd.DataFrame:
    """How well standardised vectors keep families apart; every family counts the same.

    ``silhouette``: mean over RNAs of (b - a) / max(a, b), a the mean distance to the own family, b to the nearest
    other. ``knn_accuracy``: RNAs whose nearest neighbour is of their family. ``knn_chance``: the same after families
    were dealt anew, mean and 95 % of the shuffles. Each is a mean over families; intervals of the first two are from a
    bootstrap of the RNAs of each family.

    Parameters
    ----------
    vectors : numpy.ndarray, shape=(n, width)
        Of RNAs that do not resemble each other.
    families : numpy.ndarray, shape=(n,)
        Those with one RNA are neighbours to others, and not scored.
    bootstrap, seed : int

    Returns
    -------
    pandas.DataFrame
        ``measure``, ``value``, ``low``, ``high``, ``examples`` (RNAs scored), ``families``.
    """
    from sklearn.metrics import silhouette_samples
    from sklearn.metrics.pairwise import cosine_distances

    random = np.random.default_rng([seed, 17])
    distances = cosine_distances(vectors)
    names, own = np.unique(families, return_inverse=True)
    groups = [np.flatnonzero(own == at) for at in range(len(names))]
    scored = [group for group in groups if len(group) > 1]
    hidden = distances + np.where(np.eye(len(own), dtype=bool), np.inf, 0)
    nearest = hidden.argmin(axis=1)

    def mean(values: np.ndarray) -> float:
        return float(np.mean([values[group].mean() for group in scored]))

    def resample(values: np.ndarray) -> tuple[float, float]:
        parts = [
            values[group][random.integers(0, len(group), (bootstrap, len(group)))].mean(axis=1) for group in scored
        ]
        return interval(np.mean(parts, axis=0))

    rows = []
    hits = (own[nearest] == own).astype(float)
    for measure, values in (
        ("silhouette", silhouette_samples(distances, own, metric="precomputed")),
        ("knn_accuracy", hits),
    ):
        rows.append((measure, mean(values), *resample(values)))
    draws = []
    for _ in range(SHUFFLES):
        dealt = random.permutation(own)
        again = (dealt[nearest] == dealt).astype(float)
        draws.append(np.mean([again[dealt == at].mean() for at, group in enumerate(groups) if len(group) > 1]))
    rows.append(("knn_chance", float(np.mean(draws)), *interval(np.array(draws))))
    table = pd.DataFrame(rows, columns=["measure", "value", "low", "high"])
    return table.assign(examples=sum(map(len, scored)), families=len(scored))


def describe_families(
    examples: pd.DataFrame,
    models: Mapping[tuple[str, int], str | Path],
    *,
    seed: int = 1,
    bootstrap: int = 1000,
    device: str = "cpu",
    threads: int = 1,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores and maps of language models, of the first one's sizes untrained, and of 3-mers, on one set of RNAs.

    Parameters
    ----------
    examples : pandas.DataFrame
        See :func:`choose_examples`.
    models : mapping of (language, seed) to path-like
        Model directories.
    seed, bootstrap : int
    device, threads

    Returns
    -------
    scores : pandas.DataFrame
        The table ``families``.
    places : pandas.DataFrame
        The table ``family_map``.

    Raises
    ------
    InputError
        If fewer than two families have two RNAs, or have two that are unlike.
    """
    chosen = choose_examples(examples, _MOST, seed)
    kept = unlike(chosen["sequence"].tolist(), _IDENTITY, threads)
    families = chosen["family"].to_numpy(dtype=object).astype(str)
    if (pd.Series(families[kept]).value_counts() > 1).sum() < 2:
        raise InputError(
            f"fewer than two families have two RNAs that are less than {_IDENTITY:.0%} identical",
            value=int(kept.sum()),
            remedy="give more RNAs of each family",
        )
    spaces = {
        (language, number): language_vectors(chosen, at, device=device) for (language, number), at in models.items()
    }
    for folder in list(models.values())[:1]:
        spaces[UNTRAINED, 0] = language_vectors(chosen, folder, untrained=seed, device=device)
    spaces[KMER, 0] = kmer_vectors(chosen["sequence"].tolist())
    scores, places = [], []
    for (language, number), vectors in spaces.items():
        who = {"language": language, "seed": number}
        scores.append(
            score_vectors(standardise(vectors[kept]), families[kept], bootstrap=bootstrap, seed=seed).assign(**who)
        )
        at = map_vectors(standardise(vectors), seed=seed, threads=threads)
        places.append(chosen[["example", "family"]].assign(**who, x=at[:, 0], y=at[:, 1]))
    return (
        pd.concat(scores, ignore_index=True)[column_names("families")],
        pd.concat(places, ignore_index=True)[column_names("family_map")],
    )
