"""Terms of the gene ontology among genes of high capacity: Figures 7, S3 and S4 of MASS.

The tests are goatools' (D. V. Klopfenstein et al., Scientific Reports 8 (2018) 10872). Its reports on the way are sent
to the log.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from ..errors import InputError
from .gene_annotations import Associations, log_goatools
from .identifiers import match_ids
from .statistics import benjamini_hochberg

if TYPE_CHECKING:
    from goatools.obo_parser import GODag

NAMESPACES = ("molecular_function", "biological_process", "cellular_component")
BACKGROUNDS = ("tested", "annotated")
ALTERNATIVES = ("greater", "two-sided")
TERM_COLUMNS = (
    *("species", "predictor", "namespace", "term", "name", "depth"),
    *("study", "study_size", "population", "population_size"),
    *("fold", "fold_low", "fold_high", "odds_ratio", "odds_low", "odds_high"),
    *("p", "q", "raw", "significant", "genes"),
)
SHARED_COLUMNS = (
    *("predictor", "namespace", "term", "name", "tested", "raw", "significant"),
    *("raw_species", "significant_species", "fold"),
)
MAPPING_COLUMNS = (
    *("species", "predictor", "namespace", "tested", "mapped", "unmapped_share", "annotated"),
    *("share", "study", "background", "population", "ancestors", "terms", "raw", "significant", "identifier", "notes"),
)

logger = logging.getLogger(__name__)


def top_genes(capacity: pd.Series, share: float = 0.1) -> list[Any]:
    """Index labels of the genes of highest capacity.

    Parameters
    ----------
    capacity : pandas.Series
        By gene; genes without a value are not among them.
    share : float
        Of the genes with a value, rounded up to whole genes. Genes that tie with the last of them are in, too.
    """
    if not 0 < share < 1:
        raise InputError("the share of genes does not lie between 0 and 1", value=share, remedy="give 0.1 for a tenth")
    known = capacity.dropna()
    if known.empty:
        return []
    # a rounding error of 1e-9 genes must not add one
    count = max(1, int(np.ceil(share * len(known) - 1e-9)))
    return list(known.index[known >= known.nlargest(count).iloc[-1]])


def enrich(
    study: Collection[str],
    population: Collection[str],
    terms: Mapping[str, Collection[str]],
    ontology: GODag,
    *,
    namespace: str = "molecular_function",
    propagate: bool = True,
    relationships: Collection[str] = (),
    alternative: str = "greater",
    smallest: int = 5,
    largest: int | None = None,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Terms over-represented in a study set, Fisher's exact test for each.

    Parameters
    ----------
    study, population : collection of str
        Genes; the study lies within the population.
    terms : mapping of str to collection of str
        Terms of each gene.
    ontology : GODag
    namespace : str
        One of :data:`NAMESPACES`.
    propagate : bool
        Give each gene the ancestors of its terms, too (along ``is_a`` and ``relationships``).
    relationships : collection of str
        Such as ``part_of``.
    alternative : {"greater", "two-sided"}
        Over-represented, or over- or under-represented.
    smallest, largest : int
        Least and greatest number of genes of the population with a term that is tested. The limits do not look at the
        study, so they do not bias the p-values.
    alpha : float
        Level of ``raw`` (p) and ``significant`` (q).

    Returns
    -------
    pandas.DataFrame
        Columns :data:`TERM_COLUMNS` but species and predictor, sorted by p. ``fold`` is the share of the study with
        the term over that of the population, with the Clopper-Pearson interval of the former; ``odds_ratio`` has one
        half added to each cell and Woolf's interval. The root of the namespace is not tested.
    """
    _check_options(namespace=namespace, alternative=alternative, relationships=relationships, ontology=ontology)
    population = set(population)
    study = set(study) & population
    known = {gene: {term for term in terms.get(gene, ()) if term in ontology} for gene in population}
    # goatools adds ancestors in place, and counts alternative identifiers apart
    known = {gene: {ontology[term].item_id for term in found} for gene, found in known.items() if found}
    columns = list(TERM_COLUMNS[2:])
    if not study or not known:
        return pd.DataFrame(columns=columns)
    with log_goatools() as said:
        from goatools.go_enrichment import GOEnrichmentStudy

        tests = GOEnrichmentStudy(
            population,
            known,
            ontology,
            propagate_counts=propagate,
            methods=["fdr_bh"],
            relationships=set(relationships) or None,
            alternative=alternative,
            log=said,
        )
        sizes = {term: len(genes) for term, genes in tests.go2popitems.items()}
        chosen = {
            term
            for term, size in sizes.items()
            if ontology[term].namespace == namespace
            and ontology[term].parents
            and smallest <= size <= (largest or len(population))
        }
        records = tests.get_pval_uncorr(study, said, chosen) if chosen else []
    rows = [
        {
            "namespace": namespace,
            "term": record.GO,
            "name": ontology[record.GO].name,
            "depth": ontology[record.GO].depth,
            "study": record.study_count,
            "study_size": record.study_n,
            "population": record.pop_count,
            "population_size": record.pop_n,
            "p": float(record.p_uncorrected),
            "genes": ", ".join(sorted(record.study_items)),
        }
        for record in records
    ]
    frame = pd.DataFrame(rows, columns=columns)
    if frame.empty:
        return frame
    frame["q"] = benjamini_hochberg(frame["p"].to_numpy(dtype=np.float64))
    frame["raw"], frame["significant"] = frame["p"] < alpha, frame["q"] < alpha
    frame = _effects(frame)
    return frame.sort_values(["p", "fold", "term"], ascending=[True, False, True], ignore_index=True)


