"""A headless Chromium that is told what to do through a pipe, by the protocol of its developer tools."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless_shell")
PATIENCE = 120


def find() -> str | None:
    """The program, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Chromium:
    """One page.

    Parameters
    ----------
    folder : Path
        For its profile and downloads.
    """

    def __init__(self, folder: Path) -> None:
        self.downloads = folder / "downloads"
        self.downloads.mkdir(parents=True)
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()

        def at_3_and_4() -> None:
            # copies first: a pipe may have one of the two numbers
            ends = [os.dup(end) for end in (to_read, to_write)]
            for end, number in zip(ends, (3, 4), strict=True):
                os.dup2(end, number)

        self._process = subprocess.Popen(
            [
                find(),
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                f"--user-data-dir={folder / 'profile'}",
                "--remote-debugging-pipe",
                "about:blank",
            ],
            preexec_fn=at_3_and_4,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self._number, self._left, self._session = 0, b"", None
        self.log: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "DOM"):
            self._call(f"{domain}.enable")
        self._call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads))
        self.size(1280, 900)

    def size(self, width: int, height: int, *, phone: bool = False) -> None:
        """Of the window, in CSS pixels."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)

    def go(self, address: str) -> None:
        """Open an address and wait until it is there."""
        self.run("window.gone = false")
        self._call("Page.navigate", url=address)
        self.until("!('gone' in window) && document.readyState === 'complete'")

    def run(self, script: str):
        """The value of an expression."""
        found = self._call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise AssertionError(f"{script}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def until(self, script: str):
        """The value of an expression, once it is true."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            try:
                if value := self.run(script):
                    return value
            except AssertionError:
                # the page is between two others
                pass
            time.sleep(0.05)
        raise AssertionError(f"never true: {script}; {self.run('document.body.innerText')}")

    def click(self, selector: str) -> None:
        """Press the left button in the middle of an element, once the page has its styles."""
        self.until(f"document.readyState === 'complete' && !!document.querySelector({json.dumps(selector)})")
        place = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); "
            "e.scrollIntoView({block: 'center', inline: 'center'}); const r = e.getBoundingClientRect(); "
            "return [r.x + r.width / 2, r.y + r.height / 2] })()"
        )
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self._call(
                "Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1, buttons=1
            )

    def type(self, selector: str, text: str) -> None:
        """Replace what an element holds, as keys would."""
        self.run(f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.focus(); e.select() }})()")
        self._call("Input.insertText", text=text)

    def choose(self, selector: str, path: Path) -> None:
        """Choose a file."""
        root = self._call("DOM.getDocument")["root"]["nodeId"]
        node = self._call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self._call("DOM.setFileInputFiles", files=[str(path)], nodeId=node)

    def back(self) -> None:
        """To the page before."""
        history = self._call("Page.getNavigationHistory")
        self.run("window.gone = false")
        self._call("Page.navigateToHistoryEntry", entryId=history["entries"][history["currentIndex"] - 1]["id"])
        self.until("!('gone' in window) && document.readyState === 'complete'")

    def downloaded(self, name: str) -> bytes:
        """A file that was clicked, once it is whole."""
        ends = time.monotonic() + PATIENCE
        while not (self.downloads / name).is_file():
            assert time.monotonic() < ends, list(self.downloads.iterdir())
            time.sleep(0.05)
        return (self.downloads / name).read_bytes()

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """A PNG of the window, or of the whole page."""
        data = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self) -> None:
        """End the program."""
        os.close(self._write)
        self._process.terminate()
        self._process.wait(PATIENCE)
        os.close(self._read)

    def _call(self, method: str, **given):
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": given}
        if self._session and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            found = self._next()
            if found.get("id") == number:
                assert "error" not in found, (method, found)
                return found["result"]
            if found.get("method") == "Log.entryAdded":
                self.log.append(found["params"]["entry"]["text"])
            elif found.get("method") == "Runtime.exceptionThrown":
                self.log.append(str(found["params"]["exceptionDetails"]))

    def _next(self) -> dict:
        while b"\0" not in self._left:
            assert select.select([self._read], [], [], PATIENCE)[0], "Chromium does not answer"
            data = os.read(self._read, 1 << 16)
            assert data, "Chromium has ended"
            self._left += data
        line, self._left = self._left.split(b"\0", 1)
        return json.loads(line)
