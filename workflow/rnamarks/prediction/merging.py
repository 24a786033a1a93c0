"""Predicted sites for export: on the genome, where isoforms are one site, or on the sequences that were scanned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import InputError
from .external_sort import RUN_ROWS, TableFile, join_tables, sort_tables
from .site_files import SITE_SCHEMA, stream_sites, stream_tables

_NAMES = {"start": "genome_start", "end": "genome_end"}
MERGED_COLUMNS = (
    "chrom",
    "start",
    "end",
    "strand",
    "task",
    "modification",
    "kmer",
    "gene",
    "gene_name",
    "sequence",
    "region",
    "logit",
    "probability",
    "p",
    "q",
    "false_fraction",
    "isoforms",
    "transcripts",
)
"""``start`` and ``end`` on the genome; ``transcripts`` are ``isoforms`` names joined by ``,``."""
_MORE = {"isoforms": pa.int64(), "transcripts": pa.string()}
MERGED_SCHEMA = pa.schema(
    [(name, _MORE.get(name) or SITE_SCHEMA.field(_NAMES.get(name, name)).type) for name in MERGED_COLUMNS]
)
_READ = [_NAMES.get(name, name) for name in MERGED_COLUMNS if name not in _MORE]
_PLACE = ("chrom", "genome_start", "strand", "task")
_BLOCK_ROWS = 1 << 13


class MergedSites:
    """One row per genome position, strand and task, on disk.

    Iterating gives them in order, some at a time, in frames of the columns :data:`MERGED_COLUMNS`.

    Attributes
    ----------
    rows, without_coordinates : int
        Rows that were merged, and rows that could not be.
    """

    def __init__(self, table: TableFile, rows: int, without_coordinates: int) -> None:
        self._table = table
        self.rows, self.without_coordinates = rows, without_coordinates

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[pd.DataFrame]:
        for block in self._table:
            yield block.to_pandas()

    def of_task(self, task: str) -> TaskSites:
        """Those of one task."""
        return TaskSites(self._table, task)


class TaskSites:
    """The merged sites of one task, in the form of :class:`MergedSites`."""

    def __init__(self, table: TableFile, task: str) -> None:
        self._table, self._task = table, task
        self._n = sum(map(len, self))

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[pd.DataFrame]:
        for block in self._table:
            yield block.filter(pc.equal(block["task"], self._task)).to_pandas()


class SequenceSites:
    """Rows of a file of **predicted sites** as sites of the sequences that were scanned.

    Frames have the columns ``chrom``, ``start``, ``end``, ``strand``, ``task``, ``modification``, ``probability``,
    ``false_fraction`` and ``isoforms``.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = path
        self.rows = sum(len(frame) for frame in stream_sites(path, ["start"]))
        self.without_coordinates = 0

    def __len__(self) -> int:
        return self.rows

    def __iter__(self) -> Iterator[pd.DataFrame]:
        columns = ["sequence", "start", "end", "strand", "task", "modification", "probability", "false_fraction"]
        for frame in stream_sites(self._path, columns):
            yield frame.rename(columns={"sequence": "chrom"}).assign(isoforms=1)


class ChosenSites:
    """Those of some sites with a probability above ``above`` and a ``false_fraction`` below ``fdr``.

    Parameters
    ----------
    sites : iterable of pandas.DataFrame
        With the columns ``probability`` and ``false_fraction``; gone through once here and once each time this is, in
        whose form this gives them.
    above, fdr : float or None
        None for no limit.
    """

    def __init__(self, sites: Iterable[pd.DataFrame], above: float | None, fdr: float | None) -> None:
        self._sites, self.above, self.fdr = sites, above, fdr
        self._n = sum(int(self._keep(frame).sum()) for frame in sites)

    @property
    def limits(self) -> list[str]:
        """The limits in words."""
        limits = (("probability>", self.above), ("false_fraction<", self.fdr))
        return [f"{name}{limit:g}" for name, limit in limits if limit is not None]

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[pd.DataFrame]:
        for frame in self._sites:
            yield frame[self._keep(frame)].reset_index(drop=True)

    def _keep(self, frame: pd.DataFrame) -> np.ndarray:
        keep = np.ones(len(frame), dtype=bool)
        if self.above is not None:
            keep &= frame["probability"].to_numpy() > self.above
        if self.fdr is not None:
            keep &= frame["false_fraction"].to_numpy() < self.fdr
        return keep