def _effects(frame: pd.DataFrame) -> pd.DataFrame:
    k, n, size, whole = (
        frame[name].to_numpy(dtype=np.float64) for name in ("study", "study_size", "population", "population_size")
    )
    share = size / whole
    with np.errstate(invalid="ignore"):
        low = np.where(k > 0, stats.beta.ppf(0.025, k, n - k + 1), 0.0)
        high = np.where(k < n, stats.beta.ppf(0.975, k + 1, n - k), 1.0)
    cells = [cell + 0.5 for cell in (k, n - k, size - k, whole - n - size + k)]
    log_odds = np.log(cells[0] * cells[3] / (cells[1] * cells[2]))
    half = stats.norm.ppf(0.975) * np.sqrt(sum(1 / cell for cell in cells))
    return frame.assign(
        fold=k / n / share,
        fold_low=low / share,
        fold_high=high / share,
        odds_ratio=np.exp(log_odds),
        odds_low=np.exp(log_odds - half),
        odds_high=np.exp(log_odds + half),
    )


def _check_options(namespace: str, alternative: str, relationships: Collection[str], ontology: GODag) -> None:
    for value, allowed, what in ((namespace, NAMESPACES, "namespace"), (alternative, ALTERNATIVES, "alternative")):
        if value not in allowed:
            raise InputError(f"no {what} of that name", value=value, remedy=f"choose one of {', '.join(allowed)}")
    known = set().union(*(term.relationship for term in ontology.values())) if relationships else set()
    for name in relationships:
        if name not in known:
            raise InputError(
                "the ontology has no relationship of that name",
                value=name,
                remedy=f"it has {', '.join(sorted(known)) or 'none'}",
            )


