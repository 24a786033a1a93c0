"""A finished run as a Workflow Run RO-Crate: a folder or zip archive that says what was run on what, with what result.

Profiles: https://w3id.org/ro/wfrun/process/0.5, https://w3id.org/ro/wfrun/workflow/0.5 and
https://w3id.org/workflowhub/workflow-ro-crate/1.0.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .dictionary import column_names
from .errors import InputError
from .figures.collect import read_table
from .files import atomic_path, sha256_of, write_text

RECORD = "run.json"
"""What a run writes down about itself: configuration, command, software, revision, what was left out, its targets."""
PROFILES = (
    "https://w3id.org/ro/wfrun/process/0.5",
    "https://w3id.org/ro/wfrun/workflow/0.5",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
)
WORKFLOW = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
MIT = "https://spdx.org/licenses/MIT"
TERMS = "Workflow and what it computed: MIT. Published files that the run read: see results/sources.tsv."
KEPT = {
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".meme": "text/plain",
    ".svg": "image/svg+xml",
    ".tsv": "text/tab-separated-values",
}
"""What is packed of a run, by the end of its name: report, figures, tables, cards. Of the rest the checksums are."""
_ROOTS = re.compile(
    "home|Users|root|tmp|var|mnt|media|scratch|data|work|opt|srv|gpfs|lustre|beegfs|nfs|net|private|storage|projects?|"
    "cluster|nobackup|users|Volumes"
)
"""Folders of other computers on which absolute paths begin; those of this one are looked up."""
# not within a web address, a closing tag or packed bytes
_ABSOLUTE = re.compile(r"(?<![\w.:/<+=])/([\w.-]+)((?:/[^\s/\"'<>&|,;()\[\]{}]+)+)")


def pack_run(run: str | Path, out: str | Path, workflow: str | Path) -> int:
    """Write the crate of a run.

    Absolute paths are cut to their last part everywhere, and nothing says who ran it, or where.

    Parameters
    ----------
    run : path-like
        ``results/NAME``.
    out : path-like
        A new or empty folder, or the name of a zip archive, which is replaced.
    workflow : path-like
        Root of the clone with the rules.

    Returns
    -------
    int
        Files in the crate.

    Raises
    ------
    InputError
        If the run is not finished, or the folder is not empty.
    """
    run, out = Path(run), Path(out)
    record = read_record(run)
    zipped = out.suffix == ".zip"
    if not zipped and out.is_dir() and any(out.iterdir()):
        raise InputError("the folder is not empty", path=out, remedy="name a new one, or a .zip")
    if not zipped:
        out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".pack.", dir=out.parent) as scratch:
        stage = Path(scratch) / "crate"
        _stage(run, record, Path(workflow), stage)
        crate = _describe(stage, run, record)
        if zipped:
            with atomic_path(out) as part:
                crate.write_zip(part)
        else:
            crate.metadata.write(stage)
            stage.rename(out)
    return 1 + len(crate.get_by_type("File", exact=False))


def read_record(run: Path) -> dict[str, Any]:
    """What a run wrote down about itself.

    Raises
    ------
    InputError
        If it is not finished, or the folder is none of a run.
    """
    remedy = "run snakemake with the run's configuration to its end, then pack again"
    if not run.is_dir():
        raise InputError("there is no such run", path=run, remedy="name the folder of a run, results/NAME")
    if not (run / RECORD).is_file():
        raise InputError(f"the run is not finished: it has no {RECORD}", path=run, remedy=remedy)
    record = json.loads((run / RECORD).read_text(encoding="utf-8"))
    targets = [run / target.removeprefix(f"{record['folder']}/") for target in record["targets"]]
    if absent := [target for target in targets if not target.is_file()]:
        raise InputError(
            f"the run is not finished: {len(absent)} of {len(targets)} files are not there",
            path=run,
            value=absent[0].relative_to(run).as_posix(),
            remedy=remedy,
        )
    return record


def without_places(text: str) -> str:
    """A text whose absolute paths are cut to their last part, those that may be somebody's own folder to ``~``."""

    def cut(found: re.Match[str]) -> str:
        if not _is_root(found[1]):
            return found[0]
        _, *parts = found[2].split("/")
        return "~" if len(parts) == 1 and "." not in parts[0] else parts[-1]

    return _ABSOLUTE.sub(cut, text)


@cache
def _is_root(name: str) -> bool:
    """Whether a folder of that name lies at the root of a computer's files."""
    return bool(_ROOTS.fullmatch(name)) or Path(f"/{name}").is_dir()


def _stage(run: Path, record: Mapping[str, Any], workflow: Path, stage: Path) -> None:
    """Lay out the files of a crate: workflow, configuration, what is kept of the run, and checksums of all of it."""
    import yaml

    (stage / "workflow").mkdir(parents=True)
    shutil.copy(workflow / "workflow" / "Snakefile", stage / "workflow")
    shutil.copytree(workflow / "workflow" / "rules", stage / "workflow" / "rules")
    with write_text(stage / "config.yaml") as handle:
        handle.write(without_places(yaml.safe_dump(record["config"], sort_keys=False, allow_unicode=True)))
    rows = []
    for path in sorted(path for path in run.rglob("*") if path.is_file()):
        name = path.relative_to(run).as_posix()
        if kept := path.suffix in KEPT:
            packed = stage / "results" / name
            packed.parent.mkdir(parents=True, exist_ok=True)
            packed.write_text(without_places(path.read_text(encoding="utf-8")), encoding="utf-8")
            path = packed
        rows.append((f"results/{name}", str(path.stat().st_size), sha256_of(path), "yes" if kept else "no"))
    with write_text(stage / "checksums.tsv") as handle:
        handle.writelines("\t".join(row) + "\n" for row in [column_names("packed_files"), *rows])