def merge_isoforms(path: str | Path, *, run_rows: int = RUN_ROWS) -> MergedSites:
    """One row per genome position, strand and task: that of the transcript with the highest probability.

    Isoforms see other windows around the same nucleotide near their ends and splice sites, hence other probabilities.
    Of equal ones the first in the file is taken. Its row of the file is kept, and all transcripts that were scored
    there are listed in the file's order, whatever their probability.

    Parameters
    ----------
    path : path-like
        File of **predicted sites**. Beside it lie files without names while the result is held: about 100 bytes per
        row of the file and per site.
    run_rows : int
        Rows that are sorted at once.

    Returns
    -------
    MergedSites
        Sorted by chromosome (as text), start and strand. ``transcripts`` are joined by ``,`` and ``isoforms`` is their
        number.

    Raises
    ------
    InputError
        If the sites have no probability because the model has no calibration.

    Notes
    -----
    In memory are ``run_rows`` rows and what :func:`rnamarks.prediction.external_sort.sort_tables` says.
    """
    counts = {"all": 0, "placed": 0}

    def placed() -> Iterator[pa.Table]:
        for table in stream_tables(path, _READ):
            counts["all"] += table.num_rows
            table = table.filter(pc.greater_equal(table["genome_start"], 0))
            counts["placed"] += table.num_rows
            if pc.any(pc.is_nan(table["probability"])).as_py():
                raise InputError(
                    "the sites have no probability", path=path, remedy="scan with a model that is calibrated"
                )
            yield table

    folder = Path(path).parent
    merged = TableFile(folder, MERGED_SCHEMA, _BLOCK_ROWS)
    for block in join_tables(map(_merge, sort_tables(placed(), _PLACE, folder, run_rows=run_rows)), _BLOCK_ROWS):
        merged.append(block)
    return MergedSites(merged, counts["placed"], counts["all"] - counts["placed"])


def _merge(rows: pa.Table) -> pa.Table:
    """One row per place of rows sorted by place, which hold all rows of each."""
    rows = rows.combine_chunks()
    fresh = np.ones(rows.num_rows, dtype=bool)
    fresh[1:] = False
    for name in _PLACE:
        column = rows[name].combine_chunks()
        fresh[1:] |= pc.not_equal(column[1:], column[:-1]).to_numpy(zero_copy_only=False)
    first = np.flatnonzero(fresh)
    isoforms = np.diff(first, append=rows.num_rows)
    # stable: of equally probable rows the first in the file
    best = np.lexsort((-rows["probability"].to_numpy(), np.cumsum(fresh)))[first]
    edges = pa.array(np.append(first, rows.num_rows), type=pa.int32())
    listed = pa.ListArray.from_arrays(edges, rows["sequence"].combine_chunks())
    chosen = rows.take(best)
    more = {"isoforms": pa.array(isoforms), "transcripts": pc.binary_join(listed, ",")}
    columns = [more[name] if name in more else chosen[_NAMES.get(name, name)] for name in MERGED_COLUMNS]
    return pa.table(columns, schema=MERGED_SCHEMA)


def select_sites(sites: Iterable[pd.DataFrame], *, above: float | None = None, fdr: float | None = None) -> ChosenSites:
    """Sites with a probability above ``above`` and a ``false_fraction`` below ``fdr``; None for no limit.

    Raises
    ------
    InputError
        If a limit is no fraction.
    """
    for name, limit in (("above", above), ("fdr", fdr)):
        if limit is not None and not 0 <= limit <= 1:
            raise InputError(f"{name} is no fraction", value=limit, remedy="give a number from 0 to 1")
    return ChosenSites(sites, above, fdr)


def export_comments(
    metadata: Mapping[str, object],
    merged: MergedSites | SequenceSites,
    chosen: ChosenSites | MergedSites | SequenceSites | TaskSites,
) -> list[str]:
    """Comments of exported sites: that they are predictions, whose, and how many were left out and why.

    Parameters
    ----------
    metadata : mapping
        See :func:`read_site_metadata`.
    merged : MergedSites or SequenceSites
    chosen : ChosenSites, TaskSites or as ``merged``
        Those of ``merged`` that are exported.
    """
    tasks = metadata["tasks"]
    lines = [
        "sites are PREDICTIONS from sequence, not measured",
        f"model {metadata['predictor']}, {metadata['mode']} mode, tasks {', '.join(task['name'] for task in tasks)}, "
        f"weights sha256 {metadata['model_sha256']}",
        f"{metadata['sites']} tests on {metadata['sequences']} sequences; "
        f"{merged.without_coordinates} without genome coordinates left out",
    ]
    if metadata.get("ranks_only"):
        lines.append(f"the model ranks nucleotides for {', '.join(metadata['ranks_only'])} and calls none")
    if isinstance(merged, MergedSites):
        lines.append(
            f"{merged.rows} on the genome merged to {len(merged)} positions, each with its most probable isoform"
        )
    if isinstance(chosen, ChosenSites):
        limits = [f"a probability of at most {chosen.above:g}"] if chosen.above is not None else []
        limits += [f"a fraction of false calls of at least {chosen.fdr:g}"] if chosen.fdr is not None else []
        if limits:
            lines.append(f"{len(merged) - len(chosen)} with {' or '.join(limits)} left out")
    return [*lines, f"{len(chosen)} sites below"]
