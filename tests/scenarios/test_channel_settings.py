"""A channel's settings hold for the next message, win over the file, and are changed on the record."""

from __future__ import annotations

import pytest

from router.channel_settings import BUSY, Changed, ChannelSettingsBook, NotChanged
from router.domain.access import Person, Standing
from router.errors import TableUnavailable
from router.settings import settings_from
from router.wiring import channel_settings
from tests.scenarios.conftest import BY_BANDS, Configure
from tests.scenarios.test_who_may_ask import ADMIN, NOW, choose
from tests.scenarios.world import GENERAL, World, at_once, footer_of

MEMBER = Person("U0LINUS001", Standing.MEMBER)


def book() -> ChannelSettingsBook:
    """Return the settings as they are put together for a worker."""
    return channel_settings(settings_from())


def test_the_footer_can_be_left_out(world: World) -> None:
    """The answer stands without it, and is known as finished all the same."""
    choose(GENERAL, "footer", "off")

    (reply,) = world.ask("@penny hello")

    assert footer_of(reply) == ""
    assert reply.metadata is not None
    assert reply.metadata["event_payload"]["complete"] is True


def test_follow_ups_only_by_mention(world: World) -> None:
    """Where they are switched off, the thread is not even read."""
    choose(GENERAL, "follow_ups", "off")
    thread = world.say("@penny hello")
    world.work()
    reads = len(world.slack.calls_of("conversations.replies"))

    assert world.ask("and now?", thread=thread) == []
    assert len(world.slack.calls_of("conversations.replies")) == reads
    assert len(world.ask("@penny and now?", thread=thread)) == 1


def test_tiers_are_bounded(world: World) -> None:
    """A long message gets no better tier than the channel allows, and a short one no lower."""
    choose(GENERAL, "lowest_tier", "standard")
    choose(GENERAL, "highest_tier", "Standard")

    world.ask("@penny hi")
    world.ask("@penny " + "please explain this at length " * 60)

    assert [record["tier_given"] for record in world.records()] == ["standard", "standard"]
    assert {record["why"].get("not_allowed_here") for record in world.records()} == {"economy", "premium"}


def test_a_channels_own_system_prompt(world: World) -> None:
    """It is said to the model after the operator's."""
    choose(GENERAL, "system_prompt", "Answer in verse.")

    world.ask("@penny hello")
    world.ask("@penny hello", channel="C0ASKPENNY")

    first, second = (body["messages"][0]["content"] for body in world.bodies())
    assert first == f"{second}\n\nAnswer in verse."


def test_a_tier_that_is_not_in_the_file_any_more(world: World, configure: Configure) -> None:
    """A bound that names no tier bounds nothing."""
    choose(GENERAL, "highest_tier", "economy")
    configure(BY_BANDS, ('name = "economy"', 'name = "cheap"'), ('tier = "economy"', 'tier = "cheap"'))

    world.ask("@penny " + "please explain this to me " * 10)

    assert world.records()[0]["tier_given"] == "standard"


def test_each_change_is_recorded(world: World) -> None:
    """Who, when, before and after, the newest first; what holds already is no change."""
    changed = book().change(GENERAL, ADMIN, "who", "guests", NOW)
    same = book().change(GENERAL, ADMIN, "who", "guests", NOW + 1)
    book().change(GENERAL, ADMIN, "who", "default", NOW + 2)

    assert isinstance(changed, Changed)
    assert isinstance(same, Changed)
    assert same.change is None
    history = [(c.setting, c.before, c.after, c.by, c.at) for c in book().history(GENERAL)]
    assert history == [
        ("who", "guests", None, ADMIN.id, int(NOW + 2)),
        ("who", None, "guests", ADMIN.id, int(NOW)),
    ]
    assert book().of(GENERAL).version == 2
    assert all(row["v"] == 1 for row in world.rows("settings#"))


@pytest.mark.usefixtures("world")
def test_only_admins_and_those_named(configure: Configure) -> None:
    """Anyone else is told who may."""
    refused = book().change(GENERAL, MEMBER, "footer", "off", NOW)
    configure(("admins = [] ", f'admins = ["{MEMBER.id}"] '))

    assert isinstance(refused, NotChanged)
    assert "admins" in refused.words
    assert isinstance(book().change(GENERAL, MEMBER, "footer", "off", NOW), Changed)


@pytest.mark.usefixtures("world")
def test_what_cannot_be() -> None:
    """A value that makes no sense is refused with what would."""
    wrong = (
        ("footer", "maybe", "on or off"),
        ("highest_tier", "gold", "premium, standard, economy"),
        ("who", "friends", "nobody, members, guests, everyone"),
        ("system_prompt", "x" * 4001, "4,000"),
        ("colour", "red", "There are: footer"),
        ("version", "7", "There are: footer"),
    )
    for name, words, told in wrong:
        refused = book().change(GENERAL, ADMIN, name, words, NOW)

        assert isinstance(refused, NotChanged)
        assert told in refused.words


@pytest.mark.usefixtures("world")
def test_bounds_that_cross() -> None:
    """A lowest tier above the highest one is refused, whichever is set last."""
    choose(GENERAL, "highest_tier", "economy")

    refused = book().change(GENERAL, ADMIN, "lowest_tier", "premium", NOW)

    assert isinstance(refused, NotChanged)


@pytest.mark.usefixtures("world")
def test_changes_that_meet() -> None:
    """Of changes at the same moment none is lost, and each has its own record."""
    settings = book()
    names = {"footer": "off", "follow_ups": "off", "who": "guests"}
    results: list[Changed | NotChanged] = []

    at_once(
        *(
            lambda n=name, w=words: results.append(settings.change(GENERAL, ADMIN, n, w, NOW))
            for name, words in names.items()
        )
    )

    made = [result for result in results if isinstance(result, Changed)]
    assert all(isinstance(r, Changed) or r.words == BUSY for r in results)
    assert len(settings.history(GENERAL)) == len(made) == settings.of(GENERAL).version


def test_a_row_of_a_newer_release(world: World) -> None:
    """It is left alone: the message waits for the release that knows it."""
    choose(GENERAL, "footer", "off")
    (row,) = [row for row in world.rows("settings#") if row["sk"] == "current"]
    world.state.put(row, v=99)

    assert world.ask("@penny hello") == []
    assert world.jobs_left() == 1
    with pytest.raises(TableUnavailable):
        book().of(GENERAL)


def test_a_row_that_makes_no_sense(world: World) -> None:
    """What could not have been chosen was not: the file's value holds."""
    choose(GENERAL, "footer", "off")
    (row,) = [row for row in world.rows("settings#") if row["sk"] == "current"]
    world.state.put(row, footer="sometimes", who="friends", highest_tier=7)

    (reply,) = world.ask("@penny hello")

    assert footer_of(reply)
