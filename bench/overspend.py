"""Overspend: messages that come at once upon the last dollars of a budget, with workers killed at any step.

What must hold: OpenRouter has billed no more than the limit, nothing stays set aside, the books agree to the
last digit, and nobody is told *exhausted* while what is not spent would bear the smallest worst case.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Any

import handler
from bench.aftermath import posts_of
from bench.audit import Books, find_answers, read_books
from bench.burst import Job, Said, Scene, work_off
from bench.crowd import question, scripted_answer
from bench.options import Say, any_number, some, with_aws
from bench.peers import LEDGERS
from bench.result import Result, Value
from bench.storm import Storm, storm
from bench.surroundings import Surroundings, environment_of, local_aws, surroundings
from bench.tables import Row, Tables
from playground.aws import LocalAws
from playground.faults import Fault
from router.config import load_config
from router.domain.estimate import worst_case_usd
from router.domain.message import Message, read_message
from router.domain.thread import prompt_for
from router.errors import TableUnavailable
from router.settings import CONFIG_BESIDE_HANDLER

NUMBERS = (1, 20, 100, 500)
CHANNEL, USER = "general", "ada"

LENGTH = 60
"""Of each question, in characters: short ones want the cheapest tier, so as many as can share the money."""

MESSAGES_BORNE = 8
"""One of so many messages, in the worst case, is what the budget bears at once; in truth twice as many."""

OPERATOR_SETS = {"useful_tokens": "100", "max_tokens": "150"}
"""Beside the limit: answers are short here, so that many of them fit into a few seconds of two cores."""

FILLER = " Whatever else there is to say about it follows from that." * 6
"""Some 75 tokens more: an answer of 115 tokens costs about a third of its worst case."""

ARRIVALS_PER_S = 100
"""All messages come within some seconds at most, in which none of them has its answer yet."""

MESSAGES_A_KILL = 20
"""One process dies for so many messages, and one more."""

ROUNDS = 3
"""Whoever is told to try again in a minute does so twice."""

RECONCILED_WITHIN = 20
"""Runs of the reconciler, which a table that fails may want; in production they are five minutes apart."""

JOURNAL = Path(__file__).resolve().parent.parent / ".playground" / "overspend.log"
"""What the workers wrote in the latest run, to look into when a promise was broken."""

_ZERO = Decimal(0)
_STEP = Decimal("1e-6")
_UNOPENED: Row = {"spent_usd": _ZERO, "reserved_usd": _ZERO}

NOTES = (
    f"""The budget of each run bears the worst cases of one in {MESSAGES_BORNE} messages at a time, of two
at least. Few processes answer, each several messages at once; a death takes all of them.""",
    """The policies differ in their ledger alone: fitting the call to the money, calling, settling with
patience and answering a message once are Penny's in all of them.""",
    """When all had been told something, open reservations were aged by an hour and a half and reconciled.
Then those who had been told that the budget is busy asked again, twice at most.""",
    """overspend_usd is what OpenRouter billed above the limit, whatever the books say. unused_usd is what was
neither spent nor would have borne the cheapest answer's worst case.""",
)


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    made = with_aws(argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]))
    made.add_argument("--n", type=some, nargs="+", default=NUMBERS, help="messages at once (1 20 100 500)")
    made.add_argument(
        "--faults", action=argparse.BooleanOptionalAction, help="of the table, or none (once each)"
    )
    made.add_argument("--processes", type=some, default=25, help="that answer at a time, at most (25)")
    made.add_argument("--seed", type=int, default=1, help="of all chances (1)")
    made.add_argument(
        "--kills", type=any_number, help="of workers in a run (one and one more for each 20 messages)"
    )
    made.add_argument(
        "--policy", choices=LEDGERS, nargs="+", default=tuple(LEDGERS), help="some of them (all)"
    )
    return made


def measure(options: argparse.Namespace, say: Say) -> Result:
    """Run each policy at each number of messages, plain and with faults."""
    runs = [
        Run(
            policy,
            n,
            has_faults,
            1 + n // MESSAGES_A_KILL if options.kills is None else options.kills,
            options.processes,
        )
        for n in options.n
        for has_faults in ((False, True) if options.faults is None else (options.faults,))
        for policy in options.policy
    ]
    JOURNAL.parent.mkdir(exist_ok=True)
    JOURNAL.unlink(missing_ok=True)
    with JOURNAL.open("a") as journal, contextlib.redirect_stdout(journal), local_aws(options.aws) as aws:
        found = [_go(run, aws, options.seed, say) for run in runs]
    rows = tuple(_row(one) for one in found)
    return Result("overspend", rows, NOTES, tuple(promise for one in found for promise in _breaches(one)))


@dataclass(frozen=True, slots=True)
class Run:
    """What is done once."""

    policy: str
    n: int
    has_faults: bool
    kills: int
    processes: int

    def __str__(self) -> str:
        return f"{self.policy}, {self.n} at once{', with faults' if self.has_faults else ''}"


@dataclass(frozen=True, slots=True)
class Found:
    """What stood there in the end. `said` counts every word, so those who asked again count again."""

    run: Run
    limit_usd: Decimal
    smallest_usd: Decimal
    billed_usd: Decimal
    books: Books
    budget: Row
    left_set_aside: int
    answers: int
    last_words: Counter[Said]
    said: Counter[Said]
    deaths: int
    struck: Counter[Fault]

    @property
    def overspend_usd(self) -> Decimal:
        """What was billed above the limit, or with what is set aside would be."""
        return max(_ZERO, self.billed_usd - self.limit_usd, self.books.overspend_usd)


@dataclass
class _Round:
    """What the rounds of one run add up to."""

    last: dict[int, Said] = field(default_factory=dict)
    said: Counter[Said] = field(default_factory=Counter)
    deaths: int = 0


def _go(run: Run, aws: LocalAws, seed: int, say: Say) -> Found:
    """Do one run in tables of its own."""
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        surroundings(_long_answer, aws_url=aws.url) as around,
        storm(aws.url, seed) if run.has_faults else contextlib.nullcontext(Storm(aws.url)) as weather,
    ):
        smallest_usd = _smallest_usd(_ask(around, [1])[0], _config(Path(folder)))
        limit_usd = _limit_usd(run.n, smallest_usd)
        environment = dict(around.environment) | {
            "AWS_ENDPOINT_URL": weather.url,
            "CONFIG_FILE": str(_config(Path(folder), channel_usd=f"{limit_usd:f}")),
        }
        scene = Scene(run.policy, environment, aws.url, JOURNAL, run.n / ARRIVALS_PER_S, run.processes)
        tables = Tables(aws.url, around.names)
        rounds = _rounds(run, scene, around, tables, seed)
        around.openrouter.wait_until_idle()
        found = _look(run, around, tables, rounds, limit_usd, smallest_usd, weather)
    took_s = time.monotonic() - began
    say(f"{run}: {found.answers} answered, {found.deaths} killed, {took_s:.0f} s")
    return found


def _rounds(run: Run, scene: Scene, around: Surroundings, tables: Tables, seed: int) -> _Round:
    """Let all ask at once, reconcile, and let those ask again who were told to."""
    rounds = _Round()
    asking = list(range(1, run.n + 1))
    for turn in range(ROUNDS):
        jobs = _ask(around, asking)
        came = work_off(scene, jobs, 0 if turn else run.kills, f"{seed} {run}", tables)
        rounds.last |= came.said
        rounds.said.update(came.said.values())
        rounds.deaths += came.deaths
        around.openrouter.wait_until_idle()
        _reconcile(scene, tables)
        asking = [number for number, said in came.said.items() if said is Said.BUSY]
        if not asking:
            break
    return rounds


def _long_answer(body: dict[str, Any]) -> str:
    return scripted_answer(body) + FILLER


def _ask(around: Surroundings, numbers: Sequence[int]) -> list[Job]:
    """Post the questions, and return the jobs that Slack's events would become."""
    slack, bodies = around.slack, []
    slack.board.on_outgoing(lambda outgoing: bodies.append(outgoing.content))
    number_of = {
        slack.post_as_user(CHANNEL, USER, f"<@{slack.bot_user}> {question(number, LENGTH)}"): number
        for number in numbers
    }
    mine = [b for b in bodies if b["event"]["type"] == "message" and b["event"].get("ts") in number_of]
    return [Job(number_of[body["event"]["ts"]], body) for body in mine]


def _smallest_usd(job: Job, config_file: Path) -> Decimal:
    """Return the smallest worst case of a question: what the cheapest useful answer may cost."""
    config, message = load_config(str(config_file)), read_message(job.body)
    if not isinstance(message, Message):
        raise TypeError(f"a question that is not for us: {message}")
    system = config.reply.system_prompt
    return min(
        worst_case_usd(
            tier,
            prompt_for(system, (), message, (), tier.max_prompt_tokens).tokens,
            min(config.useful_tokens, tier.max_tokens),
        )
        for tier in config.ladder.tiers
    )


