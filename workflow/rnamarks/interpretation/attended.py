"""Tables of what is attended: weights of positions, whatever they were weighed by.

Made by :mod:`rnamarks.interpretation.explanation`; attention and integrated gradients have the same form, one number
per nucleotide.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy

from ..dictionary import column_names
from ..tables import stack_frames

ATTENTION, GRADIENTS = "attention", "integrated_gradients"
"""Values of the column ``method``."""
EXPLAINED_SPLITS = ("train", "valid")
"""Parts of a scheme whose windows are explained; the motifs of these windows are judged on the test split."""
_Z = float(scipy.special.ndtri(0.975))


def weight_matrix(attended: pd.DataFrame) -> np.ndarray:
    """The column ``weights`` of a table of ``explained``, shape (n, window), dtype float32."""
    if attended.empty:
        return np.zeros((0, 0), dtype=np.float32)
    return np.stack([np.asarray(row, dtype=np.float32) for row in attended["weights"]])


def profile_table(attended: pd.DataFrame) -> pd.DataFrame:
    """Mean weight of each place in the window.

    Returns
    -------
    pandas.DataFrame
        Table ``attention``: ``offset`` from the site, nt, negative upstream; ``low`` and ``high`` the 95 %
        interval of the mean over windows (normal approximation, NaN for one window); ``relative`` the mean over the
        largest of the task and method. Places that get nothing in any window,
        which the network does not read, are left out.
    """
    tables = []
    for keys, rows in attended.groupby(["predictor", "task", "method"], sort=False):
        weights = weight_matrix(rows).astype(np.float64)
        n, window = weights.shape
        read = np.flatnonzero(weights.mean(axis=0))
        if not len(read):
            continue
        read = np.arange(read[0], read[-1] + 1)
        centre = weights[:, read].mean(axis=0)
        reach = _Z * weights[:, read].std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.nan
        tables.append(
            pd.DataFrame(
                {
                    **dict(zip(("predictor", "task", "method"), keys, strict=True)),
                    "offset": read - window // 2,
                    "mean": centre,
                    "low": centre - reach,
                    "high": centre + reach,
                    "relative": centre / np.abs(centre).max(),
                    "windows": n,
                }
            )
        )
    return stack_frames(tables, column_names("attention", task_columns=False))
