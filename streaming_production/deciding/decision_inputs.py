"""All that one live decision followed from, packed so that it can be made again bit for bit."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date

import orjson

from core_modules.explaining.explanation import Explanation, explain
from core_modules.explaining.kept_values import kept, rebuilt
from core_modules.inventory_agent import AgentSettings, Decision, ItemState, Situation, decide
from core_modules.item_terms import ItemTerms

LEVEL = 1  # of the compression: the bytes are small, the evening is short


@dataclass(frozen=True, slots=True, eq=False)
class DecisionInputs:
    """What `decide` was given."""

    state: ItemState
    terms: ItemTerms
    day: date
    situation: Situation
    settings: AgentSettings

    def decide(self) -> Decision:
        """Make the decision."""
        return decide(self.state, self.terms, self.day, self.situation, self.settings)

    def explain(self) -> Explanation:
        """Make the decision and explain it."""
        return explain(self.state, self.terms, self.day, self.situation, self.settings)


def packed(inputs: DecisionInputs) -> bytes:
    """Return the inputs as compressed JSON."""
    return zlib.compress(orjson.dumps(kept(inputs)), LEVEL)


def unpacked(content: bytes) -> DecisionInputs:
    """Build the inputs from what `packed` returned."""
    return rebuilt(DecisionInputs, orjson.loads(zlib.decompress(content)))
