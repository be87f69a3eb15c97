"""The crowd: people who ask numbered questions in Slack, so many of them waiting for an answer at any time.

It takes the times: until Slack had its 200, and until the first text of the answer stood in the thread. What
became of each question in the end is the audit's business.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from playground.slack.board import Change
from playground.slack.endpoint import Reply, Send
from playground.slack.request import SlackRequest
from playground.slack.workspace import Workspace
from router.slack.blocks import FOOTER_BLOCK

PLACES = (
    ("general", "ada"),
    ("ask-penny", "grace"),
    ("random", "linus"),
    ("leads", "ada"),
    ("D0ADA00001", "ada"),
    ("D0GRACE001", "grace"),
    ("D0LINUS001", "linus"),
)
"""Where is asked, and by whom: seven budgets."""

LENGTHS = (60, 60, 60, 60, 60, 60, 60, 600, 600, 3000)
"""Of the questions, in characters: most are short, and each tier has its share."""

FOLLOW_UPS = 0.2
"""The share of questions that are asked in the thread of the one before."""

PATIENCE_S = 40.0
"""How long a person waits before asking the next question. A job that comes a third time takes half of it."""

_NUMBERED = re.compile(r"\b(?:Question|Answer) (\d{6})\b")


def question(number: int, length: int) -> str:
    """Write a question of about so many characters."""
    words = f"Question {number:06}: what would you say about this? "
    return (words + "Here is what we know so far, and what we do not. " * (length // 50))[: max(60, length)]


def answer_to(number: int) -> str:
    """Write the whole answer to a question, some 40 tokens long."""
    return (
        f"Answer {number:06}: what is known points one way, what is not known could point another. Begin "
        "with the smallest step that would tell the two apart, and write down what it showed. "
        f"That is all about {number:06}."
    )


def scripted_answer(body: dict[str, Any]) -> str:
    """Answer the last question among the messages of a chat completion."""
    number = number_in(str(body["messages"][-1]["content"]))
    return "Nothing was asked." if number is None else answer_to(number)


def number_in(text: str) -> int | None:
    """Return the number of the first question or answer that `text` speaks of."""
    found = _NUMBERED.search(text)
    return int(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked next, and where if it is no follow-up."""

    number: int
    length: int
    channel: str
    user: str
    is_follow_up: bool


@dataclass
class Asked:
    """One question, and when (by the monotonic clock) it was asked, first had text, and was answered."""

    asked_at: float
    first_text_at: float | None = None
    answered_at: float | None = None
    is_answered: threading.Event = field(default_factory=threading.Event)


class Crowd:
    """So many people at once, in one workspace."""

    def __init__(self, slack: Workspace, people: int, seed: int) -> None:
        self._slack = slack
        self._people = people
        self._lots = random.Random(f"crowd {seed}")  # noqa: S311 - chance that can be repeated, not a secret
        self._lock = threading.Lock()
        self._is_leaving = False
        self._asked: dict[int, Asked] = {}
        self._acks_s: list[float] = []

    @contextlib.contextmanager
    def asking(self, questions: int) -> Iterator[Callable[[], bool]]:
        """Ask so many questions while the block runs; yields whether all were waited for by now."""
        numbers = iter(range(1, questions + 1))
        unsubscribe = self._slack.subscribe(self._look)
        with ThreadPoolExecutor(self._people, thread_name_prefix="person") as people:
            each = [people.submit(self._ask_one_by_one, numbers) for _ in range(self._people)]
            try:
                yield lambda: all(one.done() for one in each)
            finally:
                self._leave()
        unsubscribe()
        for one in each:
            one.result()  # raises what kept one from asking

    def timed(self, send: Send) -> Send:
        """Return `send` with its acknowledgements timed.

        Of people's messages alone: what Slack tells of Penny's own posts is dropped at the door.
        """

        def timed_send(request: SlackRequest) -> int | Reply:
            began = time.monotonic()
            reply = send(request)
            took_s = time.monotonic() - began
            if _is_of_a_person(json.loads(request.body)["event"]):
                with self._lock:
                    self._acks_s.append(took_s)
            return reply

        return timed_send

    @property
    def answered(self) -> int:
        """How many questions have their answer by now."""
        return sum(one.answered_at is not None for one in self._all())

    @property
    def acks_s(self) -> list[float]:
        """How long each event of a person's message took to be acknowledged."""
        with self._lock:
            return list(self._acks_s)

    @property
    def first_texts_s(self) -> list[float]:
        """How long each question waited for the first text of its answer."""
        return [one.first_text_at - one.asked_at for one in self._all() if one.first_text_at]

    @property
    def took_s(self) -> float:
        """How long it was from the first question to the last answer."""
        asked = self._all()
        began = min((one.asked_at for one in asked), default=0.0)
        return max((one.answered_at - began for one in asked if one.answered_at), default=0.0)

    def _all(self) -> list[Asked]:
        with self._lock:
            return list(self._asked.values())

    def _leave(self) -> None:
        self._is_leaving = True
        for one in self._all():
            one.is_answered.set()

    def _ask_one_by_one(self, numbers: Iterator[int]) -> None:
        """Ask one question after the other until none is left."""
        channel, user, root = "", "", ""
        while plan := self._next(numbers):
            if not (root and plan.is_follow_up):
                channel, user, root = plan.channel, plan.user, ""
            asked = Asked(time.monotonic())
            with self._lock:
                self._asked[plan.number] = asked
            text = f"<@{self._slack.bot_user}> {question(plan.number, plan.length)}"
            ts = self._slack.post_as_user(channel, user, text, root or None)
            root = root or ts
            asked.is_answered.wait(PATIENCE_S)

    def _next(self, numbers: Iterator[int]) -> Plan | None:
        with self._lock:
            number = None if self._is_leaving else next(numbers, None)
            if number is None:
                return None
            lots = self._lots
            length, place = lots.choice(LENGTHS), lots.choice(PLACES)
            return Plan(number, length, *place, is_follow_up=lots.random() < FOLLOW_UPS)

    def _look(self, change: Change) -> None:
        """See what Slack shows now; called for each change, so it must be quick."""
        shown = change.data["message"] if change.kind == "message" else {}
        number = number_in(shown["text"]) if shown.get("bot") else None
        if number is None:
            return
        with self._lock:
            asked = self._asked[number]
        now = time.monotonic()
        asked.first_text_at = asked.first_text_at or now
        if not shown["streaming"] and has_footer(shown["blocks"]):
            asked.answered_at = asked.answered_at or now
            asked.is_answered.set()


def has_footer(blocks: list[dict[str, Any]]) -> bool:
    """Tell whether a post ends as every finished reply does."""
    return any(block.get("block_id") == FOOTER_BLOCK for block in blocks)


def _is_of_a_person(event: dict[str, Any]) -> bool:
    """Tell whether an event is a person's message, not a post of Penny's or a change of one."""
    return "bot_id" not in event and not event.get("hidden")