def enrich_species(
    capacity: pd.DataFrame,
    associations: Mapping[str, Associations],
    ontology: GODag,
    *,
    share: float = 0.1,
    background: str = "tested",
    namespaces: Sequence[str] = ("molecular_function",),
    least: float = 0.5,
    allow: bool = False,
    **options: Any,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Terms among the genes of highest capacity, for every species and predictor.

    Genes of a species are looked up by ``gene`` and by ``gene_name``, and whichever finds more is used.

    Parameters
    ----------
    capacity : pandas.DataFrame
        Border **capacity**: ``species``, ``predictor``, ``gene``, ``gene_name``, ``capacity``.
    associations : mapping of str to Associations
        By species; species without are left out.
    ontology : GODag
    share : float
        Of the genes, highest capacity first, that are the study.
    background : {"tested", "annotated"}
        Population: all genes with a capacity, or those of them with a term of the namespace.
    namespaces : sequence of str
    least : float
        Share of the tested genes that must be annotated.
    allow : bool
        Accept less.
    **options
        Of :func:`enrich`.

    Returns
    -------
    terms : pandas.DataFrame
        Columns :data:`TERM_COLUMNS`.
    mapping : pandas.DataFrame
        Columns :data:`MAPPING_COLUMNS`.

    Raises
    ------
    InputError
        If too few genes of a species are annotated, or a gene comes twice.
    """
    if background not in BACKGROUNDS:
        raise InputError(
            "no background of that name", value=background, remedy=f"choose one of {', '.join(BACKGROUNDS)}"
        )
    parts, notes = [], []
    for (species, predictor), rows in capacity.groupby(["species", "predictor"], sort=False):
        if species not in associations:
            continue
        found = associations[species]
        rows = rows.dropna(subset=["capacity"])
        if rows["gene"].duplicated().any():
            raise InputError(
                f"the capacity table names a gene of {species} twice",
                value=rows["gene"][rows["gene"].duplicated()].iloc[0],
                remedy="give one row per gene, species and predictor",
            )
        key, names = _annotated_names(rows, found, species, least=least, allow=allow)
        genes = rows["gene"].to_numpy()
        annotated = {gene: found.terms[name] for gene, name in zip(genes, names, strict=True) if name}
        top = top_genes(pd.Series(rows["capacity"].to_numpy(), index=genes), share)
        unknown = {term for own in annotated.values() for term in own if term not in ontology}
        for namespace in namespaces:
            used = set(genes)
            mine = {
                gene
                for gene, own in annotated.items()
                if any(ontology[t].namespace == namespace for t in own - unknown)
            }
            if background == "annotated":
                used = mine
            frame = enrich(top, used, annotated, ontology, namespace=namespace, **options)
            parts.append(frame.assign(species=species, predictor=predictor))
            text = {reason: count for reason, count in found.counts.items() if count}
            text |= {"terms that the ontology lacks": len(unknown)} if unknown else {}
            notes.append(
                {
                    "species": species,
                    "predictor": predictor,
                    "namespace": namespace,
                    "tested": len(genes),
                    "mapped": len(annotated),
                    "unmapped_share": 1 - len(annotated) / max(1, len(genes)),
                    "annotated": len(mine),
                    "study": len(set(top) & used),
                    "background": background,
                    "population": len(used),
                    "ancestors": bool(options.get("propagate", True)),
                    "terms": len(frame),
                    "raw": int(frame["raw"].sum()) if len(frame) else 0,
                    "significant": int(frame["significant"].sum()) if len(frame) else 0,
                    "identifier": key,
                    "share": share,
                    "notes": "; ".join(f"{reason}: {count}" for reason, count in text.items()),
                }
            )
            logger.info(
                "%s, %s, %s: %d of %d genes without annotation (%.1f %%); %d terms tested, %d with p and %d with q "
                "below the level",
                species, predictor, namespace, len(genes) - len(annotated), len(genes),
                100 * notes[-1]["unmapped_share"], len(frame), notes[-1]["raw"], notes[-1]["significant"],
            )  # fmt: skip
    kept = [part for part in parts if len(part)]
    frame = pd.concat(kept, ignore_index=True) if kept else pd.DataFrame(columns=list(TERM_COLUMNS))
    return frame[list(TERM_COLUMNS)], pd.DataFrame(notes, columns=list(MAPPING_COLUMNS))


def _annotated_names(
    rows: pd.DataFrame, found: Associations, species: str, *, least: float, allow: bool
) -> tuple[str, list[str]]:
    best: tuple[float, str] = (-1.0, "gene")
    for key in ("gene", "gene_name"):
        texts = rows[key].fillna("").astype(str)
        if (texts.str.strip() != "").any():
            matched = match_ids(texts, found.terms, what=f"{key}s of {species}", path=found.path, least=0.0, allow=True)
            # genes without a name count as not found
            share = float((matched != "").mean())
            best = max(best, (share, key), key=lambda entry: entry[0])
    key = best[1]
    texts = rows[key].fillna("").astype(str)
    matched = match_ids(
        texts, found.terms, what=f"tested genes of {species} ({key})", path=found.path, least=least, allow=allow
    )
    return key, list(matched)


def shared_terms(terms: pd.DataFrame) -> pd.DataFrame:
    """Terms that recur over species.

    Parameters
    ----------
    terms : pandas.DataFrame
        Columns :data:`TERM_COLUMNS`.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`SHARED_COLUMNS`, one row per predictor, namespace and term with p below the level in a species;
        most species first. ``fold`` is the median over the species in which the term was tested.
    """
    rows = []
    for (predictor, namespace, term), part in terms.groupby(["predictor", "namespace", "term"], sort=False):
        raw = part.loc[part["raw"].astype(bool), "species"]
        significant = part.loc[part["significant"].astype(bool), "species"]
        if len(raw):
            rows.append(
                {
                    "predictor": predictor,
                    "namespace": namespace,
                    "term": term,
                    "name": part["name"].iloc[0],
                    "tested": len(part),
                    "raw": len(raw),
                    "significant": len(significant),
                    "raw_species": ", ".join(raw),
                    "significant_species": ", ".join(significant),
                    "fold": float(part["fold"].median()),
                }
            )
    frame = pd.DataFrame(rows, columns=list(SHARED_COLUMNS))
    order = {name: at for at, name in enumerate(dict.fromkeys(terms["predictor"]))} if len(terms) else {}
    frame["order"] = frame["predictor"].map(order)
    by = ["order", "namespace", "raw", "significant", "fold", "term"]
    frame = frame.sort_values(by, ascending=[True, True, False, False, False, True], ignore_index=True)
    return frame.drop(columns="order")
