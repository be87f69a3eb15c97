"""The journal: one JSON line on stdout for each thing that ended; never a text, a token or a key."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from typing import Any


def write_line(at: str, outcome: str, **fields: Any) -> None:
    """Write one line; fields that are None or empty are left out.

    Amounts are numbers, since CloudWatch's metric filters sum no text, and have all their digits:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
    """
    line = {"at": at, "outcome": outcome} | {k: v for k, v in fields.items() if v not in (None, "")}
    sys.stdout.write("{" + ", ".join(f"{json.dumps(k)}: {_json(v)}" for k, v in line.items()) + "}\n")
    sys.stdout.flush()


def _json(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return json.dumps(round(value, 1) if isinstance(value, float) else value)
