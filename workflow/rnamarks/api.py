"""Trained models from Python: :func:`rnamarks.load`, and what the commands do with a model as methods.

Sequences are text, DNA or RNA in either case, 5' to 3', or arrays of codes (A 0, C 1, G 2, U 3, anything else 4).
Coordinates are 0-based and half-open on the sequence. What the commands say on the screen about an input (bases near
an end, windows without the task's base, what p compares with) is in ``attrs["notes"]`` of a table, and is logged at the
level ``INFO``. Importing this module imports neither torch nor pandas.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from .errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from .interpretation.attribution import Attribution
    from .models.checkpoint import Ensemble, Stack
    from .models.directory import ModelConfig
    from .prediction.scanner import Scanner

    Sequences = Iterable[str | np.ndarray] | Mapping[str, str | np.ndarray]

_LOG = logging.getLogger(__package__)


def load(model: str | os.PathLike[str], *, device: str = "auto", batch_size: int | None = None) -> Model:
    """Load a trained model.

    Parameters
    ----------
    model : str or path-like
        A name that ``rnamarks models`` lists, or a model directory; one that has the name of a shipped model is
        written with ``./``.
    device : str
        ``auto`` (a GPU where torch sees one), ``cpu`` or ``cuda``.
    batch_size : int, optional
        Windows at once; bounds the memory. Default by network and device.

    Returns
    -------
    Model

    Raises
    ------
    InputError
        If there is no such model, or its directory is at fault.

    Examples
    --------
    >>> model = rnamarks.load("results/demo_marks/model")
    >>> sites = model.scan({"my_rna": "GGGAGGACUAACGGACUUACG"})
    """
    from .models.shipped import find_model

    return Model(find_model(model), device=device, batch_size=batch_size)


class Model:
    """A model directory, loaded; made by :func:`load`.

    Parameters
    ----------
    folder : path-like
        A model directory.
    device, batch_size
        See :func:`load`.

    Attributes
    ----------
    folder : pathlib.Path
    tasks : list of str
        Names of what the model can be asked about, each one modification in one species.
    window : int
        Nucleotides that a network reads, the base in the middle.
    ranks_only : list of str
        Tasks whose scores rank bases and call none: :meth:`scan` gives them no q.

    Raises
    ------
    InputError
        If the directory is at fault.
    """

    def __init__(self, folder: str | os.PathLike[str], *, device: str = "auto", batch_size: int | None = None) -> None:
        from .models.directory import read_config
        from .prediction.score import pick_device

        self.folder = Path(folder)
        config, _ = read_config(self.folder)
        self.tasks, self.window = config.task_names, config.window
        self.ranks_only = list(config.ranks_only)
        self._tasks = config.tasks
        pick_device(device)
        self._device, self._batch_size = device, batch_size
        self._scanners: dict[str, Scanner] = {}

    def __repr__(self) -> str:
        return f"rnamarks.load({str(self.folder)!r}): {', '.join(self.tasks)}"

    def scan(
        self,
        sequences: Sequences | os.PathLike[str] | None = None,
        *,
        genome: str | os.PathLike[str] | None = None,
        annotation: str | os.PathLike[str] | None = None,
        extend: tuple[int, int] = (0, 0),
        genes: str | Sequence[str] = (),
        task: str | Sequence[str] = (),
        mode: str = "exact",
        alpha: float | None = 0.05,
        fdr: float | None = None,
        above: float | None = None,
        ends: str = "pad",
        top: bool | None = None,
    ) -> pd.DataFrame:
        """Ask every task about every base that fits it: ``rnamarks scan``.

        Parameters
        ----------
        sequences : list of str or array, mapping of name to those, or path-like, optional
            Those of a list are called by their index, ``"0"``, ``"1"`` and so on. A path is that of a FASTA file, or
            of a **transcripts** table of the workflow, which gives the columns of an annotation, too.
        genome : path-like, optional
            FASTA; with ``annotation`` in place of sequences.
        annotation : path-like, optional
            GTF, GFF3 or UCSC gene table, of the genome's assembly or with the names of the sequences. It gives
            ``length``, ``gene``, ``gene_name``, ``region``, ``kmer`` and the place on the genome, too.
        extend : tuple of int
            nt by which transcripts go on at their 5' and 3' ends where the annotation has no untranslated regions, such
            as (50, 250) in yeast; takes the genome.
        genes : str or sequence of str
            Only these genes, symbols or transcripts of the annotation; default all.
        task : str or sequence of str
            Only these tasks; default all.
        mode : {"exact", "fast"}
            The networks, or the student distilled from them.
        alpha : float or None
            Rows for bases with p below this; None for every base tested.
        fdr : float, optional
            Rows for bases with q below this, besides.
        above : float, optional
            Rows for bases with a probability above this, besides.
        ends : {"pad", "skip"}
            Bases nearer to an end than half a window are read with N beyond it, or left out.
        top : bool, optional
            Whether networks with attention are asked where they looked; default in exact mode.

        Returns
        -------
        pandas.DataFrame
            One row per base and task: ``sequence``, ``start``, ``end``, ``strand``, ``task``, ``modification``,
            ``base``, ``probability`` (calibrated), ``p`` (fraction of unmodified bases that score as high), ``q``
            (Benjamini-Hochberg over all bases of this call that were tested for the task), ``false_fraction``
            (expected fraction of false calls among bases at least as probable), ``logit`` (natural-log odds at 1:1)
            and, of networks with attention, ``top``. p and q are NaN where the model has no null distribution,
            the probability where it has no calibration; q and ``false_fraction`` of tasks that only rank
            (:attr:`ranks_only`), whose scores are sure of no single base.

        Raises
        ------
        InputError
            If a sequence, a task or an option cannot be used; the message names it.
        """
        from .prediction.scan import ScanOptions
        from .prediction.scanner import Outputs, Scanner
        from .tables import read_parquet

        options = ScanOptions(alpha, fdr, above, ends, mode == "exact" if top is None else top)
        if mode not in self._scanners:
            self._scanners[mode] = Scanner(self.folder, mode=mode, device=self._device, batch_size=self._batch_size)
        notes = _Notes()
        with TemporaryDirectory(prefix="rnamarks.") as work:
            table = Path(work) / "sites.parquet"
            source = _source(sequences, genome, annotation, extend, genes, Path(work), notes)
            names = [task] if isinstance(task, str) else list(task)
            self._scanners[mode].run(source, options, Outputs(table=table), tasks=names, warn=notes)
            frame, described = read_parquet(table)
        frame.attrs = {**described, "notes": list(notes)}
        return frame

    def predict(self, windows: Sequences, task: str | None = None) -> pd.DataFrame:
        """Score windows with one task: ``rnamarks score``.

        Parameters
        ----------
        windows : list of str or array, array of codes of shape (n, width), or mapping of name to window
            The base in the middle. Windows longer than what the model reads are cut at both ends, shorter ones padded
            with N: :attr:`window` nt, or more where trees read around the networks' window, as those of ``m6a`` do
            (601 nt). Such a model judges a window without the ends and the reading frame that :meth:`scan` gives it.
        task : str, optional
            May be left out where the model has one.

        Returns
        -------
        pandas.DataFrame
            One row per window, in their order: ``name``, ``length`` (nt, as given), ``logit`` (natural-log odds at
            1:1), ``probability`` (calibrated). A window without the task's base in its motif in the middle has NaN in
            both.

        Raises
        ------
        InputError
            If a window or the task cannot be used; the message names it.
        """
        import pandas as pd

        from .prediction.windows import WindowScorer
        from .sequences import Record, decode

        notes = _Notes()
        records = (
            Record(called, decode(codes), number) for number, (called, codes) in enumerate(_encoded(windows).items(), 1)
        )
        scorer = WindowScorer(
            self.folder, task, device=self._device, batch_size=self._batch_size, loaded=self._loaded, warn=notes
        )
        frame = pd.concat(scorer.score_records(records, "windows"), ignore_index=True)
        frame.attrs = {"notes": list(notes)}
        return frame

    def explain(
        self, windows: Sequences, task: str | None = None, *, method: str = "integrated_gradients"
    ) -> Attribution:
        """Which nucleotides drive a task's logit: ``rnamarks explain``, as arrays.

        Parameters
        ----------
        windows
            As in :meth:`predict`.
        task : str, optional
            May be left out where the model has one.
        method : {"integrated_gradients", "mutagenesis"}

        Returns
        -------
        rnamarks.interpretation.attribution.Attribution
            ``contributions``, shape (n_windows, 4, window), and ``nucleotides``, shape (n_windows, window), in nats of
            log odds, rows A, C, G, U and windows in the order given; ``logits``, shape (n_windows,), and what the parts
            should sum to. Of a model of networks and baselines or trees, as the shipped ones are, it is the logit of
            the networks alone, not that of :meth:`scan`; this is logged.

        Raises
        ------
        InputError
            If a window or the task cannot be used, or a window does not have the task's base in its motif in the
            middle; the message names it.
        """
        import numpy as np

        from .interpretation.attribution import attribute, beside_networks, check_method
        from .prediction.score import fit_to_window, fits_task, pick_device
        from .tasks import find_task

        check_method(method)
        asked = find_task(self._tasks, task)
        given = _encoded(windows)
        codes = np.stack([fit_to_window(one, self.window) for one in given.values()])
        fits = fits_task(codes, asked)
        if not fits.all():
            raise InputError(
                f"the window does not have {asked.place[0]} around the middle, as sites of {asked.name} have",
                value=list(given)[int(np.argmin(fits))],
                remedy="leave it out",
            )
        model, _ = self._loaded
        where = pick_device(self._device)
        if beside := beside_networks(model):
            _LOG.info(beside)
        return attribute(model, codes, asked.name, method, batch_size=self._batch_size, device=where, warn=_LOG.warning)

    @cached_property
    def _loaded(self) -> tuple[Ensemble | Stack, ModelConfig]:
        """The networks and their description, read once for all tasks."""
        from .models.checkpoint import load_model

        return load_model(self.folder)


class _Notes(list[str]):
    """What is said of an input, kept and logged."""

    def __call__(self, line: str) -> None:
        self.append(line)
        _LOG.info(line)


def _encoded(sequences: Sequences) -> dict[str, np.ndarray]:
    """Codes by name; each sequence must have a name of one word, and nucleotides."""
    import numpy as np

    from .sequences import UNKNOWN, encode

    if isinstance(sequences, str | bytes):
        remedy = "put it between brackets; to scan a file, give a pathlib.Path"
        raise InputError("this is one text, not a list", value=sequences, remedy=remedy)
    named = sequences if isinstance(sequences, Mapping) else {str(at): one for at, one in enumerate(sequences)}
    if not named:
        raise InputError("there is no sequence", remedy="give one or more")
    found = {}
    for name, sequence in named.items():
        if not isinstance(name, str) or name.split() != [name] or not name.isprintable():
            raise InputError("the name of a sequence is not one printable word", value=name, remedy="rename it")
        if isinstance(sequence, str):
            codes = encode(sequence, path=f"sequence {name}")
        else:
            codes = np.asarray(sequence)
            if codes.ndim != 1 or codes.dtype.kind not in "iu" or not ((codes >= 0) & (codes <= UNKNOWN)).all():
                raise InputError(
                    "not a sequence", path=f"sequence {name}", value=sequence, remedy="give text, or codes from 0 to 4"
                )
            codes = codes.astype(np.uint8)
        if not len(codes):
            raise InputError("the sequence is empty", path=f"sequence {name}", remedy="leave it out")
        found[name] = codes
    return found


def _source(
    sequences: Sequences | os.PathLike[str] | None,
    genome: str | os.PathLike[str] | None,
    annotation: str | os.PathLike[str] | None,
    extend: tuple[int, int],
    genes: str | Sequence[str],
    folder: Path,
    warn: _Notes,
) -> Path:
    """The file that is scanned, made in a folder where it is not given."""
    if (sequences is None) == (genome is None):
        raise InputError("give either sequences or a genome", remedy="a genome needs annotation, too")
    if genome is not None and annotation is None:
        raise InputError("a genome alone has no transcripts", path=genome, remedy="give annotation")
    five, three = extend
    if (five or three) and genome is None:
        raise InputError("extend needs the genome, which has what lies beyond the ends", remedy="give genome")
    given = sequences if sequences is None or isinstance(sequences, os.PathLike) else _write(sequences, folder)
    genes = [genes] if isinstance(genes, str) else list(genes)
    if annotation is None and not genes:
        return Path(given)
    from .sites.annotated import annotated_transcripts, write_transcripts

    made = {"genome": genome, "sequences": given, "extend": {"five": five, "three": three}, "genes": genes}
    frame = annotated_transcripts(annotation, **made, workdir=folder, warn=warn)
    write_transcripts(frame, folder / "transcripts.parquet")
    return folder / "transcripts.parquet"


def _write(sequences: Sequences, folder: Path) -> Path:
    """A FASTA file of sequences."""
    from .sequences import decode

    with open(folder / "sequences.fa", "w", encoding="utf-8") as handle:
        handle.writelines(f">{name}\n{decode(codes)}\n" for name, codes in _encoded(sequences).items())
    return folder / "sequences.fa"
