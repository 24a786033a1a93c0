"""What is true of the genes of a simulated world: capacity, conservation, composition."""

from __future__ import annotations

import zlib

import numpy as np
import pandas as pd
from scipy.special import expit

from .world import World, orthologues

GENE_COLUMNS = [
    *("species", "gene", "gene_name", "orthogroup", "biotype", "transcript", "length", "cds_length", "gc"),
    *("sites", "methylated", "capacity", "mean_logit", "high", "conserved"),
]


def stream(world: World, *names: str) -> np.random.Generator:
    """A generator of its own for each thing that is drawn after the world stands.

    Adding a draw therefore changes no other one, and none of the world's own (streams 1 to 4).
    """
    # zlib.crc32 is stable between runs, which hash() of a text is not
    return np.random.default_rng([world.seed, 5, zlib.crc32("/".join(names).encode())])


def gene_truth(world: World) -> pd.DataFrame:
    """The true m6A capacity of every gene and who is high in it.

    Parameters
    ----------
    world : World

    Returns
    -------
    pandas.DataFrame
        One row per gene, species after species in genome order, :data:`GENE_COLUMNS`. Everything is of the gene's
        representative transcript: ``length``, ``cds_length`` (0 without one), ``gc`` (fraction), ``sites`` (DRACH),
        ``methylated`` (of them). ``capacity`` is the mean probability that the rule gives to its DRACH, ``mean_logit``
        the mean log odds (both nan without DRACH). ``high`` says that a coding gene's capacity is above the median
        of its species' coding genes, ``conserved`` that its orthogroup has a high gene in every species and that it
        is one. In the null world these are what the rule would say; nothing depends on them.
    """
    parts = []
    for entry in world.species:
        chosen = world.layouts[entry.species].representatives()
        parts.append(
            pd.DataFrame(
                {
                    "species": entry.species,
                    "gene": [transcript.gene for transcript in chosen],
                    "gene_name": [transcript.gene_name for transcript in chosen],
                    "biotype": [transcript.biotype for transcript in chosen],
                    "transcript": [transcript.transcript for transcript in chosen],
                    "length": [transcript.codes.size for transcript in chosen],
                    "cds_length": [end - start for start, end in (entry.coding or (0, 0) for entry in chosen)],
                    "gc": [float(np.isin(transcript.codes, (1, 2)).mean()) for transcript in chosen],
                }
            )
        )
    genes = pd.concat(parts, ignore_index=True)
    # a place that several isoforms share stands under the fullest one, so these are all DRACH of the representative
    sites = world.truth[world.truth["transcript"].isin(genes["transcript"])]
    sites = sites.assign(probability=expit(sites["logit"]))
    summary = sites.groupby("transcript").agg(
        sites=("label", "size"),
        methylated=("label", "sum"),
        capacity=("probability", "mean"),
        mean_logit=("logit", "mean"),
    )
    genes = genes.merge(orthologues(world), on=["species", "gene"]).merge(
        summary, left_on="transcript", right_index=True, how="left"
    )
    genes[["sites", "methylated"]] = genes[["sites", "methylated"]].fillna(0).astype(np.int64)
    coding = genes["biotype"] == "protein_coding"
    median = genes[coding].groupby("species")["capacity"].median()
    genes["high"] = coding & (genes["capacity"] > genes["species"].map(median))
    shared = genes[genes["high"]].groupby("orthogroup")["species"].nunique() == len(world.species)
    genes["conserved"] = genes["high"] & genes["orthogroup"].isin(shared.index[shared])
    return genes[GENE_COLUMNS]


def standardise(values: np.ndarray) -> np.ndarray:
    """Values less their mean, over their deviation; nan becomes 0, as do values that are all alike."""
    values = np.asarray(values, dtype=float)
    known = values[np.isfinite(values)]
    deviation = known.std() if known.size else 0.0
    if deviation == 0:
        return np.zeros(values.size)
    return np.nan_to_num((values - known.mean()) / deviation, nan=0.0)
