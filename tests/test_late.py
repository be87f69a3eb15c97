"""What is made late is made once, whoever asks first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier

import pytest

from router.adapters.late import Late


def test_threads_that_ask_at_once_get_the_same() -> None:
    """It is made once, and all get that one."""
    numbers, start = count(), Barrier(8)

    def make() -> int:
        return next(numbers)

    late = Late(make)

    def ask(_: int) -> int:
        start.wait(timeout=10)
        return late.get()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {0}
    assert next(numbers) == 1


def test_what_was_never_made_is_not_ended() -> None:
    """Ending asks for nothing to be made; what was made is ended."""
    ended: list[str] = []
    late = Late(lambda: "made")

    late.end(ended.append)
    assert ended == []

    late.get()
    late.end(ended.append)
    assert ended == ["made"]


def test_what_could_not_be_made_is_tried_again() -> None:
    """A failure is the asker's, and the next one who asks may have more luck."""
    outcomes = iter([ValueError("not yet"), None])

    def make() -> str:
        if error := next(outcomes):
            raise error
        return "made"

    late = Late(make)
    with pytest.raises(ValueError, match="not yet"):
        late.get()

    assert late.get() == "made"
