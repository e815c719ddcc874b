"""Finds the true demand behind the agent's catalogue, where it was made from tier 1's profiles."""

from collections.abc import Mapping, Sequence
from math import isclose
from typing import Any

from core_modules.reporting.report_wording import plural
from streaming_production.deciding.profile_items import PROFILES, ProfileItem, profile_items
from streaming_production.generating.world import ItemTruth


def true_items(rows: Sequence[Mapping[str, Any]], seeds: Sequence[int]) -> list[ItemTruth]:
    """Return the items of a catalogue's rows with their demand.

    `seeds` are those that the catalogue may have been made with; it is recognised by its prices.
    Raises ValueError where items are a planner's own, or of another seed.
    """
    known: dict[str, ProfileItem] = {}
    for seed in seeds:
        known = _known_items([str(row["unique_id"]) for row in rows], seed)
        if _are_those(rows, known):
            break
    else:
        raise ValueError(
            "the prices of the agent's items are not those of a catalogue made with seed "
            f"{' or '.join(map(str, seeds))}: name the seed it was made with by --catalogue-seed"
        )
    own = [str(row["unique_id"]) for row in rows if str(row["unique_id"]) not in known]
    if own:
        raise ValueError(
            f"nobody knows the true demand of {plural(len(own), 'item')} ({own[0]!r} first), not "
            "of tier 1's profiles: replay their sales with --replay FILE"
        )
    return [
        ItemTruth(name, float(row["unit_price"]), known[name].pattern, known[name].terms.lead_time)
        for row in rows
        if (name := str(row["unique_id"]))
    ]


def _known_items(names: Sequence[str], seed: int) -> dict[str, ProfileItem]:
    """Return the items of the profiles that have one of the names."""
    wanted = set(names)
    known: dict[str, ProfileItem] = {}
    for profile in PROFILES:
        if wanted == known.keys():
            break
        made = profile_items(profile, len(names), seed)
        known |= {one.unique_id: one for one in made if one.unique_id in wanted}
    return known


def _are_those(rows: Sequence[Mapping[str, Any]], known: Mapping[str, ProfileItem]) -> bool:
    """Tell whether most prices are those the items were made with; some may have changed since."""
    alike = [
        isclose(float(row["unit_price"]), known[name].terms.unit_price)
        for row in rows
        if (name := str(row["unique_id"])) in known
    ]
    return 2 * sum(alike) >= len(alike)
