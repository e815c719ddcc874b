"""Explanations: curve, alternatives, smallest changes, gaps; and values kept bit for bit."""

from dataclasses import replace
from datetime import date, timedelta
from functools import cache

import numpy as np
import pytest

from core_modules.agent_policy import DecisionRecord
from core_modules.decision_inputs import (
    DECISION_INPUTS,
    RecordError,
    RecordPart,
    decision_ids,
    read_decision_inputs,
    write_record,
)
from core_modules.explaining import flips
from core_modules.explaining.decision_rows import DECISION_COLUMNS, decision_row, next_best
from core_modules.explaining.explanation import Explanation, explain
from core_modules.explaining.explanation_text import explanation_lines
from core_modules.explaining.kept_values import kept, rebuilt
from core_modules.forecasting.forecast_values import DemandModel
from core_modules.forecasting.level_following import Level, LevelRatio
from core_modules.forecasting.observation_law import ObservationLaw
from core_modules.inventory_agent import (
    AgentSettings,
    Decision,
    ItemState,
    Priority,
    Situation,
    decide,
    observe,
    opening_state,
)
from core_modules.item_terms import ItemTerms
from core_modules.market_beliefs import ShockPrior
from core_modules.market_scenarios import EventKind, MarketEvent, signals_known

TODAY = date(2024, 5, 1)
CALM = ShockPrior(surges_a_year=0, disruptions_a_year=0)
TERMS = ItemTerms("A", unit_price=50, unit_cost=30, holding_cost=0.5, lead_time=3)
COST = AgentSettings(priority=Priority.COST, shocks=CALM, paths=64)


def state(law: ObservationLaw | None = None, settings: AgentSettings = COST) -> ItemState:
    ratio = LevelRatio(forgetting=0.0, actual=1000.0, fitted=1000.0)
    certain = law or ObservationLaw(scale=0.0, power=1.0)
    level = Level(ratio, ratio, gain=0.0, threshold=1.0)
    model = DemandModel("A", "prophet", TODAY, np.full(60, 100.0), law=certain, level=level)
    return opening_state(model, settings)


def situation(on_hand: int) -> Situation:
    return Situation(on_hand, 0, np.zeros(30, dtype=np.int64))


@cache
def explained(
    on_hand: int,
    terms: ItemTerms = TERMS,
    settings: AgentSettings = COST,
    law: ObservationLaw | None = None,
) -> Explanation:
    return explain(state(law, settings), terms, TODAY, situation(on_hand), settings)


def record(on_hand: int = 250, of: ItemState | None = None) -> DecisionRecord:
    item = of or state()
    decision = decide(item, TERMS, TODAY, situation(on_hand), COST)
    return DecisionRecord(decision, item, situation(on_hand))


def test_the_curve_holds_the_chosen_quantity_and_is_least_there() -> None:
    curve = explained(250, law=ObservationLaw(scale=5.0, power=1.0)).curve
    chosen = [point for point in curve if point.chosen]
    assert len(chosen) == 1
    assert chosen[0].cost == min(point.cost for point in curve)
    assert [point.quantity for point in curve] == sorted({point.quantity for point in curve})
    assert curve[0].quantity == 0
    assert len(curve) >= 15


def test_the_curve_holds_only_quantities_that_the_limits_accept() -> None:
    curve = explained(250, terms=replace(TERMS, moq=24, pack_size=12, max_order=96)).curve
    assert {point.quantity for point in curve} <= {0, 24, 36, 48, 60, 72, 84, 96}


def test_quantities_short_of_the_service_target_are_marked() -> None:
    law = ObservationLaw(scale=5.0, power=1.0)
    dear = replace(TERMS, holding_cost=19.0)
    one = explained(250, dear, replace(COST, service_target=0.95), law)
    assert {
        point.meets_target for point in one.curve if point.quantity < one.decision.quantity
    } == {False}
    assert all(point.meets_target for point in one.curve if point.chosen)


def test_alternatives_are_clearly_other_quantities_with_what_they_cost_more() -> None:
    one = explained(250)  # 50 are needed on the day of arrival, demand is certain
    assert one.decision.quantity == 50
    assert one.alternatives[0].extra_cost > 0
    nothing = next(other for other in one.alternatives if other.quantity == 0)
    # 50 units more are lost on the day of arrival; the days after are served by later orders.
    assert nothing.extra_cost == pytest.approx(50 * 20)
    assert all(abs(other.quantity - 50) >= 2 for other in one.alternatives)


def test_the_stock_that_makes_an_order_needless_is_found_to_the_unit() -> None:
    found = {(flip.name, flip.kind): flip for flip in explained(250).flips}
    # 300 units serve the two days before the arrival and the day of it.
    stock = found["on_hand", "order"]
    assert stock.sentence == "with 50 more units on hand nothing would be ordered"
    assert stock.relative == pytest.approx(50 / 250)
    # 250 serve 2.5 of the 3 days at 100 a day: demand a sixth lower needs no order.
    assert found["demand", "order"].relative == pytest.approx(-1 / 6, abs=0.02)


