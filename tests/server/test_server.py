"""A scan in the browser is the scan of the command line, and faults are sentences."""

from __future__ import annotations

import colorsys
import functools
import gzip
import io
import re
import sys
import threading
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("flask")
pytest.importorskip("waitress")

import rnamarks
from rnamarks.figures.palette import contrast, painted, rgb
from rnamarks.prediction.scan import ScanOptions
from rnamarks.prediction.scanner import Outputs, Scanner
from rnamarks.server.app import create_app
from rnamarks.server.jobs import Limits
from rnamarks.server.page_view import PageView
from rnamarks.server.places import Places
from rnamarks.tables import read_tsv
from rnamarks.tasks import Task

sys.path.insert(0, str(Path(__file__).parents[1] / "prediction"))
import scan_world as world

RNG = np.random.default_rng(4)
LETTERS = "".join(RNG.choice(list("ACGU"), 230))
FASTA = f">first <b>\n{LETTERS}\n>second&co\n{LETTERS[::-1]}\n".encode()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return world.build(tmp_path_factory.mktemp("model"))


@pytest.fixture
def browser(model, tmp_path):
    app = create_app(model, tmp_path / "kept", limits=Limits(nt=1000), device="cpu")
    yield app.test_client()
    app.extensions["scans"].close()


def scanned(browser, **form):
    """The page of a scan once it is done, and its address."""
    sent = browser.post("/scan", data={"tasks": world.NAMES} | form)
    assert sent.status_code == 303, sent.text
    address = sent.headers["Location"]
    for _ in range(600):
        if browser.get(f"{address}state").json["state"] not in ("waiting", "running"):
            return browser.get(address), address
        threading.Event().wait(0.05)
    raise AssertionError("the scan never ended")


def by_command(model, folder, options, **further):
    """What ``rnamarks scan`` writes."""
    (folder / "s.fa").write_bytes(FASTA)
    mode = further.pop("mode", "exact")
    Scanner(model, mode=mode, device="cpu").run(
        folder / "s.fa", options, Outputs(table=folder / "s.tsv"), warn=lambda line: None, **further
    )
    return (folder / "s.tsv").read_bytes()


def test_the_first_page_offers_what_the_model_has(browser):
    page = browser.get("/")
    assert page.status_code == 200
    for name in world.NAMES:
        assert f'name="tasks" value="{name}" checked' in page.text
    assert {"exact", "fast"} == set(re.findall(r'name="mode" value="(\w+)"', page.text))
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    about = browser.get("/api/model").json
    assert [entry["name"] for entry in about["tasks"]] == world.NAMES
    assert (about["window"], about["maximum_nt"], len(about["sha256"])) == (world.WINDOW, 1000, 64)


@pytest.mark.parametrize(
    ("query", "options", "further"),
    [
        ("", ScanOptions(), {}),
        ("?all=1&tasks=m6A,Y", ScanOptions(alpha=None), {"tasks": ["m6A", "Y"]}),
        ("?alpha=0.5&fdr=0.9&ends=skip", ScanOptions(alpha=0.5, fdr=0.9, ends="skip"), {}),
        ("?above=0.05&alpha=0.9", ScanOptions(alpha=0.9, above=0.05), {}),
        ("?mode=fast&alpha=0.3", ScanOptions(alpha=0.3, top=False), {"mode": "fast"}),
    ],
)
def test_programs_get_what_the_command_writes(browser, model, tmp_path, query, options, further):
    answer = browser.post(f"/api/scan{query}", data=FASTA)
    assert answer.status_code == 200
    assert answer.data == by_command(model, tmp_path, options, **further)
    assert len(answer.data.splitlines()) > 1
    assert browser.post(f"/api/scan{query}", data=gzip.compress(FASTA)).data == answer.data


def test_programs_get_other_formats(browser):
    bedrmod = browser.post("/api/scan?format=bedrmod", data=b">a\n" + LETTERS.encode())
    assert bedrmod.text.startswith("#fileformat=bedRModv2\n")
    attention = browser.post("/api/scan?format=attention&tasks=I", data=FASTA)
    assert attention.text.startswith("sequence\tstart\tend\ttask\tattended_start\tattended_end\tbase\tweight\n")


