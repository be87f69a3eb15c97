"""Queue, tables or Slack do not answer: nothing is spent that is not accounted for, and nothing is lost."""

from __future__ import annotations

import pytest

from tests.scenarios.world import GENERAL, World, journal, said

NOWHERE = "http://127.0.0.1:9"


def test_queue_unreachable(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack gets 503 and delivers again; once the queue is back the message is answered."""
    with monkeypatch.context() as outage:
        outage.setenv("AWS_ENDPOINT_URL", NOWHERE)
        ts = world.say("@penny hello")
        assert {made.status for made in world.delivery.log} == {503}
    assert world.jobs_left() == 0

    world.delivery.run_due()
    for retry in world.delivery.pending:
        world.delivery.deliver(retry)
    world.work()

    assert len(world.replies(ts)) == len(world.openrouter.calls) == 1


def test_table_unreachable(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without its tables Penny calls no model; the job stays in the queue and is answered later."""
    ts = world.say("@penny hello")
    (record,) = world.receive_jobs()
    with monkeypatch.context() as outage:
        outage.setenv("STATE_TABLE", "no-such-table")
        assert not world.run(record)
    assert world.openrouter.calls == []
    assert world.replies(ts) == []
    assert world.jobs_left() == 1
    assert journal(capsys.readouterr().out)[-1]["outcome"] == "later"

    assert world.run(record)

    assert [said(m) for m in world.replies(ts)] == ["Forty-two."]


def test_the_thread_is_told_on_the_last_delivery(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the last delivery fails too, the thread is told, and the job is parked with its reason."""
    ts = world.say("@penny hello")
    (record,) = world.receive_jobs()
    last = record | {"attributes": record["attributes"] | {"ApproximateReceiveCount": "3"}}
    with monkeypatch.context() as outage:
        outage.setenv("STATE_TABLE", "no-such-table")
        assert world.run(last)

    (notice,) = world.replies(ts)
    assert "could not reach my ledger" in notice.visible_text
    (dead,) = world.dead_letters()
    assert dead["Body"] == record["body"]
    assert "unavailable" in dead["MessageAttributes"]["reason"]["StringValue"]
    assert world.openrouter.calls == []


def test_an_event_no_one_can_read(world: World) -> None:
    """A message event without its user is parked with the reason, and its thread gets a word."""
    world.delivery.paused = True
    ts = world.say("@penny hello")
    pending = next(p for p in world.delivery.pending if p.outgoing.content["event"]["type"] == "app_mention")
    pending.outgoing.content["event"]["user"] = 7
    world.delivery.deliver(pending)

    world.work()

    assert "could not read this message" in world.replies(ts)[0].visible_text
    (dead,) = world.dead_letters()
    assert dead["MessageAttributes"]["reason"]["StringValue"].startswith("malformed: ")
    assert world.jobs_left() == 0


def test_a_job_that_is_no_job(world: World) -> None:
    """What is not a job at all is parked with its reason, not retried for ever."""
    world.sqs(
        "SendMessage",
        QueueUrl=world.names.queue_url,
        MessageBody="nonsense",
        MessageGroupId="g",
        MessageDeduplicationId="d",
    )

    world.work()

    (dead,) = world.dead_letters()
    assert dead["MessageAttributes"]["reason"]["StringValue"] == "malformed: job: not JSON"


def test_streams_refused(world: World) -> None:
    """A workspace without streams gets the same answer by post and edit."""
    world.slack.refuse_streams = True

    (reply,) = world.ask("@penny hello")

    assert said(reply) == "Forty-two."


def test_slack_wants_to_be_left_alone(world: World) -> None:
    """A 429 on the way delays the answer, and loses nothing of it."""
    world.openrouter.answer = "word " * 400
    world.slack.fail_next("chat.startStream", status=429, retry_after=1)
    world.slack.fail_next("chat.update", status=429, retry_after=1)

    (reply,) = world.ask("@penny hello")

    assert said(reply).split() == ["word"] * 400


def test_a_revoked_token(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """With a token that Slack refuses nothing is paid; the job waits, and is parked in the end."""
    world.say("@penny hello")
    world.slack.revoke_token()

    world.work()

    assert journal(capsys.readouterr().out)[-1]["reason"] == "unavailable: users.info: token_revoked"
    assert world.openrouter.calls == []
    assert world.jobs_left() == 1


@pytest.mark.parametrize("gone", ["archived", "removed", "revoked"])
def test_nowhere_to_answer(world: World, gone: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A channel that takes no answer: what was generated is settled, and the outcome says so."""
    world.ask("@penny hello")  # who asks is known from here on
    world.say("@penny hello again")
    {
        "archived": lambda: world.slack.archive(GENERAL),
        "removed": lambda: world.slack.remove_bot(GENERAL),
        "revoked": world.slack.revoke_token,
    }[gone]()

    world.work()

    assert journal(capsys.readouterr().out)[-1]["outcome"] == "undeliverable"
    assert world.jobs_left() == 0
    world.reconcile()  # who learns early enough that nobody reads it hangs up, and does not know the bill
    assert world.open_reservations() == []
    world.check_books()
