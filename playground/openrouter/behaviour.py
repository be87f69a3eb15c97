"""Behaviour: how one call, or one model's attempt at it, departs from a plain answer; and the script of them.

Behaviours combine with `|`; where both say something the right one wins, and hooks add up. The script is a
queue: each entry is used once (or so many times) in the order in which it was written, entries for a model
only by attempts of that model. It may be written from any thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from playground.openrouter.refusals import Reply

if TYPE_CHECKING:
    from decimal import Decimal

    from playground.openrouter.books import Call

Hook = Callable[["Call"], object]
"""Called in a thread of its own with the call as it stands; the reply goes on when it returns."""


class Break(Enum):
    """How a reply ends before its end."""

    CUT = "cut"
    END = "end"
    STALL = "stall"
    ERROR = "error"


class UsageShape(Enum):
    """Which of the two shapes the usage event has, or that it never comes."""

    EMPTY_DELTA = "empty_delta"
    """One choice with an empty delta that repeats finish_reason (since September 2026)."""
    NO_CHOICES = "no_choices"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Stop:
    """Where and how a reply breaks off.

    `after` counts tokens of the answer's text, thinking aside; None is before the headers. `first` breaks
    off before any event at all. `billed` None leaves it to the vendor's way with aborts.
    """

    how: Break
    after: int | None = None
    first: bool = False
    error: Mapping[str, Any] = field(default_factory=dict)
    comment_every_s: float | None = None
    billed: bool | None = None


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What differs from a plain answer; made by the functions of `traps`, or from a reply of `refusals`.

    `usage` overrides fields of the usage that is reported, not what is billed; `charge_usd` is billed.
    """

    reply: Reply | None = None
    stop: Stop | None = None
    on_request: tuple[Hook, ...] = ()
    at_tokens: tuple[tuple[int, Hook], ...] = ()
    answer: str | None = None
    thinking_tokens: int | None = None
    finish_reason: str | None = None
    usage_shape: UsageShape | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    charge_usd: Decimal | None = None
    byok_fee_usd: Decimal | None = None
    keepalives: int | None = None
    malformed_after: int | None = None
    piece_bytes: int | None = None

    def __or__(self, other: Behaviour) -> Behaviour:
        said = {
            f.name: getattr(other, f.name) for f in fields(other) if getattr(other, f.name) != _plain(f.name)
        }
        for name in ("on_request", "at_tokens"):
            said[name] = getattr(self, name) + getattr(other, name)
        return replace(self, **said)


PLAIN = Behaviour()


def _plain(name: str) -> Any:
    return getattr(PLAIN, name)


@dataclass(slots=True)
class _Entry:
    behaviour: Behaviour
    model: str | None
    times: int | None


class Script:
    """The queue of behaviours."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._lock = threading.Lock()

    def add(self, behaviour: Behaviour, model: str | None, times: int | None) -> None:
        """Append an entry; `times` None keeps it until the script is forgotten."""
        with self._lock:
            self._entries.append(_Entry(behaviour, model, times))

    def forget(self) -> None:
        """Drop all entries."""
        with self._lock:
            self._entries.clear()

    def next_for(self, model: str | None) -> Behaviour:
        """Take the next entry for this model (None: for a whole call); a plain answer if there is none."""
        with self._lock:
            entry = next((e for e in self._entries if e.model == model), None)
            if entry is None:
                return PLAIN
            if entry.times is not None:
                entry.times -= 1
                if entry.times <= 0:
                    self._entries.remove(entry)
            return entry.behaviour

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)
