"""Batches of plain movements of stock, read column by column in a quarter of the usual time.

Nothing is refused here. What is not plainly right, or seldom sent, is left to the reader of single
events, which takes more and says what is wrong; what is read here, it would read just the same.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import orjson
from pydantic import TypeAdapter

from streaming_production.event_form import (
    AGENT,
    EventColumns,
    Events,
    day_text,
    rest_of,
    utc_texts,
)
from streaming_production.event_types import (
    FIRST_INSTANT,
    LAST_INSTANT,
    LEDGER,
    LONGEST_NAME,
    LONGEST_SOURCE,
    Facts,
    read_instant,
)

_NAMES = ("specversion", "id", "source", "type", "subject", "time", "data")
_READ = {kind: TypeAdapter(facts).validator.validate_python for kind, facts in LEDGER.items()}


class _Times(NamedTuple):
    """When events were: as told, the day as written there, and the instant as it is stored."""

    moments: Sequence[datetime]
    days: Sequence[str]
    instants: Sequence[str]


def read_plain_batch(raw: bytes) -> Events | None:
    """Read a batch that holds nothing but movements without extensions; None for any other."""
    try:
        sent = orjson.loads(raw)
        if set(map(len, sent)) != {len(_NAMES)}:
            return None
        versions, ids, sources, types, subjects, told, data = (
            [one[name] for one in sent] for name in _NAMES
        )
        if set(versions) != {"1.0"} or not LEDGER.keys() >= set(types):
            return None
        if not (_are_names(ids) and _are_names(subjects) and _are_sources(set(sources))):
            return None
        times = _times(told)
        facts, rests = _facts(types, data)
    except (ValueError, TypeError, KeyError):  # of whatever kind: the other reader tells it
        return None
    if {one.tzinfo for one in times.moments} != {UTC}:
        rests = list(map(rest_of, facts, times.moments))
    return Events(EventColumns(ids, sources, types, subjects, *times, facts, rests))


def _are_names(texts: Collection[str], longest: int = LONGEST_NAME) -> bool:
    """Say whether all are plain text of one line; TypeError for what is no text."""
    lengths = set(map(len, texts))
    return min(lengths) > 0 and max(lengths) <= longest and "".join(texts).isprintable()


def _are_sources(texts: Collection[str]) -> bool:
    return AGENT not in texts and _are_names(texts, LONGEST_SOURCE)


def _times(texts: Sequence[str]) -> _Times:
    """Read times; TypeError for one without offset, as it cannot be compared."""
    alike = _alike_in_utc(texts)
    moments = list(map(datetime.fromisoformat if alike else read_instant, texts))
    if min(moments) < FIRST_INSTANT or max(moments) > LAST_INSTANT:
        raise ValueError("a time is outside the years that are known")
    if alike:
        return _Times(moments, *alike)
    instants = utc_texts(moments)
    return _Times(moments, list(map(day_text, moments, instants)), instants)


def _alike_in_utc(texts: Sequence[str]) -> tuple[list[str], list[str]] | None:
    """Return days and instants of times in UTC that are all written alike, which they begin with.

    None for others. What is no time at all is still to be refused.
    """
    [length, *others], whole = set(map(len, texts)), "".join(texts)
    zone = "Z" if whole.endswith("Z") else "+00:00"
    end = length - len(zone)
    marks = {4: "-", 7: "-", 10: "T", 13: ":", 16: ":", 19: ".", end: zone[0]}
    if others or end < 19:
        return None
    if any(set(whole[place::length]) != {mark} for place, mark in marks.items()):
        return None
    # The end of a day, where it is read at all, is the beginning of the next.
    if whole.count("+") != whole.count("+00:00") or "T24:" in whole:
        return None
    known = min(end, 26)  # the seventh digit of a second and those after it do not count
    unsaid = ".000000Z"[known - 19 :]
    return [text[:10] for text in texts], [text[:known] + unsaid for text in texts]


def _facts(
    types: Collection[str], data: Collection[object]
) -> tuple[Sequence[Facts], Sequence[str]]:
    """Read what events say, with what is stored of one in UTC; what is said alike is read once."""
    keys = list(map(orjson.dumps, zip(types, data, strict=True)))
    said = dict(zip(keys, zip(types, data, strict=True), strict=True))
    read = {key: _READ[kind](one) for key, (kind, one) in said.items()}
    rests = {key: rest_of(facts) for key, facts in read.items()}
    return [read[key] for key in keys], [rests[key] for key in keys]
