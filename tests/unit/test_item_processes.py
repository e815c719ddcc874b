"""Items shared among processes: every one once, in order, errors told."""

import os
import signal

import pytest

from core_modules.forecasting.item_processes import FEWEST, in_processes


@pytest.mark.parametrize("jobs", [1, 2, 3])
@pytest.mark.parametrize("items", [0, 1, 7, FEWEST, FEWEST + 13])
def test_every_item_comes_once_and_in_order(items: int, jobs: int) -> None:
    parts = in_processes(lambda first, last: list(range(first, last)), items, jobs)
    assert [one for part in parts for one in part] == list(range(items))


def test_many_items_are_worked_on_elsewhere_and_few_here() -> None:
    def where(_first: int, _last: int) -> list[int]:
        return [os.getpid()]

    assert {pid for part in in_processes(where, FEWEST - 1, 2) for pid in part} == {os.getpid()}
    assert os.getpid() not in {pid for part in in_processes(where, FEWEST, 2) for pid in part}


@pytest.mark.parametrize("items", [3, FEWEST])
def test_what_a_stretch_raises_is_raised_here(items: int) -> None:
    def fail(first: int, _last: int) -> list[int]:
        raise ValueError(f"item {first} cannot be decided")

    with pytest.raises(ValueError, match="item 0 cannot be decided"):
        list(in_processes(fail, items, 2))


def test_what_a_killed_process_leaves_is_done_here() -> None:
    here = os.getpid()

    def last_breath(first: int, last: int) -> list[int]:
        if first > 0 and os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return list(range(first, last))

    parts = in_processes(last_breath, FEWEST, 2)
    assert [one for part in parts for one in part] == list(range(FEWEST))