def _limit_usd(n: int, smallest_usd: Decimal) -> Decimal:
    return (smallest_usd * max(Decimal(2), Decimal(n) / MESSAGES_BORNE)).quantize(
        _STEP, rounding=ROUND_CEILING
    )


def _config(folder: Path, **changed: str) -> Path:
    """Write the operator's file with other values."""
    text = Path(CONFIG_BESIDE_HANDLER).read_text(encoding="utf-8")
    for key, value in (OPERATOR_SETS | changed).items():
        text, count = re.subn(rf"(?m)^{key} = \S+", f"{key} = {value}", text)
        if not count:
            raise ValueError(f"config.toml: no line that begins with `{key} = `")
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _reconcile(scene: Scene, tables: Tables) -> None:
    """Let all leases run out, and reconcile as the schedule would, until the table has taken it."""
    tables.end_leases_of_reservations()
    with environment_of(scene.environment):
        for _ in range(RECONCILED_WITHIN):
            with contextlib.suppress(TableUnavailable):
                handler.reconcile({}, None)
                return
    raise RuntimeError(f"not reconciled within {RECONCILED_WITHIN} runs")


# what comes of it


def _look(
    run: Run,
    around: Surroundings,
    tables: Tables,
    rounds: _Round,
    limit_usd: Decimal,
    smallest_usd: Decimal,
    weather: Storm,
) -> Found:
    rows = tables.rows("")
    budget = next((row for row in rows if row["pk"].startswith("budget#")), _UNOPENED)
    return Found(
        run=run,
        limit_usd=limit_usd,
        smallest_usd=smallest_usd,
        billed_usd=around.openrouter.billed_usd,
        books=read_books(rows),
        budget=budget,
        left_set_aside=len(tables.open_reservations()) + max(0, int(budget.get("holds", 0))),
        answers=len(find_answers(posts_of(around.slack), run.n).answered),
        last_words=Counter(rounds.last.values()),
        said=rounds.said,
        deaths=rounds.deaths,
        struck=weather.struck(),
    )


def _row(found: Found) -> dict[str, Value]:
    unspent_usd = found.limit_usd - found.budget["spent_usd"]
    return {
        "policy": found.run.policy,
        "n": found.run.n,
        "faults": found.run.has_faults,
        "overspend_usd": found.overspend_usd,
        "leaked_reservations": found.left_set_aside,
        "kept_as_charge_usd": found.books.estimated_usd,
        "unused_usd": max(_ZERO, unspent_usd - found.smallest_usd),
        "answers": found.answers,
        "refusals_exhausted": found.said[Said.EXHAUSTED] + found.said[Said.WRONGLY_EXHAUSTED],
        "refusals_busy": found.said[Said.BUSY],
        "transaction_conflicts": found.struck[Fault.CONFLICT],
        "other_faults": found.struck.total() - found.struck[Fault.CONFLICT],
        "kills": found.deaths,
        "limit_usd": found.limit_usd,
        "billed_usd": found.billed_usd,
        "uncounted_usd": max(_ZERO, found.billed_usd - found.budget["spent_usd"]),
        "told_to_ask_later": found.last_words[Said.BUSY] + found.last_words[Said.UNREACHABLE],
    }


def _breaches(found: Found) -> Iterator[str]:
    """Name the promises that did not hold; the others' ledgers make none."""
    if found.run.policy != "penny":
        return
    books, words = found.books, found.last_words
    untold = found.run.n - found.answers - words.total() + words[Said.FUNDED]
    promises = (
        (found.overspend_usd, f"no budget is overspent: ${found.overspend_usd} over"),
        (found.left_set_aside, f"no reservation stays open: {found.left_set_aside} do"),
        (found.budget["reserved_usd"], f"nothing stays set aside: ${found.budget['reserved_usd']} do"),
        (found.billed_usd > books.spent_usd, "all that is billed is counted"),
        (books.disagreements, f"the books agree: {'; '.join(books.disagreements)}"),
        (
            found.said[Said.WRONGLY_EXHAUSTED],
            f"exhausted is never said while it would fit: {found.said[Said.WRONGLY_EXHAUSTED]} times",
        ),
        (untold, f"everyone is answered or told why not: {untold} are not"),
    )
    yield from (f"{found.run}: {promise}" for is_broken, promise in promises if is_broken)
