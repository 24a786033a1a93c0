"""The digest of the code that a script rests on changes when that code does, and only then."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rnamarks.fingerprint import fingerprint, modules
from rnamarks.registry import registered

ROOT = Path(__file__).resolve().parents[1]

FILES = {
    "one/__init__.py": '"""Doc."""\n__version__ = "1"\n',
    "one/used.py": '"""Doc."""\nfrom . import beside\nfrom .deep.low import f\n\n\n'
    'def g():\n    """Doc."""\n    return 1\n',
    "one/beside.py": "x = 1\n",
    "one/deep/__init__.py": "",
    "one/deep/low.py": "from .. import upper\n\n\ndef f():\n    from ..late import h\n    return h\n",
    "one/upper.py": "from rnamarks.errors import x\n",
    "one/late.py": "h = 1\n",
    "one/typed.py": "x = 1\n",
    "one/named.py": "x = 1\n",
    "one/register.py": "ALL = {'n': '.named:x', 'm': 'two.other:f'}\nTEMPLATE = 'page.jinja'\n",
    "one/page.jinja": "text",
    "one/unused.py": "x = 1\n",
    "rnamarks/errors.py": "x = 1\n",
    "two/__init__.py": "",
    "two/other.py": "f = 1\n",
    "script.py": "from typing import TYPE_CHECKING\nimport one.register\nfrom one.used import g\n"
    "if TYPE_CHECKING:\n    from one.typed import x\n",
}
FOLLOWED = set(FILES) - {"one/typed.py", "one/unused.py"}
COUNTED = FOLLOWED - {"rnamarks/errors.py"}


@pytest.fixture
def tree(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_imports_strings_and_files_are_followed(tree):
    assert {file.relative_to(tree).as_posix() for file in modules(tree / "script.py", tree)} == FOLLOWED


@pytest.mark.parametrize("name", sorted(FILES))
def test_code_counts_where_it_is_rested_on(tree, name):
    before = fingerprint(tree / "script.py", tree)
    with open(tree / name, "a") as file:
        file.write("\ny = 2\n")
    assert (fingerprint(tree / "script.py", tree) != before) == (name in COUNTED)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""Doc."""', '"""Another text\nof two lines."""'),
        ("return 1", "return 1  # a comment"),
        ("return 1", "return (\n        1\n    )"),
        ("def g():", "\n# above\ndef g():"),
        ('"1"', '"2"'),
    ],
)
def test_texts_about_the_code_do_not_count(tree, old, new):
    before = fingerprint(tree / "script.py", tree)
    for name in ("one/used.py", "one/__init__.py"):
        (tree / name).write_text((tree / name).read_text().replace(old, new))
    assert fingerprint(tree / "script.py", tree) == before


@pytest.mark.parametrize(("old", "new"), [("return 1", "return 2"), ("return 1", "return '1'"), ("def g", "def k")])
def test_a_change_of_the_code_counts(tree, old, new):
    before = fingerprint(tree / "script.py", tree)
    (tree / "one/used.py").write_text((tree / "one/used.py").read_text().replace(old, new))
    assert fingerprint(tree / "script.py", tree) != before


def test_further_modules_count(tree):
    before = fingerprint(tree / "script.py", tree, tree / "one/unused.py")
    assert before != fingerprint(tree / "script.py", tree)
    (tree / "one/unused.py").write_text("x = 2\n")
    assert before != fingerprint(tree / "script.py", tree, tree / "one/unused.py")


