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
import scipy

from ..dictionary import column_names
from ..errors import InputError, check_choice
from ..tables import stack_frames
from .gene_annotations import Associations, log_goatools
from .identifiers import match_ids

if TYPE_CHECKING:
    from goatools.obo_parser import GODag

NAMESPACES = ("molecular_function", "biological_process", "cellular_component")
BACKGROUNDS = ("tested", "annotated")
LEVEL = 0.05

logger = logging.getLogger(__name__)


def top_genes(capacity: pd.Series, fraction: float = 0.1) -> list[Any]:
    """Index labels of the genes of highest capacity.

    Parameters
    ----------
    capacity : pandas.Series
        By gene; genes without a value are not among them.
    fraction : float
        Of the genes with a value, rounded up to whole genes. Genes that tie with the last of them are in, too.
    """
    if not 0 < fraction < 1:
        raise InputError(
            "the fraction of genes does not lie between 0 and 1", value=fraction, remedy="give 0.1 for a tenth"
        )
    known = capacity.dropna()
    if known.empty:
        return []
    # a rounding error of 1e-9 genes must not add one
    count = max(1, int(np.ceil(fraction * len(known) - 1e-9)))
    return list(known.index[known >= known.nlargest(count).iloc[-1]])


def enrich(
    study: Collection[str],
    population: Collection[str],
    terms: Mapping[str, Collection[str]],
    ontology: GODag,
    *,
    namespace: str = "molecular_function",
    smallest: int = 5,
) -> pd.DataFrame:
    """Terms over-represented in a study set, Fisher's exact test for each.

    Each gene has the ancestors of its terms, too (along ``is_a``). ``raw`` (p) and ``significant`` (q) are at the level
    0.05.

    Parameters
    ----------
    study, population : collection of str
        Genes; the study lies within the population.
    terms : mapping of str to collection of str
        Terms of each gene.
    ontology : GODag
    namespace : str
        One of :data:`NAMESPACES`.
    smallest : int
        Least number of genes of the population with a term that is tested. The limit does not look at the study, so it
        does not bias the p-values.

    Returns
    -------
    pandas.DataFrame
        Table ``terms`` from the namespace on, sorted by p. ``fold`` is the fraction of the study with
        the term over that of the population, with the Clopper-Pearson interval of the former; ``odds_ratio`` has one
        half added to each cell and Woolf's interval. The root of the namespace is not tested.
    """
    population = set(population)
    study = set(study) & population
    known = {gene: {term for term in terms.get(gene, ()) if term in ontology} for gene in population}
    # goatools adds ancestors in place, and counts alternative identifiers apart
    known = {gene: {ontology[term].item_id for term in found} for gene, found in known.items() if found}
    columns = column_names("terms", first="namespace")
    if not study or not known:
        return pd.DataFrame(columns=columns)
    with log_goatools() as said:
        from goatools.go_enrichment import GOEnrichmentStudy

        tests = GOEnrichmentStudy(
            population, known, ontology, propagate_counts=True, methods=["fdr_bh"], alternative="greater", log=said
        )
        sizes = {term: len(genes) for term, genes in tests.go2popitems.items()}
        chosen = {
            term
            for term, size in sizes.items()
            if ontology[term].namespace == namespace and ontology[term].parents and size >= smallest
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
    frame["q"] = scipy.stats.false_discovery_control(frame["p"].to_numpy(dtype=np.float64))
    frame["raw"], frame["significant"] = frame["p"] < LEVEL, frame["q"] < LEVEL
    frame = _effects(frame)
    return frame.sort_values(["p", "fold", "term"], ascending=[True, False, True], ignore_index=True)


def _effects(frame: pd.DataFrame) -> pd.DataFrame:
    k, n, size, whole = (
        frame[name].to_numpy(dtype=np.float64) for name in ("study", "study_size", "population", "population_size")
    )
    # loading it takes a second that callers without tests need not spend
    from statsmodels.stats.proportion import proportion_confint

    share = size / whole
    low, high = proportion_confint(k, n, method="beta")
    cells = [cell + 0.5 for cell in (k, n - k, size - k, whole - n - size + k)]
    log_odds = np.log(cells[0] * cells[3] / (cells[1] * cells[2]))
    half = scipy.special.ndtri(0.975) * np.sqrt(sum(1 / cell for cell in cells))
    return frame.assign(
        fold=k / n / share,
        fold_low=low / share,
        fold_high=high / share,
        odds_ratio=np.exp(log_odds),
        odds_low=np.exp(log_odds - half),
        odds_high=np.exp(log_odds + half),
    )


def enrich_sets(
    capacity: pd.DataFrame,
    associations: Mapping[str, Associations],
    ontology: GODag,
    *,
    fraction: float = 0.1,
    background: str = "tested",
    namespaces: Sequence[str] = ("molecular_function",),
    minimum: float = 0.5,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Terms among the genes of highest capacity, for every set of transcripts, task and predictor.

    Genes of a set are looked up by ``gene`` and by ``gene_name``, and whichever finds more is used.

    Parameters
    ----------
    capacity : pandas.DataFrame
        Border **capacity**: ``transcripts``, ``task``, ``predictor``, ``gene``, ``gene_name``, ``capacity``.
    associations : mapping of str to Associations
        By set of transcripts; sets without are left out.
    ontology : GODag
    fraction : float
        Of the genes, highest capacity first, that are the study.
    background : {"tested", "annotated"}
        Population: all genes with a capacity, or those of them with a term of the namespace.
    namespaces : sequence of str
    minimum : float
        Fraction of the tested genes that must be annotated.

    Returns
    -------
    terms : pandas.DataFrame
        Table ``terms``.
    mapping : pandas.DataFrame
        Table ``terms_mapping``.

    Raises
    ------
    InputError
        If too few genes of a set are annotated, or a gene comes twice.
    """
    check_choice(background, BACKGROUNDS, "no background of that name")
    parts, notes = [], []
    for (transcripts, task, predictor), rows in capacity.groupby(["transcripts", "task", "predictor"], sort=False):
        if transcripts not in associations:
            continue
        found = associations[transcripts]
        rows = rows.dropna(subset=["capacity"])
        if rows["gene"].duplicated().any():
            raise InputError(
                f"the capacity table names a gene of {transcripts} twice",
                value=rows["gene"][rows["gene"].duplicated()].iloc[0],
                remedy="give one row per gene, set of transcripts, task and predictor",
            )
        key, names = _annotated_names(rows, found, transcripts, minimum=minimum)
        genes = rows["gene"].to_numpy()
        annotated = {gene: found.terms[name] for gene, name in zip(genes, names, strict=True) if name}
        top = top_genes(pd.Series(rows["capacity"].to_numpy(), index=genes), fraction)
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
            frame = enrich(top, used, annotated, ontology, namespace=namespace)
            parts.append(frame.assign(transcripts=transcripts, task=task, predictor=predictor))
            text = {reason: count for reason, count in found.counts.items() if count}
            text |= {"terms that the ontology lacks": len(unknown)} if unknown else {}
            notes.append(
                {
                    "transcripts": transcripts,
                    "task": task,
                    "predictor": predictor,
                    "namespace": namespace,
                    "tested": len(genes),
                    "mapped": len(annotated),
                    "unmapped_fraction": 1 - len(annotated) / max(1, len(genes)),
                    "annotated": len(mine),
                    "study": len(set(top) & used),
                    "background": background,
                    "population": len(used),
                    "terms": len(frame),
                    "raw": int(frame["raw"].sum()) if len(frame) else 0,
                    "significant": int(frame["significant"].sum()) if len(frame) else 0,
                    "identifier": key,
                    "fraction": fraction,
                    "notes": "; ".join(f"{reason}: {count}" for reason, count in text.items()),
                }
            )
            logger.info(
                "%s, %s, %s, %s: %d of %d genes without annotation (%.1f %%); %d terms tested, %d with p and %d with q "
                "below the level",
                transcripts, task, predictor, namespace, len(genes) - len(annotated), len(genes),
                100 * notes[-1]["unmapped_fraction"], len(frame), notes[-1]["raw"], notes[-1]["significant"],
            )  # fmt: skip
    mapping = pd.DataFrame(notes, columns=column_names("terms_mapping", task_columns=False))
    return stack_frames(parts, column_names("terms", task_columns=False)), mapping


def _annotated_names(
    rows: pd.DataFrame, found: Associations, transcripts: str, *, minimum: float
) -> tuple[str, list[str]]:
    best: tuple[float, str] = (-1.0, "gene")
    for key in ("gene", "gene_name"):
        texts = rows[key].fillna("").astype(str)
        if (texts.str.strip() != "").any():
            matched = match_ids(texts, found.terms, what=f"{key}s of {transcripts}", path=found.path, minimum=0.0)
            # genes without a name count as not found
            share = float((matched != "").mean())
            best = max(best, (share, key), key=lambda entry: entry[0])
    key = best[1]
    texts = rows[key].fillna("").astype(str)
    matched = match_ids(
        texts, found.terms, what=f"tested genes of {transcripts} ({key})", path=found.path, minimum=minimum
    )
    return key, list(matched)


def shared_terms(terms: pd.DataFrame) -> pd.DataFrame:
    """Terms of a modification that recur over sets of transcripts, which mostly are species.

    Parameters
    ----------
    terms : pandas.DataFrame
        Table ``terms`` and ``modification``.

    Returns
    -------
    pandas.DataFrame
        ``terms_shared``, one row per modification, predictor, namespace and term with p below the level in a
        set; those in most sets first. ``fold`` is the median over the sets in which the term was tested.
    """
    rows = []
    keys = ["modification", "predictor", "namespace", "term"]
    for key, part in terms.groupby(keys, sort=False):
        raw = part.loc[part["raw"].astype(bool), "transcripts"]
        significant = part.loc[part["significant"].astype(bool), "transcripts"]
        if len(raw):
            rows.append(
                {
                    **dict(zip(keys, key, strict=True)),
                    "name": part["name"].iloc[0],
                    "tested": len(part),
                    "raw": len(raw),
                    "significant": len(significant),
                    "raw_transcripts": ", ".join(raw),
                    "significant_transcripts": ", ".join(significant),
                    "fold": float(part["fold"].median()),
                }
            )
    frame = pd.DataFrame(rows, columns=column_names("terms_shared"))
    by = ["modification", "predictor", "namespace", "raw", "significant", "fold", "term"]
    orders = {name: {value: at for at, value in enumerate(terms[name].unique())} for name in by[:2]}
    return frame.sort_values(
        by,
        ascending=[True, True, True, False, False, False, True],
        key=lambda column: column.map(orders[column.name]) if column.name in orders else column,
        ignore_index=True,
    )
