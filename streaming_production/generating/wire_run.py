"""Plays days over the demo's own wire contract, as its old generator did: one post a day."""

import threading
import time
from datetime import date, timedelta
from typing import Any

import orjson

from core_modules.reference_demand import reference_mean
from core_modules.reporting.report_wording import plural
from streaming_production.generating.day_lines import Speaker
from streaming_production.generating.delivery import Delivery
from streaming_production.generating.generator_run import days_over
from streaming_production.generating.run_choice import RunChoice
from streaming_production.generating.spool import Parcel

_PATH = "/api/process-day"
_FRIDAY = 4


def play_over_the_wire(
    run: RunChoice,
    delivery: Delivery,
    speaker: Speaker,
    stopped: threading.Event,
    speed: float,
    today: date | None,
) -> None:
    """Post the days after `today`, one every `speed` seconds; return early if stopped."""
    world = run.world
    means = reference_mean(world.start, world.days).tolist()
    for number in range(days_over(world.start, today), world.days):
        if stopped.is_set():
            return
        ends = time.monotonic() + speed
        before = len(delivery.rejected)
        delivery.send([_posted_day(run, number, means[number])])
        for answer in delivery.taken_tally().answers:
            speaker.note(_told(answer))
        if delivery.away:
            speaker.note(f"spool {len(delivery.spool):,}: {delivery.away}")
        speaker.warn(delivery.rejected[before:])
        delivery.wait(ends)


def _posted_day(run: RunChoice, number: int, mean: float) -> Parcel:
    """Return a day as the demo's generator posts it, with a key that makes a retry safe."""
    world = run.world
    day, units = world.start + timedelta(days=number), world.demand(number)
    body = {
        "date": day.isoformat(),
        "sales": units,
        "scenario": world.label(number).split(" + ")[0],  # the contract names one a day
        "predicted_demand": round(mean, 2),
        "base_demand": round(mean, 2),
        "day_of_week": day.strftime("%A"),
        "is_weekend": day.weekday() > _FRIDAY,
    }
    key = f"{run.record.name}-{day.isoformat()}"
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    return Parcel(_PATH, headers, orjson.dumps(body))


def _told(answer: Any) -> str:
    decision = answer["agent_decision"]
    line = f"day {answer['day']:>3}  stock {decision['current_stock']:>6,}  {decision['action']}"
    if decision["order_quantity"]:
        line += f" {plural(decision['order_quantity'], 'unit')} ({decision['urgency_level']})"
    return f"{line}: {decision['reason']}"
