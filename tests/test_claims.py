"""Claims: a message is answered once, whatever is redelivered and whoever dies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from router.adapters.claims import KEPT_S, Claim, Duplicate, HeldByThisJob
from router.errors import TableUnavailable
from tests.money import CHANNEL, LEASE_S, NOW, message_of
from tests.tables import Tables, in_both, tables_for

OVER = NOW + LEASE_S + 1
"""When the first lease has run out."""


@pytest.fixture
def tables(request: pytest.FixtureRequest) -> Iterator[Tables]:
    """Give each story tables of its own."""
    yield from tables_for(request)


def take(
    tables: Tables, owner: str, job: str = "job-1", now: float = NOW
) -> Claim | Duplicate | HeldByThisJob:
    """Try to take the claim of the message."""
    return tables.claims().take(message_of(), job=job, owner=owner, now=now, lease_s=LEASE_S)


def taken(tables: Tables, owner: str, job: str = "job-1", now: float = NOW) -> Claim:
    """Take the claim of the message."""
    claim = take(tables, owner, job, now)
    assert isinstance(claim, Claim), claim
    return claim


# nothing → claimed


def test_a_new_message_is_claimed(tables: Tables) -> None:
    """The first worker gets the claim, with nothing before it, until its lease ends."""
    claim = taken(tables, "ann")

    assert claim == Claim(CHANNEL, message_of().ts, "ann", NOW + LEASE_S)
    row = tables.row("message#")
    assert (row["pk"], row["sk"]) == (f"message#{CHANNEL}#{message_of().ts}", "claim")
    assert row["expires_at"] == int(NOW) + KEPT_S


def test_messages_do_not_share_claims(tables: Tables) -> None:
    """Another channel's message of the same ts has a claim of its own."""
    taken(tables, "ann")

    other = tables.claims().take(
        message_of(channel="C0OTHER001"), job="job-2", owner="bob", now=NOW, lease_s=LEASE_S
    )

    assert isinstance(other, Claim)


# claimed, while its lease lives


@in_both
def test_the_same_owner_again_gets_the_same_claim(tables: Tables) -> None:
    """When the answer got lost, asking again is no takeover: nobody was there before."""
    first = taken(tables, "ann")

    assert taken(tables, "ann", now=NOW) == first
    assert tables.row("message#")["receives"] == 1


def test_the_same_owner_again_still_knows_of_an_earlier_one(tables: Tables) -> None:
    """After a takeover whose answer got lost, the claim is still a takeover, replies included."""
    tables.claims().note_replies(taken(tables, "ann"), ("1.1",))
    first = taken(tables, "bob", now=OVER)

    assert taken(tables, "bob", now=OVER) == first
    assert (first.is_takeover, first.replies) == (True, ("1.1",))


def test_the_same_job_waits_for_a_live_claim(tables: Tables) -> None:
    """A second delivery of the job learns how long the first one may still be at work."""
    taken(tables, "ann")

    held = take(tables, "bob", now=NOW + 10)

    assert held == HeldByThisJob(LEASE_S - 10)


@in_both
def test_another_job_is_a_duplicate_of_a_live_claim(tables: Tables) -> None:
    """Slack's twin of the event goes no further while the message is being answered."""
    taken(tables, "ann")

    assert take(tables, "bob", job="job-2") == Duplicate()


def test_a_lease_holds_to_its_last_second(tables: Tables) -> None:
    """At the very end of the lease the claim is still its owner's, and one waits at least a second."""
    taken(tables, "ann")

    assert take(tables, "bob", now=NOW + LEASE_S) == HeldByThisJob(1.0)


# claimed → done


@pytest.mark.parametrize("job", ["job-1", "job-2"])
@pytest.mark.parametrize("now", [NOW, OVER])
def test_a_finished_message_is_a_duplicate_for_good(tables: Tables, job: str, now: float) -> None:
    """No job, the same or another, early or late, answers a message twice."""
    tables.claims().finish(taken(tables, "ann"), "answered")

    assert take(tables, "bob", job=job, now=now) == Duplicate()
    assert tables.row("message#")["outcome"] == "answered"


def test_whoever_finished_is_a_duplicate_too(tables: Tables) -> None:
    """Not even its own owner gets a finished claim again."""
    tables.claims().finish(taken(tables, "ann"), "answered")

    assert take(tables, "ann") == Duplicate()


# claimed → abandoned → claimed


