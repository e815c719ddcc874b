"""The agent told the demand law: what it is told, what it orders, how near the optimum that is."""

import numpy as np
import pytest

from core_modules.textbook.agent_regret import told_agent, told_outlook
from core_modules.textbook.checks import Check
from core_modules.textbook.instances import LostSales, one_regime, poisson_law, viral_instance
from core_modules.textbook.tabulation import regret_of
from core_modules.textbook.verification import published_tables
from core_modules.textbook.verified_agent import (
    ABOVE,
    AGENT_TABLE,
    agent_tasks,
    check_agent,
    check_mean,
)

POISSON = one_regime(poisson_law(5), holding=1, penalty=9, lead_time=1)


def test_paths_of_the_law_have_its_moments_and_equal_weights() -> None:
    outlook = told_outlook(POISSON, 0, 512, 8)
    assert outlook.demand.mean(axis=0) == pytest.approx(np.full(8, 5.0), abs=0.05)
    assert outlook.demand.var(axis=0) == pytest.approx(np.full(8, 5.0), abs=0.3)
    assert outlook.mean == pytest.approx(np.full(8, 5.0))
    assert outlook.variance == pytest.approx(np.full(8, 5.0))
    assert outlook.weights == pytest.approx(np.full(512, 1 / 512))
    assert (outlook.surge == 1).all()


def test_an_event_comes_and_stays_on_paths_as_often_as_the_chain_says() -> None:
    viral = viral_instance(9)
    for regime in (0, 1):
        outlook = told_outlook(viral, regime, 512, 8)
        assert outlook.weights.sum() == pytest.approx(1)
        event = outlook.weights @ (outlook.surge > 1)  # of the period after each column
        chain = [
            np.linalg.matrix_power(viral.transition, ahead)[regime, 1] for ahead in range(1, 9)
        ]
        assert event == pytest.approx(np.array(chain), abs=0.01)
        means = 5 + 15 * np.array([regime, *chain[:-1]])
        assert outlook.weights @ outlook.demand == pytest.approx(means, abs=0.3)


def test_an_evening_expects_four_times_the_usual_of_an_event_that_it_is_told_of() -> None:
    outlook = told_outlook(viral_instance(9), 1, 64, 4)
    told = outlook.surge[outlook.surge > 1]
    # The outlook lets the excess fade by a period before the first day ahead: 1 + 3.5 * 6/7 = 4.
    assert 1 + (told - 1) * outlook.surge_stays == pytest.approx(np.full(told.size, 4.0))


def test_the_agent_orders_for_what_is_short() -> None:
    order = told_agent(POISSON)
    empty, some, plenty = order(np.array([[0], [8], [40]]), 0)
    assert empty > some > plenty == 0


def test_an_event_is_ordered_for_when_it_is_known() -> None:
    order = told_agent(viral_instance(9))
    state = np.array([[10, 5]])
    assert order(state, 1)[0] > order(state, 0)[0] + 10


def test_the_agent_is_near_the_optimum_and_never_below_it() -> None:
    regret = regret_of(POISSON, told_agent(POISSON))
    assert -1e-6 < regret.share < 0.01


def test_an_order_costs_money_so_the_agent_orders_less_often() -> None:
    fixed = one_regime(poisson_law(5), holding=1, penalty=9, lead_time=1, order_cost=20)
    states = np.arange(20)[:, None]
    free, paid = (told_agent(one)(states, 0) for one in (POISSON, fixed))
    assert (paid > 0).sum() < (free > 0).sum()
    assert paid.max() > free.max()


def test_a_check_says_by_how_much_and_at_which_cost() -> None:
    (check,) = check_agent("poisson 5, p=9, L=1", POISSON, 0.015)
    assert check.agrees
    assert (check.table, check.quantity, check.how) == (AGENT_TABLE, ABOVE, "exact DP")
    assert "against 5.4382" in check.note  # published optimum


def test_the_mean_is_over_the_test_bed_alone() -> None:
    rows = {"poisson 5, p=4, L=1": 0.002, "geometric 5, p=4, L=1": 0.014, "viral, p=9": 0.5}
    checks = [
        Check(AGENT_TABLE, row, ABOVE, 0.0, share, 0.015, "exact DP") for row, share in rows.items()
    ]
    (mean,) = check_mean(checks)
    assert mean.row == "mean of 2 instances"
    assert mean.ours == pytest.approx(0.008)
    assert not mean.agrees
    assert check_mean([]) == []


def test_every_published_optimum_is_one_for_the_agent_too() -> None:
    tables = published_tables()
    assert len(agent_tasks(tables, exact=True)) == 32 + 2 + 1
    assert len(agent_tasks(tables, exact=False)) == 16 + 2 + 1
    assert agent_tasks({}, exact=True) == []


@pytest.mark.parametrize(
    ("transition", "told"),
    [
        (np.array([[0.9, 0.1], [1.0, 0.0]]), "events that last"),
        (np.full((3, 3), 1 / 3), "one event, not 3"),
    ],
)
def test_events_that_the_agent_has_no_word_for_are_refused(
    transition: np.ndarray[tuple[int, int], np.dtype[np.float64]], told: str
) -> None:
    demand = np.tile(poisson_law(5), (len(transition), 1))
    with pytest.raises(ValueError, match=told):
        told_agent(LostSales(demand, 1.0, 9.0, 2, transition=transition))
