"""The command `backtest`: what the agent would have cost on a planner's own past."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import typer

from core_modules.agent_rules import Priority
from core_modules.command_output import print_table, progress_bar, say
from core_modules.inventory_agent import LONGEST_DELAY, AgentSettings
from core_modules.market_beliefs import ShockPrior
from core_modules.plain_json import to_json, write_json
from core_modules.planning.backtest_cases import OriginCase, origin_cases, read_received
from core_modules.planning.backtest_report import item_table, policy_table
from core_modules.planning.backtest_runs import (
    Dials,
    FittedOrigin,
    run_all_policies,
    runs_to_tune,
    tune_agent,
)
from core_modules.planning.plan_inputs import PlanFiles, PlanInputs, read_plan
from core_modules.planning.profiles import PlanProfile, write_profile
from core_modules.run_folders import FIT_CACHE, RESULTS, check_folder, whole_folder

PERIODS = {"D": 28, "W": 8}  # after each origin, by default
SHOCK_FACTORS = {"D": (1.0, 0.0), "W": (0.0,)}  # tried; weeks are too coarse for a surge of days


def run_backtest(
    *,
    files: PlanFiles,
    orders: Path | None,
    sales_format: str,
    freq: str,
    as_of: date | None,
    item: Sequence[str] | None,
    top: int | None,
    origins: int,
    periods: int | None,
    save: Path | None,
    seed: int,
    out: Path | None,
    jobs: int,
    json: bool,
) -> None:
    """Tune on the earlier origins of a history, report on the last, save what was tuned.

    Raises ValueError, in one line, for input that cannot be used; nothing is written then.
    """
    _check(freq, origins, save)
    if files.stock and not orders:
        raise ValueError(
            "--stock needs --orders: the stock of the past follows from today's only with what was "
            "received since"
        )
    inputs = read_plan(
        files, sales_format=sales_format, freq=freq, as_of=as_of, items=item, top=top
    )
    folder = out or RESULTS / f"{inputs.history.name}-backtest"
    check_folder(folder)
    received = read_received(orders, inputs) if orders else None
    length = PERIODS[freq] if periods is None else periods
    cases = origin_cases(inputs, origins=origins, periods=length, received=received)
    for note in inputs.notes:
        say(f"note: {note}")
    with progress_bar("fitting", len(cases)) as step:
        fitted = []
        for case in cases:
            fitted.append(fit_origin(case, inputs, jobs))
            step(len(fitted))
    past, last = fitted[:-1], fitted[-1]
    settings = AgentSettings(priority=Priority.COST, seed=seed)
    factors = SHOCK_FACTORS[freq]
    with progress_bar("tuning", runs_to_tune(len(past), factors)) as step:
        dials, tried = tune_agent(past, settings, factors, jobs, step)
    with progress_bar("reporting", 0):
        runs = run_all_policies(past, last, settings, dials)
    table = policy_table(runs, seed)
    facts = _facts(inputs, cases, tried, table)
    profile = PlanProfile(
        name=f"tuned on {inputs.history.name}",
        freq=freq,
        priority=Priority.COST,
        shortage_weight=dials.shortage_weight,
        shock_factor=dials.shock_factor,
        tuned_on=facts,
    )
    names = [one.unique_id for one in last.origin.case.terms]
    with whole_folder(folder) as part:
        write_json(facts, part / "backtest.json")
        item_table(runs, names).to_csv(part / "by_item.csv", index=False, lineterminator="\n")
    if save:
        write_profile(profile, save)
    _tell(table, last, dials, folder, save, json=json)


def _check(freq: str, origins: int, save: Path | None) -> None:
    if freq not in PERIODS:
        raise ValueError(f"--freq must be D (days) or W (weeks), got {freq!r}")
    if origins < 2:
        raise ValueError(f"--origins must be >= 2, got {origins}: one to report, others to tune on")
    if save is not None and (save.is_dir() or not save.parent.is_dir()):
        raise ValueError(f"{save} cannot be written: name a file in a folder that is there")


def fit_origin(case: OriginCase, inputs: PlanInputs, jobs: int) -> FittedOrigin:
    """Fit the demand models that an origin's past gives."""
    from core_modules.agent_policy import LONGEST_EXTRA
    from core_modules.demand_forecaster import fit_models

    terms, periods = case.case.terms, case.case.market.shape[2]
    reach = max(one.lead_time + one.review_period for one in terms)
    models = fit_models(
        case.past,
        horizon=reach + LONGEST_EXTRA + LONGEST_DELAY + periods + 1,
        freq=inputs.history.freq,
        events=case.case.past_events,
        groups=inputs.groups or None,
        closed=case.case.closed_days,
        jobs=jobs,
        cache=FIT_CACHE,
    )
    return FittedOrigin(case, tuple(models), _priors(case, inputs))


def _priors(case: OriginCase, inputs: PlanInputs) -> Mapping[str, ShockPrior]:
    if inputs.history.freq != "D":
        return {}
    from core_modules.shock_history import learned_priors

    return learned_priors(case.past, case.case.closed_days, ShockPrior())


def _facts(
    inputs: PlanInputs,
    cases: Sequence[OriginCase],
    tried: Sequence[tuple[Dials, float]],
    table: pd.DataFrame,
) -> dict[str, Any]:
    """Gather where a profile comes from, and how it did on the origin that it was not tuned on."""
    step = timedelta(days=inputs.calendar.step)
    return {
        "source": inputs.history.name,
        "digest": inputs.history.digest,
        "freq": inputs.history.freq,
        "items": len(cases[-1].case.terms),
        "periods": cases[-1].case.market.shape[2],
        "tuned_after": [case.origin for case in cases[:-1]],
        "reported_from": cases[-1].origin + step,
        "tried": [
            {"shortage_weight": one.shortage_weight, "shock_factor": one.shock_factor, "cost": cost}
            for one, cost in tried
        ],
        "reported": table.to_dict("records"),
    }


def _tell(
    table: pd.DataFrame,
    last: FittedOrigin,
    dials: Dials,
    folder: Path,
    save: Path | None,
    *,
    json: bool,
) -> None:
    if json:
        typer.echo(to_json(table.to_dict("records")))
    else:
        shown = table.copy()
        for name in ("above_agent", "low", "high", "fill_rate"):
            shown[name] = [
                f"{value:+.1%}" if name != "fill_rate" else f"{value:.1%}" for value in shown[name]
            ]
        title = (
            f"{last.origin.case.title}: cost on periods nothing was tuned on; 95 % interval over "
            "items"
        )
        print_table(shown, title)
    say(
        f"tuned on the origins before: a lost unit counts {dials.shortage_weight:g} times its "
        f"cost, shocks come {dials.shock_factor:g} times as often as the prior says"
    )
    say(f"figures: {folder / 'backtest.json'}")
    if save:
        say(f"profile: {save}; use it with plan --profile {save}")
