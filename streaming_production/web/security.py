"""Who may come in: the Host header, bearer tokens, and the headers that every answer carries.

A name that an attacker's DNS points at 127.0.0.1 would let any page in a browser talk to a
service on loopback; the Host check refuses it, and no answer ever allows another origin.
"""

import enum
import hmac
import ipaddress
from collections.abc import Collection
from dataclasses import dataclass

from flask import Flask, Request, Response, request
from pydantic import SecretStr

from streaming_production.web.problems import Problem

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Access(enum.IntEnum):
    """Say what a caller may do; more includes less."""

    NONE = 0
    READ = 1
    WRITE = 2


def is_loopback(host: str) -> bool:
    """Say whether an address that a server binds to is reached from this machine only.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def host_name(header: str) -> str:
    """Return the name in a Host header, without its port.

    >>> host_name("localhost:5001"), host_name("[::1]:5001")
    ('localhost', '::1')
    """
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


@dataclass(frozen=True, slots=True)
class Gate:
    """Hold the tokens and the names under which a service may be addressed."""

    api_token: SecretStr | None
    read_token: SecretStr | None
    names: frozenset[str]  # lower case, without ports

    @classmethod
    def of(
        cls,
        host: str,
        api_token: SecretStr | None,
        read_token: SecretStr | None,
        allowed_hosts: Collection[str],
    ) -> "Gate":
        """Make the gate of a service that binds to `host`."""
        names = LOOPBACK_NAMES | {name.lower().strip("[]") for name in (host, *allowed_hosts)}
        return cls(api_token, read_token, names)

    @property
    def open(self) -> bool:
        """Say that no token was set, so that everybody on this machine may do everything."""
        return self.api_token is None and self.read_token is None

    def access_of(self, token: str) -> Access:
        """Return what a token allows, in a time that does not tell how much of it was right."""
        if self.open:
            return Access.WRITE
        given = token.encode("utf-8", "surrogatepass")
        allowed = Access.NONE
        for known, access in ((self.read_token, Access.READ), (self.api_token, Access.WRITE)):
            expected = known.get_secret_value().encode() if known else b""
            if hmac.compare_digest(given, expected) and expected:
                allowed = max(allowed, access)
        return allowed

    def check_host(self, header: str | None) -> None:
        """Refuse a request addressed to a name that is not this service's."""
        if not header:
            raise Problem(400, "the Host header is missing")
        if host_name(header) not in self.names:
            raise Problem(
                421,
                "this service does not answer to the host name of this request; "
                "add it to the setting allowed_hosts if it should",
            )

    def check_bearer(self, incoming: Request, needed: Access) -> None:
        """Refuse a request whose bearer token does not allow what it wants."""
        if self.open:
            return
        scheme, _, token = incoming.headers.get("Authorization", "").partition(" ")
        allowed = self.access_of(token.strip()) if scheme.lower() == "bearer" else Access.NONE
        if allowed == Access.NONE:
            raise Problem(
                401,
                "a token is required: send the header Authorization: Bearer TOKEN",
                headers={"WWW-Authenticate": 'Bearer realm="inventory"'},
            )
        if allowed < needed:
            raise Problem(403, "this token may only read")


def guard_api(
    app: Flask, gate: Gate, open_paths: Collection[str], reading_posts: Collection[str]
) -> None:
    """Check host and token before each request, and set the security headers after it.

    `open_paths` need no token; `reading_posts` are POST paths that change nothing.
    """

    @app.before_request
    def check() -> None:
        gate.check_host(request.headers.get("Host"))
        if request.path not in open_paths:
            reads = request.method in SAFE_METHODS or request.path in reading_posts
            gate.check_bearer(request, Access.READ if reads else Access.WRITE)

    @app.after_request
    def secure(response: Response) -> Response:
        for name, value in api_headers().items():
            response.headers.setdefault(name, value)
        return response


def api_headers() -> dict[str, str]:
    """Return the security headers of an answer that no browser shows as a page."""
    return {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


def page_headers(nonce: str | None = None) -> dict[str, str]:
    """Return the security headers of a page: everything from this service, nothing inline.

    A `nonce` lets those inline elements through that carry it.
    """
    own = f"'self' 'nonce-{nonce}'" if nonce else "'self'"
    policy = {
        "default-src": "'none'",
        "script-src": own,
        "style-src": own,
        "img-src": "'self' data: blob:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "manifest-src": "'self'",
    }
    return api_headers() | {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
