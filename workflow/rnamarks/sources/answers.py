"""What a server's answers, and faults of the connection to it, say."""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import requests


def state_of(url: str, answer: requests.Response, total: int | None) -> dict[str, object]:
    """What tells later whether the server still has the same file of ``total`` bytes."""
    etag = answer.headers.get("ETag", "")
    return {
        "url": url,
        # a weak tag must not be used for pieces (RFC 9110, 13.1.5)
        "etag": "" if etag.startswith("W/") else etag,
        "last_modified": answer.headers.get("Last-Modified", ""),
        "total": total,
    }


def content_range(answer: requests.Response) -> tuple[int | None, int | None]:
    """First byte and full size in the Content-Range header, None where not given."""
    match = re.fullmatch(r"\s*bytes\s+(?:(\d+)-\d+|\*)/(\d+|\*)\s*", answer.headers.get("Content-Range", ""))
    if not match:
        return None, None
    start, total = match.groups()
    return (None if start is None else int(start)), (None if total == "*" else int(total))


def retry_after(answer: requests.Response) -> float:
    """Seconds to wait as the server asks; 0 if it does not."""
    text = answer.headers.get("Retry-After", "")
    if text.strip().isdigit():
        return float(text)
    try:
        return parsedate_to_datetime(text).timestamp() - time.time()
    except (TypeError, ValueError):
        return 0.0


def status_of(answer: requests.Response) -> str:
    """The status in words."""
    return f"status {answer.status_code} {answer.reason or ''}".rstrip()


def innermost(error: BaseException) -> str:
    """The deepest cause in one line, without the layers that wrapped it."""
    seen = {id(error)}
    while True:
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((item for item in reversed(error.args) if isinstance(item, BaseException)), None)
        inner = inner or error.__cause__ or error.__context__
        if inner is None or id(inner) in seen:
            break
        seen.add(id(inner))
        error = inner
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())
