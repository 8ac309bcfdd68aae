"""Every page as tests look at it: add a line for each page, and for each of its states that looks otherwise."""

import re
from gzip import compress
from html import unescape
from urllib.parse import urljoin

import httpx

PAGES = (
    "/",
    "/?seed=3&count=12&columns=4&index=5",
    "/gallery",
    "/gallery?text=nowhere&family=dcgan&starred=true&order=oldest",
    "/gallery?trash=true",
    "/train",
    "/train?family=ebgan&preset=paper&dataset=ring&images=many",
    "/watch",
    "/learn?lang=en",
    "/learn?lang=zh",
    "/learn/wgan_gp?lang=en",
    "/learn/lapgan?lang=zh",
    "/learn/dcgan",
    "/learn/gan_r1/source",
    "/ranking",
    "/ranking?dataset=segments&metric=coverage",
    "/ranking/studies",
    "/explore",
    "/explore?tool=sweep&coordinate=0",
    "/explore?tool=matrix",
    "/explore?tool=around",
    "/explore?tool=arithmetic",
    "/explore?tool=draw",
    "/docs",
)

OF_RECORDS = ("/watch/{job_id}", "/ranking/studies/{study_id}")
"""Pages that need a record to show: tests of their own look at them."""

SCRIPT_BUDGET_BYTES = 60_000
"""The most that all scripts of a page together may take, each compressed by gzip."""

_IMPORTS = re.compile(r"""\b(?:import|from)\s*\(?\s*["']([./][^"']+)["']""")
_SCRIPTS = re.compile(r'<script\b[^>]*\bsrc="([^"]+)"')


def scripts_of(client: httpx.Client, page: str) -> dict[str, bytes]:
    """Return each script that a page may load, at once or later, by its path."""
    found: dict[str, bytes] = {}
    waiting = [unescape(source) for source in _SCRIPTS.findall(client.get(page).text)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            response = client.get(path)
            assert response.status_code == 200, path
            found[path] = response.content
            waiting += [urljoin(path, named) for named in _IMPORTS.findall(response.text)]
    return found


def gzipped_bytes(scripts: dict[str, bytes]) -> int:
    return sum(len(compress(script, mtime=0)) for script in scripts.values())
