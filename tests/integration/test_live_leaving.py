"""A process ends with its code and its last words, whatever its threads still do."""

import subprocess
import sys

import pytest

from tests.live_server import ROOT

PROGRAM = """
import atexit, threading
from streaming_production.web.leaving import leave

def work():
    {work}

atexit.register(print, "finalized")
thread = threading.Thread(target=work, daemon=True)
thread.start()
{then}
print("said", end=" ")
leave(3)
"""


@pytest.mark.parametrize(
    ("work", "then", "said"),
    [
        ("threading.Event().wait()", "", "said "),
        ("pass", "thread.join()", "said finalized\n"),
    ],
)
def test_only_a_process_without_working_threads_is_finalized(
    work: str, then: str, said: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(work=work, then=then)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, said, "")
