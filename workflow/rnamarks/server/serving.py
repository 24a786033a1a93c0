"""``rnamarks serve``."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection
from contextlib import ExitStack
from pathlib import Path

from .app import bytes_of_request, create_app
from .jobs import Limits
from .listening import listen, own_folder
from .places import Places


def serve(
    model: str | Path,
    *,
    host: str,
    port: int,
    limits: Limits,
    keep: str | Path | None = None,
    annotation: str | Path | None = None,
    genome: str | Path | None = None,
    organism: int = 0,
    assembly: str = "",
    names: Collection[str] = (),
    proxy: str = "",
    device: str = "auto",
    batch_size: int | None = None,
    report: Callable[[str], None] = print,
) -> None:
    """Serve until the process is stopped; results stay, and the next server on the same folder has them.

    Parameters
    ----------
    keep : path-like, optional
        Folder for results; default one of the user's for this port. With port 0 it goes with the server.
    annotation, genome, organism, assembly
        See :class:`rnamarks.server.places.Places`.
    names, proxy
        See :func:`rnamarks.server.app.create_app` and :func:`rnamarks.server.listening.listen`.

    Raises
    ------
    InputError
        If the model directory or an annotation is at fault, another server has the folder, or the address cannot be
        had.
    """
    with ExitStack() as stack:
        if keep is None and port == 0:
            keep = stack.enter_context(tempfile.TemporaryDirectory(prefix="rnamarks-serve."))
        elif keep is None:
            state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
            keep = Path(state) / "rnamarks" / f"serve-{port}"
        folder = stack.enter_context(own_folder(Path(keep)))
        places = None
        if annotation is not None:
            places = Places(annotation, genome, organism=organism, assembly=assembly, warn=report)
        own = [name for name in (*names, host) if name]
        app = create_app(model, folder, limits=limits, places=places, names=own, device=device, batch_size=batch_size)

        def stop() -> None:
            for name in ("scans", "explainer"):
                app.extensions[name].close()

        stack.callback(stop)
        listen(
            app,
            host=host,
            port=port,
            # programs that wait for an answer hold a thread each
            threads=limits.waiting + 8,
            most=bytes_of_request(limits),
            proxy=proxy,
            started=report,
            stop=stop,
        )
