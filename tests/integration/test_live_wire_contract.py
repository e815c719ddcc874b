"""The demo's wire contract: every key, type and unit its clients rely on."""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.live_agent import Agent, agent_of

DEMO = "Electronics_DEMO_ITEM"
METRICS = {
    "service_level": float,
    "total_revenue": float,
    "total_costs": float,
    "profit": float,
    "orders_placed": int,
    "stockouts": int,
}
# The demo's streaming run: scenario by day number, 20 days.
SCENARIOS = {
    3: "Competitor_Stockout_Benefit",
    4: "Competitor_Stockout_Benefit",
    8: "Viral_Social_Media_Boost",
    9: "Viral_Social_Media_Boost",
    15: "Celebrity_Endorsement_Spike",
    16: "Celebrity_Endorsement_Spike",
}


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with agent_of(tmp_path / "live.db") as made:
        yield made


def check(answer: Any, wanted: Any) -> None:
    """Check that an answer has exactly the keys wanted, each of its type."""
    if isinstance(wanted, dict):
        assert set(answer) == set(wanted)
        for key, kind in wanted.items():
            check(answer[key], kind)
    elif wanted is float:
        assert isinstance(answer, (int, float))
        assert not isinstance(answer, bool)
    elif wanted is datetime:
        assert datetime.fromisoformat(answer)
    else:
        assert type(answer) is wanted


def post_day(agent: Agent, day: int = 1, sales: float = 100, **more: Any) -> Any:
    on = date(2024, 1, 1) + timedelta(days=day - 1)
    return agent.client.post(
        "/api/process-day", json={"date": on.isoformat(), "sales": sales, **more}
    )


def test_a_posted_day_is_answered_with_every_key_of_the_contract(agent: Agent) -> None:
    answer = post_day(agent, sales=180, scenario="Normal_Operations", predicted_demand=175.5)
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    body = answer.get_json()
    message = body.pop("reorder_message")
    assert message is None or isinstance(message, dict)
    check(
        body,
        {
            "status": str,
            "day": int,
            "timestamp": datetime,
            "agent_decision": {
                "action": str,
                "urgency_level": str,
                "reason": str,
                "current_stock": int,
                "order_quantity": int,
                "reorder_point": int,
            },
            "performance_metrics": METRICS,
            "system_info": {
                "uptime_seconds": float,
                "total_decisions": int,
                "system_status": str,
            },
        },
    )
    assert (body["status"], body["day"]) == ("success", 1)
    assert body["agent_decision"]["current_stock"] == 3000 - 180
    assert body["performance_metrics"]["total_revenue"] == 180 * 50
    assert body["performance_metrics"]["service_level"] == 100
    assert body["system_info"] == body["system_info"] | {
        "total_decisions": 1,
        "system_status": "running",
    }


def test_an_order_is_announced_as_the_demo_did(agent: Agent) -> None:
    body = post_day(agent, sales=2950).get_json()
    message = body["reorder_message"]
    check(
        message,
        {
            "timestamp": datetime,
            "action": str,
            "item": str,
            "quantity": int,
            "urgency": str,
            "reason": str,
            "supplier": str,
            "estimated_cost": str,
            "expected_delivery": datetime,
        },
    )
    assert (message["action"], message["item"]) == ("REORDER", DEMO)
    assert body["agent_decision"]["action"] == "intelligent_reorder"
    assert message["quantity"] == body["agent_decision"]["order_quantity"] > 0
    assert message["estimated_cost"] == f"${30 * message['quantity']:,.2f}"
    assert re.fullmatch(r"\$\d{1,3}(,\d{3})*\.\d\d", message["estimated_cost"])
    assert message["expected_delivery"].startswith("2024-01-04")


def test_demand_beyond_the_stock_is_lost_and_called_a_stockout(agent: Agent) -> None:
    body = post_day(agent, sales=3500).get_json()
    assert body["agent_decision"]["action"] == "stockout"
    assert body["agent_decision"]["current_stock"] == 0
    assert body["performance_metrics"]["stockouts"] == 1
    assert body["performance_metrics"]["service_level"] == 0
    assert body["performance_metrics"]["total_revenue"] == 3000 * 50


