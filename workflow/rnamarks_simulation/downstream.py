"""The files of a simulated world that the analyses after prediction read, with what was planted in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from rnamarks.errors import InputError
from rnamarks.tables import write_parquet, write_tsv

from . import motif_files, ontology, regulation
from .formats import write_lines
from .truth import gene_truth, stream
from .world import World

_STUDIES = ("MeRIP-seq", "miCLIP", "knock-down of the writer", "site-specific mutation", "nanopore direct RNA")


def write_downstream(world: World, folder: str | Path, root: str | None = None) -> list[Path]:
    """Write motifs and annotations of every species, measurements of the root species, ontology and literature.

    Each file is written atomically. The same world gives the same bytes. No draw is shared with the files of
    :func:`~rnamarks_simulation.world.write_world`.

    Parameters
    ----------
    world : World
    folder : path-like
    root : str, optional
        The species whose genes are measured; the first one by default.

    Returns
    -------
    list of pathlib.Path

    Raises
    ------
    InputError
        If ``root`` is none of the world's species.
    """
    folder = Path(folder)
    names = [entry.species for entry in world.species]
    root = root or names[0]
    if root not in names:
        raise InputError("the root species is not simulated", value=root, remedy=f"choose from {', '.join(names)}")
    genes = gene_truth(world)
    written: list[Path] = []

    def path(name: str) -> Path:
        written.append(folder / name)
        return written[-1]

    chosen = motif_files.motifs(stream(world, "motifs"))
    for name in names:
        motif_files.write_meme(chosen, path(f"{name}.cisbp_rna.meme.gz"), inferred=name != root)

    ontology.write_obo(path("go.obo"))
    genes["planted_term"] = ontology.carriers(genes, stream(world, "planted term"), null=world.null)
    background = ontology.backgrounds(sorted(genes["orthogroup"].unique()), stream(world, "terms"))
    annotated = {}
    for entry in world.species:
        own = genes[(genes["species"] == entry.species) & (genes["biotype"] == "protein_coding")]
        lines, annotated[entry.species] = ontology.gaf_rows(
            own, entry, background, stream(world, "annotation", entry.species)
        )
        ontology.write_gaf(lines, path(f"{entry.species}.gaf.gz"))

    traps, effects = _write_regulation(world, genes[genes["species"] == root], root, path)

    literature = _literature(genes[genes["species"] == root], stream(world, "literature"), null=world.null)
    write_tsv(literature, path("literature.tsv"))
    truth = genes.assign(literature=genes["gene_name"].isin(literature["gene"]))
    planted = motif_files.PLANTED
    metadata = {
        "seed": world.seed,
        "null": world.null,
        "root": root,
        "conserved_orthogroups": int(genes.loc[genes["conserved"], "orthogroup"].nunique()),
        "planted_term": {
            "term": ontology.planted_term(),
            "alternative": ontology.ALTERNATIVE,
            "obsolete": ontology.OBSOLETE,
        },
        "planted_motifs": [
            {"motif": identifier, "protein": name, "term": planted[name][0], "word": planted[name][1]}
            for identifier, name, _ in chosen
            if name in planted
        ],
        "effects": effects,
        "traps": traps,
        "annotations": annotated,
    }
    write_parquet(truth, path("truth_genes.parquet"), metadata)
    return written


def _write_regulation(
    world: World, genes: pd.DataFrame, root: str, path: Callable[[str], Path]
) -> tuple[dict[str, dict[str, int]], list[dict[str, object]]]:
    """The five files of the root species; traps by file, and each effect as planted and as it came out."""
    layout = world.layouts[root]
    sites = world.truth[world.truth["species"] == root]
    genes = genes.reset_index(drop=True)
    is_coding = (genes["biotype"] == "protein_coding").to_numpy()
    coding = genes[is_coding].reset_index(drop=True)
    traps: dict[str, dict[str, int]] = {}

    table, level, traps["expression"] = regulation.expression(
        genes, layout, stream(world, "expression", root), null=world.null
    )
    regulation.write_table(table, path(f"{root}.expression.tsv.gz"))
    table, decay, traps["half_life"] = regulation.half_life(coding, stream(world, "half life", root), null=world.null)
    regulation.write_table(table, path(f"{root}.half_life.tsv.gz"))
    lines, profile, traps["translation"] = regulation.translation(
        coding, layout, level[is_coding], stream(world, "translation", root), null=world.null
    )
    write_lines(lines, path(f"{root}.translation.txt.gz"))
    lines, scores, traps["structure"] = regulation.structure(
        layout, sites, stream(world, "structure", root), null=world.null
    )
    write_lines(lines, path(f"{root}.pars.tsv.gz"))
    table, spans, traps["h3k36me3"] = regulation.peaks(layout, sites, stream(world, "peaks", root), null=world.null)
    regulation.write_table(table, path(f"{root}.h3k36me3.narrowPeak.gz"), header=False)

    came_out = {
        "expression": _correlation(genes["capacity"], level),
        "half_life": _correlation(coding["capacity"], decay),
        "efficiency": _correlation(coding["capacity"], profile["efficiency"]),
        "ribosome_rpkm": _correlation(coding["capacity"], profile["bound"]),
        "structure": _correlation(sites["logit"], scores),
        "h3k36me3": _correlation(spans["density"], spans["signal"]),
    }
    effects = []
    for name, correlation in came_out.items():
        planted = regulation.EFFECTS.get(name)
        # ribosome-bound RPKM has no weights of its own: it is expression times efficiency
        weights = {} if planted is None else {key: getattr(planted, key) for key in ("methylation", "length", "gc")}
        effects.append(
            {"effect": name, **(dict.fromkeys(weights, 0.0) if world.null else weights), "correlation": correlation}
        )
    return traps, effects


def _literature(genes: pd.DataFrame, rng: np.random.Generator, *, null: bool) -> pd.DataFrame:
    """A third of the conserved genes and as many others as a twentieth of all; as many at random in the null world."""
    coding = genes[genes["biotype"] == "protein_coding"]
    yes, no = (coding.loc[coding["conserved"] == value, "gene_name"].to_numpy() for value in (True, False))
    counts = (-(-len(yes) // 3), min(len(no), max(1, len(coding) // 20)))
    if null:
        names = rng.choice(coding["gene_name"].to_numpy(), size=sum(counts), replace=False)
    else:
        names = np.concatenate([rng.choice(yes, counts[0], replace=False), rng.choice(no, counts[1], replace=False)])
    names = sorted(names)
    studies = rng.integers(len(_STUDIES), size=len(names))
    years = rng.integers(2012, 2024, size=len(names))
    return pd.DataFrame(
        {
            "gene": names,
            "support": [_STUDIES[index] for index in studies],
            "reference": [
                f"Author {letter} et al. {year}, Journal of Simulated Results (invented)"
                for letter, year in zip(rng.choice(list("ABCDEFGHKLMNPRSTW"), size=len(names)), years, strict=True)
            ],
        }
    )


def _correlation(first: object, second: object) -> float | None:
    """Pearson's, over pairs that are both known; None where one does not vary."""
    pairs = np.array([np.asarray(first, dtype=float), np.asarray(second, dtype=float)])
    pairs = pairs[:, np.isfinite(pairs).all(axis=0)]
    if pairs.shape[1] < 3 or (pairs.std(axis=1) == 0).any():
        return None
    return round(float(np.corrcoef(pairs)[0, 1]), 6)
