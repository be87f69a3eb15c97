"""Stopping: while an answer is written, someone looks now and then whether it is still wanted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from router.adapters.claims import Claim, Claims
from router.errors import TableUnavailable

LOOK_EVERY_S = 1.0
"""A reader of a claim costs next to nothing; a person who pressed Stop waits for this at most."""


class StopWatch:
    """Looks, inside of its block, whether somebody pressed Stop; `is_stopped` says so at once.

    `before_look` is called before each look, so not for an answer that is given at once.
    """

    def __init__(self, claims: Claims, claim: Claim, before_look: Callable[[], object]) -> None:
        self._claims = claims
        self._claim = claim
        self._before_look = before_look
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="stop-watch", daemon=True)
        self.is_stopped = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()

    def _look(self) -> None:
        while not (self.is_stopped or self._ended.wait(LOOK_EVERY_S)):
            self._before_look()
            try:
                self.is_stopped = self._claims.is_stopped(self._claim)
            except TableUnavailable:
                continue  # the next look may succeed; an answer is not cut for the table's sake
