"""Attributes: rows as DynamoDB writes them, each value beside the name of its type.

Numbers are int or Decimal and come back as Decimal; one that DynamoDB would round is an error.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Clamped, Context, Decimal, Inexact, Overflow, Rounded, Underflow
from typing import Any

_NUMBERS = Context(prec=38, Emin=-128, Emax=126, traps=[Clamped, Inexact, Overflow, Rounded, Underflow])
"""38 digits, and nothing is lost without a word."""


def written(row: Mapping[str, Any]) -> dict[str, Any]:
    """Write each value of a row. Raises TypeError for what no row of ours holds, such as a float."""
    return {name: _written(value) for name, value in row.items()}


def read(row: Mapping[str, Any]) -> dict[str, Any]:
    """Read each value of a row; one of a type that we never write stays as it came."""
    return {name: _read(value) for name, value in row.items()}


def _written(value: Any) -> dict[str, Any]:
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int() | Decimal() if Decimal(value).is_finite():
            return {"N": str(_NUMBERS.create_decimal(value))}
        case None:
            return {"NULL": True}
        case dict():
            return {"M": written(value)}
        case list() | tuple():
            return {"L": [_written(item) for item in value]}
    raise TypeError(f"no attribute of a row can be {type(value).__name__}")


def _read(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return _NUMBERS.create_decimal(content)
        case "NULL":
            return None
        case "M":
            return read(content)
        case "L":
            return [_read(item) for item in content]
    return content
