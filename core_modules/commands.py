"""What the commands do: read the inputs, run, write the folder, print what came out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import typer

from core_modules.agent_policy import AgentPolicy
from core_modules.command_output import (
    print_comparison,
    print_run,
    print_table,
    progress_bar,
    say,
)
from core_modules.forecasting.engines import Engine
from core_modules.inventory_agent import AgentSettings, Priority
from core_modules.market_beliefs import ShockPrior
from core_modules.plain_json import to_json, write_json
from core_modules.run_cases import CaseFiles, RunCase, reference_case, sales_case
from core_modules.run_folders import FIT_CACHE, RESULTS, check_folder, whole_folder
from core_modules.sales_history import SalesHistory
from core_modules.settings import Settings

if TYPE_CHECKING:
    from core_modules.policy_comparison import Comparison

SHOWN_OF_PATTERNS = (  # on the screen; the file has all columns
    "name",
    "level",
    "growth",
    "class",
    "zero_share",
    "week",
    "noise",
    "promotion",
    "elasticity",
    "surges",
    "gaps",
)


def run_simulate(
    *,
    sales: Path | None,
    sales_format: str,
    item: Sequence[str] | None,
    top: int | None,
    items: Path | None,
    stock: Path | None,
    open_orders: Path | None,
    days: int,
    scenarios: str | None,
    policy: str,
    priority: str,
    refit_every: int,
    backorders: bool,
    as_of: date | None,
    seed: int,
    out: Path | None,
    engine: Engine,
    jobs: int,
    json: bool,
) -> None:
    """Run one policy through one case beside the baselines and the bound."""
    from core_modules.forecasting.forecast_fitting import fitter
    from core_modules.run_record import write_run
    from core_modules.simulation_runs import (
        POLICIES,
        agent_policy,
        run_baselines,
        run_clairvoyant,
        run_policy,
    )

    if policy not in POLICIES:
        raise ValueError(f"there is no policy {policy!r}: use one of {', '.join(POLICIES)}")
    settings = Settings(
        seed=seed,
        days=days,
        scenarios=scenarios or ("original" if sales is None else "none"),
        refit_every=refit_every,
        backorders=backorders,
        jobs=jobs,
        agent=AgentSettings(priority=_priority(priority), seed=seed, backorders=backorders),
    )
    case = _case(
        sales, sales_format, item, top, CaseFiles(items, stock, open_orders), as_of, settings
    )
    folder = out or RESULTS / _run_name(case, settings, policy)
    check_folder(folder)
    for note in case.notes:
        say(f"note: {note}")
    baselines = run_baselines(case, settings)
    bound = run_clairvoyant(case, settings)
    subject: AgentPolicy | None = None
    if policy == "agent":
        with progress_bar("simulating", days) as step:
            fit = fitter(
                engine=engine,
                jobs=jobs,
                events=case.past_events,
                closed=case.closed_days,
                cache=FIT_CACHE,
            )
            subject = agent_policy(case, settings, fit, _priors(case, sales, settings))
            main = run_policy(case, subject, settings, progress=step)
    else:
        main = next(run for run in (*baselines, bound) if run.name == policy)
        main = replace(main, parameter="")
    with whole_folder(folder) as part:
        report = write_run(part, case, settings, [main, *baselines, bound], subject)
    print_run(report, folder, as_json=json)


def run_extract(
    *,
    sales: Path,
    sales_format: str,
    item: Sequence[str] | None,
    top: int | None,
    by: str,
    country: str | None,
    as_of: date | None,
    report: bool,
    out: Path | None,
    json: bool,
) -> None:
    """Extract demand patterns from a sales file."""
    from core_modules.demand_pattern import write_patterns
    from core_modules.pattern_extractor import ExtractionSettings, extract_patterns
    from core_modules.patterns.fidelity_page import write_fidelity
    from core_modules.patterns.pattern_table import pattern_table

    history = _history(sales, sales_format, item, top, as_of)
    folder = out or RESULTS / f"{history.name}-patterns"
    check_folder(folder)
    settings = ExtractionSettings(country=country or "")
    patterns = extract_patterns(history, by=by, settings=settings)
    table = pattern_table(patterns)
    with whole_folder(folder) as part:
        write_patterns(patterns, part / "patterns.json")
        table.to_csv(part / "patterns.csv", index=False, lineterminator="\n")
        if report:
            write_fidelity(history, part, settings)
    if json:
        typer.echo((folder / "patterns.json").read_text(encoding="utf-8"), nl=False)
    else:
        print_table(table[list(SHOWN_OF_PATTERNS)], f"{history.name}: patterns by {by}")
    say(f"patterns: {folder / 'patterns.json'}")


def run_forecast(
    *,
    sales: Path,
    sales_format: str,
    item: Sequence[str] | None,
    top: int | None,
    horizon: int,
    lead_times: Sequence[int],
    origins: int,
    country: str | None,
    as_of: date | None,
    out: Path | None,
    engine: Engine,
    jobs: int,
    json: bool,
) -> None:
    """Forecast every item and print how accurate such forecasts were on the past."""
    from core_modules.demand_forecaster import ForecastSettings, fit_models
    from core_modules.forecasting.forecast_backtest import backtest
    from core_modules.forecasting.forecast_table import forecast_table

    history = _history(sales, sales_format, item, top, as_of)
    folder = out or RESULTS / f"{history.name}-forecast"
    check_folder(folder)
    settings = ForecastSettings(country=country, engine=engine)
    with progress_bar("backtesting", 0) as step:
        tested = backtest(
            history.frame,
            freq=history.freq,
            settings=settings,
            lead_times=lead_times,
            cutoffs=origins,
            closed=history.closed_days,
            jobs=jobs,
            cache=FIT_CACHE,
            progress=step,
        )
    with progress_bar("fitting", 0) as step:
        models = fit_models(
            history.frame,
            horizon=horizon,
            settings=settings,
            freq=history.freq,
            closed=history.closed_days,
            jobs=jobs,
            cache=FIT_CACHE,
            progress=step,
        )
    with whole_folder(folder) as part:
        forecast_table(models).to_csv(part / "forecast.csv", index=False, lineterminator="\n")
        tested.table.to_csv(part / "accuracy.csv", index=False, lineterminator="\n")
    if json:
        typer.echo(to_json(tested.pooled().to_dict("records")))
    else:
        print_table(tested.pooled(), f"{history.name}: forecasts of the past against what came")
        counts = ", ".join(f"{name} {count}" for name, count in tested.models.items())
        typer.echo(f"items by model: {counts}")
    say(f"forecast: {folder / 'forecast.csv'}")


def _history(
    sales: Path,
    sales_format: str,
    item: Sequence[str] | None,
    top: int | None,
    as_of: date | None,
) -> SalesHistory:
    from core_modules.sales_history import read_sales, select_items

    history = read_sales(sales, sales_format=sales_format, as_of=as_of)
    _say_cleaning(history.cleaning)
    return select_items(history, items=item, top=top) if item or top else history


def run_compare(
    *,
    scenarios: Sequence[str],
    seeds: int,
    tuning_seeds: int,
    days: int,
    priority: str,
    refit_every: int,
    shock_factors: Sequence[float],
    policies: Sequence[str] | None,
    out: Path | None,
    jobs: int,
    json: bool,
) -> None:
    """Compare the policies on calendars of the reference item, paired over seeds."""
    from core_modules.policy_comparison import TUNING_SEED, compare_policies, rules_named

    rules = rules_named(policies)
    if 1 not in shock_factors:
        raise ValueError("--shocks must include 1, the agent's own setting")
    folder = out or RESULTS / f"compare-{seeds}-seeds"
    check_folder(folder)
    found = []
    for calendar in scenarios:
        settings = Settings(
            days=days,
            scenarios=calendar,
            refit_every=refit_every,
            jobs=jobs,
            agent=AgentSettings(priority=_priority(priority)),
        )
        with progress_bar(
            f"comparing on {Path(calendar).stem}", seeds * len(shock_factors) + tuning_seeds
        ) as step:
            comparison = compare_policies(
                settings,
                range(seeds),
                range(TUNING_SEED, TUNING_SEED + tuning_seeds),
                shock_factors,
                step,
                rules,
            )
        found.append(comparison)
        if not json:
            print_comparison(comparison)
    summaries = {one.scenarios: one.summary.to_dict("records") for one in found}
    with whole_folder(folder) as part:
        _write_comparisons(found, part)
        write_json(summaries, part / "comparison.json")
    if json:
        typer.echo(to_json(summaries))
    say(f"figures: {folder / 'comparison.json'}")


def _write_comparisons(found: "Sequence[Comparison]", folder: Path) -> None:
    """Write the runs, every parameter value's figures, and a picture a calendar."""
    from core_modules.visualization_dashboard import write_frontier

    for name in ("by_seed", "sweep"):
        rows = pd.concat([getattr(one, name).assign(scenarios=one.scenarios) for one in found])
        rows.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    for one in found:
        summary, stem = one.summary, Path(one.scenarios).stem
        alone = summary["policy"].str.startswith("agent") | (summary["policy"] == "clairvoyant")
        write_frontier(
            f"What service costs, calendar {stem}: mean of {summary['seeds'].iloc[0]} runs",
            one.sweep[one.sweep["events"]],
            summary[alone],
            folder / f"frontier_{stem}.png",
        )


