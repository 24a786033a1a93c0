"""The report: one HTML page that holds everything it shows and needs no network."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

import pandas as pd
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ..dictionary.tables import TABLES
from .catalogue import SECTIONS, find_figure, tables_of
from .design import Design, Series
from .lookup import best_baseline, counts_by_task, differences, metric_rows, select
from .report_language import name_language_subject, summarise_language
from .report_tables import AREAS, Grid, section_grids

MOST_NAMED = 12
_FIRST = {"summary": "Summary", "run": "What was run", "sources": "Source files"}
_LAST = {"limits": "Limits", "tables": "Tables and their columns"}


def build_report(
    design: Design,
    tables: Mapping[str, pd.DataFrame],
    figures: Mapping[str, str],
    *,
    sources: pd.DataFrame,
    config: Mapping[str, Any],
    software: Mapping[str, str],
    left_out: Mapping[str, str] | None = None,
    revision: str = "",
    command: str = "",
) -> str:
    """The report as one HTML document.

    Parameters
    ----------
    design : Design
    tables : mapping of str to pandas.DataFrame
        Those of :func:`rnamarks.figures.catalogue.tables_of`.
    figures : mapping of str to str
        SVG text by the figure's name, in the order of the report.
    sources : pandas.DataFrame
        See :func:`rnamarks.figures.provenance.source_table`.
    config : mapping
        The whole configuration.
    software : mapping of str to str
    left_out : mapping of str to str
        Sections of the configuration that the data of the run do not allow, with the reason.
    revision, command : str
        ``""`` if not known.

    Returns
    -------
    str
        The same input gives the same text; nothing in it is loaded from elsewhere.
    """
    shown = shown_figures(design, tables, figures)
    return render_page(
        "report.html.jinja",
        design=design,
        sections=_FIRST | {anchor: title for anchor, title in SECTIONS.items() if anchor in shown} | _LAST,
        subject=name_subject(design),
        figures=shown,
        summary=summarise(design, tables),
        run=describe_run(design, config, software, revision, command, tables.get("histories")),
        left_out=left_out or {},
        config=yaml.safe_dump(_plain(config), sort_keys=False, allow_unicode=True, width=100),
        sources=Grid.of("Files and checksums", sources, _SOURCES),
        recorded=int(sources["checksum"].astype(str).str.startswith("recorded").sum()) if len(sources) else 0,
        grids=section_grids(design, tables),
        dictionary={name: TABLES[name] for name in [*tables_of(design), "sources", "figures"]},
    )


def render_page(template: str, **values: Any) -> str:
    """A page of the form that all reports have, as HTML that loads nothing.

    Parameters
    ----------
    template : str
        Extends ``page.html.jinja``.
    **values
        ``sections``, a mapping of anchors to titles, and what the template asks for.
    """
    environment = Environment(
        loader=PackageLoader("rnamarks", "figures"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = _mark_code
    style = files("rnamarks.figures").joinpath("report.css").read_text(encoding="utf-8")
    return environment.get_template(template).render(style=style, **values)


def shown_figures(
    design: Design, tables: Mapping[str, pd.DataFrame], figures: Mapping[str, str]
) -> dict[str, list[dict[str, Any]]]:
    """What the templates need to show figures, given as SVG text by name, by section."""
    shown: dict[str, list[dict[str, Any]]] = {}
    for name, svg in figures.items():
        entry = find_figure(name)
        shown.setdefault(entry.section, []).append(
            {
                "entry": entry,
                "title": entry.title_in(design),
                "svg": inline_svg(svg, name, entry.about_in(design)),
                "captions": entry.explain([tables[table] for table in entry.tables], design),
                "tables": [(table, TABLES[table].path) for table in entry.tables],
            }
        )
    return shown


def _mark_code(text: str) -> Markup:
    """Text with backticks as HTML."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text)))