def _describe(stage: Path, run: Path, record: Mapping[str, Any]) -> Any:
    """The crate of what is staged."""
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

    ended = datetime.fromtimestamp((run / RECORD).stat().st_mtime, UTC).isoformat(timespec="seconds")
    crate = ROCrate(version="1.1")
    # the one term that RO-Crate 1.1 lacks
    crate.metadata.extra_terms["sha256"] = "https://w3id.org/ro/terms/workflow-run#sha256"

    def entity(identifier: str, kind: str, **properties: Any) -> ContextEntity:
        return crate.add(ContextEntity(crate, identifier, properties={"@type": kind, **properties}))

    name = record["config"]["run"]
    crate.root_dataset["conformsTo"] = [entity(one, "CreativeWork", name=one.split("/ro/")[-1]) for one in PROFILES]
    crate.root_dataset["license"] = entity("#terms", "CreativeWork", name="Terms of use", description=TERMS)
    crate.name, crate.datePublished = f"rnamarks run {name}", ended
    crate.description = f"Configuration, versions, checksums, report, figures, tables and cards of the run {name}. "
    crate.description += "Begin with results/report.html, which shows all figures and explains every column."
    software = [
        entity(f"#{package.lower()}", "SoftwareApplication", name=package, softwareVersion=version)
        for package, version in record["software"].items()
    ]
    workflow = crate.add_workflow(
        stage / "workflow" / "Snakefile",
        "workflow/Snakefile",
        main=True,
        lang="snakemake",
        lang_version=record["software"].get("snakemake"),
        properties=_properties(stage / "workflow" / "Snakefile", "rnamarks")
        | {"softwareRequirements": software, "version": record["software"]["rnamarks"], "license": MIT},
    )
    workflow["conformsTo"] = entity(WORKFLOW, "CreativeWork", name="Bioschemas ComputationalWorkflow")
    parameters = {
        "config.yaml": crate.add_formal_parameter("configuration", "File", identifier="#configuration"),
        "results/report.html": crate.add_formal_parameter("report", "File", identifier="#report"),
    }
    workflow["input"], workflow["output"] = parameters["config.yaml"], parameters["results/report.html"]
    files, captions = {}, _captions(run)
    for path in sorted(path for path in stage.rglob("*") if path.is_file()):
        place = path.relative_to(stage).as_posix()
        if place == "workflow/Snakefile":
            continue
        files[place] = crate.add_file(path, place, properties=_properties(path, place) | captions.get(place, {}))
        if place in parameters:
            files[place]["exampleOfWork"] = parameters[place]
    for place, file in files.items():
        if place.startswith("workflow/"):
            workflow.append_to("hasPart", file)
    given = [files["config.yaml"]]
    for number, (place, properties) in enumerate(_sources(run), 1):
        if place:
            given.append(crate.add_file(place, properties=properties))
        else:
            given.append(entity(f"#input-{number}", "PropertyValue", **properties))
    action = crate.add_action(
        workflow,
        identifier="#run",
        object=given,
        result=[file for place, file in files.items() if place.startswith("results/")],
        properties={"name": f"Run {name}", "endTime": ended, "description": without_places(record["command"])},
    )
    action["actionStatus"] = "http://schema.org/CompletedActionStatus"
    crate.root_dataset["mentions"] = action
    return crate


def _properties(path: Path, place: str) -> dict[str, Any]:
    kind = KEPT.get(path.suffix, "text/plain")
    return {
        "name": place.removeprefix("results/"),
        "encodingFormat": kind,
        "contentSize": str(path.stat().st_size),
        "sha256": sha256_of(path),
    }


def _captions(run: Path) -> dict[str, dict[str, str]]:
    """What figures and tables show, as a property, by their place in the crate."""
    found: dict[str, list[str]] = {}
    for row in read_table("figures", run / "figures.tsv").itertuples():
        found.setdefault(f"results/{row.file}", []).append(without_places(row.caption))
    return {place: {"description": " ".join(dict.fromkeys(texts))} for place, texts in found.items()}


def _sources(run: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Address, or ``""``, and properties of each file that a run read."""
    known: set[str] = set()
    for row in read_table("sources", run / "sources.tsv").itertuples():
        name = without_places(row.reference).removeprefix("source:")
        if row.url in known:
            continue
        known |= {row.url} - {""}
        described = {"name": name, "description": f"{row.role} of {row.subject}"}
        if row.url:
            stated = {"version": row.version, "sha256": row.sha256, "license": row.licence, "citation": row.citation}
            stated["contentSize"] = str(row.bytes)
            yield row.url, described | {key: value for key, value in stated.items() if value}
        else:
            yield "", described | {"propertyID": "sha256", "value": row.sha256}
