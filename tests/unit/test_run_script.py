"""run.py without a network: what it runs, when it installs, and what its locks hold."""

import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import run

RUNTIME_LOCK, DEV_LOCK = run.RUNTIME_LOCK, run.DEV_LOCK
DASK_LOCK = run.ROOT / "requirements-dask.txt"


class Commands:
    """Records commands instead of running them; the named program fails."""

    def __init__(self, failing: str = "nothing") -> None:
        self.failing = failing
        self.seen: list[list[str]] = []

    def __call__(self, command: list[str]) -> bool:
        self.seen.append(command)
        return self.failing not in command


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for run.py to work in: two locks and an environment with nothing installed yet."""
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(run, "VENV_PYTHON", tmp_path / ".venv" / "python")
    monkeypatch.setattr(run, "STAMP", tmp_path / ".venv" / "installed.sha256")
    monkeypatch.setattr(run, "RUNTIME_LOCK", tmp_path / "requirements.txt")
    monkeypatch.setattr(run, "DEV_LOCK", tmp_path / "requirements-dev.txt")
    (tmp_path / ".venv").mkdir()
    run.VENV_PYTHON.touch()
    run.RUNTIME_LOCK.write_text("numpy==2.4.6\n")
    run.DEV_LOCK.write_text("numpy==2.4.6\npytest==9.2.0\n")
    return tmp_path


def locked_versions(lock: Path) -> dict[str, str]:
    """Read name -> version, markers left out."""
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", lock.read_text(), flags=re.MULTILINE))


@pytest.mark.parametrize(
    ("arguments", "script", "passed_on"),
    [
        ([], "core_modules/main.py", ["simulate"]),
        (["--days", "30"], "core_modules/main.py", ["simulate", "--days", "30"]),
        (["forecast", "--help"], "core_modules/main.py", ["forecast", "--help"]),
        (["demo", "--fast"], "streaming_production/working_demo.py", ["--fast"]),
        (["simulate", "test"], "core_modules/main.py", ["simulate", "test"]),
    ],
)
def test_what_is_not_a_test_run_goes_to_its_script(
    arguments: list[str], script: str, passed_on: list[str]
) -> None:
    expected = [str(run.VENV_PYTHON), str(run.ROOT / script), *passed_on]
    assert run.command_line(arguments) == expected


def test_test_runs_pytest_with_the_rest_of_the_arguments() -> None:
    assert run.command_line(["test", "-k", "ledger"])[1:] == ["-m", "pytest", "-k", "ledger"]


def test_the_digest_follows_the_lock_and_the_python(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = run.lock_digest(run.RUNTIME_LOCK)
    assert run.lock_digest(run.RUNTIME_LOCK) == before
    run.RUNTIME_LOCK.write_text("numpy==2.4.7\n")
    assert run.lock_digest(run.RUNTIME_LOCK) != before
    run.RUNTIME_LOCK.write_text("numpy==2.4.6\n")
    monkeypatch.setattr(sys, "version_info", (3, 99, 0))
    assert run.lock_digest(run.RUNTIME_LOCK) != before


def test_an_installed_lock_is_not_installed_again_until_it_changes(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_succeeds", Commands())
    run.install(run.RUNTIME_LOCK)
    assert run.is_installed(run.RUNTIME_LOCK)
    run.RUNTIME_LOCK.write_text("numpy==2.4.7\n")
    assert not run.is_installed(run.RUNTIME_LOCK)


def test_the_tests_environment_serves_every_command_but_not_the_other_way(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_succeeds", Commands())
    run.install(run.RUNTIME_LOCK)
    assert not run.is_installed(run.DEV_LOCK)
    run.install(run.DEV_LOCK)
    assert run.is_installed(run.DEV_LOCK)
    assert run.is_installed(run.RUNTIME_LOCK)


def test_an_install_that_fails_halfway_is_repeated(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_succeeds", Commands())
    run.install(run.RUNTIME_LOCK)
    monkeypatch.setattr(run, "_succeeds", Commands(failing="pip"))
    with pytest.raises(run.SetupError, match=r"requirements-dev\.txt could not be installed"):
        run.install(run.DEV_LOCK)
    assert not run.is_installed(run.RUNTIME_LOCK)


def test_libraries_are_installed_with_their_hashes(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = Commands()
    monkeypatch.setattr(run, "_succeeds", commands)
    run.install(run.RUNTIME_LOCK)
    assert commands.seen[-1][-3:] == ["--require-hashes", "--requirement", str(run.RUNTIME_LOCK)]


@pytest.mark.parametrize(("failing", "cleared"), [("nothing", False), ("-c", True)])
def test_an_environment_is_cleared_only_when_it_belongs_to_another_python(
    machine: Path, monkeypatch: pytest.MonkeyPatch, failing: str, cleared: bool
) -> None:
    commands = Commands(failing)
    monkeypatch.setattr(run, "_succeeds", commands)
    run.install(run.RUNTIME_LOCK)
    making = next(command for command in commands.seen if "venv" in command)
    assert ("--clear" in making) is cleared


def test_a_python_without_venv_gets_one_line_that_says_what_to_install(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    assert run.main([]) == 1
    message = capsys.readouterr().err
    assert "apt install python3-venv" in message
    assert message.count("\n") == 1


def test_an_old_python_gets_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    assert run.main([]) == 1
    assert capsys.readouterr().err == "run.py: needs Python 3.11 or newer, this is 3.10\n"


def test_help_needs_no_setup(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run.VENV_PYTHON.unlink()
    assert run.main(["--help"]) == 0
    assert "python3 run.py test" in capsys.readouterr().out


def test_a_second_run_cannot_set_up_while_the_first_one_does() -> None:
    fcntl = pytest.importorskip("fcntl", reason="Windows has no flock")
    with run.one_at_a_time(), Path(run.__file__).open() as second, pytest.raises(BlockingIOError):
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_the_larger_locks_hold_the_smaller_ones_in_the_same_versions() -> None:
    runtime, dask, dev = map(locked_versions, (RUNTIME_LOCK, DASK_LOCK, DEV_LOCK))
    assert runtime.items() <= dask.items() <= dev.items()


def test_the_locks_hold_every_dependency_of_pyproject_within_its_bounds() -> None:
    project = tomllib.loads((run.ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"]
    clustered = wanted + project["project"]["optional-dependencies"]["dask"]
    for lock, lines in (
        (RUNTIME_LOCK, wanted),
        (DASK_LOCK, clustered),
        (DEV_LOCK, clustered + project["dependency-groups"]["dev"]),
    ):
        locked = locked_versions(lock)
        for requirement in map(Requirement, lines):
            assert locked[requirement.name] in requirement.specifier, f"{requirement} in {lock}"


@pytest.mark.parametrize("lock", [RUNTIME_LOCK, DASK_LOCK, DEV_LOCK], ids=lambda lock: lock.name)
def test_a_lock_names_hashes_for_all_and_no_host_or_folder(lock: Path) -> None:
    text = lock.read_text()
    entries = re.split(r"^(?=\w)", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(locked_versions(lock))
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"://|--(extra-)?index-url|--find-links|@ ", text)
