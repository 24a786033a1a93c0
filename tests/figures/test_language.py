"""Figures of language models and downstream tasks show what their tables say, in runs with and without windows."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection

from language_tables import DESIGN, FAMILIES, LANGUAGES, TASKS, language_tables, predictors
from rnamarks.dictionary.tables import TABLES
from rnamarks.evaluation import context_counts, structures
from rnamarks.figures.arcs import draw_structures
from rnamarks.figures.catalogue import figures_of, find_figure, sections_of, tables_of
from rnamarks.figures.collect import join_language_histories, read_table
from rnamarks.figures.downstream import WAY_MEANINGS, draw_differences, draw_scores, explain_scores
from rnamarks.figures.families import draw_families, explain_families
from rnamarks.figures.language import (
    draw_corpus_drops,
    draw_perplexity,
    draw_pretraining,
    draw_relatives,
    explain_corpus_drops,
    explain_relatives,
)
from rnamarks.figures.predictors import SIMPLE_RULES, SIMPLE_SPACES, WAYS, find_predictors
from rnamarks.figures.report import build_report, name_subject, summarise
from rnamarks.figures.structures import KINDS, draw_examples, draw_spread, draw_structure_families
from rnamarks.figures.style import save_figure
from rnamarks.interpretation import families
from rnamarks.tables import write_tsv
from rnamarks.training import settings


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Tables as a rule reads them."""
    folder = tmp_path_factory.mktemp("language")
    read = {}
    for name, table in language_tables().items():
        write_tsv(table, folder / TABLES[name].path)
        read[name] = read_table(name, folder / TABLES[name].path)
    return read


@pytest.fixture(scope="module")
def shown(made):
    return {
        name: find_figure(name).draw([made[at] for at in find_figure(name).tables], DESIGN)
        for name in figures_of(DESIGN)
    }


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def marks(axes, kinds="os^XDPvd<>h+") -> int:
    return sum(line.get_marker() in kinds for line in axes.lines)


def test_a_run_without_windows_draws_nothing_of_windows(made, shown):
    assert set(shown) == {
        *("corpus_drops", "relatives", "pretraining", "perplexity", "families", "drops"),
        *("downstream_pairs", "structure_spread", "structure_families", "structure_examples"),
        *("downstream_labels", "downstream_values", "downstream_differences"),
    }
    assert list(sections_of(DESIGN)) == ["data", "corpus", "pretraining", "families", "downstream"]
    assert set(tables_of(DESIGN)) == set(made)
    fewer = replace(DESIGN, offers=frozenset(("corpus", "language")))
    assert figures_of(fewer) == ["drops", "corpus_drops", "relatives", "perplexity"]
    assert "metrics" not in tables_of(fewer)


def test_a_run_without_language_models_draws_nothing_of_them(design):
    assert not set(figures_of(design)) & set(figures_of(DESIGN)) - {"drops"}


def test_figures_are_vectors_with_captions_that_count(made, shown, tmp_path):
    for name, figure in shown.items():
        entry = find_figure(name)
        save_figure(figure, tmp_path / f"{name}.svg")
        assert b"<image" not in (tmp_path / f"{name}.svg").read_bytes(), name
        letters = {text for axes in figure.axes for text in texts(axes)}
        captions = entry.explain([made[at] for at in entry.tables], DESIGN)
        assert {panel for panel, _ in captions if panel} <= letters, name
        for _, text in captions:
            assert text.endswith(".")
            assert "nan" not in re.findall(r"[a-z]+", text)
            assert re.search(r"\d", text), name


def test_words_are_for_names_that_other_stages_give():
    assert list(SIMPLE_RULES) == list(context_counts.BASELINES)
    assert set(SIMPLE_SPACES) == {families.KMER, families.UNTRAINED}
    assert tuple(WAYS) == settings.WAYS
    assert set(KINDS) == {structures.BOTH, structures.MISSED, structures.FALSE}