def test_keys_that_the_contract_does_not_name_are_ignored(agent: Agent) -> None:
    answer = post_day(
        agent, base_demand=150, scenario_multiplier=1.0, day_of_week=0, is_weekend=False
    )
    assert answer.status_code == 200


def test_the_demos_twenty_days_run_through(agent: Agent) -> None:
    arrivals: dict[date, int] = {}
    stock = 3000
    for day in range(1, 21):
        on = date(2024, 1, 1) + timedelta(days=day - 1)
        stock += arrivals.pop(on, 0)
        scenario = SCENARIOS.get(day, "Normal_Operations")
        sales = 400 if day in SCENARIOS else 150
        body = post_day(agent, day, sales, scenario=scenario).get_json()
        stock -= min(stock, sales)
        assert (body["day"], body["agent_decision"]["current_stock"]) == (day, stock)
        if message := body["reorder_message"]:
            arrivals[date.fromisoformat(message["expected_delivery"][:10])] = message["quantity"]
    summary = agent.client.get("/api/performance-summary").get_json()
    assert summary["agent_metrics"]["intelligence"]["scenario_breakdown"] == {
        "Normal_Operations": 14,
        "Competitor_Stockout_Benefit": 2,
        "Viral_Social_Media_Boost": 2,
        "Celebrity_Endorsement_Spike": 2,
    }
    assert summary["days_processed"] == 20
    assert agent.store.self_check() == []


def test_the_current_state_tells_the_last_ten_decisions(agent: Agent) -> None:
    for day in range(1, 13):
        post_day(agent, day)
    body = agent.client.get("/api/current-state").get_json()
    recent = body.pop("recent_decisions")
    check(
        body,
        {
            "current_day": int,
            "current_stock": int,
            "performance_metrics": METRICS,
            "system_uptime": float,
            "status": str,
        },
    )
    assert (body["current_day"], body["status"]) == (12, "running")
    assert [one["day"] for one in recent] == list(range(3, 13))
    for one in recent:
        assert set(one) == {"day", "decision", "timestamp"}
        assert set(one["decision"]) >= {
            "date",
            "scenario",
            "predicted_demand",
            "current_stock_before",
            "current_stock_after",
            "urgency_level",
            "strategy_notes",
            "action",
            "order_quantity",
            "reason",
        }
        made = one["decision"]
        assert made["current_stock_after"] == made["current_stock_before"] - 100


def test_before_the_first_day_the_state_is_the_opening(agent: Agent) -> None:
    body = agent.client.get("/api/current-state").get_json()
    assert (body["current_day"], body["current_stock"], body["recent_decisions"]) == (0, 3000, [])
    assert body["performance_metrics"]["service_level"] == 100


def test_the_summary_has_every_key_of_the_contract(agent: Agent) -> None:
    post_day(agent, 1, 2950)
    post_day(agent, 2, 100)
    check(
        agent.client.get("/api/performance-summary").get_json(),
        {
            "status": str,
            "days_processed": int,
            "service_metrics": METRICS,
            "agent_metrics": {
                "operational": {
                    "total_days_simulated": int,
                    "stockouts": int,
                    "stockout_rate_percent": float,
                    "service_level_percent": float,
                    "customer_satisfaction": float,
                },
                "financial": {
                    "total_revenue": float,
                    "total_costs": float,
                    "profit": float,
                    "profit_margin_percent": float,
                },
                "inventory": {
                    "current_stock": int,
                    "total_orders_placed": int,
                    "average_order_size": float,
                    "total_units_ordered": int,
                    "inventory_turnover_rate": float,
                },
                "intelligence": {
                    "scenarios_encountered": int,
                    "scenario_breakdown": {"Normal_Operations": int},
                    "adaptive_decisions": int,
                    "learning_entries": int,
                },
            },
            "timestamp": datetime,
        },
    )


