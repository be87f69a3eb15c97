"""Late: what is made when it is first asked for, and not at a start that may not need it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Late(Generic[T]):
    """One thing that `make` makes, once, whichever thread asks first."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = Lock()
        self._made: list[T] = []

    def get(self) -> T:
        """Return it; who asks while it is being made waits."""
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]

    def end(self, how: Callable[[T], object]) -> None:
        """End it by `how`, if it was made."""
        with self._lock:
            for made in self._made:
                how(made)
