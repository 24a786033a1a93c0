"""The report: one HTML page that holds everything it shows and needs no network."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

import pandas as pd
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from .design import Design, Series
from .dictionary import TABLES, Table
from .lookup import best_baseline, counts_by_species, differences, metric_rows, select
from .register import find_figure, tables_of

LONG_WORD = 24
SECTIONS = (
    ("summary", "Summary"),
    ("run", "What was run"),
    ("sources", "Source files"),
    ("data", "Data"),
    ("splits", "Splits and leaks"),
    ("training", "Training"),
    ("metrics", "Metrics"),
    ("calibration", "Calibration"),
    ("thresholds", "Thresholds"),
    ("similarity", "Similarity to training"),
    ("external", "Test sets from elsewhere"),
    ("marks", "Modifications"),
    ("landscape", "Where the sites lie"),
    ("motifs", "Local motifs"),
    ("optimisation", "Global motifs"),
    ("capacity", "Conserved genes"),
    ("ontology", "Gene ontology"),
    ("regulation", "Gene regulation"),
    ("limits", "Limits"),
    ("tables", "Tables and their columns"),
)


def build_report(
    design: Design,
    tables: Mapping[str, pd.DataFrame],
    figures: Mapping[str, str],
    *,
    sources: pd.DataFrame,
    config: Mapping[str, Any],
    software: Mapping[str, str],
    revision: str = "",
    command: str = "",
) -> str:
    """The report as one HTML document.

    Parameters
    ----------
    design : Design
    tables : mapping of str to pandas.DataFrame
        Those of :func:`rnamarks.figures.register.tables_of`.
    figures : mapping of str to str
        SVG text by the figure's name, in the order of the report.
    sources : pandas.DataFrame
        See :func:`rnamarks.figures.provenance.source_table`.
    config : mapping
        The whole configuration.
    software : mapping of str to str
    revision, command : str
        ``""`` if not known.

    Returns
    -------
    str
        The same input gives the same text; nothing in it is loaded from elsewhere.
    """
    environment = Environment(
        loader=PackageLoader("rnamarks", "figures"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown: dict[str, list[dict[str, Any]]] = {}
    for name, svg in figures.items():
        entry = find_figure(name)
        captions = entry.explain([tables[table] for table in entry.tables], design)
        shown.setdefault(entry.section, []).append(
            {
                "entry": entry,
                "svg": inline_svg(svg, name, design.say(entry.about)),
                "captions": captions,
                "tables": [(table, TABLES[table].path) for table in entry.tables],
            }
        )
    present = {"summary", "run", "sources", "limits", "tables", *shown}
    return environment.get_template("report.html.jinja").render(
        style=files("rnamarks.figures").joinpath("report.css").read_text(encoding="utf-8"),
        design=design,
        sections=[(anchor, title) for anchor, title in SECTIONS if anchor in present],
        figures=shown,
        summary=summarise(design, tables),
        run=describe_run(design, config, software, revision, command),
        config=yaml.safe_dump(_plain(config), sort_keys=False, allow_unicode=True, width=100),
        sources=html_table(sources, _SOURCES) if len(sources) else "",
        recorded=int(sources["checksum"].astype(str).str.startswith("recorded").sum()) if len(sources) else 0,
        extras=_extras(design, tables),
        dictionary=[
            (name, TABLES[name], _explained(TABLES[name])) for name in [*tables_of(design), "sources", "figures"]
        ],
    )


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
        ``sentences`` (list of str), ``cards`` (list of (number, words)), ``rows`` (one dict per species with the
        recommended model's AUROC and AUPRC, the prevalence, the best baseline's AUPRC and the paired difference).
    """
    metrics, split = tables["metrics"], design.split
    counts = counts_by_species(metrics, design.species, split)
    sites, others = (sum(entry[index] for entry in counts.values()) for index in (0, 1))
    if "counts" in tables:
        everything = select(tables["counts"], split=split)
        everything = everything[everything["part"] != ""].groupby("label")["windows"].sum()
        all_sites, all_others = int(everything.get(1, 0)), int(everything.get(0, 0))
    else:
        all_sites, all_others = sites, others
    lead, baseline = design.best, best_baseline(metrics, design, split)
    cards = [
        (f"{len(design.species)}", _kinds(design)),
        (f"{all_sites:,}", f"{design.modification} sites"),
        (f"{all_others:,}", "other windows"),
    ]
    sentences = [
        f"This run looked at {_subject(design)}: {all_sites:,} modified sites and "
        f"{all_others:,} other windows, of which {sites:,} and {others:,} were kept apart as the test part "
        f"({split} split) and used for nothing but the figures below."
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
        return {"sentences": sentences, "cards": cards, "rows": [], "lead": None, "baseline": None}
    area, precision = (metric_rows(metrics, metric, split, seed="ensemble") for metric in ("auroc", "auprc"))
    gains = {}
    if baseline and "paired" in tables:
        gains = {
            metric: differences(tables["paired"], lead.key, baseline.key, split=split, metric=metric, seed="ensemble")
            for metric in ("auroc", "auprc")
        }
    for name in design.species:
        if (*lead.key, name) not in area:
            continue
        rows.append(
            {
                "species": name,
                "colour": design.colours[name],
                "auroc": area[(*lead.key, name)],
                "auprc": precision[(*lead.key, name)],
                "baseline": precision.get((*baseline.key, name)) if baseline else None,
                "gain": gains.get("auprc", {}).get(name),
                "gain_auroc": gains.get("auroc", {}).get(name),
            }
        )
    if rows:
        sentences += map(design.say, _verdict(design, lead, baseline, rows))
    return {"sentences": sentences, "cards": cards, "rows": rows, "lead": lead, "baseline": baseline}


def _kinds(design: Design) -> str:
    if design.heads_are == "species":
        return "species" if len(design.species) > 1 else f"species ({design.species[0]})"
    return "modifications" if len(design.species) > 1 else f"modification ({design.species[0]})"


def _subject(design: Design) -> str:
    heads = _listed(design.species)
    return f"{design.modification} in {heads}" if design.heads_are == "species" else heads


def _verdict(design: Design, lead: Series, baseline: Series | None, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    name = "released model" if design.released else "model shown first"
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
            f"{len(known)} species by a paired 95 % interval that excludes zero"
        )
        texts.append(f"{text}{f', and lower in {worse}' if worse else ''}.")
    return texts


def _range(values: Sequence[float], digits: int) -> str:
    low, high = f"{min(values):.{digits}f}", f"{max(values):.{digits}f}"
    return low if low == high else f"{low} to {high}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def describe_run(
    design: Design, config: Mapping[str, Any], software: Mapping[str, str], revision: str, command: str
) -> list[tuple[str, str]]:
    """Lines of the section on what was run, as (what, value)."""
    seeds: dict[str, set[int]] = {}
    for entry in config.get("trainings", []):
        seeds.setdefault(entry["model"], set()).update(entry["seeds"])
    motif = config.get("motif")
    about_species = design.heads_are == "species"
    lines = [
        ("Run", design.run),
        ("Command", command or "not known"),
        ("Revision of the code", revision or "not known"),
        (
            "Modification",
            f"{design.modification}{f' in {motif}' if motif else ', any context'}" if about_species else "",
        ),
        ("Window", f"{config['window']} nt"),
        ("Species, in the order of the tree" if about_species else "Modifications", ", ".join(design.species)),
        ("Seed of data and bootstrap", str(config["seed"])),
        (
            "Stacks",
            "; ".join(
                design.say(
                    f"{name}: {' + '.join(entry['members'])}, weighted by species as fits the validation part best"
                )
                for name, entry in config.get("stacks", {}).items()
            ),
        ),
        ("Seeds of training", "; ".join(f"{model}: {', '.join(map(str, sorted(s)))}" for model, s in seeds.items())),
        ("Bootstrap", f"{config['evaluation']['bootstrap']:,} resamples"),
        ("Software", ", ".join(f"{name} {number}" for name, number in software.items())),
    ]
    return [(what, value) for what, value in lines if value]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value if isinstance(value, str | int | float | bool | None.__class__) else str(value)