@pytest.mark.parametrize(
    ("query", "body", "said"),
    [
        ("", b"", "your sequences: the file holds no sequence"),
        ("", b"ACGU\n", "your sequences:1: the file is not FASTA"),
        ("", b">a\nAC\n>b\nMKLV\n", "your sequences:4: letter 3 is no nucleotide"),
        ("", b">a\n" + b"A" * 1001, "your sequences:2: there are more than 1,000 nt"),
        ("", gzip.compress(b">a\n" + b"A" * 500_000_000), "there are more than 1,000 nt"),
        ("", b"\x1f\x8b broken", "your sequences"),
        ("?alpha=small", FASTA, "alpha is no number (found 'small')"),
        ("?alpha=2", FASTA, "alpha must lie above 0"),
        ("?tasks=m7G", FASTA, "there is no such task (found 'm7G')"),
        ("?mode=magic", FASTA, "the model has no such mode (found 'magic'); use exact or fast"),
        ("?colour=red", FASTA, "there is no such option (found 'colour')"),
        ("?format=xlsx", FASTA, "there is no format xlsx"),
        ("?format=bedrmod", b">a.b\nACGU\n>a,b\nACGU\n", "bedRMod allows letters, digits and _"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_faults_are_one_line_and_the_next_scan_works(browser, query, body, said):
    answer = browser.post(f"/api/scan{query}", data=body)
    assert answer.status_code == 400
    assert said in answer.text
    assert answer.text.count("\n") == 1
    assert browser.post("/api/scan", data=FASTA).status_code == 200


def test_what_is_too_large_is_not_read(browser):
    answer = browser.post("/api/scan", data=b">a\n" + b"A" * 2_000_000)
    assert answer.status_code == 413
    assert "1,000 nt" in answer.text


def test_a_page_shows_each_call_and_hands_out_the_files(browser, model, tmp_path):
    page, address = scanned(browser, sequences=FASTA.decode(), alpha="0.5", bedrmod="on", attention="on")
    (tmp_path / "by_hand").mkdir()
    options = ScanOptions(alpha=0.5, weights=True)
    table = browser.get(f"{address}calls.tsv")
    assert table.data == by_command(model, tmp_path / "by_hand", options)
    assert page.text.count('class="call') == len(table.data.splitlines()) - 1
    full = sum(float(line.split("\t")[9]) < 0.1 for line in table.text.splitlines()[1:])
    assert page.text.count(">●</a>") == full
    assert "second&amp;co" in page.text
    letters = re.findall(r"<span>((?:<i>\w</i>)+)</span>", page.text)
    assert "".join(letters[:6]).replace("<i>", "").replace("</i>", "") == LETTERS
    assert browser.get(f"{address}calls.bedrmod").status_code == 200
    assert browser.get(f"{address}attention.tsv").status_code == 200
    assert "scored with N beyond it" in page.text


def test_names_cannot_bring_markup_along(browser):
    page, _ = scanned(browser, sequences=f"><script>alert(1)</script>\n{LETTERS}", all="on")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "<script>alert" not in page.text
    refused, _ = scanned(browser, sequences=">a\n<script>")
    assert "is no nucleotide" in refused.text
    assert "<script>" not in refused.text


def test_bases_without_q_are_ranked_and_not_called(tmp_path):
    app = create_app(world.build(tmp_path / "model", null=False), tmp_path / "kept", device="cpu")
    browser = app.test_client()
    page, address = scanned(browser, sequences=LETTERS, tasks=["Y"])
    tested = LETTERS.count("U")
    assert page.text.count(">·</a>") == tested
    assert "none: ranked, not called" in page.text
    assert "the model has no null distribution" in page.text
    assert f"<h2>{tested} calls</h2>" in page.text
    # the most probable come first, and no limit of q lets them pass
    shown = [float(value) for value in re.findall(r'<td class="n">(0\.\d{3})</td>', page.text)]
    assert shown == sorted(shown, reverse=True)
    assert "<h2>0 calls" in browser.get(f"{address}calls?q=1").text
    # where the model lies is nothing to those who ask
    refused = browser.post("/api/scan?fdr=0.1", data=FASTA)
    assert refused.text.startswith("model: the model has no null distribution")
    app.extensions["scans"].close()


def test_the_card_is_text(tmp_path):
    made = world.build(tmp_path / "model", members=1, student=False)
    (made / "card.md").write_text("# m⁶A", encoding="utf-8")
    app = create_app(made, tmp_path / "kept", device="cpu")
    answer = app.test_client().get("/card")
    assert answer.text == "# m⁶A"
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    app.extensions["scans"].close()


def test_labels_of_a_model_cannot_bring_markup_along(tmp_path, monkeypatch):
    label = '<b onmouseover="x()">&Y</b>'
    monkeypatch.setattr(world, "TASKS", [Task("Y", label=label, modification=label, base="U", colour="#88CCEE")])
    monkeypatch.setattr(world, "NAMES", ["Y"])
    app = create_app(world.build(tmp_path / "model"), tmp_path / "kept", device="cpu")
    browser = app.test_client()
    page, address = scanned(browser, sequences=LETTERS, all="on", tasks=["Y"])
    detail = browser.get(f"{address}call?task=Y&sequence=sequence&start={LETTERS.index('U')}")
    for text in (browser.get("/").text, page.text, detail.text, browser.get(f"{address}calls.svg").text):
        assert "onmouseover" in text
        assert "<b onmouseover" not in text
    app.extensions["scans"].close()


def test_bare_letters_and_uploads_are_taken(browser):
    page, _ = scanned(browser, sequences=LETTERS.lower().replace("u", "t"), tasks=["Y", "I"], alpha="1")
    assert "<h3>sequence <small>230 nt" in page.text
    assert set(re.findall(r'title="(\w+) at', page.text)) == {"Y", "I"}
    upload = (io.BytesIO(gzip.compress(FASTA)), "mine.fa.gz")
    page, _ = scanned(browser, file=upload, sequences="ignored")
    assert "second&amp;co" in page.text


def test_unknown_addresses_say_so(browser):
    _, address = scanned(browser, sequences=LETTERS)
    for other in (
        "/scan/nothing/",
        f"{address}record.json",
        f"{address}picture.html",
        f"{address}..%2fmodel",
        f"{address}calls.bedrmod",
    ):
        answer = browser.get(other)
        assert answer.status_code == 404, other
        assert "results are kept for 7 days" in answer.text
    assert browser.post("/scan", data={"sequences": " ", "tasks": "I"}).status_code == 400
    nothing = browser.post("/scan", data={"sequences": LETTERS})
    assert nothing.status_code == 400
    assert "no modification is ticked" in nothing.text
    foreign = browser.post("/scan", data={"sequences": LETTERS, "tasks": "I"}, headers={"Origin": "http://other.org"})
    assert foreign.status_code == 403
    for origin in ("null", "http://[", "http://localhost@other.org"):
        nowhere = browser.post("/scan", data={"sequences": LETTERS, "tasks": "I"}, headers={"Origin": origin})
        assert nowhere.status_code == 403, origin
    hidden = browser.post("/api/scan", data=FASTA, headers={"Sec-Fetch-Site": "cross-site"})
    assert hidden.status_code == 403
    own = browser.post("/scan", data={"sequences": LETTERS, "tasks": "I"}, headers={"Origin": "http://localhost"})
    assert own.status_code == 303


def test_a_server_goes_by_its_own_names_alone(model, tmp_path):
    app = create_app(model, tmp_path / "kept", names=["rna.example.org"], device="cpu")
    for host, status in (
        ("rna.example.org", 200),
        ("RNA.example.org:8000", 200),
        ("192.0.2.7:8000", 200),
        ("[2001:db8::1]:8000", 200),
        ("other.example.org", 421),
        ("", 421),
    ):
        answer = app.test_client().get("/api/model", headers={"Host": host})
        assert answer.status_code == status, host
        assert answer.headers["Cache-Control"] == "no-store"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    app.extensions["scans"].close()


def test_a_fault_gives_the_form_back_as_it_was_sent(browser):
    letters = "ACGU" * 30
    sent = browser.post("/scan", data={"sequences": letters, "alpha": "0.2", "bedrmod": "on", "mode": "fast"})
    assert sent.status_code == 400
    assert "no modification is ticked; tick one or more" in sent.text
    assert letters in sent.text
    assert 'name="alpha" value="0.2"' in sent.text
    assert 'name="bedrmod" checked' in sent.text
    assert 'value="fast" checked' in sent.text
    assert not re.search(r'name="tasks" value="\w+" checked', sent.text)
    _, address = scanned(browser, sequences=letters, tasks=["I", "Y"], alpha="0.3")
    again = browser.get(f"/?scan={address.split('/')[-2]}")
    assert letters in again.text
    assert re.findall(r'name="tasks" value="(\w+)" checked', again.text) == ["I", "Y"]


def test_calls_are_sorted_and_filtered_as_the_address_says(browser):
    _, address = scanned(browser, sequences=FASTA.decode(), all="on")
    table = pd.read_csv(io.BytesIO(browser.get(f"{address}calls.tsv").data), sep="\t")

    def look(query):
        found = browser.get(f"{address}calls?{query}").text
        rows = re.findall(r'<a class="open" href="[^"]*task=(\w+)&amp;sequence=([^"&]+)&amp;start=(\d+)">', found)
        return found, [(task, unquote(sequence), int(start)) for task, sequence, start in rows]

    def place(rows):
        return list(rows[["task", "sequence", "start"]].itertuples(index=False, name=None))

    best = table.sort_values(["q", "p", "probability"], ascending=[True, True, False], kind="stable")
    assert look("")[1] == place(best[:20])
    assert look("page=3")[1] == place(best[40:60])
    assert look("sort=place&page=2")[1] == place(table[20:40])
    assert look("sort=place&reverse=1")[1] == place(table[::-1][:20])
    likely = table[table["task"] == "Y"].sort_values("probability", ascending=False, kind="stable")
    found, rows = look("task=Y&sort=probability")
    assert rows == place(likely[:20])
    assert f"{len(likely):,} calls of those listed" in found
    few = sorted(set(table["q"]))[1:3]
    some = float(np.mean(few))
    within = int((table["q"] < some).sum())
    assert f"<h2>{within} call" in look(f"q={some!r}")[0]
    assert "q or the page is no number" in look("q=small")[0]
    assert "calls cannot be sorted by that" in look("sort=colour")[0]
    # the page itself has them, too, for browsers without scripts
    assert found in browser.get(f"{address}?task=Y&sort=probability").text
    assert look("page=99999")[1]


def test_a_call_shows_what_it_rests_on(browser, model):
    _, address = scanned(browser, sequences=FASTA.decode(), tasks=["Y"], all="on")
    at = LETTERS.index("U", 100)
    page = browser.get(f"{address}call?task=Y&sequence=first&start={at}").text
    drawn = re.findall(r"<title>(\w) at (\d+): (\S+)</title>", page)
    window = LETTERS[at - world.WINDOW // 2 : at + world.WINDOW // 2 + 1]
    assert "".join(letter for letter, _, _ in drawn) == window
    assert int(drawn[world.WINDOW // 2][1]) == at + 1
    expected = rnamarks.load(model, device="cpu").explain([window], "Y").nucleotides[0]
    np.testing.assert_allclose([float(value) for _, _, value in drawn], expected, rtol=0.01, atol=1e-6)
    # near an end the window is drawn as far as the sequence goes, and twice asked is as once
    first = LETTERS.index("U")
    for _ in range(2):
        page = browser.get(f"{address}call?task=Y&sequence=first&start={first}&part=1").text
        assert len(re.findall(r"<title>\w at", page)) == first + world.WINDOW // 2 + 1
    for wrong in (
        f"task=I&sequence=first&start={at}",
        "task=Y&sequence=first&start=x",
        f"task=Y&sequence=first&start={'9' * 20}",
        f"task=Y&sequence=first&start={'9' * 5000}",
        f"task=Y&sequence=none&start={at}",
    ):
        assert browser.get(f"{address}call?{wrong}").status_code == 404


def test_the_picture_is_svg_with_every_call(browser):
    _, address = scanned(browser, sequences=FASTA.decode(), alpha="0.5")
    answer = browser.get(f"{address}calls.svg")
    assert answer.headers["Content-Type"].startswith("image/svg+xml")
    root = ElementTree.fromstring(answer.text)
    circles = root.findall(".//{http://www.w3.org/2000/svg}circle")
    assert len(circles) == len(browser.get(f"{address}calls.tsv").text.splitlines()) - 1
    assert "second&co" in "".join(root.itertext())
    assert max(float(circle.get("cy")) for circle in circles) < float(root.get("height"))


def test_labels_are_legible_in_the_colours_of_the_sheet():
    sheet = read_tsv(Path(__file__).parents[2] / "config" / "modifications.tsv")[0]
    tasks = [Task(row.name, label=row.symbol, colour=row.colour) for row in sheet.itertuples(index=False)]
    assert len(tasks) == 12
    for colour, paint in zip(sheet["colour"], painted(tasks).values(), strict=True):
        assert contrast(paint.ink, "#FFFFFF") >= 4.5
        before, after = (colorsys.rgb_to_hsv(*rgb(one)) for one in (colour, paint.ink))
        assert min(abs(before[0] - after[0]), 1 - abs(before[0] - after[0])) < 0.01
        assert (paint.ink == colour) == (contrast(colour, "#FFFFFF") >= 4.5)
    # two published pairs of the definition
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.005)
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)


@pytest.mark.parametrize("with_genome", [False, True])
def test_sequences_of_transcripts_get_places_on_the_genome(model, tmp_path, with_genome):
    rng = np.random.default_rng(11)
    dna = "".join(rng.choice(list("ACGT"), 900))
    (tmp_path / "g.fa").write_text(f">chr1\n{dna}\n")
    exons = {"T1.2": ("+", [(100, 300), (400, 560)]), "T2.1": ("-", [(600, 800)])}
    rows = [
        f'chr1\tx\texon\t{start + 1}\t{end}\t.\t{strand}\t.\tgene_id "G{name[1]}"; transcript_id "{name}"; '
        f'gene_name "GENE{name[1]}";\n'
        for name, (strand, parts) in exons.items()
        for start, end in parts
    ]
    (tmp_path / "a.gtf").write_text("".join(rows))
    genome = tmp_path / "g.fa" if with_genome else None
    places = Places(tmp_path / "a.gtf", genome, assembly="mine1", warn=lambda line: None)
    app = create_app(model, tmp_path / "kept", limits=Limits(nt=5000), places=places, device="cpu")
    browser = app.test_client()
    spliced = dna[100:300] + dna[400:560]
    minus = dna[600:800][::-1].translate(str.maketrans("ACGT", "TGCA"))
    other = spliced[:-1] + "ACGT"["ACGT".index(spliced[-1]) - 1]
    sent = f">T1\n{spliced}\n>T2.1\n{minus}\n>unknown\n{minus}\n>T1.2\n{other}\n"
    page, address = scanned(browser, sequences=sent, tasks=["Y", "I"], all="on", bedrmod="on")
    table = pd.read_csv(io.StringIO(browser.get(f"{address}calls.tsv").text), sep="\t", keep_default_na=False)
    placed = table[table["genome_start"].astype(int) >= 0]
    # by sequence where the genome is known, by name and length where it is not
    assert set(placed["sequence"]) == ({"T1", "T2.1", "unknown"} if with_genome else {"T1.2", "T2.1"})
    for row in placed[placed["sequence"] != "T1.2"].itertuples():
        base = dna[row.genome_start]
        expected = base if row.strand == "+" else base.translate(str.maketrans("ACGT", "TGCA"))
        assert expected.replace("T", "U") == row.base
        assert row.genome_end == row.genome_start + 1
    best = placed.sort_values(["q", "p"]).iloc[0]
    assert (
        f"{best['chrom']}:{best['genome_start'] + 1:,} ({best['strand']})"
        in browser.get(f"{address}?q={best['q'] + 1e-6}").text
    )
    bedrmod = browser.get(f"{address}calls.bedrmod").text
    assert "#assembly=mine1" in bedrmod
    assert "no coordinates" in page.text
    shown = browser.get(f"{address}call?task={best['task']}&sequence={best['sequence']}&start={best['start']}&part=1")
    assert "<svg" in shown.text
    assert best["gene_name"] in shown.text
    named = browser.post("/scan", data={"names": "GENE1, T2", "tasks": ["Y"]})
    if with_genome:
        assert 'name="names"' in browser.get("/").text
        assert named.status_code == 303
        unknown = browser.post("/scan", data={"names": "GENE9", "tasks": ["Y"]})
        assert "no transcript or gene has that name (found &#39;GENE9&#39;)" in unknown.text
        assert 'value="GENE9"' in unknown.text
    else:
        assert named.status_code == 400
    app.extensions["scans"].close()


def test_long_pictures_end_and_say_so(model, tmp_path):
    (tmp_path / "s.fa").write_bytes(FASTA)
    page = io.StringIO()
    view = functools.partial(PageView, page, nt=10, maximum_rows=4)
    Scanner(model, device="cpu").run(
        tmp_path / "s.fa", ScanOptions(alpha=None), Outputs(view=view), warn=lambda line: None
    )
    assert page.getvalue().count('class="row"') == 4
    assert "42 more rows with calls are in the table alone" in page.getvalue()
    assert page.getvalue().count("<section") == page.getvalue().count("</section>") == 1
