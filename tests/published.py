"""Published files to fetch, and their entries in a sheet of sources."""

from __future__ import annotations

import gzip
import hashlib
import random

from rnamarks.sources.sheet import Source

TEXT = "".join(f"chr1\t{i}\t{i + 1}\tm6A_site_{i}\t0\t+\n" for i in range(9000)).encode()
PACKED = gzip.compress(random.Random(1).randbytes(400_000), mtime=0)
HTML = b"<!DOCTYPE html>\n<html><head><title>Moved</title></head><body>See the new site</body></html>"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def source(url: str, url2: str = "", file: str = "sites.txt", **values) -> Source:
    defaults = dict(
        name="demo", version="1", kind="sites", species=("human",), url=url, url2=url2, sha256="", bytes=None,
        assembly="hg19", licence="free", citation="none", file=file,
    )  # fmt: skip
    return Source(**(defaults | values))
