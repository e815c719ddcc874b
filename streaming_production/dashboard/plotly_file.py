"""The chart library as the plotly package holds it, served without importing plotly."""

import gzip
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from flask import Flask, Response, request

YEAR = 365 * 86400  # seconds
NAME = "/static/plotly.min.js"


def add_plotly(app: Flask) -> None:
    """Serve plotly.min.js, to be kept by browsers until the package's version changes."""
    address = f"{NAME}?v={version('plotly')}"
    app.jinja_env.globals["plotly_address"] = address

    @app.get(NAME, endpoint="plotly")
    def plotly() -> Response:
        packed = "gzip" in request.headers.get("Accept-Encoding", "")
        response = Response(_packed() if packed else _path().read_bytes())
        response.content_type = "text/javascript; charset=utf-8"
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = f"private, max-age={YEAR}, immutable"
        if packed:
            response.headers["Content-Encoding"] = "gzip"
        return response


def _path() -> Path:
    found = find_spec("plotly")
    if found is None or found.origin is None:
        raise FileNotFoundError("the package plotly is not installed: pip install plotly")
    return Path(found.origin).parent / "package_data" / "plotly.min.js"


@cache
def _packed() -> bytes:
    return gzip.compress(_path().read_bytes(), compresslevel=6, mtime=0)
