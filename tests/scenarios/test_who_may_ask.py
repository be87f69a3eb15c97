"""Who may ask: members by default; others get a word that only they see, and nothing is paid for them."""

from __future__ import annotations

import pytest

from router.domain.access import Person, Standing
from router.settings import settings_from
from router.wiring import channel_settings
from tests.scenarios.conftest import Configure
from tests.scenarios.world import ADAS_DM, GENERAL, World, journal, said

GUEST, STRANGER = "U0GUEST001", "U0STRANGE1"
PARTNER = "C0PARTNER1"
ADMIN = Person("U0ADA00001", Standing.MEMBER, is_admin=True)
NOW = 1_795_000_000.0


def choose(channel: str, name: str, words: str) -> None:
    """Have an admin change a setting of a channel."""
    channel_settings(settings_from()).change(channel, ADMIN, name, words, NOW)


@pytest.mark.parametrize(
    ("user", "id_", "channel", "words"),
    [("guest", GUEST, GENERAL, "guests"), ("stranger", STRANGER, PARTNER, "other companies")],
)
def test_turned_away(
    world: World, user: str, id_: str, channel: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A guest and someone of another company learn why; no model is called, nothing set aside, once each."""
    ts = world.say("@penny hello", user=user, channel=channel)
    world.work()
    world.delivery.deliver_again(ts, times=3)
    world.delivery.run_due()
    world.work()

    (told,) = world.whispers(id_)
    assert words in told
    assert "Nothing was charged" in told
    assert world.replies(ts, channel=channel) == []
    assert world.openrouter.calls == []
    assert world.rows("reservation#") == []
    outcomes = [line["outcome"] for line in journal(capsys.readouterr().out) if line["at"] == "answer"]
    assert outcomes[0] == "not_allowed"


def test_a_guest_who_talks_to_others_is_not_disturbed(world: World) -> None:
    """Without a mention a guest in one of our threads hears nothing."""
    thread = world.say("@penny hello")
    world.work()

    assert world.ask("thanks all", user="guest", thread=thread) == []
    assert world.whispers(GUEST) == []


def test_strangers_where_everyone_may(world: World, configure: Configure) -> None:
    """Allowed, someone of another company gets a stream that is shown to them, in their own workspace."""
    configure(('who = "members"', 'who = "everyone"'))

    (reply,) = world.ask("@penny hello", user="stranger", channel=PARTNER)

    assert said(reply) == "Forty-two."
    (start,) = world.slack.calls_of("chat.startStream")
    assert start.args["recipient_team_id"] == "T0PARTNER1"
    assert world.slack.calls_of("users.info") == []


def test_guests_where_a_channel_lets_them(world: World) -> None:
    """A channel's own choice wins over the file's, in that channel alone."""
    choose(GENERAL, "who", "guests")

    assert len(world.ask("@penny hello", user="guest")) == 1
    assert world.ask("@penny hello", user="guest", channel="C0ASKPENNY") == []


def test_nobody_where_a_channel_says_so(world: World) -> None:
    """A channel can be switched off for all."""
    choose(GENERAL, "who", "nobody")

    assert world.ask("@penny hello") == []
    assert "switched me off" in world.whispers()[0]


def test_listed_channels_alone(world: World, configure: Configure) -> None:
    """Outside of the channels that the operator listed nothing is answered; direct messages have a key."""
    configure(
        ("channels = [] ", 'channels = ["C0ASKPENNY"] '),
        ("direct_messages = true ", "direct_messages = false "),
    )

    assert world.ask("@penny hello") == []
    assert world.ask("hello", channel=ADAS_DM) == []
    assert len(world.ask("@penny hello", channel="C0ASKPENNY")) == 1
    assert all("do not answer questions here" in words for words in world.whispers())


def test_who_is_who_is_asked_once(world: World) -> None:
    """A container remembers a person for an hour."""
    world.ask("@penny hello")
    world.ask("@penny hello again")

    assert len(world.slack.calls_of("users.info")) == 1


def test_an_app_that_may_not_read_profiles(world: World) -> None:
    """Without the scope nobody is let in by mistake, and the word says what is missing."""
    world.slack.fail_next("users.info", "missing_scope")

    assert world.ask("@penny hello") == []
    assert "users:read" in world.whispers()[0]
    assert world.openrouter.calls == []


def test_profiles_out_of_reach(world: World) -> None:
    """While Slack does not say who asks, the job waits; nothing is paid."""
    world.slack.fail_next("users.info", status=500)

    assert world.ask("@penny hello") == []
    assert world.openrouter.calls == []
    assert world.jobs_left() == 1


def test_someone_whose_account_was_deactivated(world: World) -> None:
    """Between the message and its answer someone left: nothing is paid for them."""
    world.say("@penny hello", user="linus")
    world.slack.deactivate_user("linus")

    world.work()

    assert world.openrouter.calls == []
    assert world.jobs_left() == 0
