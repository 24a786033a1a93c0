"""The environment files name what the rules need, and agree with the lock."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import version

import pytest
import yaml
from packaging.utils import canonicalize_name
from rattler import Version, VersionSpec

from environments import (
    ENVIRONMENTS,
    LIBRARY,
    NAMES,
    OPTIONAL,
    ROOT,
    RULE_FILES,
    SNAKEFILE,
    imports,
    index_name,
    lock,
    named_files,
    needs,
    requirements,
    rules,
    specs,
    what_runs,
)


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
    assert checked >= 4 or "numpy" not in specs(environment)


def test_environments_agree_on_versions():
    versions: dict[str, set[str]] = {}
    for environment in ENVIRONMENTS:
        for name, spec in specs(environment).items():
            versions.setdefault(name, set()).add(str(spec.version))
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_torch_environments_differ_only_in_their_builds():
    cpu, gpu = (specs(ROOT / "envs" / f"{name}.yaml") for name in ("torch", "torch_gpu"))
    assert {name.removesuffix("-cpu").removesuffix("-gpu"): str(spec.version) for name, spec in cpu.items()} == {
        name.removesuffix("-gpu"): str(spec.version)
        for name, spec in gpu.items()
        if name not in {"cuda-version", *OPTIONAL}
    }


@pytest.mark.skipif(not SNAKEFILE.exists(), reason="there is no workflow/Snakefile in this checkout")
def test_rules_and_environment_files_name_each_other():
    assert RULE_FILES
    texts = [file.read_text() for file in [SNAKEFILE, *RULE_FILES, *LIBRARY.glob("*.py")] if file.exists()]
    named = {name for text in texts for name in named_files(text)}
    assert named == {file.name for file in ENVIRONMENTS}


@pytest.mark.parametrize("rule", [rule for rule in rules() if rule.runs], ids=repr)
def test_rule_has_an_environment_that_provides_its_imports(rule):
    assert rule.conda, f"rule {rule.name} has no conda: line"
    environments = rule.environments()
    assert environments, f"rule {rule.name}: no file below envs/ was found for conda: {rule.conda}"
    start = what_runs(rule)
    if start is None:
        return
    assert start.is_file(), f"rule {rule.name}: {start} is missing"
    for environment in environments:
        assert environment.is_file()
        provided = set(specs(environment))
        for package, file in needs(start).items():
            _, conda_names = NAMES.get(package, (package, {package.lower()}))
            assert conda_names & provided, f"{environment.name} lacks {package}, imported by {file}"


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environment_has_nothing_that_none_of_its_rules_needs(environment):
    needed = {"python", "cuda-version", "cd-hit", "mmseqs2", "meme", *OPTIONAL}
    for rule in rules():
        if environment in rule.environments() and (start := what_runs(rule)):
            for package in needs(start):
                needed |= NAMES.get(package, (package, {package.lower()}))[1]
    assert set(specs(environment)) <= needed


def test_an_environment_has_one_kind_of_tool():
    """What is large or slow to resolve is in the environments of the rules that use it and in no other."""
    kinds = {"catboost": {"trees", "torch", "torch_gpu"}, "umap-learn": {"statistics"}, "viennarna": {"sequence"}}
    kinds |= {"matplotlib-base": {"tables"}, "statsmodels": {"statistics"}, "meme": {"meme"}}
    for package, expected in kinds.items():
        assert {file.stem for file in ENVIRONMENTS if package in specs(file)} == expected


def test_lock_pins_every_dependency():
    for requirement in requirements():
        name = canonicalize_name(requirement.name)
        assert name in lock(), f"{name} is not in the lock"
        assert requirement.specifier.contains(lock()[name], prereleases=True), f"{requirement} against {lock()[name]}"


def test_library_imports_are_declared():
    declared = {canonicalize_name(requirement.name) for requirement in requirements()}
    for file in [*LIBRARY.rglob("*.py"), *(ROOT / "scripts").rglob("*.py")]:
        for package in {module.partition(".")[0] for module in imports(file)}:
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


@pytest.mark.parametrize(("given", "expected"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_that_wait_leave_their_core_to_others_unless_asked_otherwise(repository, given, expected):
    environment = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    environment |= {"PYTHONPATH": str(repository / "workflow")} | ({"OMP_WAIT_POLICY": given} if given else {})
    code = "import sys, rnamarks, os; assert 'torch' not in sys.modules; print(os.environ['OMP_WAIT_POLICY'])"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected
