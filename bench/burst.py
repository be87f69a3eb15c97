"""The burst: messages that are all answered at once, by processes that may die at any step.

Each process works on several messages at a time, so a death takes all of them; they are handed to the next
process with no more delay than it takes to end the dead one's claims. What answers is `router.answer` with a
ledger of choice below it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import boto3

from bench.containers import LINGER_S, end_with_the_starter
from bench.hooks import hooked
from bench.peers import LEDGERS
from bench.steps import Steps
from bench.tables import Tables
from router.adapters.ledger import Ledger, budget_key
from router.adapters.openrouter import OpenRouter
from router.adapters.secrets import Secrets
from router.adapters.table import Dynamo
from router.answer import answer_event
from router.calling import Caller
from router.config import Config, load_config
from router.delivered import MAX_RECEIVES, Delivered
from router.domain.budget import Budget
from router.domain.estimate import worst_case_usd
from router.domain.ladder import Tier
from router.domain.thread import Prompt
from router.errors import PennyError
from router.reserving import Busy, Exhausted, Funded, Reserving
from router.settings import settings_from
from router.worker import tools_for

AGAIN_AFTER_S = 1.0
"""Before a job is delivered again that failed for a reason that passes; in production 10 s."""

STEPS_OF_A_MESSAGE = 12
"""About: an answer takes twenty to forty steps, a refusal eight. Deaths are drawn from the steps of all."""

_PRELOAD = ["bench.burst", "bench.storm", "bench.warm"]


class Said(StrEnum):
    """What came of a message, as far as money goes."""

    FUNDED = "funded"
    EXHAUSTED = "exhausted"
    WRONGLY_EXHAUSTED = "wrongly exhausted"
    """What was not spent would have borne the smallest worst case of this message."""
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    """Its last delivery failed too: the thread was told that the ledger is out of reach."""


class Ended(StrEnum):
    """How a delivery ended, if its process lived."""

    WELL = "well"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """One message to be answered, by its number; `body` is Slack's event around it."""

    number: int
    body: dict[str, Any]
    receives: int = 1

    @property
    def id(self) -> str:
        """Name it for its claim; the same in all deliveries."""
        return f"job-{self.message[1]}"

    @property
    def message(self) -> tuple[str, str]:
        """Channel and ts of its message."""
        return self.body["event"]["channel"], self.body["event"]["ts"]


@dataclass(frozen=True, slots=True)
class Scene:
    """What a process needs to know: whose ledger, where everything is, and AWS without any fault."""

    policy: str
    environment: Mapping[str, str]
    calm_aws_url: str
    journal: Path
    within_s: float
    """All messages of a burst come within this time."""
    processes: int
    """That answer them, at most."""


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a burst: a word for each message, and how many processes died."""

    said: Mapping[int, Said]
    deaths: int


def work_off(scene: Scene, jobs: Sequence[Job], kills: int, seed: str, tables: Tables) -> Came:
    """Answer all `jobs` at once, and return when each has got its word."""
    lots = random.Random(seed)  # noqa: S311 - chance that can be repeated, not a secret
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload(_PRELOAD)
    count = min(scene.processes, len(jobs))
    batches = [jobs[place::count] for place in range(count)]
    dooms: list[list[int]] = [[] for _ in batches]
    for _ in range(kills):
        place = lots.randrange(count)
        dooms[place].append(lots.randint(1, STEPS_OF_A_MESSAGE * (1 + len(batches[place]))))
    places = [_Place(forking, scene, tables, batch, doom) for batch, doom in zip(batches, dooms, strict=True)]
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(_Place.work_off, places))
    return Came(
        said={number: said for place in places for number, said in place.said.items()},
        deaths=sum(place.deaths for place in places),
    )


class _Place:
    """A batch of messages and the processes that work on it, one after the other dies."""

    def __init__(
        self,
        forking: ForkServerContext,
        scene: Scene,
        tables: Tables,
        jobs: Sequence[Job],
        dooms: list[int],
    ) -> None:
        self._forking = forking
        self._scene = scene
        self._tables = tables
        self._left = {job.message[1]: job for job in jobs}
        self._dooms = dooms
        self._decided: dict[str, Said] = {}
        self.said: dict[int, Said] = {}
        self.deaths = 0

    def work_off(self) -> None:
        while self._left:
            held = tuple(self._left.values())
            is_dead = self._run(held, self._dooms.pop() if self._dooms else 0)
            if not self._left:
                return
            time.sleep(LINGER_S if is_dead else AGAIN_AFTER_S)
            for job in self._left.values():
                self._tables.end_lease_of_claim(*job.message, job=job.id)

    def _run(self, held: tuple[Job, ...], dies_at: int) -> bool:
        """Let one process work until all is done or it dies; whether it died."""
        ours, theirs = self._forking.Pipe(duplex=False)
        process = self._forking.Process(target=_serve, args=(self._scene, held, dies_at, theirs), daemon=True)
        process.start()
        theirs.close()
        is_over = False
        with contextlib.suppress(EOFError):
            while (news := ours.recv()) is not None:
                self._take(*news)
            is_over = True
        process.join()
        if not is_over and not dies_at:
            raise RuntimeError(f"a worker died by itself: see {self._scene.journal}")
        self.deaths += not is_over
        return not is_over

    def _take(self, ts: str, news: Said | Ended) -> None:
        """Note what was decided about a message, or that its delivery ended."""
        job = self._left[ts]
        if isinstance(news, Said):
            self._decided[ts] = news
        elif news is Ended.FAILED and job.receives < MAX_RECEIVES:
            self._left[ts] = replace(job, receives=job.receives + 1)
        else:
            said = self._decided.get(ts, Said.UNREACHABLE)
            self.said[job.number] = Said.UNREACHABLE if news is Ended.FAILED else said
            del self._left[ts]


# in the process


def _serve(scene: Scene, jobs: Iterable[Job], dies_at: int, told: Connection) -> None:
    """Answer all `jobs` at once, tell what came of each, and end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started us
    threading.Thread(target=end_with_the_starter, daemon=True).start()
    with scene.journal.open("ab") as journal:
        os.dup2(journal.fileno(), sys.stdout.fileno())
        os.dup2(journal.fileno(), sys.stderr.fileno())
    os.environ.update(scene.environment)
    jobs = tuple(jobs)
    worker = _Worker(scene, Steps(dies_at), told, len(jobs))
    with ThreadPoolExecutor(len(jobs)) as pool:
        list(pool.map(worker.answer, jobs))
    told.send(None)


class _Worker:
    """One process's parts, put together as usual, with a ledger of choice and an ear at the money."""

    def __init__(self, scene: Scene, steps: Steps, told: Connection, at_once: int) -> None:
        settings = settings_from()
        config = load_config(settings.config_file)
        calm = boto3.resource("dynamodb", endpoint_url=scene.calm_aws_url).Table(settings.state_table)
        secrets = Secrets(settings, "slack_bot_token", "openrouter_api_key", give_up_after_s=1)
        with hooked(before_send=steps.reach, response_received=steps.reach):
            usual = tools_for(settings, config, secrets)
            dynamo = Dynamo(settings.aws_endpoint_url, settings.region)
        ledger = LEDGERS[scene.policy](dynamo, settings.state_table, settings.usage_table)
        openrouter = OpenRouter(
            settings.openrouter_base_url, settings.openrouter_api_key, transport=steps.transport()
        )
        self._told, self._lock = told, threading.Lock()
        self._within_s = scene.within_s
        self._tools = replace(
            usual,
            ledger=ledger,
            caller=Caller(openrouter, config.ladder),
            reserving=_Overheard(ledger, config, calm, self._tell),
            aside=ThreadPoolExecutor(2 * at_once),
        )

    def answer(self, job: Job) -> None:
        """Answer one message and tell how that ended."""
        time.sleep(random.uniform(0, self._within_s))  # noqa: S311 - spreads them, no secret
        ended = Ended.FAILED
        with contextlib.suppress(PennyError):
            answer_event(self._tools, job.body, self._delivered(job))
            ended = Ended.WELL
        self._tell(job.message[1], ended)

    def _tell(self, ts: str, news: Said | Ended) -> None:
        with self._lock:
            self._told.send((ts, news))

    def _delivered(self, job: Job) -> Delivered:
        deadline = time.time() + self._tools.config.reply.deadline_s
        return Delivered(job.id, "", job.receives, job.id, "", deadline)


class _Overheard(Reserving):
    """Reserving, with what it answers told; *exhausted* is held against the row at that moment."""

    def __init__(
        self, ledger: Ledger, config: Config, calm_table: Any, tell: Callable[[str, Said], None]
    ) -> None:
        super().__init__(ledger, config)
        self._tiers = config.ladder.tiers
        self._useful = config.useful_tokens
        self._calm = calm_table
        self._tell = tell

    def reserve(self, *asked: Any, **more: Any) -> Funded | Exhausted | Busy:
        """Reserve, and tell what came of it."""
        message, _periods, _budgets, prompt_of, *_ = asked
        answer = super().reserve(*asked, **more)
        said = {Funded: Said.FUNDED, Busy: Said.BUSY, Exhausted: Said.EXHAUSTED}[type(answer)]
        if isinstance(answer, Exhausted):
            would_fit = self._unspent_usd(answer.budget) >= self._smallest_usd(prompt_of)
            said = Said.WRONGLY_EXHAUSTED if would_fit else said
        self._tell(message.ts, said)
        return answer

    def _smallest_usd(self, prompt_of: Callable[[Tier], Prompt]) -> Decimal:
        """Return the smallest worst case of a message."""
        return min(
            worst_case_usd(tier, prompt_of(tier).tokens, min(self._useful, tier.max_tokens))
            for tier in self._tiers
        )

    def _unspent_usd(self, budget: Budget) -> Decimal:
        """Return what is not spent of a budget at this moment."""
        key = budget_key(budget.kind, budget.id, budget.period_key)
        row = self._calm.get_item(Key=key, ConsistentRead=True)["Item"]
        unspent_usd: Decimal = row["limit_usd"] - row["spent_usd"]
        return unspent_usd
