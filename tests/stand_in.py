"""Running a script of the workflow with a stand-in for what Snakemake gives it."""

from __future__ import annotations

import runpy
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"


class Names(SimpleNamespace):
    """Files, params or wildcards by name; files also one after the other."""

    def get(self, name: str, default: Any = None) -> Any:
        return vars(self).get(name, default)

    def __getitem__(self, name: str) -> Any:
        return vars(self)[name]

    def items(self) -> Iterator[tuple[str, Any]]:
        return iter(vars(self).items())

    def __iter__(self) -> Iterator[str]:
        for value in vars(self).values():
            yield from map(str, value if isinstance(value, list | tuple) else [value])


def make_job(
    log: Path,
    *,
    rule: str = "rule",
    inputs: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    wildcards: Mapping[str, str] | None = None,
    resources: Mapping[str, Any] | None = None,
) -> SimpleNamespace:
    """What a script sees as ``snakemake``."""
    return SimpleNamespace(
        rule=rule,
        input=Names(**(inputs or {})),
        output=Names(**(outputs or {})),
        params=Names(**(params or {})),
        wildcards=Names(**(wildcards or {})),
        log=[log],
        threads=1,
        config={"resources": {"device": "cpu"} | dict(resources or {})},
    )


def run_script(script: str, log: Path, **job: Any) -> None:
    """Run ``scripts/SCRIPT.py``; see :func:`make_job`."""
    made = make_job(log, rule=Path(script).name, **job)
    runpy.run_path(str(SCRIPTS / f"{script}.py"), init_globals={"snakemake": made})
