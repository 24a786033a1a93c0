"""A folder of tracks for genome browsers: bigWig, BED compressed by bgzip and indexed by tabix (Li 2011,
doi:10.1093/bioinformatics/btq671), a track hub and a session of IGV."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from ..errors import InputError
from ..figures.palette import painted
from ..tasks import Task
from .hub import HUB, write_hub, write_session
from .merging import MergedSites, export_comments
from .tracks import STRANDS, write_bed, write_bigwig


def check_tracks_folder(folder: str | Path) -> None:
    """Raise :class:`InputError` if a folder holds anything but tracks that were written before, and
    :class:`ModuleNotFoundError` if what writes bigWig is not installed."""
    import_module("pyBigWig")
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError("not a folder", path=folder, remedy="give the name of a folder for the tracks")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / HUB).is_file():
        raise InputError("the folder holds other files", path=folder, remedy="give a new folder for the tracks")


def write_tracks(
    sites: MergedSites,
    metadata: Mapping[str, object],
    *,
    folder: str | Path,
    sizes: Mapping[str, int],
    assembly: str,
    genome: str = "",
    limits: Sequence[str] = (),
) -> None:
    """Write a folder of tracks, a hub and a session of IGV; it appears when it is whole.

    Parameters
    ----------
    sites : MergedSites
    metadata : mapping
        See :func:`rnamarks.prediction.site_files.read_site_metadata`.
    folder : path-like
        New, or one that this function wrote; see :func:`check_tracks_folder`.
    sizes : mapping of str to int
        See :func:`rnamarks.prediction.tracks.chromosome_sizes`.
    assembly : str
        As browsers call it: hg38.
    genome : str
        FASTA that IGV is to open where it does not know the assembly.
    limits : sequence of str
        What the sites are, such as ``p<0.05``.
    """
    folder = Path(folder)
    check_tracks_folder(folder)
    tasks = [Task.from_record(record) for record in metadata["tasks"]]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as made:
        work = Path(made) / "tracks"
        work.mkdir()
        notes = {}
        for task in tasks:
            mine = sites.of_task(task.name)
            notes[task.name] = [
                *export_comments(metadata, sites, mine),
                *([f"listed: {' and '.join(limits)}"] if limits else []),
            ]
            write_bed(mine, work / f"{task.name}.bed", notes[task.name], colour=painted([task])[task.name].colour)
            _index(work / f"{task.name}.bed")
            for strand, name in STRANDS:
                write_bigwig(mine, work / f"{task.name}.{name}.bw", strand, sizes)
        write_hub(work, tasks, assembly=assembly, predictor=str(metadata["predictor"]), notes=notes)
        write_session(work, tasks, assembly=assembly, genome=genome)
        if folder.exists():
            shutil.rmtree(folder)
        work.rename(folder)


def _index(path: Path) -> None:
    """Replace a BED file by the same compressed, with an index."""
    import pysam

    pysam.tabix_compress(str(path), f"{path}.gz", force=True)
    pysam.tabix_index(f"{path}.gz", preset="bed", force=True)
    path.unlink()
