"""The environment files name what the rules need, and agree with the lock."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rattler import MatchSpec, Version, VersionSpec

ROOT = Path(__file__).resolve().parents[1]
RULE = r"^ *(?:rule|checkpoint|use rule \w+ as) (\w+)(?: with)?:"
LIBRARY = ROOT / "workflow" / "rnamarks"
ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
RULE_FILES = sorted((ROOT / "workflow").glob("rules/*.smk"))
SNAKEFILE = ROOT / "workflow" / "Snakefile"

# import name -> (name on the package index, names on conda); only where they differ
NAMES = {
    "Bio": ("biopython", {"biopython"}),
    "matplotlib": ("matplotlib", {"matplotlib-base", "matplotlib"}),
    "sklearn": ("scikit-learn", {"scikit-learn"}),
    "umap": ("umap-learn", {"umap-learn"}),
    "torch": ("torch", {"pytorch-cpu", "pytorch-gpu", "pytorch"}),
    "xgboost": ("xgboost-cpu", {"py-xgboost-cpu", "py-xgboost"}),
    "yaml": ("pyyaml", {"pyyaml"}),
}
# what Snakemake itself brings into a rule's interpreter
GIVEN = {"rnamarks", "snakemake"}


@cache
def lock() -> dict[str, str]:
    lines = (ROOT / "requirements" / "lock.txt").read_text().splitlines()
    pins = [line.partition("==") for line in lines if line and not line.startswith("#")]
    assert all(separator and value for _, separator, value in pins)
    return {canonicalize_name(name): value for name, _, value in pins}


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def requirements() -> list[Requirement]:
    groups = project()["optional-dependencies"].values()
    return [Requirement(line) for line in [*project()["dependencies"], *(line for group in groups for line in group)]]


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

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.script = next(iter(re.findall(r'script:\s*"([^"]+)"', text)), None)
        self.runs = bool(re.search(r"^\s+(script|shell):", text, re.MULTILINE))
        self.module = next(iter(re.findall(r"python3? -m (rnamarks[\w.]*)", text)), None)
        directive = re.search(r"^\s+conda:\s*(.+?)\s*$", text, re.MULTILINE)
        self.conda = directive and directive.group(1)

    def environments(self) -> list[Path]:
        named = re.findall(r"envs/(\w+\.yaml)", self.conda or "")
        if not named and self.conda:
            named = re.findall(r"envs/(\w+\.yaml)", definition_of(self.conda.split(".")[-1]))
        return [ROOT / "envs" / name for name in named]

    def __repr__(self) -> str:
        return self.name


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
            parts = re.split(
                r"^ *(?:rule|checkpoint|use rule \w+ as) (\w+)(?: with)?:", file.read_text(), flags=re.MULTILINE
            )
            found += [Rule(name, text) for name, text in zip(parts[1::2], parts[2::2], strict=True)]
    return found


def absolute_module(file: Path, node: ast.ImportFrom) -> str:
    if node.level == 0:
        return node.module
    package = file.relative_to(LIBRARY.parent).parts[: -node.level]
    return ".".join([*package, *([node.module] if node.module else [])])


@cache
def imports(file: Path) -> tuple[frozenset[str], frozenset[Path]]:
    """(packages, library files) that a file imports anywhere but under TYPE_CHECKING."""
    packages, files = set(), set()
    tree = ast.parse(file.read_text())
    skipped = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for child in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = absolute_module(file, node)
            modules = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for module in modules:
            first, *rest = module.split(".")
            if first == "rnamarks":
                for depth in range(len(rest) + 1):
                    stem = LIBRARY.joinpath(*rest[:depth])
                    files |= {path for path in (stem / "__init__.py", stem.with_suffix(".py")) if path.is_file()}
            elif first not in sys.stdlib_module_names and first not in GIVEN:
                packages.add(first)
    return frozenset(packages), frozenset(files)


def needs(file: Path) -> dict[str, Path]:
    """Every package that running `file` may import, with the file that imports it."""
    found, queue, seen = {}, [file], set()
    while queue:
        current = queue.pop()
        if current in seen:
            continue
        seen.add(current)
        packages, files = imports(current)
        for package in packages:
            found.setdefault(package, current.relative_to(ROOT))
        queue += files
    return found


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environment_is_well_formed(environment):
    content = yaml.safe_load(environment.read_text())
    assert set(content) == {"channels", "dependencies"}
    assert content["channels"] == ["conda-forge", "bioconda", "nodefaults"]
    for name, spec in specs(environment).items():
        assert spec.version is not None, f"{name} has no version"


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environment_admits_the_locked_versions(environment):
    checked = 0
    for name, spec in specs(environment).items():
        locked = lock().get(canonicalize_name(index_name(name)))
        if locked:
            assert VersionSpec(spec.version).matches(Version(locked)), (
                f"{environment.name}: {name} {spec.version} against {locked}"
            )
            checked += 1
    assert checked >= 5 or "python" not in specs(environment)


def test_library_environments_differ_only_where_they_say_so():
    library, *others = (
        specs(ROOT / "envs" / f"{name}.yaml") for name in ("library", "sequence", "training", "training_gpu")
    )
    for other in others:
        for name, spec in library.items():
            twin = other.get(name) or other.get(name.removesuffix("-cpu"))
            assert twin is not None, f"{name} is missing"
            assert str(twin.version) == str(spec.version)


@pytest.mark.skipif(not SNAKEFILE.exists(), reason="there is no workflow/Snakefile in this checkout")
def test_rules_and_environment_files_name_each_other():
    assert RULE_FILES
    texts = [file.read_text() for file in [SNAKEFILE, *RULE_FILES, *LIBRARY.glob("*.py")] if file.exists()]
    named = {name for text in texts for name in re.findall(r"envs/([\w.-]+)", text)}
    assert named == {file.name for file in ENVIRONMENTS}


@pytest.mark.parametrize("rule", [rule for rule in rules() if rule.runs], ids=repr)
def test_rule_has_an_environment_that_provides_its_imports(rule):
    assert rule.conda, f"rule {rule.name} has no conda: line"
    environments = rule.environments()
    assert environments, f"rule {rule.name}: no file below envs/ was found for conda: {rule.conda}"
    if rule.script:
        start = (ROOT / "workflow" / "rules" / rule.script).resolve()
        assert start.is_file(), f"rule {rule.name}: {rule.script} is missing"
    elif rule.module:
        start = LIBRARY.parent.joinpath(*rule.module.split(".")).with_suffix(".py")
        assert start.is_file()
    else:
        return
    for environment in environments:
        assert environment.is_file()
        provided = set(specs(environment))
        for package, file in needs(start).items():
            _, conda_names = NAMES.get(package, (package, {package.lower()}))
            assert conda_names & provided, f"{environment.name} lacks {package}, imported by {file}"


def test_lock_pins_every_dependency():
    for requirement in requirements():
        name = canonicalize_name(requirement.name)
        assert name in lock(), f"{name} is not in the lock"
        assert requirement.specifier.contains(lock()[name], prereleases=True), f"{requirement} against {lock()[name]}"


def test_library_imports_are_declared():
    declared = {canonicalize_name(requirement.name) for requirement in requirements()}
    for file in [*LIBRARY.rglob("*.py"), *(ROOT / "scripts").rglob("*.py")]:
        for package in imports(file)[0]:
            name, _ = NAMES.get(package, (package, None))
            assert canonicalize_name(name) in declared, f"{file.relative_to(ROOT)} imports {package}"


def test_lock_is_what_is_installed():
    for name, locked in lock().items():
        assert version(name).partition("+")[0] == locked, f"{name}: run make setup"


def test_lock_holds_no_local_versions():
    assert lock()["torch"]
    assert not [name for name, value in lock().items() if "+" in value or "/" in value]
    assert "rnamarks" not in lock()


def test_commands_are_the_same_everywhere():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^(\w+):.*##", makefile, re.MULTILINE))
    assert {"demo", "test", "setup", "lint", "clean", "help"} <= targets
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("config/*.md")]:
        text = document.read_text()
        mentioned = set(re.findall(r"`make (\w+)", text)) | set(re.findall(r"^\s*make (\w+)", text, re.MULTILINE))
        assert mentioned <= targets, f"{document.name}: {mentioned - targets}"
    readme = ROOT / "README.md"
    if readme.exists():
        assert "make demo" in readme.read_text()
        assert "make test" in readme.read_text()
