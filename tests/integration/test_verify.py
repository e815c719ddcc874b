"""Every published table is reproduced, and one that was changed is found out."""

import pytest

from core_modules.textbook import verification
from core_modules.textbook.verification import (
    checks_table,
    published_tables,
    summary_table,
    verify_tables,
)
from core_modules.textbook.verified_lost_sales import check_lost_sales


def test_every_published_figure_is_reproduced_exactly() -> None:
    steps: list[tuple[int, int]] = []
    checks = verify_tables(
        exact=True, agent=False, progress=lambda done, of: steps.append((done, of))
    )
    assert [check for check in checks if not check.agrees] == []
    assert {check.table for check in checks} == set(published_tables())
    assert all(check.how in ("exact DP", "formula") for check in checks)
    rows = sum(len(table["rows"]) for table in published_tables().values())
    assert steps == [(done, rows) for done in range(1, rows + 1)]
    assert len(checks_table(checks)) == len(checks)
    assert (summary_table(checks)["figures"] == summary_table(checks)["agree"]).all()


def test_costs_at_long_lead_times_are_simulated_unless_asked_for() -> None:
    row = published_tables()["lost_sales_zipkin_2008"]["rows"][2]
    assert (row["demand"], row["penalty"], row["lead_time"]) == ("poisson", 4, 3)
    checks = check_lost_sales(row, exact=False)
    costs = [check for check in checks if check.quantity.endswith("cost")]
    assert len(costs) == 4
    for check in costs:
        assert check.how == "simulated"
        assert 0 < check.standard_error < 0.02
        assert check.agrees


def test_a_wrong_figure_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {"eoq", "wagner_whitin"}
    tables = {
        name: table if name in kept else {"rows": []} for name, table in published_tables().items()
    }
    tables["eoq"]["rows"][0]["cost"] += 0.1
    monkeypatch.setattr(verification, "published_tables", lambda: tables)
    wrong = [check for check in verify_tables() if not check.agrees]
    assert [(check.table, check.quantity) for check in wrong] == [("eoq", "cost")]
    assert "differs" in checks_table(wrong)["verdict"].tolist()


def test_a_table_that_nothing_checks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = {"viral_two_regime": {"rows": []}, "beer_game": {"rows": []}}
    monkeypatch.setattr(verification, "published_tables", lambda: tables)
    with pytest.raises(ValueError, match="beer_game"):
        verify_tables()
