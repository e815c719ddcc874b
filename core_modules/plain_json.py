"""Our values as JSON: dates, enumerations and arrays in plain form, sorted keys, no NaN."""

import json
import math
from collections.abc import Mapping
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np


def write_json(content: object, path: Path) -> None:
    """Write JSON with sorted keys; what is not a number is null."""
    path.write_text(to_json(content) + "\n", encoding="utf-8")


def to_json(content: object) -> str:
    """Return the JSON text that `write_json` writes."""
    return json.dumps(plain(content), indent=1, sort_keys=True, ensure_ascii=False)


def plain(value: Any) -> Any:
    """Turn our values into JSON's."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, (float, np.floating)):
        return None if not math.isfinite(value) else float(value)
    return int(value) if isinstance(value, np.integer) else value
