"""Batches of plain movements of stock, read column by column in a third of the usual time.

Nothing is refused here. What is not plainly right, or seldom sent, is left to the reader of single
events, which takes more and says what is wrong; what is read here, it would read just the same.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from operator import itemgetter

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
_VALUES = itemgetter(*_NAMES)
_READ = {kind: TypeAdapter(facts).validator.validate_python for kind, facts in LEDGER.items()}


def read_plain_batch(raw: bytes) -> Events | None:
    """Read a batch that holds nothing but movements without extensions; None for any other."""
    try:
        sent = orjson.loads(raw)
        if set(map(len, sent)) != {len(_NAMES)}:
            return None
        versions, *columns = zip(*map(_VALUES, sent), strict=True)
        ids, sources, types, subjects, times, data = columns
        if set(versions) != {"1.0"} or not LEDGER.keys() >= set(types):
            return None
        if not (_are_names(ids) and _are_names(subjects) and _are_sources(set(sources))):
            return None
        moments = _moments(times)
        facts = _facts(types, data)
    except (ValueError, TypeError, KeyError):  # of whatever kind: the other reader tells it
        return None
    return _events(ids, sources, types, subjects, moments, facts)


def _are_names(texts: Collection[str], longest: int = LONGEST_NAME) -> bool:
    """Say whether all are plain text of one line; TypeError for what is no text."""
    lengths = set(map(len, texts))
    return min(lengths) > 0 and max(lengths) <= longest and "".join(texts).isprintable()


def _are_sources(texts: Collection[str]) -> bool:
    return AGENT not in texts and _are_names(texts, LONGEST_SOURCE)


def _moments(times: Sequence[str]) -> list[datetime]:
    """Read times; TypeError for one without offset, as it cannot be compared."""
    moments = _in_one_form(times) or [read_instant(text) for text in times]
    if min(moments) < FIRST_INSTANT or max(moments) > LAST_INSTANT:
        raise ValueError("a time is outside the years that are known")
    return moments


def _in_one_form(times: Sequence[str]) -> list[datetime] | None:
    """Read times in UTC that are all written alike, as `read_instant` does; None for others."""
    [length, *others], whole = set(map(len, times)), "".join(times)
    if others or length < 20 or not set(whole[10::length]) <= set("Tt "):
        return None
    if set(whole[4::length]) | set(whole[7::length]) != {"-"}:
        return None
    moments = list(map(datetime.fromisoformat, times))
    return moments if {one.tzinfo for one in moments} == {UTC} else None


def _facts(types: Collection[str], data: Collection[object]) -> list[tuple[Facts, str]]:
    """Read what events say, with what is stored of one in UTC; what is said alike is read once."""
    read: dict[tuple[str, bytes], tuple[Facts, str]] = {}
    found = []
    for kind, one in zip(types, data, strict=True):
        key = (kind, orjson.dumps(one))
        known = read.get(key)
        if known is None:
            facts = _READ[kind](one)
            known = read[key] = (facts, rest_of(facts))
        found.append(known)
    return found


def _events(
    ids: Sequence[str],
    sources: Sequence[str],
    types: Sequence[str],
    subjects: Sequence[str],
    moments: Sequence[datetime],
    facts: Sequence[tuple[Facts, str]],
) -> Events:
    instants = utc_texts(moments)
    days = list(map(day_text, moments, instants))
    said, rests = zip(*facts, strict=True)
    if {one.tzinfo for one in moments} != {UTC}:
        rests = tuple(map(rest_of, said, moments))
    columns = (ids, sources, types, subjects, moments, days, instants, said, rests)
    return Events(EventColumns._make(columns))
