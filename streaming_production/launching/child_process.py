"""One process of the demo: started in a group of its own, watched, stopped and waited for."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
LAST_LINES = 12  # of a log that are shown of a process that died
GRACE = 15.0  # seconds to end after SIGTERM


class Child:
    """A module of ours that runs with `-m`; its output goes to a log, or to our own terminal."""

    def __init__(self, name: str, arguments: Sequence[str], log: Path | None) -> None:
        self.name = name
        self._log = log
        with contextlib.ExitStack() as opened:
            output: IO[bytes] | None = opened.enter_context(log.open("wb")) if log else None
            self._process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                # Ctrl-C reaches the launcher alone, which stops its children in order.
                start_new_session=True,
            )

    @property
    def code(self) -> int | None:
        """The exit code, None while the process runs."""
        return self._process.poll()

    @property
    def pid(self) -> int:
        """The process id, which is also that of its group."""
        return self._process.pid

    def last_lines(self) -> str:
        """Return the end of the log."""
        if self._log is None:
            return ""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-LAST_LINES:])

    def ask_to_stop(self) -> None:
        """Send SIGTERM, to the process alone: it ends its own children itself."""
        if self.code is None:
            self._process.terminate()

    def wait_to_stop(self) -> None:
        """Wait for the end; what is left of the group after the grace is killed."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