def test_predictors_are_named_and_ordered():
    found = find_predictors(["svm", "big_net_scratch", "big_net_finetuned", "a_finetuned"])
    assert list(found) == ["big_net_finetuned", "big_net_scratch", "a_finetuned", "svm"]
    assert [one.label for one in found.values()][:2] == ["big net, fine-tuned", "big net, not pre-trained"]
    assert found["svm"].language == ""
    assert len({one.colour for one in found.values()}) == 4


@pytest.mark.parametrize("target", ["pairs", "label", "value"])
def test_scores_have_a_mark_per_predictor_and_metric(made, target):
    figure = draw_scores(made["downstream"], DESIGN, target)
    tasks = [name for name, entry in TASKS.items() if entry[0] == target]
    rows = [name for task in tasks for _ in TASKS[task][1] for name in predictors(task)]
    first = figure.axes[0]
    assert [label.get_text() for label in first.get_yticklabels()] == [
        find_predictors([name])[name].label for name in rows
    ]
    assert marks(first) == len(rows) * (2 if target == "pairs" else 1)
    heads = [text for text in texts(first) if "RNAs" in text]
    assert len(heads) == sum(len(TASKS[task][1]) for task in tasks)
    assert all(f"{TASKS[task][3]:,} RNAs" in " ".join(heads) for task in tasks)
    # single seeds of language models alone
    dots = [line for line in first.lines if line.get_marker() == "." and len(line.get_xdata())]
    assert len(dots) == sum(name.startswith(LANGUAGES) for name in rows)
    assert -0.05 < first.get_xlim()[0] <= 0


def test_prevalence_is_drawn_where_there_is_a_precision_recall_curve(made):
    axes = draw_scores(made["downstream"], DESIGN, "label").axes
    ticks = [line for line in axes[2].lines if list(line.get_xdata()) == [0.5, 0.5]]
    assert len(ticks) == 2 * len(predictors("splice"))
    assert marks(axes[2]) == 2 * len(predictors("splice"))
    assert "2 seeds" in explain_scores(made["downstream"], DESIGN, "label")[0][1]


def test_the_caption_of_scores_tells_of_the_ways_that_are_drawn(made):
    table = made["downstream"]
    everything = explain_scores(table, DESIGN, "value")[0][1]
    assert all(f"{label}: {WAY_MEANINGS[way]}" in everything.replace("Fine", "fine") for way, label in WAYS.items())
    few = table[~table["predictor"].str.endswith(("_untrained", "_scratch"))]
    assert "random weights" not in explain_scores(few, DESIGN, "value")[0][1]


def test_r2_below_zero_is_on_the_axis(made):
    table = made["downstream"].copy()
    scratch = (table["predictor"] == "tiny_scratch") & (table["metric"] == "r2")
    table.loc[scratch, ["value", "low", "high"]] = [-0.4, -0.5, -0.3]
    axes = draw_scores(table, DESIGN, "value").axes[0]
    assert axes.get_xlim()[0] < -0.5
    assert "−0.40" in texts(axes)


def test_differences_begin_with_what_was_tuned(made):
    table = made["downstream_differences"]
    axes = draw_differences(table, DESIGN).axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    # each model against its other ways and the baseline, and once the two with each other
    assert labels[:9] == [
        "tiny, fine-tuned − head only",
        "tiny, fine-tuned − not pre-trained",
        "tiny, fine-tuned − head only, not pre-trained",
        "tiny, fine-tuned − small, fine-tuned",
        "tiny, fine-tuned − nussinov",
        "small, fine-tuned − head only",
        "small, fine-tuned − not pre-trained",
        "small, fine-tuned − head only, not pre-trained",
        "small, fine-tuned − nussinov",
    ]
    # turned round where the table has the pair the other way
    turned = table.rename(columns={"first": "second", "second": "first"}).assign(
        difference=-table["difference"], low=-table["high"], high=-table["low"]
    )
    again = draw_differences(turned[table.columns], DESIGN).axes[0]
    assert texts(again) == texts(axes)
    hollow = [line for line in axes.lines if line.get_marker() == "o" and line.get_markerfacecolor() == "white"]
    assert len(hollow) == sum("small, fine-tuned" in label and label.startswith("tiny") for label in labels)
    assert "no language model was fine-tuned" in texts(draw_differences(table.iloc[:0], DESIGN).axes[0])


