"""The demo from start to end: services up, days streamed, page served, all stopped."""

import signal
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console

from streaming_production.generating.agent_client import (
    AgentAwayError,
    AgentClient,
    AgentRefusedError,
)
from streaming_production.generating.folder_lock import FolderInUseError, locked
from streaming_production.launching.child_process import Child
from streaming_production.launching.closing_summary import closing_lines
from streaming_production.launching.demo_services import (
    DemoOptions,
    prepare_folder,
    start_generator,
    start_services,
    why_not_up,
)

READY_WITHIN = 120.0  # seconds, and one more an item: the first forecasts are fitted meanwhile
_TELL_EVERY = 5.0  # seconds between two lines while waiting
_LOOK_EVERY = 0.2  # seconds between two looks at the children


class DemoFailedError(Exception):
    """The demo cannot go on; the message says why."""


def make_folder(folder: Path) -> None:
    """Make a folder; raises DemoFailedError where that is not permitted."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DemoFailedError(f"cannot make the folder {folder}: {error.strerror}") from None


def run_demo(options: DemoOptions, token: str | None) -> int:
    """Run the demo; 0 done or stopped by the user, 1 a service failed, 2 it could not begin."""
    say = Console(highlight=False, soft_wrap=True)
    stopped = threading.Event()
    with _stopping(stopped), ExitStack() as held:
        try:
            make_folder(options.folder)
            held.enter_context(locked(options.folder))
            prepare_folder(options)
            return _Demo(options, token, say, stopped).run()
        except FolderInUseError:
            problem = f"another demo runs in {options.folder}: stop it, or choose another --folder"
            say.print(f"error: {problem}", style="bold red", markup=False)
            return 2
        except DemoFailedError as error:
            say.print(f"error: {error}", style="bold red", markup=False)
            return 1


@contextmanager
def _stopping(stopped: threading.Event) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into a wish to stop, so that the children are always waited for."""
    before = {
        number: signal.signal(number, lambda *_: stopped.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Demo:
    """One demo and its processes."""

    def __init__(
        self, options: DemoOptions, token: str | None, say: Console, stopped: threading.Event
    ) -> None:
        self._options, self._token, self._say, self._stopped = options, token, say, stopped
        self._services: list[Child] = []
        self._generator: Child | None = None

    def run(self) -> int:
        try:
            self._tell(f"starting the services; their logs are in {self._options.folder}")
            self._services = start_services(self._options)
            self._await_services()
            self._stream()
            if not (self._options.leave or self._stopped.is_set()):
                self._tell(f"still serving {self._options.url('dashboard')}; Ctrl-C ends the demo")
                self._watch(lambda: False)
            self._conclude()
        finally:
            self._stop_all()
        return 0

    def _await_services(self) -> None:
        """Wait until every service is ready, telling now and then what is still missing."""
        began, told = time.monotonic(), 0.0
        for child in self._services:
            url = self._options.url(child.name)
            while (why := why_not_up(child.name, url, self._token)) and not self._stopped.is_set():
                self._check_children()
                waited = time.monotonic() - began
                if waited > READY_WITHIN + self._options.items:
                    raise DemoFailedError(f"{child.name} is not ready after {waited:.0f} s: {why}")
                if waited - told > _TELL_EVERY:
                    told = waited
                    self._tell(f"  {waited:3.0f} s  {child.name}: {why}")
                self._stopped.wait(_LOOK_EVERY)
        if not self._stopped.is_set():
            self._tell(f"ready after {time.monotonic() - began:.0f} s")
            self._show_page()

    def _show_page(self) -> None:
        page = self._options.url("dashboard")
        self._tell(f"dashboard: {page}")
        if self._options.open_page:
            webbrowser.open(page)

    def _stream(self) -> None:
        if self._stopped.is_set():
            return
        generator = self._generator = start_generator(self._options)
        self._watch(lambda: generator.code is not None)
        if generator.code:
            raise DemoFailedError(f"the generator ended with exit code {generator.code}, see above")

    def _watch(self, done: Callable[[], bool]) -> None:
        while not (done() or self._stopped.wait(_LOOK_EVERY)):
            self._check_children()

    def _check_children(self) -> None:
        for child in self._services:
            if child.code is not None:
                raise DemoFailedError(
                    f"the {child.name} ended with exit code {child.code}; its last lines:\n"
                    f"{child.last_lines()}"
                )

    def _conclude(self) -> None:
        """Stop the stream, then tell how the business stands."""
        _stop([self._generator] if self._generator else [])
        with AgentClient(self._options.url("agent"), self._token) as client:
            try:
                for line in closing_lines(client):
                    self._tell(line)
            except (AgentAwayError, AgentRefusedError) as problem:
                self._tell(f"no summary: {problem}")

    def _stop_all(self) -> None:
        # The generator first: it would take the agent's end for a failure.
        _stop([self._generator] if self._generator else [])
        _stop(self._services)

    def _tell(self, line: str) -> None:
        self._say.print(line, markup=False)


def _stop(children: Sequence[Child]) -> None:
    for child in children:
        child.ask_to_stop()
    for child in children:
        child.wait_to_stop()