def _case(
    sales: Path | None,
    sales_format: str,
    item: Sequence[str] | None,
    top: int | None,
    files: CaseFiles,
    as_of: date | None,
    settings: Settings,
) -> RunCase:
    if sales is None:
        given = [
            name
            for name, value in (
                ("--item", item),
                ("--top", top),
                ("--items", files.items),
                ("--stock", files.stock),
                ("--open-orders", files.open_orders),
                ("--as-of", as_of),
            )
            if value
        ]
        if given:
            raise ValueError(f"{given[0]} needs --sales FILE: without it the reference run is made")
        return reference_case(settings, [settings.seed])
    history = _history(sales, sales_format, None, None, as_of)
    return sales_case(history, settings, files, items=item, top=top)


def _priors(case: RunCase, sales: Path | None, settings: Settings) -> Mapping[str, ShockPrior]:
    """Return the hedge against shocks by item, where it is not the settings' own.

    Real demand brings its own surges, and the spread of its forecast holds them: a hedge beside it
    cost more than it saved on the past of both shops tried, so it is kept for named calendars.
    """
    if sales is None:
        return {}
    if settings.scenarios == "none":
        calm = settings.agent.shocks.scaled(0)
        return {one.unique_id: calm for one in case.terms}
    from core_modules.shock_history import learned_priors

    return learned_priors(case.history, case.closed_days, settings.agent.shocks)


def _say_cleaning(cleaning: Mapping[str, int]) -> None:
    for step, count in cleaning.items():
        if count:
            say(f"cleaning: {step}: {count:,}")


def _priority(name: str) -> Priority:
    try:
        return Priority(name)
    except ValueError:
        raise ValueError(f"priority must be one of {', '.join(Priority)}, got {name!r}") from None


def _run_name(case: RunCase, settings: Settings, policy: str) -> str:
    source = "reference" if case.title.startswith("Reference") else next(iter(case.inputs))
    scenarios = Path(settings.scenarios).stem
    return f"{source}-{scenarios}-{policy}-{settings.days}d-seed{settings.seed}"
