"""Our frozen values as JSON and back, by the types of their fields, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from functools import lru_cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from core_modules.plain_json import plain

Value = TypeVar("Value")


def kept(value: Any) -> Any:
    """Turn a value into what JSON holds; keys keep their order, numbers all their digits."""
    kind: Any = type(value)
    if kind in _AS_THEY_ARE:  # most of what is kept: numbers of lists
        return value
    if kind is dict:
        return {str(plain(key)): kept(one) for key, one in value.items()}
    if kind is list or kind is tuple:
        return [one if type(one) in _AS_THEY_ARE else kept(one) for one in value]
    if kind is np.ndarray:
        return value.tolist()
    if names := _field_names(kind):
        return {name: kept(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(plain(key)): kept(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [kept(one) for one in value]
    if isinstance(value, (float, np.floating)):
        return float(value)  # infinity and NaN too, which `plain` would lose
    return plain(value)


_AS_THEY_ARE = frozenset({float, int, str, bool, type(None)})


@lru_cache(maxsize=64)
def _field_names(kind: Any) -> tuple[str, ...]:
    """Return the fields of a dataclass, none of another kind."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()


def rebuilt(kind: type[Value], value: Any) -> Value:
    """Build a value of a kind from what `kept` returned.

    >>> from core_modules.market_beliefs import ShockPrior
    >>> rebuilt(ShockPrior, kept(ShockPrior(days=4.5))) == ShockPrior(days=4.5)
    True
    """
    built: Value = _rebuilt(kind, value)
    return built


def _rebuilt(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if is_dataclass(kind):
        return _fielded(kind, value)
    if get_origin(kind) is not None:
        return _many(get_origin(kind), get_args(kind), value)
    if kind is date:
        return date.fromisoformat(value)
    return kind(value) if issubclass(kind, Enum) else value


def _fielded(kind: Any, value: Any) -> Any:
    types = _types(kind)
    return kind(**{name: _rebuilt(types[name], one) for name, one in value.items()})


def _many(origin: Any, inner: tuple[Any, ...], value: Any) -> Any:
    """Build a union with None, an array, a tuple or a mapping."""
    if origin in (Union, UnionType):
        return _rebuilt(next(one for one in inner if one is not type(None)), value)
    if origin is np.ndarray:
        return np.array(value, dtype=get_args(inner[1])[0])
    if origin is tuple:
        each = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(_rebuilt(one, part) for one, part in zip(each, value, strict=True))
    key, item = inner
    return {_rebuilt(key, name): _rebuilt(item, one) for name, one in value.items()}


@lru_cache(maxsize=64)
def _types(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
