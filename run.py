"""The one command of a fresh machine: sets up .venv from the locked requirements, then runs in it.

python3 run.py                      the 180-day simulation
python3 run.py --days 30            the same with options of `simulate`
python3 run.py demo [OPTIONS]       the live demo: all services and a stream of market days
python3 run.py COMMAND [OPTIONS]    any other command, e.g. forecast; --help tells more
python3 run.py test [OPTIONS]       the tests; options and paths (from the root) go to pytest
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

OLDEST_PYTHON = (3, 11)
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "installed.sha256"  # digest of the lock that was installed last, to its end
RUNTIME_LOCK = ROOT / "requirements.txt"
DEV_LOCK = ROOT / "requirements-dev.txt"  # holds all of RUNTIME_LOCK, in the same versions


class SetupError(Exception):
    """The environment cannot be made; one line says why and how to mend it."""


def command_line(arguments: list[str]) -> list[str]:
    """Return what to run inside the environment for run.py's own arguments.

    >>> command_line(["--days", "30"])[2:]
    ['simulate', '--days', '30']
    >>> command_line(["demo", "--fast"])[2:]
    ['--fast']
    """
    if arguments[:1] == ["test"]:
        return [str(VENV_PYTHON), "-m", "pytest", *arguments[1:]]
    if arguments[:1] == ["demo"]:
        script = ROOT / "streaming_production" / "working_demo.py"
        return [str(VENV_PYTHON), str(script), *arguments[1:]]
    if not arguments or arguments[0].startswith("-"):
        arguments = ["simulate", *arguments]
    return [str(VENV_PYTHON), str(ROOT / "core_modules" / "main.py"), *arguments]


def lock_digest(lock: Path) -> str:
    """Return the digest of a lock and of the Python it is installed for."""
    python = "Python {}.{}\n".format(*sys.version_info)
    return hashlib.sha256(python.encode() + lock.read_bytes()).hexdigest()


def is_installed(lock: Path) -> bool:
    """Tell whether the environment holds the lock's libraries; the tests' lock holds all."""
    if not (STAMP.exists() and VENV_PYTHON.exists()):
        return False
    return STAMP.read_text() in {lock_digest(lock), lock_digest(DEV_LOCK)}


def install(lock: Path) -> None:
    """Make .venv if it is missing or of another Python, and install the lock into it."""
    if importlib.util.find_spec("ensurepip") is None:
        raise SetupError("this Python lacks venv; on Debian: apt install python3-venv, then again")
    print(f"run.py: setting up {VENV} from {lock.name}; the first time takes minutes", flush=True)
    STAMP.unlink(missing_ok=True)
    same_python = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    reuse = VENV_PYTHON.exists() and _succeeds([str(VENV_PYTHON), "-c", same_python])
    if not _succeeds([sys.executable, "-m", "venv", *([] if reuse else ["--clear"]), str(VENV)]):
        raise SetupError(f"{VENV} could not be made (see above); mend that and run again")
    pip = [str(VENV_PYTHON), "-m", "pip", "install", "--disable-pip-version-check"]
    if not _succeeds([*pip, "--require-hashes", "--requirement", str(lock)]):
        raise SetupError(f"{lock.name} could not be installed (see above); mend that and run again")
    STAMP.write_text(lock_digest(lock))


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let a second run.py wait until the first one has set up the environment."""
    try:
        import fcntl
    except ImportError:  # Windows: two first runs at once are the user's care
        yield
        return
    with Path(__file__).open("r+") as this_file:  # flock changes nothing in it
        fcntl.flock(this_file, fcntl.LOCK_EX)
        yield


def main(arguments: list[str]) -> int:
    """Set up what is missing and hand over to the command; its exit code is ours."""
    if sys.version_info[:2] < OLDEST_PYTHON:
        have = "{}.{}".format(*sys.version_info)
        print(f"run.py: needs Python 3.11 or newer, this is {have}", file=sys.stderr)
        return 1
    if arguments[:1] in (["-h"], ["--help"]):
        print(__doc__, end="")
        return 0
    lock = DEV_LOCK if arguments[:1] == ["test"] else RUNTIME_LOCK
    try:
        if not is_installed(lock):
            with one_at_a_time():
                if not is_installed(lock):
                    install(lock)
    except (OSError, SetupError) as error:
        print(f"run.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nrun.py: stopped; the next run finishes the setup", file=sys.stderr)
        return 130
    return _hand_over(command_line(arguments))


def _hand_over(command: list[str]) -> int:
    if command[1:3] == ["-m", "pytest"]:
        os.chdir(ROOT)
    if os.name != "nt":
        # The command takes this process's place, so signals and exit codes are its own.
        os.execv(command[0], command)
    return subprocess.call(command)


def _succeeds(command: list[str]) -> bool:
    return subprocess.call(command) == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
