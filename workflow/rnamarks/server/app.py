"""The pages of a server that scans sequences."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, jsonify, redirect, render_template, request, send_file, url_for

from .. import __version__
from ..errors import InputError
from ..figures.palette import painted
from ..models.directory import read_card
from ..prediction.engine import needs_structure
from ..prediction.modes import modes_of
from ..prediction.row_view import FDR
from ..prediction.scan import ALPHA
from ..prediction.scanner import Scanner
from .api import add_api
from .calls import Query, find_call, find_calls
from .contributions import Explainer
from .guards import add_guards, owner_of
from .jobs import Busy, Jobs, Limits
from .places import Places
from .requests import read_request
from .results import ATTENTION, BEDRMOD, PICTURE, SEQUENCES, SVG, TABLE, Job

EXAMPLE = Path(__file__).with_name("example.fa").read_text(encoding="ascii")
_FILES = {
    TABLE: "table (TSV)",
    SVG: "picture (SVG)",
    BEDRMOD: "bedRMod",
    ATTENTION: "attention to each nucleotide (TSV)",
    SEQUENCES: "sequences (FASTA)",
}
_TYPES = {SVG: "image/svg+xml", SEQUENCES: "text/plain"}
_EDITABLE = 1 << 17
"""Bytes of sequences that are offered for another scan in the text field."""


def create_app(
    model: str | Path,
    folder: Path,
    *,
    limits: Limits | None = None,
    places: Places | None = None,
    names: Collection[str] = (),
    device: str = "auto",
    batch_size: int | None = None,
) -> Flask:
    """A WSGI application around a model directory.

    Parameters
    ----------
    model : path-like
    folder : Path
        For sequences and results; they are readable to whoever knows the address of a result, and stay there.
    limits : Limits
    places : Places, optional
        Transcripts whose places on a genome are shown.
    names : collection of str
        Names by which the server is reached, besides those of the machine.
    device, batch_size
        See :func:`rnamarks.prediction.modes.load_engine`.

    Returns
    -------
    Flask
        Its ``extensions`` hold what is to be closed: ``scans``, :class:`Jobs`, and ``explainer``, :class:`Explainer`.

    Raises
    ------
    InputError
        If the directory is at fault, or the model reads gene structure and there are no transcripts.
    """
    limits = limits or Limits()
    scanners = {mode: Scanner(model, mode=mode, device=device, batch_size=batch_size) for mode in modes_of(model)}
    exact = scanners["exact"]
    if exact.reads == "exons" and places is None:
        raise needs_structure()
    title = Path(model).resolve().name
    explainer = Explainer(model, device=device, batch_size=batch_size)
    jobs = Jobs(scanners, folder, model=title, limits=limits, places=places)
    app = Flask(__name__, template_folder=".")
    app.extensions |= {"scans": jobs, "explainer": explainer}
    app.jinja_env.autoescape = True
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = bytes_of_request(limits)
    app.jinja_env.globals.update(
        version=__version__, model=title, tasks=exact.tasks, paints=painted(exact.tasks), fdr=FDR
    )
    add_guards(app, names)
    add_api(app, jobs, scanners, assembly=places.assembly if places else "")

    def ask_again(text: str, status: int) -> Response:
        """The form as it was sent, and what is wrong with it."""
        sent = request.form.to_dict() | {"tasks": request.form.getlist("tasks")}
        return Response(_ask(sent, text), status)

    def _ask(values: Mapping[str, Any], fault: str = "") -> str:
        return render_template(
            "ask.html.jinja",
            values=values,
            fault=fault,
            example=EXAMPLE,
            limits=limits,
            modes=list(scanners),
            places=places,
        )

    @app.get("/")
    def ask() -> str:
        values = {"tasks": [task.name for task in exact.tasks], "alpha": f"{ALPHA:g}"}
        job = jobs.find(request.args.get("scan", ""))
        path = job and job.file(SEQUENCES)
        if path is not None and path.stat().st_size <= _EDITABLE and path.read_bytes()[:2] != b"\x1f\x8b":
            values = job.request.form() | {"sequences": path.read_text(encoding="utf-8", errors="replace")}
            values["tasks"] = [task.name for task in job.tasks]
        return _ask(values)

    @app.post("/scan")
    def submit() -> Response:
        try:
            given = request.form.to_dict() | {"tasks": ",".join(request.form.getlist("tasks"))}
            if not given["tasks"]:
                raise InputError("no modification is ticked", remedy="tick one or more")
            job = jobs.submit(_sequences(places), read_request(given), owner_of(request.remote_addr or ""))
        except InputError as error:
            return ask_again(str(error), 400)
        except Busy as error:
            return ask_again(f"{error}; try again in a while", 503)
        return redirect(url_for("show", token=job.token), code=303)

    @app.get("/scan/<token>/")
    def show(token: str) -> Response:
        job = _known(jobs, token)
        progress = _progress(jobs, job)
        if progress["state"] != "done":
            return Response(render_template("wait.html.jinja", job=job, progress=progress))
        picture = job.file(PICTURE).read_text(encoding="utf-8")
        page = render_template(
            "result.html.jinja",
            job=job,
            calls=_calls(job),
            picture=picture,
            looks=re.search(r'data-top="\d', picture),
            files=[(name, text) for name, text in _FILES.items() if job.file(name)],
            days=limits.seconds / 86_400,
        )
        return Response(page)

    @app.get("/scan/<token>/state")
    def tell(token: str) -> Response:
        return jsonify(_progress(jobs, _known(jobs, token)))

    @app.post("/scan/<token>/stop")
    def stop(token: str) -> Response:
        job = _known(jobs, token)
        ended = job.is_over
        jobs.give_up(job)
        return redirect(url_for("ask") if ended else url_for("show", token=token), code=303)

    @app.get("/scan/<token>/calls")
    def look(token: str) -> Response:
        job = _known(jobs, token)
        return Response(_calls(job)) if job.file(TABLE) else abort(404)

    @app.get("/scan/<token>/call")
    def explain(token: str) -> Response:
        job = _known(jobs, token)
        task, sequence, start = (request.args.get(name, "") for name in ("task", "sequence", "start"))
        row = find_call(job.file(TABLE), task, sequence, start) if job.file(TABLE) else None
        if row is None:
            abort(404)
        drawing, fault = "", ""
        try:
            if job.model["sha256"] != exact.digest:
                raise InputError("this scan was made by another model than the server has now", remedy="scan again")
            drawing = explainer.draw(job, row)
        except InputError as error:
            fault = str(error)
        except Busy as error:
            fault = f"{error}; try again in a moment"
        page = "call.html.jinja" if "part" in request.args else "call_page.html.jinja"
        more = bool(exact.config.combiner)
        return Response(render_template(page, job=job, row=row, drawing=drawing, fault=fault, more=more))

    @app.get("/scan/<token>/<name>")
    def fetch(token: str, name: str) -> Response:
        path = _known(jobs, token).file(name) if name in _FILES else None
        if path is None:
            abort(404)
        kind = _TYPES.get(name, "text/tab-separated-values")
        return send_file(path, mimetype=kind, as_attachment=True, download_name=name)

    @app.get("/card")
    def card() -> Response:
        try:
            text = read_card(model)
        except InputError:
            abort(404)
        return Response(text, mimetype="text/plain")

    @app.errorhandler(404)
    def unknown(_: Exception) -> Response:
        return _message(
            f"There is nothing at this address; results are kept for {limits.seconds / 86_400:g} days, or until their "
            "room is needed.",
            404,
        )

    @app.errorhandler(413)
    def too_much(_: Exception) -> Response:
        return _message(
            f"That is more than this server takes at a time ({limits.nt:,} nt); use rnamarks scan for it.", 413
        )

    return app


def bytes_of_request(limits: Limits) -> int:
    """Bytes that a request may have: twice the letters, for names and line ends."""
    return 2 * limits.nt + (1 << 20)


def _sequences(places: Places | None) -> bytes:
    """What was uploaded, else what was typed or named; letters without a name get one."""
    upload = request.files.get("file")
    if upload is not None and upload.filename:
        return upload.read()
    text = request.form.get("sequences", "").strip()
    if text and not text.startswith(">"):
        text = f">sequence\n{text}"
    names = request.form.get("names", "").replace(",", " ").split()
    if names and places is not None and places.has_sequences:
        text = f"{text}\n{places.sequences_of(names)}".lstrip()
    if not text:
        raise InputError("there is no sequence", remedy="paste one, or choose a file")
    return text.encode()


def _progress(jobs: Jobs, job: Job) -> dict[str, Any]:
    """How far a scan is, in numbers and in a sentence."""
    # read once: the scan goes on meanwhile
    state, done, total = job.state, job.done, job.total
    found: dict[str, Any] = {"state": state, "done": done, "total": total, "text": ""}
    if not job.is_over:
        left = jobs.seconds_left(job)
        if state == "waiting":
            ahead = len(jobs.ahead(job))
            text = f"{ahead} {'scan comes' if ahead == 1 else 'scans come'} first."
        else:
            text = f"{done:,} of {total:,} tests are done." if total else "The sequences are being read."
        found["text"] = f"{text} {'' if left is None else f'About {_time(left)} left.'}".strip()
    return found


def _time(seconds: float) -> str:
    seconds = max(1, round(seconds))
    return (
        f"{seconds} s"
        if seconds < 90
        else f"{round(seconds / 60)} min"
        if seconds < 5400
        else f"{seconds / 3600:.1f} h"
    )


def _calls(job: Job) -> str:
    """The table of calls that an address asks for."""
    try:
        query, fault = Query.read(request.args), ""
    except InputError as error:
        query, fault = Query(), str(error)
    found = find_calls(job.file(TABLE), query)
    return render_template("calls.html.jinja", job=job, query=query, found=found, fault=fault)


def _known(jobs: Jobs, token: str) -> Job:
    return jobs.find(token) or abort(404)


def _message(text: str, status: int) -> Response:
    return Response(render_template("message.html.jinja", text=text), status)
