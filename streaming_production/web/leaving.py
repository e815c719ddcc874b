"""How a service's process ends while a thread of it is still at work."""

import logging
import os
import sys
import threading
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End the process with an exit code, at once where threads are left that would not end.

    A thread that compiles cannot be told to stop. The interpreter's own end would take down what
    its native code works with, and the process could abort after an orderly stop; so it is left
    out, and with it what was registered with `atexit`. To be called once everything is closed.
    """
    if threading.active_count() > 1:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
