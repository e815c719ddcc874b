"""Who is at the page: sign-in with a token, the session's cookie, and proof of an action.

Without tokens (loopback only) everybody at this machine may act. With them a visitor signs in once;
the cookie holds a mark of the token, never the token, so that a changed token ends the session. An
action must come from a page of ours: it carries the session's own secret in a header, which another
site can neither read nor send.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from flask import Flask, Response, g, redirect, render_template, request, session, url_for
from pydantic import SecretStr
from werkzeug.wrappers import Response as AnyResponse

from streaming_production.web.limits import RateLimiter
from streaming_production.web.problems import Problem
from streaming_production.web.security import SAFE_METHODS, Access, Gate

CSRF_HEADER = "X-CSRF-Token"
OPEN_ENDPOINTS = frozenset({"static", "sign_in", "healthz", "readyz", "demo_api.health"})
READING_POSTS = frozenset({"/api/what-if"})
SIGN_IN_RATE, SIGN_IN_BURST = 0.2, 5  # tries a second a client, and at once before that holds


class Visitors:
    """Know what each visitor may do, and check each request for it."""

    def __init__(self, gate: Gate, secret: bytes) -> None:
        self._gate = gate
        self._secret = secret
        self._tries = RateLimiter(SIGN_IN_RATE, SIGN_IN_BURST)

    @property
    def sign_in_needed(self) -> bool:
        """Whether a token must be given."""
        return not self._gate.open

    def access(self) -> Access:
        """Return what the visitor of this request may do."""
        if self._gate.open:
            return Access.WRITE
        mark = session.get("mark", "")
        if _same(mark, self._mark(self._gate.api_token)):
            return Access.WRITE
        return Access.READ if _same(mark, self._mark(self._gate.read_token)) else Access.NONE

    def check(self) -> AnyResponse | None:
        """Refuse a request, or send a visitor to the sign-in page."""
        self._gate.check_host(request.headers.get("Host"))
        g.access = self.access()
        if request.endpoint in OPEN_ENDPOINTS and request.method in SAFE_METHODS:
            return None
        if request.endpoint != "sign_in" and g.access == Access.NONE:
            if request.path.startswith(("/api/", "/stream")) or request.method != "GET":
                raise Problem(401, "sign in first", code="urn:inventory:sign-in")
            return redirect(url_for("sign_in", next=request.full_path.rstrip("?")), 303)
        if request.method not in SAFE_METHODS:
            self._check_action()
        return None

    def _check_action(self) -> None:
        check_origin()
        given = request.headers.get(CSRF_HEADER) or (
            request.form.get("csrf", "") if request.endpoint in ("sign_in", "sign_out") else ""
        )
        if not _same(given, session.get("csrf", "")):
            raise Problem(
                403,
                "this page is older than your session; reload it and try again",
                code="urn:inventory:csrf",
            )
        free = request.path in READING_POSTS or request.endpoint in ("sign_in", "sign_out")
        if g.access < Access.WRITE and not free:
            raise Problem(403, "you are signed in for reading only")

    def sign_in(self, token: str) -> bool:
        """Open a session for a token that is right.

        Raises:
            Problem: too many tries.
        """
        wait = self._tries.wait_for(request.remote_addr or "", time.monotonic())
        if wait > 0:
            seconds = str(int(wait) + 1)
            raise Problem(
                429, f"too many tries; wait {seconds} s", headers={"Retry-After": seconds}
            )
        access = self._gate.access_of(token)
        if access == Access.NONE:
            return False
        session.clear()
        known = self._gate.api_token if access == Access.WRITE else self._gate.read_token
        session["mark"] = self._mark(known)
        session.permanent = True
        return True

    def _mark(self, token: SecretStr | None) -> str:
        if token is None:
            return ""
        return hmac.new(self._secret, token.get_secret_value().encode(), hashlib.sha256).hexdigest()


def csrf_token() -> str:
    """Return the session's secret that every action must carry."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(32)
    return str(session["csrf"])


def check_origin() -> None:
    """Refuse an action that another site's page sent."""
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin")
    if site != "same-origin" or (origin is not None and urlsplit(origin).netloc != request.host):
        raise Problem(403, "actions are taken from this dashboard's own pages only")


def add_sign_in(app: Flask, visitors: Visitors) -> None:
    """Give `app` its pages for coming and going, and check each request."""
    app.before_request(visitors.check)

    @app.route("/sign-in", methods=["GET", "POST"])
    def sign_in() -> AnyResponse:
        if request.method != "POST":
            return redirect(_back(), 303) if g.access != Access.NONE else _page()
        try:
            known = visitors.sign_in(request.form.get("token", "").strip())
        except Problem as problem:
            return _page(f"There were {problem.detail}.", problem.status, problem.headers)
        if known:
            return redirect(_back(), 303)
        return _page("That is not one of the access tokens. Check it and try again.", 403)

    @app.post("/sign-out")
    def sign_out() -> AnyResponse:
        session.clear()
        return redirect(url_for("sign_in"), 303)


def _page(wrong: str = "", status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    page = render_template("sign_in.html", csrf=csrf_token(), wrong=wrong, back=_back())
    return Response(page, status, headers)


def _back() -> str:
    """Return where the visitor wanted to go, if that is a page of ours."""
    wanted = request.values.get("next", "/")
    plain = wanted.startswith("/") and not wanted.startswith(("//", "/\\", "/sign-in"))
    return wanted if plain and wanted.isprintable() else "/"


def _same(given: object, expected: object) -> bool:
    one, other = str(given).encode("utf-8", "replace"), str(expected).encode()
    return bool(other) and hmac.compare_digest(one, other)
