"""The leak meter: how much of a test split the training split already holds.

For each scheme, task and label: the fraction of test windows that have in training an exact copy, a neighbour of at
least the given identity on the same strand, a window of an orthologous gene, or a window of the same gene; and each
test window's highest identity, so that metrics can be computed by similarity.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..dictionary import column_names
from ..tasks import TASK_COLUMNS
from .neighbours import best_identity

BINS = ("<50", "50-70", "70-80", "80-90", "90-100", "exact")
KINDS = ("exact_own", "exact_any", "similar_own", "similar_any", "gene_own", "orthogroup_own", "orthogroup_other")
_EDGES = (0.5, 0.7, 0.8, 0.9)


def similarity_bins(identity: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Name of the similarity bin of each window.

    Parameters
    ----------
    identity : numpy.ndarray, shape=(n_windows,)
        Highest identity with a training window, from 0 to 1; a bin holds its lower edge.
    exact : numpy.ndarray, shape=(n_windows,), dtype=bool
        Whether a training window is identical.

    Returns
    -------
    numpy.ndarray, shape=(n_windows,), dtype=object
        One of ``<50``, ``50-70``, ``70-80``, ``80-90``, ``90-100``, ``exact``.
    """
    at = np.searchsorted(_EDGES, np.asarray(identity) + 1e-9, side="right")
    return np.array(BINS, dtype=object)[np.where(exact, len(BINS) - 1, at)]


def identity_to_training(windows: pd.DataFrame, scheme: str, *, threads: int = 1) -> pd.DataFrame:
    """Highest identity of each test window with the training windows of its own task and of all tasks.

    Parameters
    ----------
    windows : pandas.DataFrame
        Columns ``window``, ``task``, ``sequence``, ``label`` and the scheme's; all tasks together.
    scheme : str
        Name of the scheme's column.
    threads : int

    Returns
    -------
    pandas.DataFrame
        One row per test window, in the order of ``windows``: ``scheme``, ``task``, ``window``, ``label``,
        ``max_identity`` (any task), ``max_identity_own``, ``exact``, ``exact_own`` (bool), ``bin`` (by
        ``max_identity``). 0 means that no alignment was found. Below about 0.6 the figure is a lower bound, as chance
        alone reaches 0.5 and such pairs are found in part.
    """
    is_test = (windows[scheme] == "test").to_numpy(dtype=bool)
    is_train = (windows[scheme] == "train").to_numpy(dtype=bool)
    test, train = windows[is_test], windows[is_train]
    own = test["task"].to_numpy(dtype=object)
    train_tasks = train["task"].to_numpy(dtype=object)
    exact = test["sequence"].isin(set(train["sequence"])).to_numpy(dtype=bool)
    exact_own = np.zeros(len(test), dtype=bool)
    for name in dict.fromkeys(own):
        mine = own == name
        exact_own[mine] = test["sequence"][mine].isin(set(train["sequence"][train_tasks == name]))
    found = best_identity(test["sequence"].tolist(), train["sequence"].tolist(), train_tasks, threads=threads)
    query = found["query"].to_numpy(np.int64)
    value = found["identity"].to_numpy(float)
    same = found["group"].to_numpy(dtype=object) == own[query]
    highest, highest_own = np.zeros(len(test)), np.zeros(len(test))
    np.maximum.at(highest, query, value)
    np.maximum.at(highest_own, query[same], value[same])
    highest[exact], highest_own[exact_own] = 1.0, 1.0
    return pd.DataFrame(
        {
            "scheme": scheme,
            "task": own,
            "window": test["window"].to_numpy(),
            "label": test["label"].to_numpy(),
            "max_identity": highest,
            "max_identity_own": highest_own,
            "exact": exact,
            "exact_own": exact_own,
            "bin": similarity_bins(highest, exact),
        }
    )


