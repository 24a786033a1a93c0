"""Terms of the gene ontology among genes of high capacity: Figures 7, S3 and S4 of MASS.

The tests are goatools' (D. V. Klopfenstein et al., Scientific Reports 8 (2018) 10872). Its reports on the way are sent
to the log; annotation files are read here, because illegal lines are to be counted and not to end the run.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import tempfile
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from ..errors import InputError
from ..files import open_text
from ..registry import Register
from .identifiers import match_ids
from .statistics import benjamini_hochberg

if TYPE_CHECKING:
    from goatools.obo_parser import GODag

NAMESPACES = ("molecular_function", "biological_process", "cellular_component")
IDENTIFIERS = ("symbol", "object", "synonym")
"""Fields of a GAF that can name the gene: 3, 2, and the first that fits of 11."""
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
_GO = re.compile(r"GO:[0-9]{7}")
_FEWEST_FIELDS = 15
_ASPECTS = {"F": "molecular_function", "P": "biological_process", "C": "cellular_component"}

logger = logging.getLogger(__name__)

Lines = Sequence[tuple[int, str]]


@dataclass(frozen=True)
class Associations:
    """Who is annotated with what.

    Attributes
    ----------
    terms : dict of str to set of str
        Gene, as the file names it, to terms, ancestors not included.
    counts : dict of str to int
        Lines by what became of them.
    path : str
    """

    terms: dict[str, set[str]]
    counts: dict[str, int]
    path: str = ""


Parser = Any
ASSOCIATION_FORMATS: Register[Parser] = Register("format of annotations")


@ASSOCIATION_FORMATS.add("gaf")
def parse_gaf(lines: Lines, identifier: str = "symbol") -> tuple[dict[str, set[str]], Counter[str]]:
    """Gene association files, version 1 and 2: 15 or 17 fields.

    Left out and counted: lines of another form, annotations qualified by NOT, and evidence ND (no biological data).

    Parameters
    ----------
    lines : sequence of (int, str)
    identifier : {"symbol", "object", "synonym"}
        ``synonym`` enters the annotation under each of the synonyms.
    """
    if identifier not in IDENTIFIERS:
        raise InputError("no such identifier", value=identifier, remedy=f"choose one of {', '.join(IDENTIFIERS)}")
    terms: dict[str, set[str]] = {}
    counts: Counter[str] = Counter()
    for _, line in lines:
        fields = line.split("\t")
        reason = _gaf_fault(fields)
        if reason is None and "NOT" in fields[3].split("|"):
            reason = "note: qualified by NOT"
        if reason is None and fields[6] == "ND":
            reason = "note: evidence ND"
        if reason is None:
            names = {"symbol": fields[2:3], "object": fields[1:2], "synonym": fields[10].split("|")}[identifier]
            names = [name.strip() for name in names if name.strip()]
            reason = None if names else f"without a {identifier}"
        if reason is not None:
            counts[reason] += 1
            continue
        counts["kept"] += 1
        for name in names:
            terms.setdefault(name, set()).add(fields[4].strip())
    return terms, counts


def _gaf_fault(fields: Sequence[str]) -> str | None:
    if len(fields) < _FEWEST_FIELDS:
        return "illegal: fewer than 15 fields"
    if not fields[1].strip():
        return "illegal: without an object id"
    if not fields[2].strip():
        return "illegal: without a symbol"
    if not _GO.fullmatch(fields[4].strip()):
        return "illegal: no GO id"
    if not fields[6].strip():
        return "illegal: without evidence"
    if fields[8].strip() not in _ASPECTS:
        return "illegal: no aspect among F, P, C"
    if not re.fullmatch(r"taxon:[0-9]+(\|taxon:[0-9]+)?", fields[12].strip()):
        return "illegal: no taxon"
    if not re.fullmatch(r"[0-9]{8}", fields[13].strip()):
        return "illegal: no date"
    return None


@ASSOCIATION_FORMATS.add("lists")
def parse_lists(lines: Lines, identifier: str = "") -> tuple[dict[str, set[str]], Counter[str]]:
    """``gene<TAB>GO:0000001;GO:0000002``; terms may also be separated by commas, and a gene may come again."""
    terms: dict[str, set[str]] = {}
    counts: Counter[str] = Counter()
    for _, line in lines:
        gene, tab, rest = line.partition("\t")
        found = [term.strip() for term in re.split("[;,|]", rest) if term.strip()]
        if not tab or not gene.strip():
            counts["illegal: no gene and terms separated by a tab"] += 1
        elif not found:
            counts["note: gene without a term"] += 1
        elif not all(_GO.fullmatch(term) for term in found):
            counts["illegal: no GO id"] += 1
        else:
            counts["kept"] += 1
            terms.setdefault(gene.strip(), set()).update(found)
    return terms, counts


def read_associations(
    path: str | Path, association_format: str = "auto", *, identifier: str = "symbol"
) -> Associations:
    """Read annotations; illegal lines are left out and counted by reason.

    Parameters
    ----------
    path : path-like
        Plain or gzipped.
    association_format : str
        Name in :data:`ASSOCIATION_FORMATS`; ``auto`` takes a file whose first line begins with ``!`` or has 15 fields
        as GAF.
    identifier : {"symbol", "object", "synonym"}
        Which field of a GAF names the gene.

    Raises
    ------
    InputError
        If there is no line, or no legal one.
    """
    with open_text(path) as handle:
        lines = [(number, line.rstrip("\n")) for number, line in enumerate(handle, 1) if line.strip()]
    body = [(number, line) for number, line in lines if not line.startswith(("!", "#"))]
    if not body:
        raise InputError("the file holds no annotation", path=path, remedy="give a GAF, or lists of terms by gene")
    if association_format == "auto":
        looks = lines[0][1].startswith("!") or body[0][1].count("\t") >= _FEWEST_FIELDS - 1
        association_format = "gaf" if looks else "lists"
    terms, counts = ASSOCIATION_FORMATS[association_format](body, identifier)
    summary = {"lines": len(body), **dict(sorted(counts.items()))}
    logger.info("%s: %s", path, ", ".join(f"{count} {reason}" for reason, count in summary.items()))
    if not terms:
        reasons = ", ".join(f"{count} {reason}" for reason, count in counts.most_common(3))
        raise InputError(
            f"no line of the annotations can be used ({reasons})",
            path=path,
            line=body[0][0],
            value=body[0][1][:40],
            remedy="check the format, gaf or lists, and which field names the gene",
        )
    return Associations(terms, summary, str(path))


def read_ontology(path: str | Path) -> GODag:
    """Terms of an OBO file, obsolete ones left out.

    Returns
    -------
    goatools.obo_parser.GODag
        Mapping of identifiers, alternative ones included, to terms; with ``part_of`` and the other relationships.

    Raises
    ------
    InputError
        If the file has no term, or a term names a parent that is not there.
    """
    with open_text(path) as handle:
        text = handle.read()
    if not re.search(r"^\[Term\]", text, re.MULTILINE):
        raise InputError("the file holds no term", path=path, value=text[:40], remedy="give the ontology as OBO")
    with tempfile.TemporaryDirectory() as folder, _quiet() as said:
        # goatools opens plain text only
        plain = Path(folder) / "terms.obo"
        plain.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
        from goatools.obo_parser import GODag

        try:
            dag = GODag(str(plain), optional_attrs={"relationship"}, prt=said)
        except KeyError as error:
            raise InputError(
                "a term names a parent that the ontology lacks",
                path=path,
                value=str(error).strip("'"),
                remedy="fetch the file again",
            ) from error
    if not len(dag):
        raise InputError("every term of the ontology is obsolete", path=path, remedy="give a current ontology")
    return dag


@contextlib.contextmanager
def _quiet():
    """A stream that takes what goatools says, printed or written, and hands it to the log."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        yield said
    for line in said.getvalue().splitlines():
        if line.strip():
            logger.debug("goatools: %s", line.strip())


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
    with _quiet() as said:
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