def inline_svg(svg: str, prefix: str, label: str) -> str:
    """An SVG file's text as an element of a page that holds several.

    The prolog, the metadata and the fixed size go; every id and every reference to one gets a prefix, because files of
    one library share their ids.

    Parameters
    ----------
    svg : str
    prefix : str
        Unique within the page.
    label : str
        Read out to those who cannot see the picture.
    """
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'<style type="text/css">.*?</style>', "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', body)
    body = re.sub(r'\bxlink:href="#([^"]+)"', rf'href="#{prefix}-\1"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", body)
    head, rest = body.split(">", 1)
    width = float(re.search(r'\bwidth="([\d.]+)pt"', head).group(1))
    head = re.sub(r'\s(xmlns(:xlink)?|width|height|version)="[^"]*"', "", head)
    return f'{head} role="img" aria-label="{escape(label)}" style="--width:{width:.0f}">{rest}'.strip()


def summarise(design: Design, tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """What the first screen says.

    Returns
    -------
    dict
        ``sentences`` (list of str), ``cards`` (list of (number, words)), ``rows`` (one dict per task with the
        recommended model's AUROC and AUPRC, the prevalence, the best baseline's AUPRC and the paired difference).
    """
    language = summarise_language(design, tables)
    if not design.tasks:
        return language | {"rows": [], "lead": None, "baseline": None}
    metrics, scheme = tables["metrics"], design.scheme
    counts = counts_by_task(metrics, design.names, scheme)
    sites, others = (sum(entry[index] for entry in counts.values()) for index in (0, 1))
    all_sites, all_others = sites, others
    if "counts" in tables:
        everything = select(tables["counts"], scheme=scheme)
        everything = everything[everything["split"] != ""].groupby("label")["windows"].sum()
        all_sites, all_others = int(everything.get(1, 0)), int(everything.get(0, 0))
    lead, baseline = design.best, best_baseline(metrics, design, scheme)
    one = design.modifications[0] if len(design.modifications) == 1 else "modified"
    cards = [*_count_kinds(design), (f"{all_sites:,}", f"{one} sites"), (f"{all_others:,}", "other windows")]
    sentences = [
        f"This run looked at {_name_all(design)}: {all_sites:,} modified sites and "
        f"{all_others:,} other windows, of which {sites:,} and {others:,} were kept apart as the test split "
        f"({scheme} scheme) and used for nothing but the figures below."
    ]
    if design.null_world:
        sentences.append("The data are simulated and their labels random: there is nothing to find, and no biology.")
    elif design.simulated:
        sentences.append(
            "The data are simulated by a known rule; the figures show whether the workflow finds it, not biology."
        )
    rows = []
    if lead is None:
        sentences.append("No network was trained; the baselines stand alone.")
        lead, baseline = baseline, None
    if lead is None:
        found = {"rows": [], "lead": None, "baseline": None}
        return found | {"sentences": sentences + language["sentences"], "cards": cards + language["cards"]}
    area, precision = (metric_rows(metrics, metric, scheme, seed="ensemble") for metric in AREAS)
    gains = {}
    if baseline and "paired" in tables:
        pair = (tables["paired"], lead.key, baseline.key)
        gains = differences(*pair, scheme=scheme, metric="auprc", seed="ensemble")
    for name in design.names:
        if (*lead.key, name) in area:
            row = {"auroc": area[(*lead.key, name)], "auprc": precision[(*lead.key, name)], "gain": gains.get(name)}
            other = precision.get((*baseline.key, name)) if baseline else None
            rows.append({"task": design.task(name), "baseline": other} | row)
    if rows:
        sentences += _verdict(design, lead, baseline, rows)
    found = {"rows": rows, "lead": lead, "baseline": baseline}
    return found | {"sentences": sentences + language["sentences"], "cards": cards + language["cards"]}


def name_subject(design: Design) -> str:
    """What a run is about, as a title: ``m6A in 3 species``."""
    modifications, species = design.modifications, design.species
    if not design.tasks:
        return name_language_subject(design)
    what = modifications[0] if len(modifications) == 1 else f"{len(modifications)} RNA modifications"
    where = "" if not species else species[0] if len(species) == 1 else f"{len(species)} species"
    return f"{what} in {where}" if where else what


def _name_all(design: Design) -> str:
    """The tasks of a run in words, each by its label unless there are very many."""
    labels = _listed([task.label for task in design.tasks])
    if design.word == "species":
        return f"{design.modifications[0]} in {labels}" if design.modifications else labels
    return labels if len(design.tasks) <= MOST_NAMED else name_subject(design)


def _count_kinds(design: Design) -> list[tuple[str, str]]:
    """Cards with the number of species and of modifications; of two that are one the species, by its name."""
    counts = [(len(design.species), "species"), (len(design.modifications), "modifications")]
    several = [(f"{count}", words) for count, words in counts if count > 1]
    return several or [("1", f"{design.word} ({design.tasks[0].label})")]


def _verdict(design: Design, lead: Series, baseline: Series | None, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    name = "released model" if "release" in design.offers else "model shown first"
    kind = f", {lead.label}," if lead.trained else f" (a baseline, {lead.label})"
    texts = [
        f"Given one modified and one other test window, the {name}{kind} puts the modified one first in "
        f"{_range([100 * row['auroc']['value'] for row in rows], 0)} % of pairs (AUROC "
        f"{_range([row['auroc']['value'] for row in rows], 3)}). Its AUPRC is "
        f"{_range([row['auprc']['value'] for row in rows], 3)}, where a random order gives the prevalence, "
        f"{_range([row['auprc']['prevalence'] for row in rows], 3)}."
    ]
    known = [row for row in rows if row["gain"]]
    if baseline and known:
        better = sum(row["gain"]["low"] > 0 for row in known)
        worse = sum(row["gain"]["high"] < 0 for row in known)
        text = (
            f"Against the best baseline, {baseline.label} (AUPRC "
            f"{_range([row['baseline']['value'] for row in known], 3)}), its AUPRC is higher in {better} of "
            f"{len(known)} {design.words} by a paired 95 % interval that excludes zero"
        )
        texts.append(f"{text}{f', and lower in {worse}' if worse else ''}.")
    return texts


def _range(values: Sequence[float], digits: int) -> str:
    low, high = f"{min(values):.{digits}f}", f"{max(values):.{digits}f}"
    return low if low == high else f"{low} to {high}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def describe_run(
    design: Design,
    config: Mapping[str, Any],
    software: Mapping[str, str],
    revision: str,
    command: str,
    histories: pd.DataFrame | None = None,
) -> list[tuple[str, str]]:
    """Lines of the section on what was run, as (what, value)."""
    seeds: dict[str, set[int]] = {}
    for entry in config.get("trainings", []):
        seeds.setdefault(entry["model"], set()).update(entry["seeds"])
    places = {task.modification: task.place[0] for task in design.tasks if task.modification}
    lines = [
        ("Run", design.run),
        ("Command", command or "not known"),
        ("Revision of the code", revision or "not known"),
        (
            "Modifications, MODOMICS short names",
            "; ".join(f"{name} in {motif}" if len(motif) > 1 else name for name, motif in places.items()),
        ),
        ("Species", ", ".join(design.species)),
        ("Tasks", "; ".join(task.label for task in design.tasks) if design.word != "species" else ""),
        ("Window", f"{config['window']} nt" if design.tasks else ""),
        ("Seed of data and bootstrap", str(config["seed"])),
        (
            "Stacks",
            "; ".join(
                f"{name}: {' + '.join(entry['members'])}, weighted by {design.word} as fits the validation split best"
                for name, entry in config.get("stacks", {}).items()
            ),
        ),
        ("Seeds of training", "; ".join(f"{model}: {', '.join(map(str, sorted(s)))}" for model, s in seeds.items())),
        ("CPU threads of training", _say_threads(config["resources"]["training_threads"], histories)),
        ("Bootstrap", f"{config['evaluation']['bootstrap']:,} resamples"),
        ("Software", ", ".join(f"{name} {number}" for name, number in software.items())),
    ]
    return [(what, value) for what, value in lines if value]


def _say_threads(now: int, histories: pd.DataFrame | None) -> str:
    """What the weights were made with, if that is not one thread or not what the configuration says now."""
    used = set() if histories is None else set(histories["threads"])
    if used <= {1} and (used == {now} or not used):
        return ""
    made = ", ".join(f"{number:.0f}" for number in sorted(used))
    return f"weights made with {made}" + ("" if used == {now} else f"; resources.training_threads is {now} now")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value if isinstance(value, str | int | float | bool | None.__class__) else str(value)


_SOURCES = {"subject": "of", "role": "role", "reference": "file", "version": "version"}
_SOURCES |= {"checksum": "checksum is", "sha256": "SHA-256", "bytes": "bytes", "licence": "licence"}
