"""A finished run on disk: figures, decisions, orders, kept inputs, pictures and report.

The same seed, versions and machine give the same bytes: nothing here carries a clock or a path.
"""

import csv
import math
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core_modules.agent_policy import AgentPolicy, DecisionRecord
from core_modules.agent_rules import NORMAL_RULE
from core_modules.decision_inputs import DECISION_INPUTS as DECISION_INPUTS
from core_modules.decision_inputs import RecordPart, digests_kept, write_record
from core_modules.performance_analytics import by_item, by_scenario, key_figures
from core_modules.plain_json import write_json
from core_modules.reporting.run_report import COSTS, RunReport
from core_modules.run_cases import RunCase
from core_modules.settings import Settings
from core_modules.simulation_runs import PolicyRun

VERSIONED = ("prophet", "pandas", "numpy", "scipy", "matplotlib", "plotly", "numba")


def write_orders(case: RunCase, run: PolicyRun, path: Path) -> None:
    """Write one row an order of replication 0: what was asked for, what the supplier confirmed."""
    ordered, market = run.result.ordered[:, 0], case.market
    rows = []
    for item, day in np.argwhere(ordered.T > 0)[:, ::-1]:
        due = market.start + timedelta(days=int(day + market.lead_times[item, 0, day]))
        quantity = int(ordered[item, day])
        delivered = math.floor(quantity * market.filled_share[item, 0, day] + 1e-9)
        placed = market.start + timedelta(days=int(day))
        cost = delivered * case.terms[item].unit_cost
        rows.append([case.terms[item].unique_id, placed, quantity, due, delivered, f"{cost:.2f}"])
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["unique_id", "placed", "quantity", "due", "delivered", "cost"])
        writer.writerows(rows)


def run_facts(case: RunCase, settings: Settings, policy: str) -> dict[str, Any]:
    """Gather what a run depends on: settings, versions, terms and the digests of its inputs."""
    return {
        "title": case.title,
        "policy": policy,
        "start": case.market.start,
        "settings": asdict(settings),
        "terms": [asdict(one) for one in case.terms],
        "opening_stock": case.opening_stock,
        "inputs": dict(case.inputs),
        "notes": list(case.notes),
        "versions": {"python": platform.python_version()}
        | {name: metadata.version(name) for name in VERSIONED},
    }


def daily_frame(case: RunCase, run: PolicyRun, policy: object) -> pd.DataFrame:
    """One row an item-day of replication 0, sorted by item and day; NaN where nothing was decided.

    The forecast of a day is the one on which the order arriving that day was based.
    """
    result, market = run.result, case.market
    items, _, days = market.shape
    dates = pd.date_range(market.start, periods=days, unit="us")
    frame = pd.DataFrame(
        {
            "unique_id": np.repeat([one.unique_id for one in case.terms], days),
            "ds": np.tile(dates.to_numpy(), items),
            "demand": market.demand[:, 0].ravel(),
            "sold": result.sold[:, 0].ravel(),
            "lost": result.unmet[:, 0].ravel(),
            "received": result.received[:, 0].ravel(),
            "on_hand": result.on_hand[:, 0].ravel(),
            "on_order": result.on_order[:, 0].ravel(),
            "ordered": result.ordered[:, 0].ravel(),
            "scenario": market.scenario[:, 0].ravel().astype(str),
        }
    )
    records = policy.records if isinstance(policy, AgentPolicy) else []
    decided = pd.DataFrame(
        [_decision_columns(record) for record in records],
        columns=["unique_id", "ds", *_DECISION_COLUMNS],
    )
    lead = {one.unique_id: one.lead_time for one in case.terms}
    decided["ds"] = pd.to_datetime(decided["ds"]).astype("datetime64[us]")
    ahead = decided[["unique_id", "ds", *_FORECAST_COLUMNS]].copy()
    ahead["ds"] += pd.to_timedelta(ahead["unique_id"].map(lead).fillna(0), unit="D").astype(
        "timedelta64[us]"
    )
    decided = decided.drop(columns=list(_FORECAST_COLUMNS))
    frame = frame.merge(decided, how="left", on=["unique_id", "ds"])
    frame = frame.merge(ahead, how="left", on=["unique_id", "ds"])
    frame["urgency"] = frame["urgency"].fillna("low")
    frame["escalated"] = frame["escalated"].eq(other=True)
    frame["rule"] = frame["rule"].fillna(run.name)
    frame["reason"] = frame["reason"].fillna("")
    return frame.sort_values(["unique_id", "ds"], kind="stable").reset_index(drop=True)


_FORECAST_COLUMNS = ("forecast_mean", "forecast_p10", "forecast_p90")
_DECISION_COLUMNS = (
    "reorder_point",
    "order_up_to",
    *_FORECAST_COLUMNS,
    "urgency",
    "escalated",
    "rule",
    "reason",
)


