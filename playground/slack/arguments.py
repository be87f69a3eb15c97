"""Arguments: what came with one Web API call, read as the types that its method wants.

Slack takes JSON and form bodies; in a form, lists and objects are JSON in a field. What is of the wrong type
is refused as `invalid_arguments`, as Slack does.
"""

from __future__ import annotations

import json
import math
from typing import Any

from playground.slack.refusal import Refused

TRUE_WORDS = frozenset({"true", "1"})


class Arguments:
    """The arguments of a call, by name; a null or an empty string counts as not given."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given

    def has(self, name: str) -> bool:
        """Whether the argument was given."""
        value = self.given.get(name)
        return value is not None and value != ""

    def text(self, name: str) -> str:
        """Return a string; empty if it was not given."""
        value = self.given.get(name)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise _wrong(name, "string")
        return str(value)

    def required(self, name: str) -> str:
        """Return a string that must be there."""
        value = self.text(name)
        if not value:
            raise Refused("invalid_arguments", f"[ERROR] missing required field: {name}")
        return value

    def flag(self, name: str) -> bool:
        """Return a boolean; false if it was not given."""
        value = self.given.get(name)
        return value if isinstance(value, bool) else str(value or "").lower() in TRUE_WORDS

    def number(self, name: str, default: int) -> int:
        """Return a whole number."""
        if not self.has(name):
            return default
        try:
            return int(str(self.given[name]))
        except ValueError:
            raise _wrong(name, "integer") from None

    def moment(self, name: str) -> float | None:
        """Return a timestamp; None if it was not given. Raises Refused("invalid_ts_<name>")."""
        value = self.text(name)
        if not value:
            return None
        try:
            moment = float(value)
        except ValueError:
            raise Refused(f"invalid_ts_{name}") from None
        if not math.isfinite(moment):
            raise Refused(f"invalid_ts_{name}")
        return moment

    def items(self, name: str, refusal: str = "invalid_arguments") -> list[Any] | None:
        """Return a list, or None if it was not given."""
        value = self._structure(name, refusal)
        if value is not None and not isinstance(value, list):
            raise Refused(refusal, f"[ERROR] must provide an array [json-pointer:/{name}]")
        return value

    def mapping(self, name: str, refusal: str = "invalid_arguments") -> dict[str, Any] | None:
        """Return an object, or None if it was not given."""
        value = self._structure(name, refusal)
        if value is not None and not isinstance(value, dict):
            raise Refused(refusal, f"[ERROR] must provide an object [json-pointer:/{name}]")
        return value

    def _structure(self, name: str, refusal: str) -> Any:
        value = self.given.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise Refused(refusal, f"[ERROR] must be valid json [json-pointer:/{name}]") from None


def _wrong(name: str, kind: str) -> Refused:
    return Refused("invalid_arguments", f"[ERROR] must be a {kind} [json-pointer:/{name}]")