def test_where_the_packages_lie_does_not_count(tree, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "place"
    shutil.copytree(tree, other)
    assert fingerprint(tree / "script.py", tree) == fingerprint(other / "script.py", other)


def test_names_of_columns_count_and_their_meanings_do_not(tmp_path):
    """A copy of the dictionary, in which a meaning changes, then the name of a column of one table."""
    library = tmp_path / "rnamarks"
    for name in ("__init__.py", "errors.py", "fingerprint.py"):
        library.mkdir(exist_ok=True)
        shutil.copy(ROOT / "workflow" / "rnamarks" / name, library / name)
    shutil.copytree(ROOT / "workflow" / "rnamarks" / "dictionary", library / "dictionary")
    for table in ("sites", "counts"):
        text = f"from rnamarks.dictionary import column_names\nNAMES = column_names({table!r}, last='strand')\n"
        (tmp_path / f"{table}.py").write_text(text.replace(", last='strand'", "") if table == "counts" else text)
    code = "import sys; from rnamarks.fingerprint import fingerprint; print(fingerprint(sys.argv[1], '.'))"

    def digest(table: str) -> str:
        command = [sys.executable, "-c", code, f"{table}.py"]
        environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout

    before = {table: digest(table) for table in ("sites", "counts")}
    assert before["sites"] != before["counts"]
    columns = library / "dictionary" / "columns.tsv"
    text = columns.read_text()
    columns.write_text(text.replace("chromosome as the genome file has it", "name of the chromosome"))
    assert columns.read_text() != text
    assert {table: digest(table) for table in before} == before
    columns.write_text(text.replace("counts\twindows\t", "counts\tn\t"))
    assert columns.read_text() != text
    assert digest("sites") == before["sites"]
    assert digest("counts") != before["counts"]


def scripts() -> list[Path]:
    return sorted(file for file in (ROOT / "scripts").glob("*/*.py") if file.parent.name != "setup")


def test_a_change_of_the_landscape_concerns_its_script_alone():
    landscape = ROOT / "workflow" / "rnamarks" / "biology" / "landscape.py"
    concerned = [script.stem for script in scripts() if landscape in modules(script, ROOT / "workflow")]
    assert concerned == ["measure_landscape"]


def test_a_network_or_a_baseline_concerns_the_rules_that_choose_it():
    """No script rests on all of them; each rule that builds some adds the digests of those that it uses."""
    library = ROOT / "workflow" / "rnamarks"
    own = {*registered("MODELS").values(), *registered("NETWORKS").values(), library / "models" / "boosting.py"}
    builders = {library / "models" / "registry.py", library / "models" / "baseline_files.py"}
    rests_on = {script: modules(script, ROOT / "workflow") for script in scripts()}
    assert {script.stem: sorted(found & own) for script, found in rests_on.items() if found & own} == {}
    text = "\n".join(file.read_text() for file in sorted((ROOT / "workflow" / "rules").glob("*.smk")))
    rules = re.findall(r"rule (\w+):\n((?:(?! *rule[ :]).*\n)+)", text)
    choosing = {name for name, body in rules if "chosen=" in body}
    # figures and formats of examples are chosen likewise
    assert {"collect_figures", "read_examples"} < choosing
    choosing -= {"collect_figures", "read_examples"}
    building = {script for script, found in rests_on.items() if found & builders}
    # it joins what others predicted; language models are imported by name
    assert choosing == {one.stem for one in building if one.parent.name != "language"} - {"stack_tasks"}
    network = library / "models" / "language.py"
    assert all(network in rests_on[one] for one in building if one.parent.name == "language")


@pytest.mark.slow
def test_everything_that_a_script_imports_is_followed():
    """What a fresh interpreter loads when the imports of a script run is within what is followed."""
    for name in ("datasets/split_windows.py", "evaluation/evaluate_models.py", "sources/fetch_source.py"):
        script = ROOT / "scripts" / name
        nodes = [
            node for node in ast.walk(ast.parse(script.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        code = "\n".join(
            [
                *map(ast.unparse, nodes),
                "import sys",
                "loaded = [module for name, module in sys.modules.items() if name.startswith('rnamarks')]",
                "print(*(getattr(module, '__file__', None) for module in loaded))",
            ]
        )
        environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        loaded = {Path(path) for path in done.stdout.split() if path != "None"}
        assert loaded <= modules(script, ROOT / "workflow")


PARSED = (
    *(
        "dictionary.tables",
        "errors",
        "fingerprint",
        "files",
        "progress",
        "registry",
        "schema",
        "scripting",
        "sheets",
        "tasks",
        "yaml_files",
    ),
    *("sources.lock", "sources.members", "sources.sheet"),
)


@pytest.mark.parametrize("module", PARSED)
def test_what_the_snakefile_parses_needs_nothing_but_what_snakemake_brings(module):
    code = f"""
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in sys.stdlib_module_names | {{"rnamarks", "yaml", "_yaml", "jsonschema",
                "jsonschema_specifications", "referencing", "attr", "attrs", "rpds", "typing_extensions"}}:
            raise ImportError(f"{{name}} is not there")

sys.meta_path.insert(0, Refuse())
import rnamarks.{module}
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