@pytest.mark.parametrize("job", ["job-1", "job-2"])
def test_an_abandoned_claim_is_taken_at_once(tables: Tables, job: str) -> None:
    """Who let go is not waited for, and what was posted by then is known."""
    claim = taken(tables, "ann")
    tables.claims().note_replies(claim, ("1.1", "1.2"))
    tables.claims().abandon(claim, "the table did not answer")
    assert tables.row("message#")["reason"] == "the table did not answer"

    again = taken(tables, "bob", job=job, now=NOW + 1)

    assert again == Claim(
        CHANNEL, message_of().ts, "bob", NOW + 1 + LEASE_S, ("1.1", "1.2"), is_takeover=True
    )


# claimed → (expired) → claimed


@in_both
@pytest.mark.parametrize("job", ["job-1", "job-2"])
def test_a_claim_whose_lease_ran_out_is_taken_over(tables: Tables, job: str) -> None:
    """Whichever job comes next carries on where the dead owner stopped."""
    tables.claims().note_replies(taken(tables, "ann"), ("1.1",))

    again = taken(tables, "bob", job=job, now=OVER)

    assert (again.is_takeover, again.replies, again.owner) == (True, ("1.1",), "bob")
    assert tables.row("message#")["receives"] == 2


def test_a_claim_is_taken_over_again_and_again(tables: Tables) -> None:
    """Each death leads to one takeover, and the replies come along."""
    tables.claims().note_replies(taken(tables, "ann"), ("1.1",))
    for round_, owner in enumerate(["bob", "cleo", "dan"], 1):
        claim = taken(tables, owner, now=NOW + round_ * (LEASE_S + 1))
        assert claim.replies == ("1.1",)

    assert tables.row("message#")["receives"] == 4


@in_both
def test_writes_by_a_former_owner_change_nothing(tables: Tables) -> None:
    """Who was taken over can neither note replies, nor finish, nor let go."""
    former = taken(tables, "ann")
    taken(tables, "bob", now=OVER)
    before = tables.rows()

    tables.claims().note_replies(former, ("9.9",))
    tables.claims().finish(former, "answered")
    tables.claims().abandon(former, "slow")

    assert tables.rows() == before


@in_both
def test_a_finished_claim_is_written_by_nobody(tables: Tables) -> None:
    """Not even its owner changes a claim that is done, or makes one of nothing."""
    claim = taken(tables, "ann")
    tables.claims().finish(claim, "answered")
    before = tables.rows()

    tables.claims().abandon(claim, "late")
    tables.claims().note_replies(claim, ("9.9",))
    tables.claims().finish(Claim("C0OTHER001", "1.0", "ann", OVER), "answered")

    assert tables.rows() == before


# stop


def test_who_holds_it_learns_of_a_stop(tables: Tables) -> None:
    """Asked once or twice, while it is being answered; afterwards there is nothing to stop."""
    claim = taken(tables, "ann")
    assert not tables.claims().is_stopped(claim)

    assert tables.claims().stop(CHANNEL, claim.ts, "", "U0ADA00001")
    assert tables.claims().stop(CHANNEL, claim.ts, "", "U0GRACE001")

    assert tables.claims().is_stopped(claim)
    tables.claims().finish(claim, "answered")
    assert not tables.claims().stop(CHANNEL, claim.ts, "", "U0ADA00001")


def test_nothing_is_stopped_that_nobody_answers(tables: Tables) -> None:
    """No row is made of a stop."""
    assert not tables.claims().stop(CHANNEL, "1.0", "", "U0ADA00001")
    assert tables.rows() == []


@in_both
def test_one_more_answer_has_a_claim_of_its_own(tables: Tables) -> None:
    """A message that is done may be answered again, once by each tier, and stopped by itself."""
    first = taken(tables, "ann")
    tables.claims().finish(first, "answered")

    def again(owner: str) -> Claim | Duplicate | HeldByThisJob:
        return tables.claims().take(
            message_of(), job=owner, owner=owner, now=NOW, lease_s=LEASE_S, answering="premium"
        )

    claim = again("bob")
    assert isinstance(claim, Claim)
    assert (claim.answering, claim.is_takeover) == ("premium", False)
    assert isinstance(again("eve"), Duplicate)
    assert tables.claims().stop(CHANNEL, claim.ts, "premium", "U0ADA00001")
    assert not tables.claims().is_stopped(first)
    tables.claims().finish(claim, "answered")
    assert isinstance(again("eve"), Duplicate)


# rows of a newer release


@pytest.mark.parametrize("phase", ["claimed", "abandoned", "done"])
def test_a_newer_claim_is_neither_read_nor_taken(tables: Tables, phase: str) -> None:
    """A claim that a newer release wrote makes the job wait for that release, whatever it seems to say."""
    taken(tables, "ann")
    tables.write(tables.row("message#"), v=2, phase=phase)
    before = tables.rows()

    with pytest.raises(TableUnavailable, match=r"message#C0GENERAL1#\S+ claim: row version 2"):
        take(tables, "bob", now=OVER)

    assert tables.rows() == before
