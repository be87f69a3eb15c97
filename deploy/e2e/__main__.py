"""The story of a deployment, told to the end or to the first step that fails: `make e2e`.

Everything happens on this machine: the account is a local AWS that enforces roles, Slack and OpenRouter are
the playground's. Nothing of it is left afterwards.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from functools import partial

from deploy.e2e import (
    cold_start,
    conversation,
    dead_letters,
    keeping,
    keys,
    mistakes,
    packaging,
    permissions,
    schedules,
    updating,
)
from deploy.e2e.steps import SHOWN_CHARACTERS, Step, run_steps
from deploy.e2e.world import World, open_world

LAST_LINES = 5
"""Of each function's log."""

LAMBDAS_OWN = ("START ", "END ", "REPORT ")
"""How the lines begin that are not the function's."""


def story(world: World) -> Iterator[Step]:
    """Yield the steps in order; each is asked for when the one before has passed."""
    yield Step("the package comes out the same, anywhere", partial(packaging.comes_out_the_same, world))
    yield Step("its template breaks no rule", partial(packaging.breaks_no_rule, world))
    yield Step("each function starts cold in the real runtime, and fast", cold_start.measure)

    yield Step("what cannot work stops early", partial(mistakes.stop_early, world))
    yield Step("the secrets are kept in SSM", partial(keys.are_kept, world))
    yield Step("one command deploys it all", partial(keeping.is_deployed, world))
    with world.outside.delivering_to(world.stage.endpoint):
        yield Step("a message is answered", partial(conversation.is_answered, world))
        yield Step("a press under it is heard", partial(conversation.is_explained, world))
        yield Step(
            "a command is answered, the home tab shown", partial(conversation.is_told_by_command, world)
        )
        yield Step("it is in the report", partial(conversation.is_reported, world))
        yield Step("secrets change without a deployment", partial(keys.are_changed, world))
        yield Step(
            "a request that is not Slack's is refused", partial(conversation.is_refused_unsigned, world)
        )

        in_the_way = dead_letters.ask_in_vain(world)  # it takes a while: what follows goes on meanwhile
        yield Step("an update loses no message", partial(updating.loses_no_message, world))
        yield Step("schedules fire", partial(schedules.fire, world))
        yield Step("a job that cannot be done is parked", partial(dead_letters.are_parked, world))
        yield Step("one command moves it back", partial(dead_letters.are_redriven, world, in_the_way))
        yield Step("everything was answered once", partial(conversation.is_answered_once, world))

        yield Step("roles grant what is used, no more", partial(permissions.match_what_is_used, world))
        yield Step("without any one of them something breaks", partial(permissions.are_all_needed, world))

    yield Step("tables and rows outlive the stack", partial(keeping.outlives_the_stack, world))
    yield Step("the next stack finds them", partial(keeping.is_found_again, world))
    yield Step("it can be removed for good", partial(keeping.is_gone, world))


def main() -> int:
    """Tell the story; returns the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with open_world() as world:
            has_passed = run_steps(story(world), partial(print, flush=True))
            if not has_passed:
                _tell_what_was_logged(world)
            return 0 if has_passed else 1
    except KeyboardInterrupt:
        print("stopped", flush=True)
        return 130


def _tell_what_was_logged(world: World) -> None:
    """Print what the functions said last: a failure that is seen in Slack has its reason there."""
    for function in world.stage.functions:
        said = [line for line in world.stage.logged(function) if not line.startswith(LAMBDAS_OWN)]
        for line in said[-LAST_LINES:]:
            print(f"    {function}: {line.strip()[:SHOWN_CHARACTERS]}")


if __name__ == "__main__":
    sys.exit(main())
