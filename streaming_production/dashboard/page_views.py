"""The pages: rendered by the server, so that they read without scripts, and renewed by scripts.

Each page has live parts, the agent's state in its head and its main part. A script that hears of a
change asks for the same address with the header `X-Live: 1`, and gets these parts alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, Response, g, render_template, request
from werkzeug.exceptions import NotFound

from streaming_production.dashboard.agent_client import (
    AgentAwayError,
    AgentClient,
    AgentRefusedError,
)
from streaming_production.dashboard.page_cache import PageCache, View
from streaming_production.dashboard.pages import ONE_OF, PAGES, Shown
from streaming_production.dashboard.relay import Relay
from streaming_production.dashboard.visitors import CSRF_HEADER, Visitors, csrf_token
from streaming_production.web.problems import PROBLEM_JSON, Problem, problem_body
from streaming_production.web.security import Access

LIVE_HEADER = "X-Live"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class PageMaker:
    """Make the pages out of the agent's answers."""

    agent: AgentClient
    relay: Relay
    visitors: Visitors
    cache: PageCache

    def show(self, name: str, read: Callable[[Shown], Shown]) -> Response:
        """Return a page, or its live parts; `read` gets the agent's status."""
        may_act = g.access == Access.WRITE

        def make() -> View:
            if self.relay.away:  # nobody waits for one who is known not to answer
                raise AgentAwayError("the agent does not answer")
            status = self.agent.read("/api/status")
            found = read(status) | {"status": status, "may_act": may_act, "query": request.args}
            chip = render_template("parts/chip.html", **found)
            return View(chip, render_template(f"{name}.html", **found))

        # A page of the agent's data is the same for all who may do the same.
        key = f"{may_act} {request.full_path}"
        try:
            return self.answer(name, self.cache.get(key, lambda: self.relay.generation, make))
        except AgentAwayError:
            return self.answer(name, _view("away.html", stale=True), 503)
        except AgentRefusedError as error:
            status = error.status if error.status in (404, 422) else 502
            return self.answer(name, _view("refused.html", words=str(error), status=status), status)

    def answer(self, name: str, view: View, status: int = 200) -> Response:
        """Return a view within the frame of the pages, or alone for a script."""
        if request.headers.get(LIVE_HEADER):
            page = render_template("live.html", view=view)
        else:
            page = render_template(
                "base.html", name=name, view=view, may_act=g.access == Access.WRITE,
                csrf=csrf_token(), sign_out=self.visitors.sign_in_needed,
                last_contact=self.relay.last_contact,
            )  # fmt: skip
        headers = {CSRF_HEADER: csrf_token(), "Vary": LIVE_HEADER}
        return Response(page, status, headers, content_type=HTML)


def add_pages(app: Flask, agent: AgentClient, relay: Relay, visitors: Visitors) -> None:
    """Give `app` every page."""
    maker = PageMaker(agent, relay, visitors, PageCache())

    for path, (name, read) in PAGES.items():

        def listed(name: str = name, read: Callable[..., Shown] = read) -> Response:
            return maker.show(name, lambda status: read(agent, request.args, status))

        app.add_url_rule(path, name, listed, methods=["GET"])

    for path, (kind, read_one) in ONE_OF.items():

        def single(name: str, kind: str = kind, read: Callable[..., Shown] = read_one) -> Response:
            return maker.show(kind, lambda status: read(agent, name, status))

        app.add_url_rule(path, kind, single, methods=["GET"])

    @app.errorhandler(NotFound)
    def nowhere(_error: NotFound) -> Response:
        if request.path.startswith("/api/"):
            return as_problem(404, "the dashboard passes no such call on")
        view = _view("refused.html", words="There is no page at this address.", status=404)
        return maker.answer("refused", view, 404)

    @app.errorhandler(AgentAwayError)
    def away(error: AgentAwayError) -> Response:
        return as_problem(503, str(error))


def as_problem(status: int, detail: str) -> Response:
    """Return what scripts get instead of a page."""
    headers = {"Retry-After": "2"} if status == 503 else {}
    body = problem_body(Problem(status, detail), request.path)
    return Response(body, status, headers, content_type=PROBLEM_JSON)


def _view(template: str, *, stale: bool = False, **found: object) -> View:
    return View(render_template("parts/chip.html"), render_template(template, **found), stale)
