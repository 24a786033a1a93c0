"""Predicted sites in genome browsers: a track hub (UCSC, Ensembl) and a session of IGV, beside the tracks they name.

A hub is read from an address on the web; its form is that of Raney et al. 2014, doi:10.1093/bioinformatics/btt637. Each
task is one track of two bigWig files, the minus strand downwards. IGV has the same and the sites as BED.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from ..figures.palette import painted
from ..files import write_text
from ..tasks import Task
from .tracks import STRANDS, rgb_text

HUB, GENOMES, TRACKS, SESSION = "hub.txt", "genomes.txt", "trackDb.txt", "igv.xml"
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9_]")
# UCSC's limits
_SHORT, _LONG = 17, 76


def write_hub(
    folder: Path,
    tasks: Sequence[Task],
    *,
    assembly: str,
    predictor: str,
    notes: Mapping[str, Sequence[str]],
    names: Mapping[str, str] | None = None,
    stem: str = "",
) -> None:
    """Write ``hub.txt``, ``genomes.txt`` and ``trackDb.txt``, and a page about each track.

    Parameters
    ----------
    folder : Path
        Holds ``NAME.plus.bw`` and ``NAME.minus.bw`` of each task.
    tasks : sequence of Task
    assembly : str
    predictor : str
        What the model is called.
    notes : mapping of str to sequence of str
        By task: what its page says.
    names : mapping of str to str, optional
        By task: what its files are called; default the task's name.
    stem : str
        In front of the names of the hub's files.
    """
    names = names or {task.name: task.name for task in tasks}
    title = f"RNA modifications predicted by {predictor}"
    stanzas = []
    for number, task in enumerate(tasks, 1):
        paint, file = painted([task])[task.name], names[task.name]
        name = f"rnamarks_{_NOT_IN_NAME.sub('_', file)}"
        about = f"{task.modification or task.label}{f' in {task.species}' if task.species else ''}"
        shared = {
            "type": "bigWig 0 1",
            "color": rgb_text(paint.colour),
            "altColor": rgb_text(paint.colour),
            "viewLimits": "-1:1",
            "maxHeightPixels": "100:40:16",
            "autoScale": "off",
            "alwaysZero": "on",
            "windowingFunction": "maximum",
        }
        stanzas.append(
            {
                "track": name,
                "container": "multiWig",
                "aggregate": "transparentOverlay",
                "showSubtrackColorOnUi": "on",
                "shortLabel": task.label[:_SHORT],
                "longLabel": f"{about}: predicted probability ({predictor})"[:_LONG],
                "visibility": "full",
                "priority": str(number),
                "html": f"{file}.html",
                **shared,
            }
        )
        for strand, side in STRANDS:
            stanzas.append(
                {
                    "track": f"{name}_{side}",
                    "parent": name,
                    "bigDataUrl": f"{file}.{side}.bw",
                    "shortLabel": f"{task.label[: _SHORT - 2]} {strand}",
                    "longLabel": f"{about}: probability, {side} strand ({predictor})"[:_LONG],
                    **shared,
                    **({"negateValues": "on"} if strand == "-" else {}),
                }
            )
        with write_text(folder / f"{file}.html") as handle:
            handle.write(f"<h2>{html.escape(about)}</h2>\n<p>Each bar is a nucleotide; its height is the calibrated ")
            handle.write("probability, the minus strand is drawn downwards.</p>\n<ul>\n")
            handle.writelines(f"<li>{html.escape(line)}</li>\n" for line in notes[task.name])
            handle.write("</ul>\n")
    # UCSC asks for an address of whoever keeps a hub
    hub = {
        "hub": f"rnamarks_{_NOT_IN_NAME.sub('_', stem + predictor)}",
        "shortLabel": "rnamarks",
        "longLabel": title[:_LONG],
        "genomesFile": f"{stem}{GENOMES}",
        "email": "you@example.org",
    }
    _write_stanzas(folder / f"{stem}{HUB}", [hub])
    _write_stanzas(folder / f"{stem}{GENOMES}", [{"genome": assembly, "trackDb": f"{stem}{TRACKS}"}])
    _write_stanzas(folder / f"{stem}{TRACKS}", stanzas)


def write_session(
    folder: Path,
    tasks: Sequence[Task],
    *,
    assembly: str,
    genome: str = "",
    names: Mapping[str, str] | None = None,
    stem: str = "",
    bed: str = ".bed.gz",
) -> None:
    """Write a session of IGV, ``igv.xml``, which names tracks beside it.

    Parameters
    ----------
    folder, tasks, assembly, names, stem
        See :func:`write_hub`.
    genome : str
        FASTA to open in place of an assembly that IGV does not know.
    bed : str
        Ending of the BED file of each task; ``.gz`` has an index beside it.
    """
    names = names or {task.name: task.name for task in tasks}
    session = ElementTree.Element("Session", genome=genome or assembly, locus="All", version="8")
    resources = ElementTree.SubElement(session, "Resources")
    panel = ElementTree.SubElement(session, "Panel", name="DataPanel")
    for task in tasks:
        paint = painted([task])[task.name]
        shown = {"color": rgb_text(paint.colour), "altColor": rgb_text(paint.colour)}
        for strand, side in STRANDS:
            path = f"{names[task.name]}.{side}.bw"
            ElementTree.SubElement(resources, "Resource", path=path)
            track = ElementTree.SubElement(
                panel,
                "Track",
                id=path,
                name=f"{task.label} {strand}",
                renderer="BAR_CHART",
                windowFunction="max",
                autoScale="false",
                height="40",
                **shown,
            )
            ElementTree.SubElement(
                track, "DataRange", minimum="0.0", baseline="0.0", maximum="1.0", drawBaseline="true"
            )
        path = f"{names[task.name]}{bed}"
        index = {"index": f"{path}.tbi"} if bed.endswith(".gz") else {}
        ElementTree.SubElement(resources, "Resource", path=path, **index)
        ElementTree.SubElement(panel, "Track", id=path, name=f"{task.label} sites", displayMode="EXPANDED", **shown)
    ElementTree.indent(session)
    with write_text(folder / f"{stem}{SESSION}") as handle:
        handle.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        handle.write(ElementTree.tostring(session, encoding="unicode") + "\n")


def _write_stanzas(path: Path, stanzas: Iterable[Mapping[str, str]]) -> None:
    with write_text(path) as handle:
        handle.write("\n".join("".join(f"{key} {value}\n" for key, value in stanza.items()) for stanza in stanzas))
