"""What all tests share: where the real sales data lie, and examples drawn the same way each run."""

from pathlib import Path

import hypothesis
import pytest

# The same examples on every machine, and no time limit: a busy machine is not a wrong answer.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


class SharedData:
    """The folder of real sales data beside the project, which is never committed."""

    def __truediv__(self, name: str) -> Path:
        """Return the path of one file, or fail the test with the name of the missing one."""
        path = SHARED_DATA / name
        if not path.exists():
            pytest.fail(f"this test reads ../shared/data/{name}, which is missing", pytrace=False)
        return path


@pytest.fixture(scope="session")
def shared_data() -> SharedData:
    """Paths of real sales files: `shared_data / "m5_foods3_tx3/sales.csv.gz"`."""
    return SharedData()
