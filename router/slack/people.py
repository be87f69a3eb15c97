"""People: who someone is to this workspace, asked of Slack once an hour and container."""

from __future__ import annotations

import time
from collections.abc import Callable

from router.adapters.slack_web import TOKEN_REFUSED, SlackWeb
from router.domain.access import Person, Standing, read_person
from router.errors import SlackRefused, SlackUnavailable
from router.journal import write_line

KEPT_S = 3600.0
"""A guest who becomes a member, or an admin who is none any more, is noticed after this."""

MOST_KEPT = 10_000
"""People whom one container remembers; they take about a megabyte."""


class People:
    """Who is who in one workspace. Thread-safe: at worst Slack is asked twice."""

    def __init__(self, slack: SlackWeb, clock: Callable[[], float] = time.monotonic) -> None:
        self._slack = slack
        self._clock = clock
        self._known: dict[str, tuple[float, Person]] = {}

    def find(self, user: str, user_team: str, team: str) -> Person:
        """Say who `user` is; `team` is our workspace. Raises SlackUnavailable when Slack does not answer.

        Where Slack does not tell, someone whose message came from another workspace is a stranger, and anyone
        else UNKNOWN, whom nothing lets in. A token that is refused tells nothing of anybody: that job waits.
        """
        known = self._known.get(user)
        if known and known[0] > self._clock():
            return known[1]
        try:
            person = read_person(self._slack.call("users.info", user=user).get("user"), user, team)
        except SlackRefused as refused:
            if refused.code in TOKEN_REFUSED:
                raise SlackUnavailable(str(refused)) from refused
            write_line("people", "unknown", reason=refused.code)
            return Person(user, Standing.UNKNOWN if user_team == team else Standing.STRANGER)
        if len(self._known) >= MOST_KEPT:
            self._known.clear()
        self._known[user] = (self._clock() + KEPT_S, person)
        return person
