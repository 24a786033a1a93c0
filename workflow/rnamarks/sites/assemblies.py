"""Names of genome assemblies, and which of them mean the same one."""

from __future__ import annotations

import re

_SAME_ASSEMBLY = {
    "grch37": "hg19",
    "grch38": "hg38",
    "ncbi36": "hg18",
    "grcm38": "mm10",
    "grcm39": "mm39",
    "rnor5": "rn5",
    "rnor6": "rn6",
    "mratbn7": "rn7",
    "grcz10": "danRer10",
    "grcz11": "danRer11",
    "mmul8": "rheMac8",
    "sscrofa10": "susScr3",
    "sscrofa11": "susScr11",
}
_ASSEMBLY = re.compile(
    r"(?<![a-z0-9])((?:hg|mm|rn|danrer|pantro|rhemac|susscr|dm|ce|tair|saccer|galgal|bostau)[0-9]+"
    r"|grc[hmz][0-9]+|ncbi36|rnor_?[56]|mratbn7|mmul_?8|sscrofa1[01])(?![a-z0-9])"
)


def same_assembly(one: str, other: str) -> bool:
    """Whether two names may mean one assembly: hg19 and GRCh37.p13 do, hg19 and hg38 do not; no name may be any."""
    known = assemblies_in(one), assemblies_in(other)
    alike = bool(known[0] & known[1]) if all(known) else one.lower() == other.lower()
    return alike or not (one and other)


def assemblies_in(text: str) -> set[str]:
    """The genome assemblies that a text names, by their UCSC names in lower case."""
    found = {name.replace("_", "") for name in _ASSEMBLY.findall(text.lower())}
    return {_SAME_ASSEMBLY.get(name, name).lower() for name in found}


def browser_name(assembly: str) -> str:
    """What UCSC and IGV call an assembly that has another name: hg38 for GRCh38.p14; other names as they are."""
    found = _ASSEMBLY.search(assembly.lower())
    return _SAME_ASSEMBLY.get(found[1].replace("_", ""), assembly) if found else assembly