def test_the_stock_that_makes_an_order_needed_is_found_where_nothing_is_ordered() -> None:
    one = explained(312)
    assert one.decision.quantity == 0
    stock = next(flip for flip in one.flips if flip.name == "on_hand")
    assert stock.sentence == "with 13 fewer units on hand 1 would be ordered"
    assert one.smallest_flip is not None
    assert abs(one.smallest_flip.relative) <= 13 / 312 + 1e-9


def test_a_longer_lead_time_is_among_the_changes() -> None:
    # A day longer: 300 of 312 are gone when the order arrives, 88 more are wanted that day.
    flip = next(one for one in explained(312).flips if one.name == "lead_time")
    assert flip.sentence == "with a lead time of 4 instead of 3 periods 88 would be ordered"


def test_no_change_is_decided_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    def counted(
        state: ItemState, terms: ItemTerms, day: date, situation: Situation, settings: AgentSettings
    ) -> Decision:
        asked.append((terms, situation.on_hand, float(state.model.fitted[0])))
        return decide(state, terms, day, situation, settings)

    monkeypatch.setattr(flips, "decide", counted)
    start = state()
    for on_hand in (250, 312):  # something is ordered, nothing is
        asked.clear()
        explain(start, TERMS, TODAY, situation(on_hand), COST)
        assert len(asked) == len(set(asked))


def test_what_was_not_known_names_the_gaps_of_events_shocks_and_history() -> None:
    viral = MarketEvent("v", EventKind.VIRAL, TODAY, 4, demand=3.0, size_told=False,
                        length_told=False)  # fmt: skip
    hedged = replace(COST, shocks=ShockPrior())
    start = state(settings=hedged)
    thin = replace(start.model, model="flat-level", origin=TODAY - timedelta(days=1), run=3)
    seen = observe(replace(start, model=thin), TERMS, TODAY, 0, True, signals_known([viral], TODAY))
    told = " | ".join(explain(seen, TERMS, TODAY, situation(0), hedged).not_known)
    for gap in (
        "the level of demand",
        "history is too short or too thin",
        "stock ran out",
        "the size of Viral_Social_Media_Boost: not told",
        "the length of Viral_Social_Media_Boost: not told",
        "surges to come without a signal",
        "supply disruptions to come",
        "the day of arrival: taken as 3 periods, as the terms say",
    ):
        assert gap in told


def test_the_text_marks_the_chosen_point_and_has_no_unexplained_section() -> None:
    lines = explanation_lines(explained(250))
    assert lines[0] == "order 50 units, expected on 2024-05-04, urgency normal"
    assert sum(line.startswith("  * ") for line in lines) == 1
    for heading in ("next best", "smallest changes that make another decision of it", "not known"):
        assert lines[lines.index(heading) + 1].startswith("  ")


def test_a_kept_decision_is_rebuilt_bit_for_bit(tmp_path) -> None:
    promotion = MarketEvent("p", EventKind.PROMOTION, TODAY, 5, demand=3.0, announced=21)
    yesterday = TODAY - timedelta(days=1)
    start = replace(state(), model=replace(state().model, origin=yesterday))
    seen = observe(start, TERMS, TODAY, 100, False, signals_known([promotion], TODAY))
    records = [record(250), record(0, seen)]
    path = tmp_path / DECISION_INPUTS
    write_record([RecordPart.of([one], [TERMS]) for one in records], tmp_path)
    assert decision_ids(path) == ["2024-05-01/A", "2024-05-01/A"]
    for one, original in zip(read_decision_inputs(path), records, strict=True):
        assert one.terms == TERMS
        assert kept(one.record) == kept(original)
        assert one.again(COST) == original.decision


def test_values_that_json_does_not_know_survive() -> None:
    decision = replace(record().decision, expected_cost=float("inf"), due=None)
    assert rebuilt(Decision, kept(decision)) == decision


def test_a_broken_record_is_told_in_one_line(tmp_path) -> None:
    path = tmp_path / DECISION_INPUTS
    write_record([RecordPart.of([record()], [TERMS])], tmp_path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(RecordError, match="is no record of this version"):
        list(read_decision_inputs(path))


def test_a_row_of_decisions_joins_the_codes_and_tells_the_next_best() -> None:
    decision = record().decision
    row = dict(zip(DECISION_COLUMNS, decision_row(decision), strict=True))
    assert row["decision_id"] == "2024-05-01/A"
    assert row["reason_codes"].split() == list(decision.reason_codes)
    quantity, extra = next_best(decision)
    assert row["next_best_quantity"] == str(quantity)
    assert quantity != decision.quantity
    assert float(row["next_best_extra_cost"]) == pytest.approx(extra, rel=1e-5)
    assert "curve" not in row
