"""The pages of a server that scans sequences, and what programs can ask it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, Response, abort, jsonify, redirect, render_template, request, send_file, url_for
from waitress import create_server

from .. import __version__
from ..errors import InputError
from ..models.directory import read_card
from ..prediction.kept import scratch
from ..prediction.row_view import FDR, colours_of
from ..prediction.scan import ALPHA, ENDS, ScanOptions
from ..prediction.scanner import load_scanners
from .jobs import ATTENTION, BEDRMOD, PICTURE, TABLE, Busy, Job, Jobs, Request

MAXIMUM = 100_000
EXAMPLE = ">tRNA-Lys-UUU\nGCCCGGAUAGCUCAGUCGGUAGAGCAUCAGACUUUUAAUCUGAGGGUCCAGGGUUCAAGUCCCUGUUCGGGCGCCA"
_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_FORMATS = {"tsv": TABLE, "bedrmod": BEDRMOD, "attention": ATTENTION}
_OPTIONS = {"tasks", "alpha", "fdr", "above", "all", "mode", "ends", "bedrmod", "attention", "sequences", "format"}
_STATUS = {"refused": 400, "broken": 500}


def create_app(
    model: str | Path,
    folder: Path,
    *,
    maximum: int = MAXIMUM,
    device: str = "auto",
    batch_size: int | None = None,
    waiting: int = 20,
) -> Flask:
    """A WSGI application around a model directory.

    Parameters
    ----------
    model : path-like
    folder : Path
        For sequences and results; they are readable to whoever knows the address of a result.
    maximum : int
        Nucleotides that one scan may have.
    device, batch_size
        See :func:`rnamarks.prediction.exact.load_engine`.
    waiting : int
        Scans that may wait; further ones are turned away.

    Raises
    ------
    InputError
        If the directory is at fault.
    """
    scanners = load_scanners(model, device=device, batch_size=batch_size)
    exact = scanners["exact"]
    jobs = Jobs(scanners, folder, maximum=maximum, waiting=waiting)
    app = Flask(__name__, template_folder=".")
    app.extensions["scans"] = jobs
    app.jinja_env.autoescape = True
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    # twice the letters, for names and line ends
    app.config["MAX_CONTENT_LENGTH"] = 2 * maximum + (1 << 20)
    app.config["MAX_FORM_MEMORY_SIZE"] = app.config["MAX_CONTENT_LENGTH"]
    app.jinja_env.globals.update(
        version=__version__, model=Path(model).resolve().name, tasks=exact.tasks, colours=colours_of(exact.tasks)
    )

    @app.after_request
    def guard(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.before_request
    def refuse_foreign_forms() -> Response | None:
        origin = request.headers.get("Origin")
        if request.method == "POST" and origin is not None and urlsplit(origin).netloc != request.host:
            return _line("the request comes from a page of another site", 403)
        return None

    @app.get("/")
    def ask() -> str:
        return render_template("ask.html.jinja", example=EXAMPLE, maximum=maximum, modes=list(scanners), alpha=ALPHA)

    @app.post("/scan")
    def submit() -> Response:
        try:
            given = request.form.to_dict() | {"tasks": ",".join(request.form.getlist("tasks"))}
            if not given["tasks"]:
                raise InputError("no task is ticked", remedy="tick one or more")
            job = jobs.submit(_sequences(), read_request(given))
        except InputError as error:
            return _message(str(error), 400)
        except Busy as error:
            return _message(f"{error}; try again in a while", 503)
        return redirect(url_for("show", token=job.token), code=303)

    @app.get("/scan/<token>")
    def show(token: str) -> str:
        job = _known(jobs, token)
        # read once: the scan goes on while the page is made
        state = job.state
        picture = job.file(PICTURE) if state == "done" else None
        return render_template(
            "result.html.jinja",
            job=job,
            state=state,
            ahead=jobs.ahead(job),
            picture=picture.read_text(encoding="utf-8") if picture else "",
            files=[name for name in (TABLE, BEDRMOD, ATTENTION) if job.file(name)],
            fdr=FDR,
        )

    @app.get("/scan/<token>/<name>")
    def fetch(token: str, name: str) -> Response:
        path = _known(jobs, token).file(name) if name in _FORMATS.values() else None
        if path is None:
            abort(404)
        return send_file(path, mimetype="text/tab-separated-values", as_attachment=True, download_name=name)

    @app.post("/api/scan")
    def answer() -> Response:
        """Scan the body, FASTA, and answer with the table; faults are one line and status 400."""
        wanted = request.args.get("format", "tsv")
        if wanted not in _FORMATS:
            return _line(f"there is no format {wanted}; use {', '.join(_FORMATS)}", 400)
        given = request.args.to_dict() | ({wanted: "on"} if wanted != "tsv" else {})
        try:
            job = jobs.submit(request.get_data(), read_request(given))
        except InputError as error:
            return _line(str(error), 400)
        except Busy as error:
            return _line(f"{error}; try again in a while", 503)
        job.ended.wait()
        path = job.file(_FORMATS[wanted])
        if path is None:
            return _line(job.fault or "the server failed; its log has the reason", _STATUS[job.state])
        return send_file(path, mimetype="text/tab-separated-values")

    @app.get("/api/model")
    def describe() -> Response:
        """What the model can be asked about."""
        entries = [
            {name: getattr(task, name) for name in ("name", "species", "modification", "base", "motif", "motif_offset")}
            for task in exact.tasks
        ]
        return jsonify(
            model=Path(model).resolve().name,
            sha256=exact.digest,
            version=__version__,
            modes=list(scanners),
            window=exact.config.window,
            maximum_nt=maximum,
            tasks=entries,
        )

    @app.get("/card")
    def card() -> Response:
        try:
            text = read_card(model)
        except InputError:
            abort(404)
        return Response(text, mimetype="text/plain; charset=utf-8")

    @app.errorhandler(404)
    def unknown(_: Exception) -> Response:
        return _message("There is nothing at this address; results are kept until newer ones replace them.", 404)

    @app.errorhandler(413)
    def too_much(_: Exception) -> Response:
        return _message(
            f"That is more than this server takes at a time ({maximum:,} nt); use rnamarks scan for it.", 413
        )

    return app


def read_request(given: Mapping[str, str]) -> Request:
    """What a form, or the query of an address, asks for.

    Parameters
    ----------
    given : mapping of str to str
        ``tasks`` (names, separated by commas), ``alpha``, ``fdr``, ``above``, ``all``, ``mode``, ``ends``, ``bedrmod``,
        ``attention``: as the options of ``rnamarks scan``; a switch is on if it is there.

    Raises
    ------
    InputError
        If a number is none, or an option cannot be.
    """
    if unknown := set(given) - _OPTIONS:
        raise InputError("there is no such option", value=min(unknown), remedy=f"use {', '.join(sorted(_OPTIONS))}")
    mode = given.get("mode", "exact")
    attention = "attention" in given
    options = ScanOptions(
        alpha=None if "all" in given else _number(given, "alpha", ALPHA),
        fdr=_number(given, "fdr", None),
        above=_number(given, "above", None),
        ends=given.get("ends", ENDS[0]),
        top=mode == "exact" or attention,
        weights=attention,
    )
    names = tuple(name.strip() for name in given.get("tasks", "").split(",") if name.strip())
    return Request(options, mode, names, "bedrmod" in given)


def serve(
    model: str | Path,
    *,
    host: str,
    port: int,
    maximum: int = MAXIMUM,
    waiting: int = 20,
    device: str = "auto",
    batch_size: int | None = None,
    report: Callable[[str], None] = print,
) -> None:
    """Serve until the process is stopped; results go with it.

    Raises
    ------
    InputError
        If the model directory is at fault, or the address cannot be had.
    """
    root = Path(tempfile.gettempdir()) / f"rnamarks-serve.{os.getuid()}"
    with scratch(root) as folder:
        options = {"maximum": maximum, "waiting": waiting, "device": device, "batch_size": batch_size}
        app = create_app(model, folder, **options)
        try:
            # programs that wait for an answer hold a thread each
            server = create_server(app, host=host, port=port, threads=waiting + 8, ident=None)
        except (OSError, ValueError) as error:
            raise InputError(
                f"the address cannot be had: {getattr(error, 'strerror', None) or error}",
                value=f"{host}:{port}",
                remedy="choose another --host or --port",
            ) from error
        shown = f"[{host}]" if ":" in host else host
        report(f"http://{shown}:{server.effective_port}/ answers until you press Ctrl-C")
        try:
            server.run()
        finally:
            app.extensions["scans"].close()


def _number(given: Mapping[str, str], name: str, default: float | None) -> float | None:
    text = given.get(name, "").strip()
    try:
        return float(text) if text else default
    except ValueError as error:
        raise InputError(f"{name} is no number", value=text, remedy="use for example 0.05") from error


def _sequences() -> bytes:
    """What was uploaded, else what was typed; letters without a name get one."""
    upload = request.files.get("file")
    if upload is not None and upload.filename:
        return upload.read()
    text = request.form.get("sequences", "").strip()
    if not text:
        raise InputError("there is no sequence", remedy="paste one, or choose a file")
    return (text if text.startswith(">") else f">sequence\n{text}").encode()


def _known(jobs: Jobs, token: str) -> Job:
    return jobs.find(token) or abort(404)


def _message(text: str, status: int) -> Response:
    return Response(render_template("message.html.jinja", text=text), status)


def _line(text: str, status: int) -> Response:
    return Response(f"{text}\n", status, mimetype="text/plain")
