import sys
from pathlib import Path

from snakemake.utils import validate

from rnamarks.configuration import Plan, check_config
from rnamarks.errors import InputError
from rnamarks.figures.design import Design
from rnamarks.figures.dictionary import TABLES
from rnamarks.figures.provenance import references
from rnamarks.figures.register import FIGURES, figures_of, tables_of
from rnamarks.sources.sheet import read_sources

try:
    check_config(config, workflow.source_path("../schemas/config.schema.yaml"), workflow.configfiles)
    validate(config, "../schemas/config.schema.yaml")  # fills in the defaults
    PLAN = Plan(config)
    SOURCES = {source.name: source for source in read_sources(config["sources"]["sheet"])}
    PLAN.check_sources(SOURCES)
except InputError as error:
    print(f"error: {error}", file=sys.stderr)
    raise SystemExit(error.exit_code) from error


wildcard_constraints:
    run=PLAN.run,
    species="|".join(PLAN.species) or "none",
    model="|".join(PLAN.networks) or "none",
    baseline="|".join(PLAN.baselines) or "none",
    role="sites|veto",
    setting="[A-Za-z0-9_]+",
    split="paper|guarded",
    seed="[0-9]+",


def locate(reference, species=""):
    """The path of a file named in the configuration: `source:NAME`, `data:PATH` below data_root, or a path."""
    return PLAN.locate(reference, SOURCES, species)


def get_site_tables(wildcards):
    return [locate(entry["table"], wildcards.species) for entry in PLAN.site_tables(wildcards.species, wildcards.role)]


def get_veto(wildcards):
    if not PLAN.site_tables(wildcards.species, "veto"):
        return []
    return [f"results/{wildcards.run}/sites/{wildcards.species}.veto.tsv.gz"]


def get_genome(wildcards):
    return locate(PLAN.species[wildcards.species]["genome"], wildcards.species)


def get_annotation(wildcards):
    return locate(PLAN.species[wildcards.species]["annotation"], wildcards.species)


def get_orthologues(wildcards):
    return [f"results/{wildcards.run}/sites/orthologues.tsv"] if config.get("orthologues") else []


def get_window_files(wildcards):
    return [locate(entry["file"], wildcards.species) for entry in PLAN.window_files(wildcards.species)]


def get_windows(wildcards):
    return [f"results/{wildcards.run}/datasets/{species}.windows.parquet" for species in PLAN.species]


def get_drops(wildcards):
    return PLAN.drops_files()


def get_training_splits(wildcards):
    return [
        f"results/{wildcards.run}/datasets/{species}.split.parquet" for species in PLAN.species_of(wildcards.setting)
    ]


def get_predictions(wildcards):
    return [run.predictions for run in PLAN.runs]


def get_histories(wildcards):
    return [run.history for run in PLAN.runs if run.history]


def get_released_weights(wildcards):
    return [run.weights for run in PLAN.released_runs()]


def get_external_files(wildcards):
    return [locate(part["file"]) for entry in PLAN.external for part in entry["files"]]


def get_final_targets():
    return PLAN.targets()


DESIGN = Design.from_plan(PLAN)


def get_source_files(wildcards):
    return [locate(entry.reference) for entry in references(PLAN)]


def get_figure_tables(wildcards):
    return [f"results/{wildcards.run}/{TABLES[name].path}" for name in FIGURES[wildcards.figure].tables]


def get_report_tables(wildcards):
    return [f"results/{wildcards.run}/{TABLES[name].path}" for name in tables_of(DESIGN)]


def get_figure_category(wildcards):
    return FIGURES[wildcards.figure].section.capitalize()


def get_figure_labels(wildcards):
    return {
        "figure": FIGURES[wildcards.figure].label,
        "shows": FIGURES[wildcards.figure].title,
    }


def get_command():
    settings = workflow.config_settings
    words = ["snakemake", "--cores", "all"]
    words += ["--configfile", *map(str, settings.configfiles)] if settings.configfiles else []
    words += ["--config", *(f"{key}={value}" for key, value in settings.config.items())] if settings.config else []
    return " ".join(words)
