"""What programs can ask a server."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask, Response, jsonify, request, send_file

from ..errors import InputError
from ..prediction.scanner import Scanner
from .guards import line, owner_of
from .jobs import Busy, Jobs
from .requests import read_request
from .results import ATTENTION, BEDRMOD, TABLE

_FORMATS = {"tsv": TABLE, "bedrmod": BEDRMOD, "attention": ATTENTION}
_STATUS = {"refused": 400, "broken": 500, "stopped": 410, "waiting": 503}


def add_api(app: Flask, jobs: Jobs, scanners: Mapping[str, Scanner], *, assembly: str) -> None:
    """Answer ``/api/scan`` and ``/api/model``.

    Parameters
    ----------
    app : Flask
    jobs : Jobs
    scanners : mapping of str to Scanner
        By mode; all of one model.
    assembly : str
        Of the genome on which places are told, or ``""``.
    """

    @app.post("/api/scan")
    def answer() -> Response:
        """Scan the body, FASTA, and answer with the table; faults are one line and status 400."""
        wanted = request.args.get("format", "tsv")
        if wanted not in _FORMATS:
            return line(f"there is no format {wanted}; use {', '.join(_FORMATS)}", 400)
        given = request.args.to_dict() | ({wanted: "on"} if wanted != "tsv" else {})
        try:
            job = jobs.submit(request.get_data(), read_request(given), owner_of(request.remote_addr or ""))
        except InputError as error:
            return line(str(error), 400)
        except Busy as error:
            return line(f"{error}; try again in a while", 503)
        job.over.wait()
        path = job.file(_FORMATS[wanted])
        if path is None:
            return line(
                job.fault or "the scan did not end; the server was stopped or its log has the reason",
                _STATUS.get(job.state, 500),
            )
        return send_file(path, mimetype="text/tab-separated-values")

    @app.get("/api/model")
    def describe() -> Response:
        """What the model can be asked about."""
        exact = scanners["exact"]
        entries = [
            {name: getattr(task, name) for name in ("name", "species", "modification", "base", "motif", "motif_offset")}
            for task in exact.tasks
        ]
        return jsonify(
            model=jobs.model["name"],
            sha256=jobs.model["sha256"],
            version=jobs.model["version"],
            modes=list(scanners),
            window=exact.config.window,
            maximum_nt=jobs.limits.nt,
            maximum_tests=jobs.limits.tests,
            assembly=assembly,
            tasks=entries,
        )
