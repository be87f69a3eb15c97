"""Permissions: what each role grants is what its function uses, and none can be taken away unnoticed.

Each use below (`Uses.all`) is one thing that a function does, done alone by invoking it, with an outcome
that shows. A permission is taken out of the role's policy, a use that needs it is tried again and has to
break, and the policy is put back. Which use needs which permission is found by watching: a new permission
wants a new use in that list, unless one of them needs it anyway.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from deploy.e2e import roles, schedules
from deploy.e2e.conversation import check_books, usage_records
from deploy.e2e.dead_letters import InTheWay
from deploy.e2e.outside import CHANNEL
from deploy.e2e.roles import Permission
from deploy.e2e.stage import Invoked, Stage
from deploy.e2e.steps import StepFailed, expect
from deploy.e2e.world import World
from playground.slack.request import Outgoing
from router.domain.job import Job


@dataclass(frozen=True, slots=True)
class Use:
    """One thing that a function does. `do` raises StepFailed when it does not come about."""

    name: str
    function: str
    do: Callable[[], None]


def match_what_is_used(world: World) -> str:
    """Hold what the roles grant against what was used in the whole run so far."""
    grants = {p for function in world.stage.functions for p in _granted(world.stage, function)}
    by_lambda = {p for function in world.stage.functions for p in _needed_by_lambda(world.stage, function)}
    found = roles.complaints(grants, world.stage.used(), by_lambda)
    expect(
        not found,
        "roles that grant what is used and nothing else",
        "\n".join(found),
        then="take it out of serverless.yml, or have a step use it (Uses.all in deploy/e2e/permissions.py)",
    )
    used = len(grants - by_lambda)
    return f"{len(grants)} permissions: {used} that were used, {len(by_lambda)} that Lambda itself needs"


def are_all_needed(world: World) -> str:
    """Take each permission away in turn and find that something breaks."""
    schedules.stop(world)
    world.stage.pause_mapping()
    world.outside.delivery.paused = True
    uses = Uses(world).all()
    needs = {use.name: _needs(world, use) for use in reversed(uses)}  # those that start cold come first
    broken = {
        permission: _breaks_without(world, permission, [use for use in uses if permission in needs[use.name]])
        for function in world.stage.functions
        for permission in _granted(world.stage, function)
        if permission not in _needed_by_lambda(world.stage, function)
    }
    world.outside.delivery.resume()
    _settle_what_broke(world)
    return "\n".join(f"{permission}: without it, not that {use}" for permission, use in broken.items())


def _settle_what_broke(world: World) -> None:
    """Find that what was paid for while a permission was missing is accounted for once it is back."""
    schedules.let_leases_run_out(world)
    done = world.stage.invoke("reconcile", {})
    left = schedules.open_reservations(world)
    expect(not left, "no reservation left open", f"{done}\n{left}")
    check_books(world)


def _needs(world: World, use: Use) -> set[Permission]:
    """Do it once, and return what its function used for it."""
    before = len(world.stage.used())
    use.do()
    return {permission for permission in world.stage.used()[before:] if permission.function == use.function}


def _breaks_without(world: World, permission: Permission, uses: list[Use]) -> str:
    """Try the first of the `uses` of a permission without it, and return its name."""
    expect(uses, f"a use of {permission}", "none", then="add one to Uses.all in deploy/e2e/permissions.py")
    role, name, document = world.stage.role_of(permission.function)
    iam = world.account.client("iam")

    def put(policy: roles.Document) -> None:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))

    put(roles.without(document, permission))
    try:
        uses[0].do()
    except StepFailed:
        return uses[0].name
    finally:
        put(document)
    raise StepFailed(f"{uses[0].name!r} to break without {permission}", "it did not")


def _granted(stage: Stage, function: str) -> list[Permission]:
    _, _, document = stage.role_of(function)
    return list(roles.granted(function, document))


def _needed_by_lambda(stage: Stage, function: str) -> set[Permission]:
    return roles.needed_by_lambda(function, stage.log_arn(function), stage.worked_off_by(function))


@dataclass
class Uses:
    """The uses, on one world."""

    world: World
    _numbers: Any = field(default_factory=lambda: count(1))

    def all(self) -> list[Use]:
        """Return all of them; where two need a permission, the first is tried without it."""
        return [
            Use("a request is queued by a receive that starts", "receive", self._queue_cold),
            Use("a message is answered and accounted for", "answer", self._answer),
            Use("a message is answered by a worker that starts", "answer", self._answer_cold),
            Use("a press under an answer is heard", "answer", self._explain),
            Use("a command is answered out of the books", "answer", self._command),
            Use("the home tab is shown", "answer", self._open_home),
            Use("a job that cannot be done is parked", "answer", self._park),
            Use("a job that must wait comes back soon", "answer", self._delay),
            Use("what a dead worker left open is settled, and an alert told", "reconcile", self._settle),
            Use("it is settled by a reconcile that starts", "reconcile", self._settle_cold),
            Use("the week's digest is posted", "digest", self._digest),
            Use("the week's digest is posted by a digest that starts", "digest", self._digest_cold),
        ]

    # receive

    def _queue_cold(self) -> None:
        self.world.stage.start_afresh("receive")
        _, outgoing = self._message()
        request = self.world.outside.slack.sign(outgoing)
        done = self.world.stage.invoke("receive", request.gateway_event())
        expect(done.returned["statusCode"] == 200, "200", done)  # noqa: PLR2004 - HTTP's OK

    # answer

    def _answer(self) -> None:
        """Look into the books as well: an answer is posted though its settlement is left to reconcile."""
        before = len(usage_records(self.world))
        self._post_answer()
        records = len(usage_records(self.world))
        expect(records == before + 1, f"{before + 1} usage records", records)

    def _post_answer(self) -> str:
        ts, outgoing = self._message()
        done = self._work(_job(outgoing))
        expect(not done.returned["batchItemFailures"], "a job that is done", done)
        expect(len(self.world.outside.answers(ts)) == 1, "one answer", self.world.outside.replies(ts))
        return ts

    def _answer_cold(self) -> None:
        self.world.stage.start_afresh("answer")
        self._answer()

    def _explain(self) -> None:
        ts = self._post_answer()
        before = len(self.world.outside.whispers())
        self._work(_job(self.world.outside.ask_why(self.world.outside.answer(ts))))
        told = self.world.outside.whispers()[before:]
        expect(len(told) == 1, "one explanation", told)

    def _command(self) -> None:
        before = len(self.world.outside.whispers())
        self._work(_job(self.world.outside.command("why")))
        told = self.world.outside.whispers()[before:]
        expect(len(told) == 1, "one answer to the command", told)

    def _open_home(self) -> None:
        delivery, before = self.world.outside.delivery, self.world.outside.home()
        self.world.outside.slack.open_home()
        (event,) = delivery.pending
        delivery.drop(event)
        self._work(_job(event.outgoing))
        expect(self.world.outside.home() != before, "another home tab", before)

    def _park(self) -> None:
        before = self.world.stage.messages("dead-letters")
        done = self._work(f"nonsense {next(self._numbers)}")
        expect(not done.returned["batchItemFailures"], "a job that is done with", done)
        after = self.world.stage.messages("dead-letters")
        expect(after == before + 1, f"{before + 1} dead letters", after)

    def _delay(self) -> None:
        """Look into the log: a job that was not delayed comes back too, but minutes later."""
        ts, outgoing = self._message()
        in_the_way = InTheWay(self.world, ts)
        in_the_way.put()
        try:
            lines = len(list(self.world.stage.logged("answer")))
            done = self._work(_job(outgoing), receipt=self._receipt())
            expect(done.returned["batchItemFailures"], "a job that is not done", done)
            said = "".join(list(self.world.stage.logged("answer"))[lines:])
            expect('"later"' in said and "not_delayed" not in said, "a job that was delayed", said)
        finally:
            in_the_way.take_away()

    def _receipt(self) -> str:
        """Take a job off the queue, whichever it is, and return the receipt for it."""
        number = str(next(self._numbers))
        sqs, url = self.world.account.client("sqs"), self.world.stage.queue_url("jobs")
        sqs.send_message(QueueUrl=url, MessageBody="-", MessageGroupId=number, MessageDeduplicationId=number)
        return str(sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"])

    # reconcile

    def _settle(self) -> None:
        self._leave_open()
        before = len(self.world.outside.alerts())
        with schedules.money_running_out(self.world):
            done = self.world.stage.invoke("reconcile", {})
        told = len(self.world.outside.alerts()) - before
        expect(not done.error and done.returned.get("settled"), "a reservation settled", done)
        expect(told == 1, "one alert", f"{told}: {done}")

    def _settle_cold(self) -> None:
        self.world.stage.start_afresh("reconcile")
        self._settle()

    def _leave_open(self) -> None:
        """Have one reservation past its lease; what broke before has left one."""
        if schedules.open_reservations(self.world):
            return
        schedules.let_cost_be_unknown(self.world)
        self._post_answer()
        schedules.let_leases_run_out(self.world)

    # digest

    def _digest(self) -> None:
        self._forget_digests()
        before = len(self.world.outside.digests())
        done = self.world.stage.invoke("digest", {})
        posted = len(self.world.outside.digests()) - before
        expect(not done.error and posted == 1, "one digest posted", f"{posted}: {done}")

    def _digest_cold(self) -> None:
        self.world.stage.start_afresh("digest")
        self._digest()

    def _forget_digests(self) -> None:
        """Let no one know that the week's digest was posted."""
        for row in self.world.stage.rows("state"):
            if row["pk"]["S"].startswith("digest#"):
                key = {"pk": row["pk"], "sk": row["sk"]}
                table = self.world.stage.table("state")
                self.world.account.client("dynamodb").delete_item(TableName=table, Key=key)

    # how

    def _message(self) -> tuple[str, Outgoing]:
        """Have someone post without its being delivered; return the message's ts and its event."""
        delivery = self.world.outside.delivery
        ts = self.world.outside.ask(f"question {next(self._numbers)}")
        events = [one for one in delivery.pending if one.outgoing.content["event"]["type"] == "app_mention"]
        for one in delivery.pending:
            delivery.drop(one)
        return ts, events[0].outgoing

    def _work(self, body: str, receipt: str = "none") -> Invoked:
        """Invoke the worker with one job, as the queue's mapping does."""
        number = next(self._numbers)
        record = {
            "messageId": f"00000000-0000-4000-8000-{number:012}",
            "receiptHandle": receipt,
            "body": body,
            "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": f"{CHANNEL}:{number}"},
            "eventSource": "aws:sqs",
        }
        done = self.world.stage.invoke("answer", {"Records": [record]})
        expect(not done.error, "an answer of the worker's", done)
        return done


def _job(outgoing: Outgoing) -> str:
    return Job(outgoing.content_type, outgoing.body, received_at=0).to_text()
