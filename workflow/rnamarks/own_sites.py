"""Sites of one's own: what a model is wanted of them, and whether they can be trained on, before anything is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InputError
from .registry import registered

if TYPE_CHECKING:
    import pandas as pd
    import pyfaidx

FEWEST = 30
"""Sites without which no split has enough to train, to validate and to test on."""


@dataclass(frozen=True)
class Question:
    """What a model is wanted of.

    Attributes
    ----------
    sites, genome, annotation : path-like
    form : str or None
        Name of a site reader; told from the content if None.
    modification : str
        Short name, or a synonym of it.
    motif : str or None
        IUPAC letters, the modified nucleotide in lower case; default that of the start, else that of the modification.
    species, assembly : str
    start : path-like or None
        Model directory whose weights are trained on.
    extend : mapping of str to int
        nt upstream and downstream by which transcripts without untranslated regions go on.
    """

    sites: Path
    genome: Path
    annotation: Path
    form: str | None = None
    modification: str = "m6A"
    motif: str | None = None
    species: str = "mine"
    assembly: str = ""
    start: Path | None = None
    extend: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Begin:
    """Network that a training begins with.

    Attributes
    ----------
    network : str
    hyperparameters : mapping
    window : int
        Width in nt.
    motif, motif_offset : str, int
    task : str
        Task whose head is trained on; ``""`` where weights are random.
    """

    network: str
    hyperparameters: Mapping[str, Any]
    window: int
    motif: str
    motif_offset: int
    task: str = ""


def begin(question: Question, root: Path) -> Begin:
    """The network to train, and the motif in which sites are looked for.

    Raises
    ------
    InputError
        If the modification or the motif is unknown, or the start has no head for the modification.
    """
    from .sites.modifications import IUPAC, find_modification, load_modifications

    modification = find_modification(load_modifications(root / "config" / "modifications.tsv"), question.modification)
    motif, offset = modification.place
    if question.start is not None:
        from .models.directory import read_config

        config, _ = read_config(question.start)
        heads = [task for task in config.network_tasks if task.modification in modification.names]
        if not heads:
            raise InputError(
                f"the model to start from has no task of {modification.name}",
                path=question.start,
                value=", ".join(config.task_names),
                remedy="name another --start or --modification",
            )
        if "trunk" in config.hyperparameters:
            raise InputError(
                "the model to start from stands on a language model",
                path=question.start,
                remedy="start from a network of its own, or write trunk and start into a configuration",
            )
        motif, offset = heads[0].place
        found = Begin(config.model, config.hyperparameters, config.window, motif, offset, heads[0].name)
    else:
        sizes = {"form": "paper", "filters": 32, "channels": 16, "lstm_units": 16, "attention_heads": 2}
        sizes |= {"attention_width": 8, "dense": 32, "dropout": 0.3}
        found = Begin("mass", sizes, 101, motif, offset)
    if question.motif is None:
        return found
    lower = [at for at, letter in enumerate(question.motif) if letter.islower()]
    letters = question.motif.upper().replace("T", "U")
    if unknown := [letter for letter in letters if letter not in IUPAC]:
        raise InputError(
            f"the motif has a letter that is none of IUPAC's: {unknown[0]}",
            value=question.motif,
            remedy=f"use {', '.join(IUPAC)}",
        )
    if len(lower) != 1 or letters[lower[0]] != modification.base:
        raise InputError(
            f"the motif does not say which {modification.base} is modified",
            value=question.motif,
            remedy=f"write that letter small, such as {motif[:offset]}{modification.base.lower()}{motif[offset + 1 :]}",
        )
    return replace(found, motif=letters, motif_offset=lower[0])


def guess_reader(question: Question) -> tuple[str, dict[str, Any] | None]:
    """Name of the reader of the sites, and its layout."""
    from .sites.readers.measurements import guess_format

    form = question.form or guess_format(question.sites)
    if form in ("bedmethyl", "bedrmod"):
        return "bedmethyl", {"minimum_coverage": 10, "minimum_percentage": 10}
    if form in registered("READERS"):
        return form, None
    raise InputError(
        f"sites in the format {form} have to be described",
        path=question.sites,
        remedy="give BED, or write a configuration with a layout, see docs/sources.md",
    )


def check_sites(question: Question, start: Begin, root: Path, work: Path) -> dict[str, int]:
    """Read the sites, hold them against genome and annotation, and count what is left at each step.

    Parameters
    ----------
    question : Question
    start : Begin
    root : path-like
        The clone.
    work : path-like
        Scratch folder, for the genome's index.

    Returns
    -------
    dict of str to int
        ``read`` (sites on the modification's base), ``motif`` (of them in the motif on the genome), ``transcripts``
        (of these on a transcript).

    Raises
    ------
    InputError
        If sites, genome and annotation do not belong together, or too few sites are left.
    """
    from .sites.annotation import read_annotation
    from .sites.coordinates import TranscriptMap
    from .sites.drops import Drops
    from .sites.extension import extend_ends
    from .sites.modifications import IUPAC, find_modification, load_modifications
    from .sites.site_sets import read_site_tables
    from .sites.transcripts import on_contigs, open_genome

    form, layout = guess_reader(question)
    modification = find_modification(load_modifications(root / "config" / "modifications.tsv"), question.modification)
    sites, drops = read_site_tables(
        *([question.sites], [form], ["own"]),
        genome=question.genome,
        workdir=work,
        assembly=question.assembly,
        modification=modification,
        subject=question.species,
        layouts=[layout],
    )
    if not len(sites):
        reasons = ", ".join(f"{row.rows:,} {row.reason}" for row in drops.frame().itertuples() if row.rows)
        raise InputError("no site can be used", path=question.sites, value=reasons, remedy="check file and format")
    with open_genome(question.genome, work) as fasta:
        lengths = {name: len(fasta[name]) for name in fasta.keys()}  # noqa: SIM118
        words = _words(sites, fasta, start)
    pattern = "".join(f"[{IUPAC[letter]}]" for letter in start.motif)
    fits = words.str.fullmatch(pattern).to_numpy(dtype=bool)
    scope = Drops().scope("", "", "")
    annotation = read_annotation(question.annotation, Drops())
    annotation = on_contigs(annotation, lengths, scope, question.genome, question.annotation)
    annotation = extend_ends(annotation, lengths, scope, **question.extend)
    kept = sites[fits]
    on, _, _ = TranscriptMap(annotation).overlaps(kept["chrom"], kept["strand"], kept["start"].to_numpy())
    counts = {"read": len(sites), "motif": int(fits.sum()), "transcripts": len(set(on.tolist()))}
    if counts["motif"] < FEWEST:
        common = ", ".join(f"{word} {number}" for word, number in Counter(words).most_common(3))
        raise InputError(
            f"{counts['motif']} of {len(sites):,} sites lie in {start.motif}, and a model needs {FEWEST}",
            path=question.sites,
            value=common,
            remedy="check the modification, or name the motif with --motif",
        )
    if counts["transcripts"] < FEWEST:
        raise InputError(
            f"{counts['transcripts']} of {counts['motif']:,} sites in {start.motif} lie on a transcript, and a model "
            f"needs {FEWEST}",
            path=question.sites,
            remedy="check that sites, genome and annotation are of one assembly, and their strands",
        )
    return counts


def _words(sites: pd.DataFrame, genome: pyfaidx.Fasta, start: Begin) -> pd.Series:
    """RNA of each site and its neighbours as far as the motif reaches; shorter at the ends of chromosomes."""
    import numpy as np
    import pandas as pd

    from .sites.site_tables import bases_at

    signs = np.where(sites["strand"] == "-", -1, 1)
    words = np.full(len(sites), "", dtype=object)
    for step in range(-start.motif_offset, len(start.motif) - start.motif_offset):
        moved = (sites["start"] + signs * step).to_numpy()
        inside = moved >= 0
        letters = np.full(len(sites), "", dtype=object)
        places = sites[inside].assign(start=moved[inside])
        letters[inside] = bases_at(places, lambda chrom, first, last: genome[chrom][first:last].seq)
        words = words + letters
    return pd.Series(words)
