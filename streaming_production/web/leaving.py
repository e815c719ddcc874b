"""How a service's process ends while a thread of it is still at work."""

import logging
import os
import sys
import threading
from contextlib import suppress
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End the process with an exit code, at once where a thread is still alive.

    A thread that compiles cannot be told to stop. The interpreter's own end would take down what
    its native code works with, and the process could abort after an orderly stop; so it is left
    out, and with it what was registered with `atexit`. To be called once everything is closed.
    """
    if threading.active_count() > 1:
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # closed, or nobody reads it any more
                if stream is not None:
                    stream.flush()
        os._exit(code)
    sys.exit(code)
