"""The parameters that each textbook rule is tuned among: as many values for every rule."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from core_modules.policies.rule_arithmetic import Rule

FloatArray = NDArray[np.float64]

BUDGET = 48  # parameter values tried a rule
TITLES = MappingProxyType(
    {
        Rule.ORDER_UP_TO: "order-up-to, quantile",
        Rule.NORMAL_ORDER_UP_TO: "order-up-to, mean + z sd",
        Rule.CONSTANT_ORDER_UP_TO: "order-up-to, constant",
        Rule.DAYS_OF_COVER: "days of cover",
        Rule.CAPPED_BASE_STOCK: "capped base stock",
        Rule.S_S: "(s, S)",
        Rule.R_Q: "(R, Q)",
        Rule.MIN_MAX: "min/max",
        Rule.NEWSVENDOR: "newsvendor at arrival",
        Rule.ECONOMIC_ORDER: "EOQ",
        Rule.PROJECTED_INVENTORY: "projected inventory level",
        Rule.CONSTANT_ORDER: "constant order",
        Rule.WAGNER_WHITIN: "Wagner-Whitin, rolling",
        Rule.ORIGINAL: "original-rules",
    }
)

# Deviations: fine where chance is met, and far beyond it for rules whose only answer to a surge is
# stock: no rule should find its best value at an end of its grid.
_Z = np.concatenate([np.linspace(-1.0, 2.4, 16), np.geomspace(2.6, 120.0, 32)])
_FEWER_Z = _Z[::2]
_CHANCES = np.concatenate([np.linspace(0.3, 0.9, 24), 1 - np.geomspace(0.09, 0.00005, 24)])
_COVERS = np.geomspace(0.4, 24.0, BUDGET)  # of the cover's days
_SHARES = np.linspace(0.5, 1.4, BUDGET)  # of usual demand


def _pairs(first: FloatArray, second: tuple[float, ...]) -> FloatArray:
    return np.array([(a, b) for a in first for b in second])


def _singles(first: FloatArray) -> FloatArray:
    return _pairs(first, (0.0,))


GRIDS: Mapping[Rule, FloatArray] = MappingProxyType(  # (BUDGET, 2): a and b of `wanted_units`
    {
        Rule.ORDER_UP_TO: _singles(_CHANCES),
        Rule.NORMAL_ORDER_UP_TO: _singles(_Z),
        Rule.CONSTANT_ORDER_UP_TO: _singles(_Z),
        Rule.DAYS_OF_COVER: _singles(_COVERS),
        Rule.CAPPED_BASE_STOCK: _pairs(_FEWER_Z, (1.5, 3.0)),
        Rule.S_S: _pairs(_FEWER_Z, (1.0, 2.0)),
        Rule.R_Q: _pairs(_FEWER_Z, (1.0, 2.0)),
        Rule.MIN_MAX: _pairs(_COVERS[::2], (1.0, 2.0)),
        Rule.NEWSVENDOR: _singles(_CHANCES),
        Rule.ECONOMIC_ORDER: _singles(_Z),
        Rule.PROJECTED_INVENTORY: _singles(_Z),
        Rule.CONSTANT_ORDER: _singles(_SHARES),
        Rule.WAGNER_WHITIN: _singles(_Z),
        Rule.ORIGINAL: np.zeros((1, 2)),
    }
)


def parameter_words(rule: Rule, a: float, b: float) -> str:
    """Say a rule's parameters for people.

    >>> parameter_words(Rule.MIN_MAX, 1.25, 2.0)
    'min 1.25 covers, max 2 days more'
    """
    match rule:
        case Rule.ORDER_UP_TO | Rule.NEWSVENDOR:
            return f"chance {a:.5f}"
        case Rule.CAPPED_BASE_STOCK:
            return f"z {a:.2f}, cap {b:g} reviews"
        case Rule.S_S | Rule.R_Q:
            return f"z {a:.2f}, lot {b:g} days"
        case Rule.DAYS_OF_COVER:
            return f"{a:.3g} covers"
        case Rule.MIN_MAX:
            return f"min {a:.3g} covers, max {b:g} days more"
        case Rule.CONSTANT_ORDER:
            return f"{a:.3g} of usual demand"
        case Rule.ORIGINAL:
            return ""
        case _:
            return f"z {a:.2f}"