def _decision_columns(record: DecisionRecord) -> list[object]:
    decision = record.decision
    return [
        decision.unique_id,
        decision.day,
        decision.reorder_point,
        decision.order_up_to,
        decision.forecast_mean,
        decision.forecast_low,
        decision.forecast_high,
        decision.urgency.value,
        decision.needs_review,
        decision.rule,
        decision.reason,
    ]


def build_report(
    case: RunCase, settings: Settings, runs: Sequence[PolicyRun], policy: object
) -> RunReport:
    """Gather replication 0; `runs` begin with the policy reported and end with the bound."""
    main, bound = runs[0], runs[-1]
    daily = daily_frame(case, main, policy)
    figures = key_figures(main.result, case.market, case.terms)
    figures |= _decision_figures(daily, policy)
    figures["clairvoyant_profit"] = float(bound.figures["profit"].iloc[0])
    return RunReport(
        title=case.title,
        currency=settings.currency,
        settings=_footer(case, settings),
        daily=daily,
        policies=_policies(runs),
        by_scenario=by_scenario(main.result, case.market, case.terms),
        money={name: figures[name] for name in ("revenue", *COSTS, "salvage", "profit")},
        kpis=figures,
        events=_events(case, settings),
        items=by_item(main.result, case.market, case.terms),
    )


def _decision_figures(daily: pd.DataFrame, policy: object) -> dict[str, float]:
    """Figures of the decisions themselves; NaN where the policy does not explain itself."""
    if not isinstance(policy, AgentPolicy):
        names = ("autonomous_share", "adapted_share", "escalated_share", "forecast_wape")
        return dict.fromkeys(names, math.nan)
    decisions = [record.decision for record in policy.records]
    escalated = float(np.mean([one.needs_review for one in decisions]))
    seen = daily.dropna(subset=["forecast_mean"])
    error = float((seen["demand"] - seen["forecast_mean"]).abs().sum())
    demanded = float(seen["demand"].sum())
    return {
        "autonomous_share": 1 - escalated,
        "escalated_share": escalated,
        "adapted_share": float(np.mean([one.rule != NORMAL_RULE.name for one in decisions])),
        "forecast_wape": error / demanded if demanded else math.nan,
    }


def _policies(runs: Sequence[PolicyRun]) -> pd.DataFrame:
    kinds = ["agent", *["baseline"] * (len(runs) - 2), "bound"]
    rows = [run.figures.iloc[[0]] for run in runs]
    frame = pd.concat(rows, ignore_index=True)
    names = [f"{run.name} ({run.parameter})" if run.parameter else run.name for run in runs]
    frame.insert(0, "policy", names)
    frame.insert(1, "kind", kinds)
    return frame


def _footer(case: RunCase, settings: Settings) -> dict[str, str]:
    return {
        "scenarios": Path(settings.scenarios).name,
        "days": str(settings.days),
        "seed": str(settings.seed),
        "refit every": f"{settings.refit_every} days",
        "priority": settings.agent.priority.value,
        "items": str(len(case.terms)),
    }


def _events(case: RunCase, settings: Settings) -> pd.DataFrame:
    last = case.market.start + timedelta(days=settings.days - 1)
    rows = [
        {
            "event_id": event.event_id,
            "kind": event.kind.value,
            "label": event.label,
            "start": max(event.start, case.market.start),
            "end": min(event.last_day, last),
            "announced": event.known_from if event.announced is not None else None,
            "unique_id": item,
        }
        for event in case.market.events[0]
        if event.last_day >= case.market.start and event.start <= last
        for item in (event.items or ("",))
    ]
    columns = ("event_id", "kind", "label", "start", "end", "announced", "unique_id")
    frame = pd.DataFrame(rows, columns=list(columns))
    for column in ("start", "end", "announced"):
        frame[column] = pd.to_datetime(frame[column]).astype("datetime64[us]")
    return frame


def write_run(
    folder: Path,
    case: RunCase,
    settings: Settings,
    runs: Sequence[PolicyRun],
    policy: object,
) -> RunReport:
    """Write a run's whole folder; `runs` begin with the policy reported and end with the bound."""
    from core_modules.reporting.html_report import write_html_report
    from core_modules.visualization_dashboard import write_pictures

    report = build_report(case, settings, runs, policy)
    folder.mkdir(parents=True, exist_ok=True)
    records = policy.records if isinstance(policy, AgentPolicy) else []
    write_record([RecordPart.of(records, case.terms)] if records else [], folder)
    write_orders(case, runs[0], folder / "orders.csv")
    write_json(report.kpis, folder / "metrics.json")
    facts = run_facts(case, settings, runs[0].name) | {"kept": digests_kept(folder)}
    write_json(facts, folder / "run.json")
    write_pictures(report, folder)
    write_html_report(report, folder / "report.html")
    return report
