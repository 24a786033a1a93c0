"""The pages in a real browser: type, click, download, go back, and all of it on a phone."""

from __future__ import annotations

import gzip
import re
import sys
import threading
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("flask")
pytest.importorskip("waitress")

from waitress import create_server

from rnamarks.figures.palette import contrast
from rnamarks.server.app import create_app
from rnamarks.server.jobs import Limits
from rnamarks.tables import read_tsv
from rnamarks.tasks import Task

sys.path.insert(0, str(Path(__file__).parents[1] / "prediction"))
sys.path.insert(0, str(Path(__file__).parent))
import scan_world as world

import chromium

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium.find() is None, reason="needs Chromium: none of its programs is on PATH"),
]
LETTERS = "".join(np.random.default_rng(4).choice(list("ACGU"), 230))
PHONE = (390, 844)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A server of all twelve modifications of the sheet."""
    sheet = read_tsv(Path(__file__).parents[2] / "config" / "modifications.tsv")[0]
    with pytest.MonkeyPatch.context() as patch:
        tasks = [
            Task(
                row.name,
                modification=row.name,
                base=row.base,
                motif=row.motif,
                motif_offset=int(row.motif_offset),
                label=row.symbol,
                colour=row.colour,
            )
            for row in sheet.itertuples()
        ]
        patch.setattr(world, "TASKS", tasks)
        patch.setattr(world, "NAMES", [task.name for task in tasks])
        model = world.build(tmp_path_factory.mktemp("model"))
    app = create_app(model, tmp_path_factory.mktemp("kept"), limits=Limits(nt=20_000), device="cpu")
    server = create_server(app, host="127.0.0.1", port=0)
    threading.Thread(target=server.run, daemon=True).start()
    yield f"http://127.0.0.1:{server.effective_port}/"
    app.extensions["scans"].close()
    server.close()


@pytest.fixture
def browser(tmp_path):
    page = chromium.Chromium(tmp_path)
    yield page
    log = list(page.log)
    page.close()
    assert log == []


def rgb_to_hex(text):
    """``rgb(1, 2, 3)`` as ``#RRGGBB``."""
    return "#" + "".join(f"{int(part):02X}" for part in re.findall(r"\d+", text)[:3])


def scanned(browser, address, **fields):
    """Type into the form and wait for the result."""
    browser.go(address)
    for name, value in fields.items():
        browser.type(f"[name={name}]", value)
    browser.click(".go")
    browser.until("!!document.getElementById('calls')")


def test_type_click_filter_and_download(browser, address):
    scanned(browser, address, sequences=f">my_rna\n{LETTERS}", alpha="0.5")
    rows = "[...document.querySelectorAll('#calls tbody tr')].map(r => r.innerText.split('\\t'))"
    found = browser.run(rows)
    assert len(found) == 20
    assert [float(row[4]) for row in found] == sorted(float(row[4]) for row in found)
    loads = browser.run("performance.getEntriesByType('navigation').length")
    browser.run("window.same = true")
    browser.click("#calls th:nth-child(3) a")
    browser.until("document.querySelector('#calls th:nth-child(3)').ariaSort === 'descending'")
    likely = [float(row[2]) for row in browser.run(rows)]
    assert likely == sorted(likely, reverse=True)
    browser.run(
        "(() => { const e = document.querySelector('.filter select'); e.value = 'Y'; "
        "e.dispatchEvent(new Event('change', {bubbles: true})) })()"
    )
    browser.until("location.search.includes('task=Y')")
    assert {row[1] for row in browser.run(rows)} == {"Ψ"}
    browser.click("#calls tbody .open")
    browser.until("!!document.querySelector('#about svg')")
    assert "Ψ at U" in browser.run("document.querySelector('#about').innerText")
    assert "task=Y" in browser.run("document.querySelector('#calls .open').href")
    browser.click(".close")
    assert browser.run("document.getElementById('about').hidden")
    browser.click("#picture .call")
    browser.until("!!document.querySelector('#about svg')")
    assert browser.run("document.querySelectorAll('#picture .site').length") == 1
    # all of this without loading the page again
    assert browser.run("window.same")
    assert browser.run("performance.getEntriesByType('navigation').length") == loads
    browser.click("[href='calls.tsv']")
    table = browser.downloaded("calls.tsv").decode()
    browser.click("[href='calls.svg']")
    circles = ElementTree.fromstring(browser.downloaded("calls.svg")).findall(".//{*}circle")
    assert len(circles) == len(table.splitlines()) - 1
    assert browser.run("document.querySelectorAll('#picture .call').length") == len(circles)


