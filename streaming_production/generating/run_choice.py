"""Chooses the run to play: the last one where it is not over, else a new one, and its world."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from core_modules.reporting.report_wording import plural
from core_modules.run_cases import REFERENCE_TERMS
from streaming_production.generating.agent_view import AgentView
from streaming_production.generating.replay import ReplayedWorld, read_real_sales
from streaming_production.generating.run_record import RunRecord
from streaming_production.generating.scenario_choice import chosen_events
from streaming_production.generating.true_items import true_items
from streaming_production.generating.world import SyntheticWorld, World

DEFAULT_DAYS = 20
DEFAULT_CATALOGUE_SEED = 0  # of the agent service


@dataclass(frozen=True, slots=True)
class GeneratorOptions:
    """What the command line asks for."""

    agent: str  # address
    token: str | None
    days: int | None  # None: 20, or all of a file; 0: only send what waits in the spool
    speed: float  # seconds a day, 0: as fast as it goes
    scenario: str
    seed: int
    catalogue_seed: int | None  # None: as seed, or the agent service's default
    items: int | None  # only the first so many of the catalogue; None: all
    start: date | None  # None: go on with the last run, or begin after the agent's last day
    replay: Path | None
    sales_format: str
    spool: Path
    wire: bool  # post the demo's wire contract
    wait: float  # seconds that an absent agent is waited for, at the start and at the end

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that the agent's catalogue may have been made with."""
        if self.catalogue_seed is not None:
            return (self.catalogue_seed,)
        return tuple(dict.fromkeys((self.seed, DEFAULT_CATALOGUE_SEED)))


@dataclass(frozen=True, slots=True)
class RunChoice:
    """A run and the world it is played in."""

    record: RunRecord
    world: World
    only_items: tuple[str, ...]  # items that take part; empty: all of the catalogue


def chosen_run(
    options: GeneratorOptions,
    view: AgentView,
    last: RunRecord | None,
    note: Callable[[str], None],
) -> RunChoice:
    """Choose what the options ask for; `note` is told what a person may not expect.

    Raises ValueError where the options, the catalogue and the files do not fit together.
    """
    names = _taking_part(options, view)
    rows = [row for row in view.items if str(row["unique_id"]) in names]
    only_items = () if len(rows) == len(view.items) else names
    record = _record(options, view, last, len(rows))
    if record is last:
        note(f"going on with the run that began on {record.start}")
    if options.replay:
        return _replay(options, options.replay, view, record, names, only_items, note)
    events = chosen_events(record.market, record.start, record.days, record.seed)
    unknown = sorted({item for event in events for item in event.items} - set(names))
    if unknown:
        raise ValueError(
            f"{record.market} names the item {unknown[0]!r}, which is not in the run: mend it"
        )
    truths = true_items(rows, options.seeds)
    world = SyntheticWorld(truths, events, record.start, record.days, record.seed)
    return RunChoice(record, world, only_items)


def _taking_part(options: GeneratorOptions, view: AgentView) -> tuple[str, ...]:
    """Return the items of the run; the wire contract knows the demo's item only."""
    names = tuple(str(row["unique_id"]) for row in view.items)
    if not names:
        raise ValueError("the agent's catalogue is empty: register items first")
    if not options.wire:
        return names[: options.items]
    if REFERENCE_TERMS.unique_id not in names:
        raise ValueError(
            f"the agent has no item {REFERENCE_TERMS.unique_id}, which --wire posts for: start it "
            "with --profile demo"
        )
    return (REFERENCE_TERMS.unique_id,)


def _record(
    options: GeneratorOptions, view: AgentView, last: RunRecord | None, items: int
) -> RunRecord:
    """Return the last run where it is the one wanted and not over, else a new one."""
    wanted = RunRecord(
        url=options.agent,
        epoch=view.epoch,
        market=str(options.replay or options.scenario),
        items=items,
        seed=options.seed,
        start=options.start or view.next_day,
        days=options.days or DEFAULT_DAYS,
    )
    if last and options.start is None and last.continues(view.today, wanted):
        return last
    return wanted


def _replay(
    options: GeneratorOptions,
    path: Path,
    view: AgentView,
    record: RunRecord,
    names: tuple[str, ...],
    only_items: tuple[str, ...],
    note: Callable[[str], None],
) -> RunChoice:
    """Lay a file's sales on days that the agent has still to see.

    Sales that are later than the agent's days keep their dates; older ones move by whole weeks.
    """
    sales = read_real_sales(path, options.sales_format).of_items(names)
    resumed = record.start < view.next_day and options.start is None
    begin = record.start if resumed else max(record.start, view.next_day)
    if options.start or sales.last_day >= begin:
        sales = sales.from_day(options.start or begin)
    sales, weeks = sales.dated_after(begin)
    if weeks:
        note(
            f"{sales.name}: dated {plural(weeks, 'week')} later, so that weekdays stay; "
            f"begins with its {sales.first_day - timedelta(weeks=weeks)}"
        )
    length = (sales.last_day - begin).days + 1
    if not resumed:
        record = replace(record, start=begin, days=min(options.days or length, length))
    return RunChoice(record, ReplayedWorld(sales, begin, record.days), only_items)
