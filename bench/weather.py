"""The weather: faults that befall the requests to the table by chance, at given rates, and their count."""

from __future__ import annotations

import random
from collections import Counter

from playground.faults import Fault

WRITES = frozenset({"TransactWriteItems", "UpdateItem", "PutItem"})
READS = frozenset({"BatchGetItem", "GetItem", "Query"})

CHANCES: tuple[tuple[Fault, float, frozenset[str]], ...] = (
    (Fault.CONFLICT, 0.02, WRITES),
    (Fault.THROTTLE, 0.01, WRITES | READS),
    (Fault.THROTTLED_ITEM, 0.01, frozenset({"TransactWriteItems"})),
    (Fault.TIMEOUT_AFTER_COMMIT, 0.01, WRITES),
)
"""How likely each is, for a request of these operations: far above what an account in good health sees."""


class Weather:
    """Decides about each request; the same seed draws the same lots in the same order."""

    def __init__(self, seed: int) -> None:
        self._lots = random.Random(f"weather {seed}")  # noqa: S311 - chance that can be repeated, not a secret
        self.struck: Counter[Fault] = Counter()

    def strike(self, operation: str) -> Fault | None:
        """Return what befalls a request of `operation`; of all else at this address, nothing does."""
        lot = self._lots.random()
        for fault, chance, operations in CHANCES:
            if operation not in operations:
                continue
            if lot < chance:
                self.struck[fault] += 1
                return fault
            lot -= chance
        return None