def test_spread_has_a_box_per_predictor(made):
    figure = draw_spread(made["structure_spread"], DESIGN)
    for axes in figure.axes:
        assert len(axes.patches) == 2 * len(predictors("structure"))
        assert -0.05 < axes.get_xlim()[0] <= 0


def test_families_have_a_row_each_with_their_number(made):
    axes = draw_structure_families(made["structure_spread"], DESIGN).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        f"{name.replace('_', ' ')} (10)" for name in sorted(FAMILIES)
    ]
    assert marks(axes) == len(FAMILIES) * len(predictors("structure"))
    unknown = made["structure_spread"].query("family == ''")
    assert "not known" in texts(draw_structure_families(unknown, DESIGN).axes[0])[0]


def test_arcs_are_above_where_known_and_below_where_predicted(made):
    figure = draw_examples(made["structure_pairs"], DESIGN)
    # of several the one that chose the RNAs, and a baseline
    names = [axes.get_title(loc="left").partition("\n")[2].partition(":")[0] for axes in figure.axes]
    assert names == ["small, fine-tuned", "nussinov"] * 3
    pairs = made["structure_pairs"]
    first = pairs[(pairs["fold"] == "given") & (pairs["rank"] == "worst") & (pairs["predictor"] == "nussinov")]
    axes = figure.axes[5]
    assert axes.get_title(loc="left").startswith(f"worst: {first['example'].iloc[0].replace('_', ' ')}, ")
    assert f"F1 {first['f1'].iloc[0]:.2f}" in axes.get_title(loc="left")
    above, below = (one for one in axes.collections if isinstance(one, LineCollection))
    assert len(above.get_segments()) == first["kind"].isin(["both", "missed"]).sum()
    assert len(below.get_segments()) == first["kind"].isin(["both", "false"]).sum()
    assert all(segment[:, 1].min() >= -1e-9 for segment in above.get_segments())
    assert all(segment[:, 1].max() <= 1e-9 for segment in below.get_segments())
    # positions count from 1 on the axis
    ends = {(round(segment[0, 0]), round(segment[-1, 0])) for segment in below.get_segments()}
    assert ends == {(row.i + 1, row.j + 1) for row in first[first["kind"] != "missed"].itertuples()}


def test_a_structure_without_pairs_is_a_line():
    figure = draw_structures([("empty", 30, np.empty((0, 2), np.int64), np.empty(0, bool))])
    assert not figure.axes[0].collections
    assert list(figure.axes[0].lines[0].get_xdata()) == [1, 30]


def test_perplexity_by_size_or_by_model(made):
    table = made["perplexity"]
    figure = draw_perplexity(table, DESIGN)
    assert [axes.get_title(loc="left").partition("\n")[0] for axes in figure.axes] == [
        *("held out of the corpus", "yeast", "ribozymes")
    ]
    for axes in figure.axes:
        assert axes.get_xscale() == "log"
        assert marks(axes) == len(LANGUAGES) * 2
        assert sum(np.ptp(line.get_xdata()) == 1 and line.get_linestyle() != "-" for line in axes.lines) == 3
    equal = table.assign(parameters=table["parameters"].where(table["parameters"] < 10, 5e6))
    axes = draw_perplexity(equal, DESIGN).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        *("tiny (5M)", "small (5M)", "frequencies of nucleotides", "the three nucleotides before"),
        "three nucleotides on either side",
    ]
    # each seed, not a mean that no table has
    assert texts(axes)[0].count(" ") == 1


def test_pretraining_has_a_line_per_model_and_seed(made):
    left, right = draw_pretraining(made["language_histories"], DESIGN).axes
    assert len(right.lines) == len(LANGUAGES) * 2
    assert len([line for line in left.lines if len(line.get_xdata()) == 12]) == len(LANGUAGES) * 2


