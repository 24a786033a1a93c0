"""GFF3: rows of exons name their parents, and these theirs; see the specification of the Sequence Ontology project."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .loci import CODING, EXON, UTR, is_of

_PARTS = (*EXON, *CODING, *UTR)
_KIND = re.compile(r"^(?:gene|transcript|rna|pseudogene|cds)[:-]", re.IGNORECASE)
"""What Ensembl, NCBI and WormBase put before ids; their GTF has none of it."""
_BIOTYPES = {"mRNA": "protein_coding", "CDS": "protein_coding"} | dict.fromkeys(("transcript", "gene", "exon"), "")
"""What features say of a transcript whose biotype is not given, where they say something else than their name."""
_DEPTH = 8
"""Generations that are climbed to find a gene."""


def is_gff3(attributes: str) -> bool:
    """Whether an attribute field is ``name=text``, not GTF's ``name "text"``."""
    return re.match(r'\s*[^\s;="]+=', attributes) is not None


class Gff3:
    """Attributes as ``name=text;``, see :class:`~.rows.Dialect`.

    The transcript is the parent of an exon or of coding sequence, or the row itself where it has none. Its gene is the
    nearest ancestor that is called a gene of whatever kind, else the farthest. What derives from a transcript, as a
    protein does, is none.
    """

    def __init__(self) -> None:
        self._rows: list[pa.Table] = []
        self._listed = pd.Series(dtype=str)

    def is_cut(self, attributes: str) -> bool:
        return False

    def take(self, rows: pa.Table) -> pa.Table | None:
        attributes = rows["attributes"]
        own, parent = _attribute(attributes, "ID"), _attribute(attributes, "Parent")
        is_part = is_of(rows, _PARTS)
        # alignments, of which there may be millions, have a target
        is_node = pc.and_(pc.is_valid(own), pc.invert(pc.match_substring(attributes, "Target=")))
        nodes = pc.and_(is_node, pc.or_(pc.invert(is_part), pc.is_null(parent)))
        table = pa.table({"id": own, "parent": parent, "feature": rows["feature"], "attributes": attributes})
        self._rows.append(table.filter(nodes))
        parents = pc.coalesce(parent, own).filter(is_part).combine_chunks()
        if parents.null_count:
            return None
        parents = pc.split_pattern(parents, ",")
        taken = rows.filter(is_part).take(pc.list_parent_indices(parents))
        return taken.append_column("transcript", pc.list_flatten(parents))

    def names(self, used: pa.ChunkedArray) -> pd.DataFrame:
        nodes = pa.concat_tables(self._rows).to_pandas().drop_duplicates("id").set_index("id")
        # of several parents the first
        parent = nodes["parent"].str.split(",", n=1).str[0]
        ids = pd.Index(used.unique().to_pandas())
        derived = nodes.index[nodes["attributes"].str.contains("Derives_from=", regex=False)]
        ids = ids[~ids.isin(derived) & (ids != "")]
        is_gene = nodes["feature"].str.contains("gene", case=False)

        gene = pd.Series(ids, index=ids)
        found = pd.Series(False, index=ids)
        at = parent.reindex(ids)
        for _ in range(_DEPTH):
            known = at.notna() & ~found
            gene = gene.mask(known, at)
            found |= known & at.map(is_gene).eq(True)
            at = parent.reindex(at).set_axis(ids)

        own, above = (nodes.reindex(names) for names in (ids, gene))
        texts, of_gene = (pa.array(part["attributes"].fillna("")) for part in (own, above))
        kind = own["feature"].replace(_BIOTYPES).fillna("").to_numpy()
        names = pd.DataFrame(
            {
                "transcript": _text(texts, "transcript_id").fillna(_plain(ids)),
                "gene": _text(of_gene, "gene_id").fillna(_text(texts, "gene_id")).fillna(_plain(gene)),
                "gene_name": _text(of_gene, "gene_name", "gene", "symbol", "locus", "Name")
                .fillna(_text(texts, "gene_name", "gene"))
                .fillna(""),
                "biotype": _text(texts, "transcript_biotype", "transcript_type", "biotype")
                .fillna(_text(of_gene, "gene_biotype", "gene_type", "biotype"))
                .fillna(pd.Series(kind)),
            }
        )
        is_transcript = nodes["feature"].str.contains("RNA|transcript", regex=True) & ~is_gene
        self._listed = nodes.index[is_transcript].difference(derived).to_series()
        return names.set_index(ids)

    def listed(self) -> pd.Series:
        return self._listed

    def fault(self, feature: str, attributes: str) -> tuple[str, str] | None:
        if feature in _PARTS and not re.search(r"(?:^|;)\s*(?:ID|Parent)=[^;]", attributes):
            return "the attributes have neither Parent nor ID", "give each exon the ID of its transcript as Parent"
        return None


def _attribute(rows: pa.ChunkedArray | pa.Array, name: str) -> pa.ChunkedArray | pa.Array:
    """Text of an attribute as it is written, null where there is none."""
    return pc.struct_field(pc.extract_regex(rows, rf"(?:^|;)\s*{name}=(?P<text>[^;]+)"), "text")


def _text(rows: pa.Array, *names: str) -> pd.Series:
    """Text of the first attribute of these names in each field, decoded."""
    found = pa.nulls(len(rows), pa.string())
    for name in names:
        found = pc.coalesce(found, _attribute(rows, name))
    return found.to_pandas().map(_decoded, na_action="ignore")


def _decoded(text: str) -> str:
    return unquote(text).strip() if "%" in text else text.strip()


def _plain(ids: pd.Index | pd.Series) -> pd.Series:
    """Ids without the kind that is written before them."""
    return pd.Series([_decoded(_KIND.sub("", name)) for name in ids])
