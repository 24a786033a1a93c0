"""The report stands alone: nothing is loaded, ids are unique, links lead somewhere, equal input gives equal bytes."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest

from rnamarks.dictionary import column_names
from rnamarks.figures.captions import with_interval
from rnamarks.figures.catalogue import find_figure, tables_of
from rnamarks.figures.report import build_report, describe_run, inline_svg, name_subject, summarise
from rnamarks.figures.report_tables import Grid

VOID = {"meta", "br", "hr", "img", "link", "input", "use", "path", "rect", "circle", "line", "stop", "image"}


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.links, self.loads, self.open = [], [], [], [], []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            elif name in ("href", "xlink:href"):
                (self.links if tag in ("a", "use") else self.loads).append(value)
            elif name in ("src", "srcset", "data", "action", "poster"):
                self.loads.append(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def source_rows(checksum="measured"):
    row = dict.fromkeys(column_names("sources"), "") | {"subject": "human", "reference": "<a> & b", "sha256": "ab" * 32}
    return pd.DataFrame([row | {"checksum": checksum, "bytes": 12}])


@pytest.fixture(scope="module")
def made(read_run, drawn):
    design, tables, folder = read_run
    figures = {name: (folder / find_figure(name).file).read_text() for name in drawn}
    return design, {name: tables[name] for name in tables_of(design)}, figures


def build(made, **changes):
    design, tables, figures = made
    config = {"window": 101, "seed": 1, "motif": "DRACH", "evaluation": {"bootstrap": 20}, "key": "</pre><b>"}
    config |= {"trainings": [{"model": "mass", "seeds": [1, 2]}], "resources": {"training_threads": 1}}
    config["stacks"] = {"both": {"members": ["mass", "kmer_blend"]}}
    settings = {"sources": source_rows(), "config": config, "software": {"numpy": "2.0"}, "command": "snakemake -c 2"}
    return build_report(design, tables, figures, **(settings | changes))


def test_page_is_self_contained(made):
    text = build(made)
    page = Page(text)
    assert page.open == []
    assert page.loads == []
    assert "script" not in page.tags
    assert "link" not in page.tags
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    assert "xlink" not in text
    assert page.tags.count("svg") == len(made[2])
    assert f"both: mass + kmer_blend, weighted by {made[0].word} as fits the validation split best" in page.text


def test_ids_are_unique_and_links_lead_to_them(made):
    page = Page(build(made))
    assert len(page.ids) == len(set(page.ids))
    inner = {link[1:] for link in page.links if link.startswith("#")}
    assert inner
    assert inner <= set(page.ids)
    assert set(re.findall(r"url\(#([^)]+)\)", build(made))) <= set(page.ids)
    outer = [link for link in page.links if not link.startswith("#")]
    assert not [link for link in outer if ":" in link or link.startswith("/")]


def test_equal_input_gives_equal_bytes(made):
    assert build(made) == build(made)


def test_first_screen_says_the_essentials(made):
    design, tables, _ = made
    page = Page(build(made))
    summary = summarise(design, tables)
    assert summary["rows"]
    assert len(summary["rows"]) == len(design.tasks)
    for sentence in summary["sentences"]:
        assert sentence in page.text
    assert "nan" not in re.findall(r"\w+", " ".join(summary["sentences"]))
    row = summary["rows"][0]
    assert f"{row['auroc']['value']:.3f} ({row['auroc']['low']:.3f}–{row['auroc']['high']:.3f})" in page.text


def test_sections_without_figures_are_left_out(made):
    page = Page(build(made))
    assert ("training" in page.ids) == (made[0].best is not None)
    assert ("external" in page.ids) == ("external" in made[0].offers)


def test_text_is_escaped_and_recorded_checksums_are_told(made):
    text = build(made, sources=source_rows("recorded now, 2026-01-02"))
    page = Page(text)
    assert "<a> & b" in page.text
    assert "&lt;/pre&gt;&lt;b&gt;" in text
    assert "For 1 file no checksum is published" in page.text
    assert "no checksum is published" not in Page(build(made)).text


def test_unknown_revision_and_command(made):
    page = Page(build(made, revision="", command=""))
    assert page.text.count("not known") >= 2


def test_svg_is_prefixed_and_stripped():
    svg = (
        '<?xml version="1.0"?><!DOCTYPE svg><svg xmlns:xlink="http://a" width="72pt" height="36pt" viewBox="0 0 72 36" '
        'xmlns="http://b" version="1.1"><metadata>x</metadata><defs><style type="text/css">*{a:b}</style></defs>'
        '<g id="g1" clip-path="url(#c1)"><use xlink:href="#m1"/></g></svg>\n'
    )
    assert inline_svg(svg, "one", 'a "b"') == (
        '<svg viewBox="0 0 72 36" role="img" aria-label="a &quot;b&quot;" style="--width:72"><defs></defs>'
        '<g id="one-g1" clip-path="url(#one-c1)"><use href="#one-m1"/></g></svg>'
    )


def test_numbers_in_tables():
    frame = pd.DataFrame({"name": ["<i>", None], "count": [1234, 5], "fraction": [0.12345, float("nan")]})
    grid = Grid.of("Numbers", frame, {"name": "which", "count": "count", "fraction": "fraction"})
    assert grid.heads == [("which", "t"), ("count", "n"), ("fraction", "n")]
    assert grid.rows == [[("<i>", "t"), ("1,234", "n"), ("0.123", "n")], [("", "t"), ("5", "n"), ("", "n")]]
    assert with_interval({"value": 0.5, "low": float("nan"), "high": float("nan")}) == "0.500"


def test_the_subject_names_what_there_is_one_of(design, mixed):
    assert name_subject(design) == "m6A in 3 species"
    assert name_subject(mixed[0]) == "2 RNA modifications in 2 species"
    alone = replace(mixed[0], tasks=mixed[0].tasks[:2])
    assert (alone.word, name_subject(alone)) == ("modification", "2 RNA modifications in human")
    assert name_subject(replace(design, tasks=design.tasks[:1])) == "m6A in human"


def test_a_mixed_run_counts_both(mixed):
    design = mixed[0]
    cards = summarise(*mixed)["cards"]
    assert cards[:2] == [("2", "species"), ("2", "modifications")]
    assert f"looked at {design.tasks[0].label}, " in summarise(*mixed)["sentences"][0]


def test_what_the_data_do_not_allow_is_told(made):
    text = Page(build(made, left_out={"conservation": "no orthologues are given"})).text
    assert "conservation: no orthologues are given" in text
    assert "do not allow" not in Page(build(made)).text


@pytest.mark.parametrize(
    ("used", "now", "said"),
    [
        ([1, 1], 1, ""),
        ([], 1, ""),
        ([1, 1], 2, "weights made with 1; resources.training_threads is 2 now"),
        ([2, 1], 2, "weights made with 1, 2; resources.training_threads is 2 now"),
        ([2, 2], 2, "weights made with 2"),
    ],
)
def test_threads_of_training_are_told_where_they_are_others(design, used, now, said):
    config = {"window": 101, "seed": 1, "evaluation": {"bootstrap": 10}, "resources": {"training_threads": now}}
    lines = dict(describe_run(design, config, {"x": "1"}, "", "", pd.DataFrame({"threads": used})))
    assert lines.get("CPU threads of training", "") == said