def test_shares_are_percent_and_profit_is_revenue_less_purchases(agent: Agent) -> None:
    post_day(agent, 1, 3050)  # 3000 sold, 50 lost
    post_day(agent, 2, 0)
    body = agent.client.get("/api/performance-summary").get_json()
    operational = body["agent_metrics"]["operational"]
    assert operational["service_level_percent"] == operational["stockout_rate_percent"] == 50
    assert operational["customer_satisfaction"] == 98.36  # 3000 of 3050
    financial = body["agent_metrics"]["financial"]
    ordered = body["agent_metrics"]["inventory"]["total_units_ordered"]
    assert financial["total_costs"] == 30 * ordered
    assert financial["profit"] == financial["total_revenue"] - financial["total_costs"]


def test_reset_begins_anew_and_erases_nothing(agent: Agent) -> None:
    post_day(agent, 1, 500)
    logged = agent.store.last_seq
    body = agent.client.post("/api/reset").get_json()
    check(body, {"status": str, "message": str, "timestamp": datetime})
    assert body["status"] == "success"
    state = agent.client.get("/api/current-state").get_json()
    assert (state["current_day"], state["current_stock"]) == (0, 3000)
    assert agent.store.last_seq == logged + 1
    assert post_day(agent, 1, 500).get_json()["day"] == 1


def test_a_retry_with_the_same_key_is_the_same_day(agent: Agent) -> None:
    headers = {"Idempotency-Key": "day-1"}
    body = {"date": "2024-01-01", "sales": 500}
    answers = [
        agent.client.post("/api/process-day", json=body, headers=headers).get_json()
        for _ in range(2)
    ]
    assert answers[0]["agent_decision"] == answers[1]["agent_decision"]
    assert (answers[0]["day"], answers[1]["day"]) == (1, 1)
    assert agent.client.get("/api/current-state").get_json()["current_day"] == 1


def test_each_post_is_a_new_day_whatever_its_date(agent: Agent) -> None:
    assert [post_day(agent, 5).get_json()["day"] for _ in range(3)] == [1, 2, 3]


def test_health_has_every_key_of_the_contract(agent: Agent) -> None:
    body = agent.client.get("/api/health").get_json()
    check(
        body,
        {
            "status": str,
            "service": str,
            "version": str,
            "timestamp": datetime,
            "uptime_seconds": float,
        },
    )
    assert body["status"] == "healthy"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"sales": 1}, "/date: is missing"),
        ({"date": "2024-01-01"}, "/sales: is missing"),
        ({"date": "01.02.2024", "sales": 1}, "/date: must be a day as YYYY-MM-DD"),
        ({"date": 0, "sales": 1}, "/date"),
        ({"date": "2024-01-01", "sales": "5"}, "/sales"),
        ({"date": "2024-01-01", "sales": True}, "/sales"),
        ({"date": "2024-01-01", "sales": -1}, "/sales"),
        ({"date": "2024-01-01", "sales": 1, "scenario": "Alien_Landing"}, "Alien_Landing"),
        ([], "object"),
    ],
)
def test_bad_input_is_told_in_the_demos_form(agent: Agent, body: Any, told: str) -> None:
    answer = agent.client.post("/api/process-day", json=body)
    assert 400 <= answer.status_code < 500
    assert set(answer.get_json()) == {"status", "message"}
    assert answer.get_json()["status"] == "error"
    assert told in answer.get_json()["message"]
    assert agent.client.get("/api/current-state").get_json()["current_day"] == 0


def test_every_kind_of_error_has_the_demos_form(agent: Agent) -> None:
    client = agent.client
    not_json = client.post("/api/process-day", data="{", content_type="application/json")
    no_type = client.post("/api/process-day", data="{}")
    wrong_method = client.get("/api/process-day")
    wrong_host = client.get("/api/health", headers={"Host": "evil.example"})
    for answer, status in [
        (not_json, 400),
        (no_type, 415),
        (wrong_method, 405),
        (wrong_host, 421),
    ]:
        assert answer.status_code == status
        assert answer.mimetype == "application/json"
        assert answer.get_json()["status"] == "error"
    assert "POST" in wrong_method.headers["Allow"]