def test_histories_are_joined():
    history = pd.DataFrame({"epoch": [1], "stage": 1, "task": "masked", "loss": 1.0, "nll": 1.0, "perplexity": 2.7})
    history = history.assign(accuracy=0.5, score=-1.0, seconds=2.0, windows_per_second=3.0)
    joined = join_language_histories([{"language": "a", "seed": 1}, {"language": "b", "seed": 2}], [history] * 2)
    assert joined[["language", "seed"]].to_numpy().tolist() == [["a", 1], ["b", 2]]


def test_relatives_are_counted_beside_their_bars(made):
    axes = draw_relatives(made["relatives"], DESIGN).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        *("structure, test", "structure, valid", "splice, test", "yeast")
    ]
    assert "40 of 120; 95 removed" in texts(axes)
    # of a sequence that resembles test and validation examples both tell, so that a sum would be too large
    assert "counts for each" in explain_relatives(made["relatives"], DESIGN)[0][1]


def test_judged_rna_is_not_counted_to_the_corpus(made):
    axes = draw_corpus_drops(made["corpus_drops"], DESIGN).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["all", "rfam", "transcripts", "yeast\n(judged)"]
    assert "of 6,538 sequences 5,880 stay" in explain_corpus_drops(made["corpus_drops"], DESIGN)[0][1]


def test_maps_have_a_point_per_rna_and_scores_a_mark_per_space(made):
    figure = draw_families(made["family_map"], made["families"], DESIGN)
    maps, scores = figure.axes[:3], figure.axes[3:]
    for axes, title in zip(maps, ("tiny", "small", "3-mers and length"), strict=True):
        assert axes.get_title(loc="left") == title
        assert sum(len(line.get_xdata()) for line in axes.lines) == sum(60 - 9 * at for at in range(6))
    assert [marks(axes) for axes in scores] == [3, 3]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[:2] == ["tRNA (60)", "5S rRNA (51)"]


def test_captions_name_the_models_without_a_map(made):
    table = made["family_map"]
    more = [table[table["language"] == "tiny"].assign(language=name) for name in ("third", "big_one", "last")]
    texts = [text for _, text in explain_families(pd.concat([table, *more]), made["families"], DESIGN)]
    assert "no maps of big one, last " in texts[0]
    assert not any("no maps" in text for _, text in explain_families(table, made["families"], DESIGN))


def test_small_families_share_a_look_where_there_are_many(made):
    base = made["family_map"]
    frames = [base.assign(family=base["family"] + str(at), example=base["example"] + str(at)) for at in range(4)]
    figure = draw_families(pd.concat(frames), made["families"], DESIGN)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert sum("others" in label for label in labels) == 1
    assert len(labels) == 12


def test_the_report_of_a_run_without_windows(made, shown, tmp_path):
    figures = {}
    for name, figure in shown.items():
        save_figure(figure, tmp_path / f"{name}.svg")
        figures[name] = (tmp_path / f"{name}.svg").read_text()
    config = {"seed": 1, "evaluation": {"bootstrap": 20}, "resources": {"training_threads": 1}}
    sources = pd.DataFrame(columns=[column.name for column in TABLES["sources"].columns])
    page = build_report(DESIGN, made, figures, sources=sources, config=config, software={"numpy": "2"})
    assert "<h1>Language models of RNA</h1>" in page
    assert name_subject(DESIGN) == "language models of RNA"
    summary = summarise(DESIGN, made)
    assert ("5,880", "sequences to learn from") in summary["cards"]
    told = " ".join(summary["sentences"])
    assert "small is as undecided as among 2.74 equally likely ones" in told
    assert (
        "structure, published split: F1 small, fine-tuned 0.870 (0.840 to 0.900), best baseline nussinov 0.480" in told
    )
    assert all(sentence in page for sentence in summary["sentences"])
    assert "ncrna, all metrics, test split" in page
    assert "modified" not in page.partition('id="tables"')[0]


def test_a_run_with_both_says_both(design, tables, made):
    both = replace(design, offers=design.offers | DESIGN.offers)
    found = summarise(both, tables | made)
    assert found["rows"]
    assert any("equally likely" in sentence for sentence in found["sentences"])
    assert found["cards"][-1] == ("4", "downstream tasks")
