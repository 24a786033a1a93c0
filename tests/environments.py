"""What rules, environment files and the sources say about packages."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rattler import MatchSpec

from rnamarks.fingerprint import modules

ROOT = Path(__file__).resolve().parents[1]
RULE = r"^ *(?:rule|checkpoint|use rule \w+ as)(?: (\w+))?(?: with)?:"
LIBRARY = ROOT / "workflow" / "rnamarks"
ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
RULE_FILES = sorted((ROOT / "workflow").glob("rules/*.smk"))
SNAKEFILE = ROOT / "workflow" / "Snakefile"

# import name -> (name on the package index, names on conda); only where they differ
NAMES = {
    "Bio": ("biopython", {"biopython"}),
    "RNA": ("viennarna", {"viennarna"}),
    "lmdb": ("lmdb", {"python-lmdb"}),
    "matplotlib": ("matplotlib", {"matplotlib-base", "matplotlib"}),
    "sklearn": ("scikit-learn", {"scikit-learn"}),
    "umap": ("umap-learn", {"umap-learn"}),
    "torch": ("torch", {"pytorch-cpu", "pytorch-gpu", "pytorch"}),
    "xgboost": ("xgboost-cpu", {"py-xgboost-cpu", "py-xgboost"}),
    "yaml": ("pyyaml", {"pyyaml"}),
}
# what a module imports by a name that it makes up where it runs, so that no source says it: faster where it is there
OPTIONAL = {"flash-attn"}
# what Snakemake itself brings into a rule's interpreter
GIVEN = {"rnamarks", "rnamarks_simulation", "snakemake"}


@cache
def lock() -> dict[str, str]:
    lines = (ROOT / "requirements" / "lock.txt").read_text().splitlines()
    pins = [line.partition("==") for line in lines if line and not line.startswith("#")]
    assert all(separator and value for _, separator, value in pins)
    return {canonicalize_name(name): value for name, _, value in pins}


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def requirements() -> list[Requirement]:
    """What the project file asks for on this machine, extras of its own left out."""
    groups = project()["optional-dependencies"].values()
    lines = [*project()["dependencies"], *(line for group in groups for line in group)]
    return [
        one
        for one in map(Requirement, lines)
        if one.name != project()["name"] and (one.marker is None or one.marker.evaluate())
    ]


def specs(environment: Path) -> dict[str, MatchSpec]:
    entries = []
    for entry in yaml.safe_load(environment.read_text())["dependencies"]:
        # what conda channels lack comes from pip
        entries += entry["pip"] if isinstance(entry, dict) else [entry]
    found = [MatchSpec(entry, strict=True) for entry in entries]
    return {entry.name.normalized: entry for entry in found}


def index_name(conda_name: str) -> str:
    for package, conda_names in NAMES.values():
        if conda_name in conda_names:
            return package
    return conda_name


class Rule:
    """What a rule's text says: its name, what it runs and the environment files it may run in."""

    def __init__(self, name: str | None, text: str) -> None:
        # one that a loop makes is named in its text
        self.name = name or re.findall(r'name:\s*f?"([^"]+)"', text)[0]
        self.script = next(iter(re.findall(r'script:\s*"([^"]+)"', text)), None)
        self.runs = bool(re.search(r"^\s+(script|shell):", text, re.MULTILINE))
        self.module = next(iter(re.findall(r"python3? -m (rnamarks[\w.]*)", text)), None)
        directive = re.search(r"^\s+conda:\s*(.+?)\s*$", text, re.MULTILINE)
        self.conda = directive and directive.group(1)

    def environments(self) -> list[Path]:
        named = named_files(self.conda or "")
        if not named and self.conda:
            named = named_files(definition_of(self.conda.split(".")[-1]))
        return [ROOT / "envs" / name for name in sorted(named)]

    def __repr__(self) -> str:
        return self.name


def named_files(text: str) -> set[str]:
    """Names of environment files in a text, both where a part of the name is chosen in an f-string."""
    names = set(re.findall(r"envs/([\w-]+\.yaml)", text))
    for before, one, other, after in re.findall(r"envs/([\w-]*)\{'(\w*)' if [^}]* else '(\w*)'\}([\w-]*\.yaml)", text):
        names |= {before + one + after, before + other + after}
    return names


def definition_of(name: str) -> str:
    """The text of the function or the assignment called `name`, from rule files or the library."""
    for file in [*RULE_FILES, *LIBRARY.glob("*.py")]:
        found = re.search(
            rf"^( *)(def {name}\b|(?:self\.)?{name}\s*=).*(\n(\1[ \t]+.*|\s*|\1\))$)*", file.read_text(), re.MULTILINE
        )
        if found:
            return found.group(0)
    return ""


def rules() -> list[Rule]:
    found = []
    for file in [SNAKEFILE, *RULE_FILES]:
        if file.exists():
            parts = re.split(RULE, file.read_text(), flags=re.MULTILINE)
            found += [Rule(name, text) for name, text in zip(parts[1::2], parts[2::2], strict=True)]
    return found


@cache
def imports(file: Path) -> frozenset[str]:
    """Modules of packages, the library and Snakemake excepted, that a file imports anywhere but under TYPE_CHECKING."""
    tree = ast.parse(file.read_text())
    skipped = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for child in ast.walk(statement)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and id(node) not in skipped:
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and id(node) not in skipped:
            found.add(node.module)
    given = GIVEN | sys.stdlib_module_names
    return frozenset(name for name in found if name.partition(".")[0] not in given)


def sources(file: Path) -> list[Path]:
    """The Python files that running one of them may read, itself among them."""
    return [source for source in modules(file, LIBRARY.parent) if source.suffix == ".py"]


def needs(file: Path) -> dict[str, Path]:
    """Every package that running `file` may import, with a file that imports it."""
    return {
        module.partition(".")[0]: source.relative_to(ROOT) for source in sources(file) for module in imports(source)
    }


def what_runs(rule: Rule) -> Path | None:
    """The Python file that a rule runs, if it is one of ours."""
    if rule.script:
        return (ROOT / "workflow" / "rules" / rule.script).resolve()
    return LIBRARY.parent.joinpath(*rule.module.split(".")).with_suffix(".py") if rule.module else None
