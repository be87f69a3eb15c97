"""Steps: one after the other, each printed as it goes with its seconds; the first that fails is the last."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

T = TypeVar("T")

LOOK_AGAIN_AFTER_S = 0.05

SHOWN_LINES, SHOWN_CHARACTERS = 30, 300
"""Of what was seen instead, and of each line: the end of a command's output says why it failed."""

INDENT = " " * 13


class StepFailed(Exception):  # noqa: N818 - reads as what it says
    """Something was not as it should be: what was expected, what was seen instead, and what to do `then`."""

    def __init__(self, expected: str, seen: object, then: str = "") -> None:
        super().__init__(f"expected {expected}; seen: {seen}")
        self.expected = expected
        self.seen = seen
        self.then = then


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what holds after it, and what makes it so. `run` returns a few words on what it saw."""

    name: str
    run: Callable[[], str]

    @property
    def told_by(self) -> str:
        """Name the function that makes it so, and its file."""
        function = self.run.func if isinstance(self.run, partial) else self.run
        return f"{function.__name__} in {function.__module__.replace('.', '/')}.py"


def run_steps(steps: Iterable[Step], say: Callable[[str], None]) -> bool:
    """Run `steps` until one fails; whether none did. Each is announced, then its end is told."""
    began = time.monotonic()
    number = 0
    for number, step in enumerate(steps, 1):
        say(f"{number:2}  {step.name}")
        step_began = time.monotonic()
        try:
            seen = step.run()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and the world is put away
            say(f"    {time.monotonic() - step_began:5.1f} s  FAILED\n{_failure(step, error)}")
            return False
        told = f"\n{INDENT}".join(seen.splitlines())
        say(f"    {time.monotonic() - step_began:5.1f} s  {told}")
    say(f"all {number} steps passed in {time.monotonic() - began:.0f} s")
    return True


def expect(holds: object, expected: str, seen: object, then: str = "") -> None:
    """Raise StepFailed unless `holds`."""
    if not holds:
        raise StepFailed(expected, seen, then)


def wait_until(look: Callable[[], T | None], expected: str, within_s: float) -> T:
    """Look until there is something, and return it; raises StepFailed when there is not in time."""
    give_up = time.monotonic() + within_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > give_up:
            raise StepFailed(f"{expected} within {within_s:g} s", found)
        time.sleep(LOOK_AGAIN_AFTER_S)


def _failure(step: Step, error: Exception) -> str:
    """Say what was expected, what was seen and what to do; an error that no step foresaw is seen whole."""
    expected, seen, then = "no error", "".join(traceback.format_exception(error)), ""
    if isinstance(error, StepFailed):
        expected, seen, then = error.expected, str(error.seen), error.then
    lines = seen.strip().splitlines() or ["nothing"]
    cut = ["…"] if len(lines) > SHOWN_LINES else []
    last = [line[:SHOWN_CHARACTERS] for line in lines[-SHOWN_LINES:]]
    shown = "\n".join(f"{INDENT}{line}" for line in cut + last)
    do = then or "mend it, and run it all again: nothing of this run is left"
    return f"    expected {expected}\n    seen\n{shown}\n    then     {do}\n    the step {step.told_by}"
