"""Views of the dashboard are made once for all who wait, and never served older than asked for."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from streaming_production.dashboard.agent_client import AgentAwayError
from streaming_production.dashboard.page_cache import PageCache, View


class News:
    """A generation that can be moved on, and views that count how often they were made."""

    def __init__(self) -> None:
        self.generation, self.made = 0, 0

    def now(self) -> int:
        return self.generation

    def make(self) -> View:
        self.made += 1
        return View("", str(self.made))


def test_a_view_is_kept_until_something_changes() -> None:
    cache, news = PageCache(), News()
    shown = [cache.get("/", news.now, news.make).main for _ in range(3)]
    news.generation += 1
    assert [*shown, cache.get("/", news.now, news.make).main] == ["1", "1", "1", "2"]


def test_pages_that_wait_share_a_view_though_changes_go_on() -> None:
    cache, news = PageCache(), News()
    asking, go_on = threading.Semaphore(0), threading.Event()

    def slow() -> View:
        asking.release()
        go_on.wait(10)
        news.generation += 1  # something changes while a view is being made
        return news.make()

    def now() -> int:
        asking.release()
        return news.generation

    with ThreadPoolExecutor(20) as pool:
        first = pool.submit(cache.get, "/", news.now, slow)
        asking.acquire()
        news.generation += 1
        waiting = [pool.submit(cache.get, "/", now, slow) for _ in range(19)]
        for _ in waiting:
            asking.acquire()
        go_on.set()
        shown = [one.result(10).main for one in (first, *waiting)]
    # Those who came while the first was being made need a newer one: one for all of them.
    assert news.made == 2
    assert shown == ["1"] + ["2"] * 19


def test_a_view_begun_before_a_change_is_not_shown_to_who_comes_after_it() -> None:
    cache, news = PageCache(), News()

    def overtaken() -> View:
        view = news.make()
        news.generation += 1
        return view

    assert cache.get("/", news.now, overtaken).main == "1"
    assert cache.get("/", news.now, news.make).main == "2"


def test_the_last_view_is_shown_as_stale_while_the_agent_is_away() -> None:
    cache, news = PageCache(), News()

    def away() -> View:
        raise AgentAwayError("the agent does not answer")

    get: Callable[[Callable[[], View]], View] = lambda make: cache.get("/", news.now, make)  # noqa: E731
    with pytest.raises(AgentAwayError):
        get(away)
    get(news.make)
    news.generation += 1
    assert get(away) == View("", "1", stale=True)
