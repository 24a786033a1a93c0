"""Tables of what is attended: weights of positions, whatever they were weighed by.

Made by :mod:`rnamarks.interpretation.explanation`; attention and integrated gradients have the same form, one number
per nucleotide.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from ..dictionary import column_names
from ..prediction.attended import top_windows
from ..sequences import decode, encode_windows
from ..tables import stack_frames

ATTENTION, GRADIENTS = "attention", "integrated_gradients"
"""Values of the column ``method``."""
_Z = float(norm.ppf(0.975))


def weight_matrix(attended: pd.DataFrame) -> np.ndarray:
    """The column ``weights`` of a table of ``explained``, shape (n, window), dtype float32."""
    if attended.empty:
        return np.zeros((0, 0), dtype=np.float32)
    return np.stack([np.asarray(row, dtype=np.float32) for row in attended["weights"]])


def top_table(attended: pd.DataFrame, *, width: int = 3, count: int = 3, margin: int = 1) -> pd.DataFrame:
    """The windows with most weight of each explained window, as the original's command line lists them.

    Parameters
    ----------
    attended : pandas.DataFrame
        Table ``explained``.
    width, count, margin
        See :func:`top_windows`.

    Returns
    -------
    pandas.DataFrame
        Table ``attended``: ``first`` and ``last`` nucleotide relative to the site, ``nucleotides`` RNA,
        ``weight`` their sum and ``fraction`` its part of the sum of all absolute weights.
    """
    tables = []
    for _, rows in attended.groupby(["predictor", "task", "method"], sort=False):
        weights = weight_matrix(rows)
        window = weights.shape[1]
        starts, sums = top_windows(weights, width=width, count=count, margin=margin)
        codes = encode_windows(rows["sequence"])
        row, rank = np.nonzero(starts >= 0)
        begin = starts[row, rank]
        total = np.abs(weights, dtype=np.float64).sum(axis=1)
        tables.append(
            rows.iloc[row][["predictor", "task", "method", "window", "logit"]].assign(
                rank=rank + 1,
                first=begin - window // 2,
                last=begin + width - 1 - window // 2,
                nucleotides=[decode(codes[at, start : start + width]) for at, start in zip(row, begin, strict=True)],
                weight=sums[row, rank],
                fraction=np.divide(sums[row, rank], total[row], out=np.zeros(len(row)), where=total[row] > 0),
            )
        )
    return stack_frames(tables, column_names("attended", task_columns=False))


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