def test_a_file_is_scanned_in_place_of_the_text(browser, address, tmp_path):
    (tmp_path / "mine.fa.gz").write_bytes(gzip.compress(f">from_file\n{LETTERS}\n".encode()))
    browser.go(address)
    browser.choose("#file", tmp_path / "mine.fa.gz")
    browser.click(".go")
    browser.until("!!document.getElementById('calls')")
    assert "from_file" in browser.run("document.querySelector('#picture h3').innerText")


def test_what_was_typed_is_there_after_going_back(browser, address):
    scanned(browser, address, sequences=f">kept\n{LETTERS}", alpha="0.4")
    browser.back()
    browser.until("!!document.getElementById('ask')")
    assert browser.run("document.getElementById('sequences').value") == f">kept\n{LETTERS}"
    assert browser.run("document.querySelector('[name=alpha]').value") == "0.4"
    # nothing ticked is said before anything is sent
    browser.run("document.querySelectorAll('[name=tasks]:checked').forEach(box => box.click())")
    browser.click(".go")
    assert "Tick one" in browser.run("document.querySelector('[name=tasks]').validationMessage")
    assert browser.run("!!document.getElementById('ask')")


def test_a_scan_is_waited_for_without_loading_and_given_up(browser, address):
    browser.go(address)
    long = "".join(np.random.default_rng(1).choice(list("ACGU"), 19_000))
    browser.run(
        f"document.getElementById('sequences').value = '>long\\n{long}'; document.querySelector('[name=all]').click()"
    )
    browser.click(".go")
    browser.until("!!document.getElementById('wait')")
    browser.run("window.same = true")
    browser.until("/of .* tests are done/.test(document.querySelector('#wait .text').innerText)")
    assert browser.run("window.same")
    assert re.search(r"Sent \d+ s ago", browser.run("document.querySelector('#wait .spent').innerText"))
    browser.click("main form button")
    browser.until("document.body.innerText.includes('This scan was given up.')")
    browser.click(".back")
    browser.until("document.getElementById('sequences')?.value.startsWith('>long')")


def test_a_phone_shows_everything_in_its_width(browser, address):
    browser.size(*PHONE, phone=True)
    browser.go(address)
    assert browser.run("document.documentElement.scrollWidth") == PHONE[0]
    scanned(browser, address, sequences=f">{'a_long_name_' * 12}\n{LETTERS}", alpha="0.5")
    assert browser.run("document.documentElement.scrollWidth") == PHONE[0]
    # names of tracks stay where they can be read
    browser.run("document.getElementById('picture').scrollLeft = 400")
    lefts = browser.run(
        "[...document.querySelectorAll('#picture .track b')].map(b => [b.getBoundingClientRect().left, "
        "b.scrollWidth - b.clientWidth])"
    )
    assert lefts
    assert all(0 <= left < 30 and cut <= 0 for left, cut in lefts)
    browser.click("#picture .call")
    browser.until("!!document.querySelector('#about svg')")
    assert browser.run("document.documentElement.scrollWidth") == PHONE[0]


@pytest.mark.parametrize("phone", [False, True])
def test_targets_are_large_and_text_has_contrast(browser, address, phone):
    browser.size(*(PHONE if phone else (1280, 900)), phone=phone)
    scanned(browser, address, sequences=f">one\n{LETTERS}", alpha="1")
    small = """[...document.querySelectorAll('%s')].filter(e => e.offsetParent).map(e => [e.outerHTML.slice(0, 90),
        e.getBoundingClientRect().width, e.getBoundingClientRect().height]).filter(e => e[1] < 24 || e[2] < 24)"""
    assert browser.run(small % "button, .button, .call, .open, th a, select, input, summary") == []
    colours = browser.run("""[...document.querySelectorAll('main *')].filter(e => e.offsetParent &&
        [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())).map(e => {
            let behind = e;
            const ground = e => getComputedStyle(e).backgroundColor;
            while (behind && ground(behind) === 'rgba(0, 0, 0, 0)') behind = behind.parentElement;
            return [getComputedStyle(e).color, behind ? ground(behind) : 'rgb(255, 255, 255)', e.innerText];
        })""")
    assert len({colour for colour, *_ in colours}) > 12
    low = [one for one in colours if contrast(rgb_to_hex(one[0]), rgb_to_hex(one[1])) < 4.5]
    assert low == []
    browser.go(address)
    assert browser.run(small % "button, .task, select, input:not([type=file]), summary, textarea, header a") == []
