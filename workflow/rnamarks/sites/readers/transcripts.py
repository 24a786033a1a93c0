"""Sites listed by transcript."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ..drops import Scope
from ..modifications import Modification
from .register import READERS
from .rows import (
    check_names_and_strands,
    check_stated_assembly,
    leading_comments,
    read_fields,
    site_table,
    whole_numbers,
)


@READERS.add("transcript_list")
def read_transcript_list(path: str | Path, scope: Scope, *, assembly: str, modification: Modification) -> pd.DataFrame:
    """iM6A lists (Luo et al. 2022): ``ENST#GENE, 0, chrom, strand, txStart, txEnd, positions``, tab-separated.

    Positions are on the genome, comma-separated, with a comma at the end. On the plus strand they are the 0-based
    start of the site, on the minus strand that start **plus 2**: so all 47,084 human and 37,563 mouse positions
    meet a site of the BED that the lists were made from, and with one rule for both strands half of them do not.

    Raises
    ------
    InputError
        If a row is malformed.
    """
    check_stated_assembly(path, assembly, leading_comments(path))
    columns = {"transcript": 0, "chrom": 2, "strand": 3, "first": 4, "last": 5, "positions": 6}
    rows = read_fields(path, columns)
    check_names_and_strands(rows, path)
    rows = rows.assign(first=whole_numbers(rows, "first", path), last=whole_numbers(rows, "last", path))
    rows["positions"] = rows["positions"].str.removesuffix(",").str.split(",")
    rows = rows.explode("positions")
    rows["positions"] = rows["positions"].str.strip()
    starts = whole_numbers(rows, "positions", path) - np.where(rows["strand"] == "-", 2, 0)
    inside = (starts >= rows["first"].to_numpy()) & (starts < rows["last"].to_numpy())
    rows = scope.keep(rows, inside, "outside its transcript")
    return site_table(rows, starts[inside], scope, assembly=assembly, modification=modification)
