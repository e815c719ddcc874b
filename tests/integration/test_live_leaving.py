"""A process ends with its code and its last words, whatever its threads still do."""

import os
import subprocess
import sys

import pytest

from tests.live_server import ROOT

PROGRAM = """
import atexit, sys, threading
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


def test_a_process_whose_output_nobody_reads_ends_with_its_code() -> None:
    program = PROGRAM.format(work="threading.Event().wait()", then="sys.stdin.read()")
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": ""},  # else it fails before it leaves
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.close()
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (3, "")


def test_a_process_without_output_ends_with_its_code() -> None:
    program = PROGRAM.format(work="threading.Event().wait()", then="sys.stdout = None")
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=60, check=False)
    assert ended.returncode == 3
