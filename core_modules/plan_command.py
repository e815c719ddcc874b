"""The command `plan`: a planner's files in, a list of orders out."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path

import pandas as pd
import typer

from core_modules.command_output import print_table, progress_bar, say
from core_modules.forecasting.engines import Engine
from core_modules.forecasting.prophet_batch import import_ahead
from core_modules.market_beliefs import ShockPrior
from core_modules.order_planning import (
    Plan,
    PlanFiles,
    PlanInputs,
    PlanProfile,
    RoomLimits,
    default_profile,
    fit_plan_models,
    plan_orders,
    planning_settings,
    read_plan,
    read_profile,
)
from core_modules.plain_json import to_json
from core_modules.planning.item_classes import class_table, read_service_by_class
from core_modules.run_cases import digest_of
from core_modules.run_folders import FIT_CACHE
from core_modules.settings import Settings


def run_plan(
    *,
    files: PlanFiles,
    sales_format: str,
    freq: str,
    as_of: date | None,
    profile: Path | None,
    limits: RoomLimits,
    seed: int,
    out: Path,
    engine: Engine,
    jobs: int,
    json: bool,
) -> None:
    """Plan tonight's orders and write them with their record.

    Raises ValueError, in one line, for input that cannot be used; nothing is written then.
    """
    _check_out(out, files)
    chosen, source = _profile(profile, freq, files)
    import_ahead(engine)
    inputs = read_plan(files, sales_format=sales_format, freq=freq, as_of=as_of)
    settings = Settings(seed=seed, jobs=jobs, agent=planning_settings(chosen, seed))
    with progress_bar("fitting", 0) as step:
        models = fit_plan_models(inputs, engine=engine, jobs=jobs, cache=FIT_CACHE, progress=step)
    with progress_bar("deciding", len(inputs.terms)) as step:
        plan = plan_orders(
            inputs,
            models,
            chosen,
            limits,
            seed=seed,
            priors=_priors(inputs, settings.agent.shocks),
            progress=step,
            jobs=jobs,
        )
    _write(plan, inputs, chosen, source, limits, settings, files, out)
    _tell(plan, inputs, source, out, json=json)


def _check_out(out: Path, files: PlanFiles) -> None:
    """Raise ValueError where the orders cannot be written, before the work is done."""
    if out.is_dir():
        raise ValueError(f"{out} is a folder: name a file of orders with --out")
    parent = out.parent
    if not parent.is_dir():
        raise ValueError(f"{parent}: there is no such folder; make it, or name another --out")
    if not os.access(parent, os.W_OK) or (out.exists() and not os.access(out, os.W_OK)):
        raise ValueError(f"{out} cannot be written: name another file with --out")
    for path in files.given:
        if path.exists() and out.exists() and path.samefile(out):
            raise ValueError(f"{out} is an input of this plan: name another file with --out")


def _profile(path: Path | None, freq: str, files: PlanFiles) -> tuple[PlanProfile, str]:
    """Return the profile and where it comes from, service targets by class included."""
    from dataclasses import replace

    if freq not in ("D", "W"):
        raise ValueError(f"--freq must be D (days) or W (weeks), got {freq!r}")
    profile = read_profile(path) if path else default_profile(freq)
    if profile.freq != freq:
        raise ValueError(
            f"{path}: was tuned on freq {profile.freq}, the plan is for freq {freq}; use another "
            "profile"
        )
    if files.service_by_class:
        targets = read_service_by_class(files.service_by_class)
        profile = replace(profile, service_by_class=targets)
    return profile, path.name if path else f"the shipped default ({profile.name})"


def _priors(inputs: PlanInputs, shocks: ShockPrior) -> Mapping[str, ShockPrior]:
    """Correct the prior of surges by the daily history; weeks are too coarse to show any."""
    if inputs.history.freq != "D" or shocks.surges_a_year == 0:
        return {}
    from core_modules.shock_history import learned_priors

    return learned_priors(inputs.history.frame, inputs.history.closed_days, shocks)


def _write(
    plan: Plan,
    inputs: PlanInputs,
    profile: PlanProfile,
    source: str,
    limits: RoomLimits,
    settings: Settings,
    files: PlanFiles,
    out: Path,
) -> None:
    from core_modules.planning.plan_record import plan_facts, write_plan

    digests = {path.name: digest_of(path) for path in files.given if path.is_file()}
    write_plan(plan, inputs, plan_facts(profile, source, limits, digests), settings, out)


def _tell(plan: Plan, inputs: PlanInputs, source: str, out: Path, *, json: bool) -> None:
    from core_modules.planning.plan_record import record_folder

    for step, count in inputs.history.cleaning.items():
        if count:
            say(f"cleaning: {step}: {count:,}")
    for note in plan.notes:
        say(f"note: {note}")
    if json:
        classes = {one.unique_id: one.name for one in plan.classes}
        typer.echo(
            to_json([asdict(one) | {"class": classes[one.unique_id]} for one in plan.orders])
        )
    else:
        _print(plan, inputs)
    say(f"profile: {source}")
    say(f"orders: {out}, record: {record_folder(out)}")


def _print(plan: Plan, inputs: PlanInputs) -> None:
    classes = {one.unique_id: one.name for one in plan.classes}
    orders = [one for one in plan.orders if one.quantity]
    shown = sorted(orders, key=lambda one: (_RANK[one.urgency.value], -one.expected_cost))
    rows = [
        {
            "item": one.unique_id,
            "class": classes[one.unique_id],
            "quantity": one.quantity,
            "due": str(one.due),
            "urgency": one.urgency.value,
            "look": "yes" if one.needs_review else "",
            "stockout_risk": one.stockout_risk,
            "stock": one.projected_stock,
        }
        for one in shown
    ]
    names = ("item", "class", "quantity", "due", "urgency", "look", "stockout_risk", "stock")
    money = {one.unique_id: one.unit_cost for one in inputs.terms}
    value = sum(one.quantity * money[one.unique_id] for one in orders)
    print_table(
        pd.DataFrame(rows, columns=list(names)),
        f"{inputs.history.name}: orders for {len(orders)} of {len(plan.orders)} items, "
        f"{value:,.2f} at cost",
    )
    print_table(class_table(plan.classes), "items by class")


_RANK = {"critical": 0, "high": 1, "normal": 2, "low": 3}