def _number(value: Any, digits: int = 3) -> str:
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:.{digits}f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def with_interval(row: Mapping[str, Any], digits: int = 3) -> str:
    """``0.874 (0.842 to 0.908)``, or the value alone where there is no interval."""
    value, low, high = (float(row[key]) for key in ("value", "low", "high"))
    if math.isnan(value):
        return ""
    return _number(value, digits) + ("" if math.isnan(low) else f" ({low:.{digits}f} to {high:.{digits}f})")


_SOURCES = {
    "species": "species",
    "role": "role",
    "reference": "file",
    "version": "version",
    "checksum": "checksum is",
    "sha256": "SHA-256",
    "bytes": "bytes",
    "licence": "licence",
}


def html_table(frame: pd.DataFrame, columns: Mapping[str, str]) -> str:
    """A table of HTML; numbers to the right, long checksums breakable.

    Parameters
    ----------
    frame : pandas.DataFrame
    columns : mapping of str to str
        Columns to show and their headings.
    """
    rows = frame[list(columns)].astype(object).where(frame[list(columns)].notna(), "").to_numpy().tolist()
    numeric = [pd.api.types.is_numeric_dtype(frame[name]) for name in columns]
    head = "".join(
        f'<th class="{"n" if right else "t"}" scope="col">{escape(text)}</th>'
        for text, right in zip(columns.values(), numeric, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="{_kind(value, right)}">{escape(_number(value))}</td>'
            for value, right in zip(row, numeric, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _kind(value: Any, right: bool) -> str:
    if right:
        return "n"
    return "t long" if max(map(len, str(value).split()), default=0) > LONG_WORD else "t"


def _extras(design: Design, tables: Mapping[str, pd.DataFrame]) -> dict[str, list[tuple[str, str]]]:
    """Tables below the figures of a section, as (title, table)."""
    found: dict[str, list[tuple[str, str]]] = {}

    def add(section: str, title: str, frame: pd.DataFrame, columns: Mapping[str, str]) -> None:
        if len(frame):
            words = {name: design.say(label) for name, label in columns.items()}
            found.setdefault(section, []).append((title, html_table(frame, words)))

    for split in dict.fromkeys(tables["metrics"]["split"]):
        add("metrics", f"All models, {split} split, test part", *_metric_table(design, tables["metrics"], split))
    if "paired" in tables and design.recommended:
        add(
            "metrics", "Paired differences, recommended model minus the other", *_paired_table(design, tables["paired"])
        )
    if "counts" in tables:
        wide = (
            tables["counts"]
            .assign(label=lambda frame: frame["label"].map({1: "sites", 0: "others"}))
            .pivot_table(
                index=["split", "species", "part"], columns="label", values="windows", fill_value=0, sort=False
            )
            .astype(int)
            .reset_index()
        )
        wide["part"] = wide["part"].replace("", "left out")
        names = ["split", "species", "part", *(name for name in ("sites", "others") if name in wide)]
        add("data", "Windows by part", wide, {name: name for name in names})
    if "drops" in tables:
        names = ("stage", "species", "source", "reason", "rows")
        add("data", "Dropped and kept rows by reason", tables["drops"], {name: name for name in names})
    if "leaks" in tables:
        leaks = select(tables["leaks"], label="all")
        leaks = leaks[leaks["n"] > 0].assign(percent=lambda frame: (100 * frame["share"]).map("{:.1f}".format))
        columns = {"split": "split", "species": "species", "kind": "kind", "n": "test windows", "n_leaky": "with one"}
        add("splits", "Leak meter", leaks, columns | {"percent": "%"})
    mine = {}
    if design.best:
        mine = {"model": design.best.model, "setting": design.best.setting, "split": design.split, "seed": "ensemble"}
    if mine and "calibration" in tables:
        columns = {"species": "species", "method": "method", "prevalence": "prevalence", "slope": "slope"}
        columns |= {"intercept": "intercept", "ece_raw": "ECE raw", "ece_prior": "ECE, prior undone"}
        columns |= {
            "ece": "ECE calibrated",
            "ece_noise": "ECE noise",
            "brier_raw": "Brier raw",
            "brier": "Brier calibrated",
        }
        add("calibration", "Calibration of the recommended model", select(tables["calibration"], **mine), columns)
    if mine and "thresholds" in tables:
        rows = select(tables["thresholds"], **mine).copy()
        for name in ("precision", "recall"):
            rows[name] = [
                with_interval({"value": row[name], "low": row[f"{name}_low"], "high": row[f"{name}_high"]})
                for row in rows.to_dict("records")
            ]
        columns = {"species": "species", "target_precision": "asked for", "prevalence": "at prevalence"}
        columns |= {"probability": "probability", "logit": "logit", "precision": "precision, test"}
        columns |= {"recall": "recall, test", "note": "note"}
        add("thresholds", "Thresholds of the recommended model", rows, columns)
    if "external" in tables:
        rows = tables["external"].assign(area=[with_interval(row) for row in tables["external"].to_dict("records")])
        rows = select(rows, metric=["auroc", "auprc"])
        columns = {"name": "set", "head": "head", "width": "nt", "metric": "metric", "area": "value (95 % interval)"}
        columns |= {"n_positive": "sites", "n_negative": "others", "prevalence": "prevalence"}
        columns |= {"removed_seen_in_training": "removed, in training"}
        columns |= {"removed_within_training": "removed, inside or around one in training"}
        add("external", "Test sets from elsewhere", rows, columns)
    return found


def _metric_table(design: Design, metrics: pd.DataFrame, split: str) -> tuple[pd.DataFrame, dict[str, str]]:
    series = design.on(split)
    series.sort(key=lambda entry: entry.key != design.recommended)
    rows = []
    for name in design.species:
        for entry in series:
            row: dict[str, Any] = {"species": name, "model": entry.label}
            for seed in ("mean", "ensemble"):
                for metric in ("auroc", "auprc"):
                    found = metric_rows(metrics, metric, split, seed=seed).get((*entry.key, name))
                    if found:
                        row[f"{metric}_{seed}"] = with_interval(found)
                        row |= {"sites": found["n_positive"], "others": found["n_negative"]}
                        row["prevalence"] = found["prevalence"]
            if "prevalence" in row:
                rows.append(row)
    columns = {
        "species": "species",
        "model": "model",
        "auroc_ensemble": "AUROC, ensemble",
        "auprc_ensemble": "AUPRC, ensemble",
        "auroc_mean": "AUROC, mean of seeds",
        "auprc_mean": "AUPRC, mean of seeds",
        "prevalence": "prevalence",
        "sites": "sites",
        "others": "others",
    }
    return pd.DataFrame(rows, columns=list(columns)), columns


def _paired_table(design: Design, paired: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    rows = []
    for entry in design.on(design.split):
        if entry.key == design.recommended:
            continue
        found = {
            metric: differences(
                paired, design.recommended, entry.key, split=design.split, metric=metric, seed="ensemble"
            )
            for metric in ("auroc", "auprc")
        }
        for name in design.species:
            if name in found["auroc"]:
                row: dict[str, Any] = {"model": entry.label, "species": name}
                for metric in ("auroc", "auprc"):
                    part = found[metric][name]
                    row[metric] = with_interval(part | {"value": part["difference"]})
                    row[f"p_{metric}"] = _small(part["p"])
                rows.append(row)
    columns = {
        "model": "against",
        "species": "species",
        "auroc": "difference in AUROC (95 %)",
        "p_auroc": "p",
        "auprc": "difference in AUPRC (95 %)",
        "p_auprc": "p",
    }
    return pd.DataFrame(rows, columns=list(columns)), columns


def _small(p: float) -> str:
    return f"{p:.2g}"


def _explained(table: Table) -> str:
    body = "".join(
        f'<tr><td class="t"><code>{escape(column.name)}</code></td><td class="t">{_code(column.meaning)}</td></tr>'
        for column in table.columns
    )
    head = '<tr><th class="t" scope="col">column</th><th class="t" scope="col">meaning</th></tr>'
    return f'<div class="wide"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>'


def _code(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
