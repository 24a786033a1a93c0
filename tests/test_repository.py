"""Stages have the same names everywhere, and the files of the repository are fit to be published."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
RULE = r"^ *(?:rule|checkpoint|use rule \w+ as)(?: (\w+))?(?: with)?:"
LIBRARY = ROOT / "workflow" / "rnamarks"
SIMULATION = ROOT / "workflow" / "rnamarks_simulation"
SOURCES = sorted([*LIBRARY.rglob("*.py"), *SIMULATION.rglob("*.py")])
STAGES = {file.parent.name for file in LIBRARY.glob("*/__init__.py")} - {"dictionary"} | {"simulation", "language"}
TEXT = {".cff", ".css", ".html", ".md", ".py", ".rst", ".sh", ".smk", ".toml", ".tsv", ".txt", ".yaml", ".yml", ""}


def listed(*options: str) -> list[str]:
    """What ``git ls-files`` lists."""
    try:
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-z", *options], cwd=ROOT, capture_output=True, text=True
        )
    except FileNotFoundError:
        pytest.skip("git is not installed")
    if done.returncode:
        pytest.skip(f"this is no git checkout: {done.stderr.strip()}")
    return [line for line in done.stdout.split("\0") if line]


def published() -> list[Path]:
    """Files that are tracked or would be with the next commit."""
    return [ROOT / name for name in listed("--cached", "--others", "--exclude-standard") if (ROOT / name).is_file()]


def texts() -> dict[Path, str]:
    return {
        file.relative_to(ROOT): file.read_text(encoding="utf-8")
        for file in published()
        if file.suffix in TEXT and not file.is_symlink()
    }


def test_no_link_is_published():
    """Checking out a link in place of an ignored folder removes the folder."""
    assert not [line for line in listed("--stage") if line.startswith("120000")]


def test_no_large_file_is_published():
    sizes = {file.relative_to(ROOT): file.stat().st_size for file in published()}
    large = {file: size for file, size in sizes.items() if size > 1_000_000}
    # a model that is shipped has a limit of its own: tests/models/test_shipped.py
    assert not [file for file in large if file.parts[:2] != ("resources", "models")]


def test_nothing_computed_is_published():
    computed = re.compile(r"^((results|logs|\.snakemake|\.checkpoints|benchmarks/results)/|config/sources\.lock\.tsv$)")
    assert not [file for file in published() if computed.match(file.relative_to(ROOT).as_posix())]


def test_stages_have_the_same_names_everywhere():
    assert STAGES
    rules = {file.stem for file in (ROOT / "workflow" / "rules").glob("*.smk")} - {"common"}
    scripts = {entry.name for entry in (ROOT / "scripts").iterdir() if entry.is_dir()} - {"setup", "__pycache__"}
    tests = {file.parent.name for file in (ROOT / "tests").glob("*/test_*.py")} - {"workflow"}
    assert rules <= STAGES
    assert scripts <= STAGES
    assert tests <= STAGES


def test_architecture_names_every_stage():
    text = (ROOT / "docs" / "architecture.md").read_text()
    assert {name for name in STAGES if f"{name}/`" not in text} == set()


def test_rules_scripts_logs_and_benchmarks_share_a_stem():
    for file in (ROOT / "workflow" / "rules").glob("*.smk"):
        parts = re.split(RULE, file.read_text(), flags=re.MULTILINE)
        for rule, text in zip(parts[1::2], parts[2::2], strict=True):
            scripts = re.findall(r'script:\s*"([^"]+)"', text)
            # rules that a loop makes have names of their own
            rule = rule or Path(scripts[0]).stem
            for script in scripts:
                assert script == f"../../scripts/{file.stem}/{rule}.py"
            for directive in ("log", "benchmark"):
                for path in re.findall(rf'^\s+{directive}:\s*f?"([^"]+)"', text, re.MULTILINE):
                    assert re.search(rf"/{file.stem}/{rule}[./]", path), f"{file.name}: {directive} of {rule} is {path}"


def test_every_job_has_log_benchmark_memory_and_minutes():
    directives = ("log:\n", "benchmark:\n", "mem_mb=memory(", "runtime=minutes(")
    for file in (ROOT / "workflow" / "rules").glob("*.smk"):
        parts = re.split(RULE, file.read_text(), flags=re.MULTILINE)
        for rule, text in zip(parts[1::2], parts[2::2], strict=True):
            if "script:" in text or "shell:" in text:
                assert [directive for directive in directives if directive not in text] == [], rule


def test_scripts_are_thin_and_named_by_a_rule():
    rules = "".join(file.read_text() for file in (ROOT / "workflow" / "rules").glob("*.smk"))
    for stage in STAGES:
        for script in (ROOT / "scripts" / stage).glob("*.py"):
            assert f"scripts/{stage}/{script.name}" in rules, f"no rule runs {script.relative_to(ROOT)}"
            assert len(script.read_text().splitlines()) <= 80, f"{script.relative_to(ROOT)} belongs in the library"


def test_library_knows_neither_snakemake_nor_single_species():
    for file in SOURCES:
        name = file.relative_to(ROOT)
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
                assert not [module for module in modules if module.split(".")[0] == "snakemake"], name
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
                named = any("species" in ast.unparse(side).lower() for side in sides if not is_text(side))
                fixed = any(is_text(side) and side.value for side in sides)
                comparing = all(isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops)
                assert not (named and fixed and comparing), f"{name}:{node.lineno}: {ast.unparse(node)}"


def is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_every_public_thing_of_the_library_has_a_docstring():
    lacking = []
    for file in SOURCES:
        for node in ast.parse(file.read_text()).body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if public and ast.get_docstring(node) is None:
                lacking.append(f"{file.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert not lacking


def test_texts_are_clean():
    for file, text in texts().items():
        assert "\r" not in text, f"{file}: CR"
        assert not text or text.endswith("\n"), f"{file}: no newline at the end"
        for number, line in enumerate(text.split("\n"), 1):
            assert line == line.rstrip() or file.suffix == ".tsv", f"{file}:{number}: trailing blank"


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(r"(?<![\w.}$])/(work|root|tmp/w)/", id="paths of one machine"),
        pytest.param(r"\b(pypi|pythonhosted|anaconda|download\.pytorch)\.(org|com)\b", id="hosts of package indexes"),
        pytest.param(r"\b(TODO|FIXME|XXX)\b", id="unfinished work"),
        pytest.param(r"^(<{7}|>{7}|={7})( |$)", id="merge conflicts"),
        pytest.param(r"(?i)(api[_-]?key|secret|passw(or)?d)\s*[:=]\s*['\"]?\w{8,}", id="credentials"),
    ],
)
def test_texts_do_not_hold(pattern):
    found = []
    for file, text in texts().items():
        if file != Path("tests/test_repository.py"):
            found += [f"{file}: {match.group(0)}" for match in re.finditer(pattern, text, re.MULTILINE)]
    assert not found


def test_workflow_and_scripts_do_not_know_the_shared_folder():
    assert not [
        file for file, text in texts().items() if file.parts[0] in {"workflow", "scripts"} and "../shared" in text
    ]


def test_links_between_documents_lead_somewhere():
    for file, text in texts().items():
        if file.suffix == ".md":
            for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
                if not re.match(r"[a-z]+:", target):
                    assert (ROOT / file.parent / target).exists(), f"{file} links to {target}"


def test_citation_is_complete():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors", "license", "references", "version"} <= set(citation)
    initial = (LIBRARY / "__init__.py").read_text()
    assert f'__version__ = "{citation["version"]}"' in initial
    for reference in citation["references"]:
        assert {"type", "title", "authors", "journal", "year", "doi"} <= set(reference)
        assert re.fullmatch(r"10\.\d{4,}/\S+", reference["doi"])


@pytest.mark.slow
def test_profiles_are_known_to_snakemake():
    command = [sys.executable, "-m", "snakemake", "--help"]
    known = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for profile in (ROOT / "workflow" / "profiles").glob("*/config.yaml"):
        for key in yaml.safe_load(profile.read_text()):
            assert f"--{key} " in known or f"--{key}\n" in known or f"--{key}," in known, (
                f"{profile.parent.name}: {key}"
            )


def test_slurm_profile_keeps_what_the_default_profile_says():
    default, slurm = (
        yaml.safe_load((ROOT / "workflow" / "profiles" / name / "config.yaml").read_text())
        for name in ("default", "slurm")
    )
    assert default.items() <= slurm.items()
