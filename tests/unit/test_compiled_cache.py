"""Compiled code on disk goes when any source file changes, and stays when none does."""

import os
from pathlib import Path

from core_modules.compiled_cache import drop_stale_code


def package(folder: Path) -> tuple[Path, Path]:
    """Make a package with a source file and compiled code below it."""
    inner = folder / "inner" / "__pycache__"
    inner.mkdir(parents=True)
    (folder / "inner" / "called.py").write_text("ONE = 1\n")
    kept = inner / "caller.f-1.py311.nbi"
    kept.touch()
    return folder / "inner" / "called.py", kept


def package_code(folder: Path) -> Path:
    """Compile again, as it were."""
    kept = folder / "inner" / "__pycache__" / "caller.f-1.py311.nbi"
    kept.touch()
    return kept


def test_compiled_code_stays_while_the_sources_do(tmp_path: Path) -> None:
    package(tmp_path)
    assert drop_stale_code(tmp_path)  # nobody knows what it was made from
    kept = package_code(tmp_path)
    assert not drop_stale_code(tmp_path)
    assert kept.exists()


def test_a_change_of_any_file_drops_all_compiled_code(tmp_path: Path) -> None:
    source, _ = package(tmp_path)
    drop_stale_code(tmp_path)
    for change in (
        lambda: source.write_text("ONE = 2 \n"),
        lambda: os.utime(source, ns=(1, 1)),
        lambda: source.with_name("new.py").touch(),
        source.unlink,
    ):
        kept = package_code(tmp_path)
        change()
        assert drop_stale_code(tmp_path)
        assert not kept.exists()


def test_a_folder_that_cannot_be_written_to_is_left_alone(tmp_path: Path) -> None:
    package(tmp_path)
    (tmp_path / "__pycache__").touch()  # where the folder of that name would be
    assert drop_stale_code(tmp_path)
    assert (tmp_path / "__pycache__").is_file()