def measure_leaks(
    windows: pd.DataFrame, *, schemes: Sequence[str] = ("paper", "guarded"), identity: float = 0.8, threads: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure each scheme.

    Parameters
    ----------
    windows : pandas.DataFrame
        The splits tables of all tasks, one below the other.
    schemes : sequence of str
        Columns to measure.
    identity : float
        From it on a training window counts as similar.
    threads : int

    Returns
    -------
    leaks : pandas.DataFrame
        ``scheme``, ``task``, ``species``, ``modification``, ``label`` (``all``, ``1``, ``0``), ``kind``, ``n`` (test
        windows for which the question can be asked: those with a known gene or orthogroup for these kinds),
        ``n_leaky``, ``fraction`` (NaN where n is 0). Kinds: ``exact_own``, ``similar_own`` and ``gene_own`` (training
        windows of the same task), ``exact_any`` and ``similar_any`` (of any task), ``orthogroup_own`` (same species,
        another gene), ``orthogroup_other`` (another species).
    identities : pandas.DataFrame
        The tables of :func:`identity_to_training`, one below the other.
    """
    tables, identities = [], []
    for scheme in schemes:
        found = identity_to_training(windows, scheme, threads=threads)
        identities.append(found)
        test = windows[(windows[scheme] == "test").to_numpy(dtype=bool)].reset_index(drop=True)
        train = windows[(windows[scheme] == "train").to_numpy(dtype=bool)]
        everywhere = np.ones(len(test), dtype=bool)
        gene_known = (test["gene"] != "").to_numpy(dtype=bool)
        group_known = (test["orthogroup"] != "").to_numpy(dtype=bool)
        other_gene, other_species = _orthologous(test, train)
        verdicts = {
            "exact_own": (everywhere, found["exact_own"].to_numpy()),
            "exact_any": (everywhere, found["exact"].to_numpy()),
            "similar_own": (everywhere, found["max_identity_own"].to_numpy() >= identity - 1e-9),
            "similar_any": (everywhere, found["max_identity"].to_numpy() >= identity - 1e-9),
            "gene_own": (gene_known, _shares(test, train, ["task", "gene"])),
            "orthogroup_own": (group_known, other_gene),
            "orthogroup_other": (group_known, other_species),
        }
        for name, species, modification in windows[[*TASK_COLUMNS]].drop_duplicates().itertuples(index=False):
            mine = (test["task"] == name).to_numpy(dtype=bool)
            for label in ("all", 1, 0):
                rows = mine if label == "all" else mine & (test["label"] == label).to_numpy(dtype=bool)
                for kind in KINDS:
                    asked, leaky = verdicts[kind]
                    n, n_leaky = int((rows & asked).sum()), int((rows & asked & leaky).sum())
                    share = n_leaky / n if n else np.nan
                    tables.append((scheme, name, species, modification, str(label), kind, n, n_leaky, share))
    return pd.DataFrame(tables, columns=column_names("leaks")), pd.concat(identities, ignore_index=True)


def _shares(test: pd.DataFrame, train: pd.DataFrame, columns: list[str]) -> np.ndarray:
    """Whether each test window agrees with a training window in all the columns."""
    known = pd.MultiIndex.from_frame(train[columns]).unique()
    return pd.MultiIndex.from_frame(test[columns]).isin(known)


def _orthologous(test: pd.DataFrame, train: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Whether training holds the window's orthogroup in another gene of its species, and in another species."""
    members = train.loc[train["orthogroup"] != "", ["orthogroup", "species", "gene"]].drop_duplicates()
    genes_anywhere = members.groupby("orthogroup").size()
    genes_in_species = members.groupby(["orthogroup", "species"]).size()
    here = pd.MultiIndex.from_frame(test[["orthogroup", "species"]])
    anywhere = test["orthogroup"].map(genes_anywhere).fillna(0).to_numpy()
    in_species = genes_in_species.reindex(here, fill_value=0).to_numpy() if len(members) else np.zeros(len(test))
    itself = _shares(test, members, ["orthogroup", "species", "gene"])
    return in_species - itself > 0, anywhere - in_species > 0
