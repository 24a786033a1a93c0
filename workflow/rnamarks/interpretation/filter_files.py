"""Motifs of filters as :mod:`rnamarks.interpretation.filters` finds them and as they are read back, without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..dictionary import column_names
from ..errors import InputError
from ..tables import read_tsv
from .motif_files import read_own
from .pwm import PWM


@dataclass(frozen=True)
class Filters:
    """Motifs of a network's filters.

    Attributes
    ----------
    motifs : list of PWM
        In the order of the table.
    table : pandas.DataFrame
        Table ``motif_filters``: layer, filter (from 0), dilation, width (of the motif in
        nt, gaps included), threshold and activations, sites (subsequences above the threshold), their fraction of all,
        information (bits in all, corrected for few sites), best_five (bits of the best five neighbouring columns),
        informative, consensus.
    """

    motifs: list[PWM]
    table: pd.DataFrame

    def informative(self) -> list[PWM]:
        """The motifs that pass the information filter."""
        return [motif for motif, on in zip(self.motifs, self.table["informative"], strict=True) if on]


def read_filters(motifs: str | Path, table: str | Path) -> Filters:
    """What :func:`rnamarks.interpretation.filters.filter_motifs` found, from its MEME file and table."""
    frame, _ = read_tsv(
        table, column_names("motif_filters", last="consensus"), dtype={"motif": str, "layer": str, "consensus": str}
    )
    own = read_own(motifs)
    if [motif.name for motif in own] != frame["motif"].tolist():
        raise InputError(
            "the motifs are not those of the table", path=motifs, value=str(table), remedy="make both again"
        )
    frame["informative"] = frame["informative"].astype(bool)
    return Filters(own, frame)
