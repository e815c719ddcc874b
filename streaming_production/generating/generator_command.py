"""The generator's whole course: settle old parcels, find the agent, play the days, catch up."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from core_modules.reporting.report_wording import plural
from streaming_production.generating.agent_client import (
    AgentAwayError,
    AgentClient,
    AgentRefusedError,
)
from streaming_production.generating.agent_view import look_at_agent, wait_until_ready
from streaming_production.generating.day_lines import Speaker
from streaming_production.generating.delivery import Delivery
from streaming_production.generating.generator_run import GeneratorRun
from streaming_production.generating.run_choice import GeneratorOptions, chosen_run
from streaming_production.generating.run_record import RunRecord
from streaming_production.generating.spool import Spool, SpoolError
from streaming_production.generating.wire_run import play_over_the_wire


def run_generator(options: GeneratorOptions) -> int:
    """Run the generator; 0 all delivered, 1 something is left or refused, 2 it could not begin.

    Stopped by a signal it ends with 128 and the signal's number, as a shell expects.
    """
    speaker, stopped = Speaker(), threading.Event()
    with _stopping(stopped) as caught:
        try:
            with (
                AgentClient(options.agent, options.token) as client,
                Spool(options.spool) as spool,
            ):
                code = _Course(options, client, spool, speaker, stopped).run()
        except SpoolError as error:
            speaker.warn([f"error: {error}"])
            code = 1
        except (AgentAwayError, AgentRefusedError, ValueError, OSError) as error:
            speaker.warn([f"error: {error}"])
            code = 2
    return 128 + caught[0] if caught else code


@contextmanager
def _stopping(stopped: threading.Event) -> Iterator[list[int]]:
    """Turn the first SIGINT or SIGTERM into a wish to stop; a second one ends the process."""
    caught: list[int] = []

    def on_signal(number: int, _: FrameType | None) -> None:
        caught.append(number)
        stopped.set()
        signal.signal(number, signal.SIG_DFL)

    before = {
        number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Course:
    """One call of the generator."""

    def __init__(
        self,
        options: GeneratorOptions,
        client: AgentClient,
        spool: Spool,
        speaker: Speaker,
        stopped: threading.Event,
    ) -> None:
        self._options, self._client, self._spool = options, client, spool
        self._speaker, self._stopped = speaker, stopped
        self._delivery = Delivery(spool, client, stopped)

    def run(self) -> int:
        last = RunRecord.load(self._spool.folder)
        self._settle(last)
        if self._options.days != 0 and not self._stopped.is_set():
            self._play(last)
        return self._conclude()

    def _settle(self, last: RunRecord | None) -> None:
        """Send what an earlier run left, before anything new."""
        waiting = len(self._spool)
        if not waiting:
            return
        if last and last.url != self._options.agent:
            raise ValueError(
                f"the spool {self._spool.folder} holds {_batches(waiting)} for {last.url}: send "
                f"them with --agent {last.url} --days 0, or choose another --spool"
            )
        self._speaker.note(f"sending {_batches(waiting)} left by an earlier run")
        self._delivery.catch_up(self._options.wait)
        self._speaker.warn(self._delivery.rejected)

    def _play(self, last: RunRecord | None) -> None:
        options, speaker = self._options, self._speaker
        self._await_agent()
        if self._stopped.is_set():
            return
        view = look_at_agent(self._client)
        run = chosen_run(options, view, last, speaker.note)
        run.record.save(self._spool.folder)
        speaker.note(
            f"agent {options.agent}, epoch {view.epoch}, {plural(run.record.items, 'item')}; "
            f"{run.record.market}, {run.record.start} to {run.record.last_day}, "
            f"seed {run.record.seed}, {options.speed:g} s a day"
        )
        today = None if options.start else view.today
        if options.wire:
            play_over_the_wire(run, self._delivery, speaker, self._stopped, options.speed, today)
        else:
            GeneratorRun(
                run, self._client, self._delivery, speaker, self._stopped, options.speed
            ).play(today)

    def _await_agent(self) -> None:
        """Wait until the agent can decide; go on without that if it takes too long."""
        if not wait_until_ready(self._client, self._stopped, 0):
            return
        self._speaker.note(f"waiting for the agent at {self._options.agent}")
        why = wait_until_ready(self._client, self._stopped, self._options.wait)
        if why and not self._stopped.is_set():
            self._speaker.note(f"the agent is not ready yet: {why}")

    def _conclude(self) -> int:
        """Deliver what still waits and say how it ended."""
        if len(self._spool) and not self._stopped.is_set():
            self._speaker.note(f"delivering {_batches(len(self._spool))} from the spool")
            self._delivery.catch_up(self._options.wait)
        delivery, left = self._delivery, len(self._spool)
        refused = len(delivery.rejected)
        known = f", {delivery.duplicates:,} known before" if delivery.duplicates else ""
        applied = "" if self._options.wire else f" ({delivery.applied:,} events applied{known})"
        self._speaker.note(f"{_batches(delivery.sent)} sent{applied}, {_batches(left)} left")
        if left:
            again = "start the generator again to send them"
            self._speaker.warn([f"{_batches(left)} waiting in {self._spool.folder}: {again}"])
        if refused:
            where = self._spool.rejected
            self._speaker.warn([f"the agent refused {_batches(refused)}, kept in {where}"])
        return 1 if left or refused else 0


def _batches(number: int) -> str:
    return plural(number, "batch", "batches")
