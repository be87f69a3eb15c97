"""The home tab: budgets as bars, this month, how to ask; admins change things on it, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from playground.slack.blocks import require_valid
from router.settings import settings_from
from router.slack.blocks import HOME_CHANNEL, HOME_LIMIT, HOME_SETTING
from router.wiring import channel_settings
from tests.scenarios.conftest import Configure
from tests.scenarios.world import ADAS_DM, GENERAL, World, journal

ADA, GRACE, GUEST = "U0ADA00001", "U0GRACE001", "U0GUEST001"
RANDOM = "C0RANDOM01"

Block = dict[str, Any]


def opened(world: World, user: str = "ada") -> list[Block]:
    """Open the tab and return the blocks that are published then."""
    world.slack.open_home(user)
    world.delivery.run_due()
    world.work()
    return blocks_of(world, user)


def blocks_of(world: World, user: str = "ada") -> list[Block]:
    """Return the blocks of someone's home tab."""
    blocks: list[Block] = world.slack.homes[world.slack.directory.user(user).id]["blocks"]
    return require_valid(blocks, home=True)


def words_of(blocks: list[Block]) -> str:
    """Return all text of some blocks."""
    texts = [block["text"] for block in blocks if "text" in block]
    texts += [one for block in blocks if block["type"] == "context" for one in block["elements"]]
    return "\n".join(text["text"] for text in texts)


def inputs_of(blocks: list[Block]) -> dict[str, Block]:
    """Return the inputs by the ids of their blocks."""
    return {block["block_id"]: block["element"] for block in blocks if block["type"] == "input"}


def put(world: World, action: str, value: str, block_id: str, user: str = "ada") -> list[Block]:
    """Write or choose something on the tab, and return what is published then."""
    world.slack.press_home(action, value, user=user, block_id=block_id)
    world.delivery.run_due()
    world.work()
    return blocks_of(world, user)


def edit(world: World, channel: str = GENERAL) -> list[Block]:
    """Open the tab as an admin and choose a channel."""
    opened(world)
    return put(world, HOME_CHANNEL, channel, "channel")


def test_what_a_member_sees(world: World, configure: Configure) -> None:
    """Budgets as bars, this month by day and by model, how to ask, and nothing that could be pressed."""
    configure(("# user_usd = 3 ", "user_usd = 3 "), ("# workspace_usd = 200 ", "workspace_usd = 200 "))
    world.ask("@penny hello", user="grace")
    world.ask("hello", channel=ADAS_DM)

    blocks = opened(world, "grace")

    words = words_of(blocks)
    for title in ("The workspace", "You", "Our direct messages", f"<#{GENERAL}>"):
        assert f"*{title}*  `█" in words or f"*{title}*  `░" in words
    assert "2 answers for" in words
    assert "By day" in words
    assert world.records()[0]["model"] in words
    assert "Mention me" in words
    assert ADAS_DM not in str(blocks)
    assert inputs_of(blocks) == {}


def test_where_nothing_happened(world: World) -> None:
    """A fresh workspace has a tab too."""
    assert "Nothing was answered this month yet" in words_of(opened(world, "grace"))
    assert world.rows("budget#") == []


def test_who_may_not_ask_sees_how_to_and_no_figures(world: World) -> None:
    """A guest is told so."""
    world.ask("@penny hello")

    words = words_of(opened(world, "guest"))

    assert "may not answer guests" in words
    assert "$" not in words


def test_more_channels_than_fit(world: World) -> None:
    """The dearest twenty are shown, the others counted, and the tab stays within Slack's hundred blocks."""
    world.ask("@penny hello")
    (total,) = [row for row in world.rows("rollup#") if row["sk"] == "total#all"]
    for number in range(30):
        channel = f"C{number:09}"
        pk = total["pk"].replace(GENERAL, channel)
        world.usage.put(total, pk=pk, rollup_of=f"{channel}#all", cost_usd=number)

    blocks = edit(world)

    assert len(blocks) <= 100
    assert words_of(blocks).count("<#C") == 20
    assert "<#C000000029>" in words_of(blocks)
    assert "11 more channels" in words_of(blocks)


def test_an_admin_changes_a_limit(world: World) -> None:
    """It counts at once, is recorded as by the command, and the tab says so."""
    blocks = edit(world)
    assert inputs_of(blocks)[f"limit:{GENERAL}"]["initial_value"] == "5 per month"

    after = put(world, HOME_LIMIT, "$12.50 per week", f"limit:{GENERAL}")

    assert "from $5.00 per month to $12.50 per week" in words_of(after)
    assert inputs_of(after)[f"limit:{GENERAL}"]["initial_value"] == "12.5 per week"
    (change,) = world.rows("limit_changes#")
    assert (change["set_by"], str(change["after_limit_usd"])) == (ADA, "12.5")
    world.ask("@penny hello")
    assert world.budget()["limit_usd"] == 12.5
    assert "to $5.00 per month" in words_of(put(world, HOME_LIMIT, "default", f"limit:{GENERAL}"))


@pytest.mark.parametrize(
    ("words", "right"), [("€5", "US dollars"), ("-3", "below zero"), ("", "To how much?")]
)
def test_a_limit_that_is_none(world: World, words: str, right: str) -> None:
    """The tab says what would be right, and nothing changes."""
    edit(world)

    assert right in words_of(put(world, HOME_LIMIT, words, f"limit:{GENERAL}"))
    assert world.rows("limit") == []


def test_an_admin_changes_settings(world: World) -> None:
    """A choice counts from the next message on; what holds is what the inputs then show."""
    before = inputs_of(edit(world))
    assert before[f"footer:{GENERAL}"]["initial_option"]["value"] == "on"
    assert before[f"highest_tier:{GENERAL}"]["initial_option"]["value"] == "default"

    put(world, HOME_SETTING, "off", f"footer:{GENERAL}")
    put(world, HOME_SETTING, "standard", f"highest_tier:{GENERAL}")
    after = put(world, HOME_SETTING, "Answer in verse.", f"system_prompt:{GENERAL}")

    assert inputs_of(after)[f"footer:{GENERAL}"]["initial_option"]["value"] == "off"
    assert inputs_of(after)[f"system_prompt:{GENERAL}"]["initial_value"] == "Answer in verse."
    assert "by <@U0ADA00001>" in words_of(after)
    held = channel_settings(settings_from()).of(GENERAL)
    assert (held.footer, held.highest_tier, held.system_prompt) == (False, "standard", "Answer in verse.")
    crossed = put(world, HOME_SETTING, "premium", f"lowest_tier:{GENERAL}")
    assert "cannot be above" in words_of(crossed)
    emptied = put(world, HOME_SETTING, "", f"system_prompt:{GENERAL}")
    assert "Write `default`" in words_of(emptied)


def test_each_channel_has_its_own_inputs(world: World) -> None:
    """An input that was made for one channel changes that one, whichever was chosen since."""
    edit(world)
    old = world.slack.homes[ADA]
    put(world, HOME_CHANNEL, RANDOM, "channel")
    world.slack.homes[ADA] = old

    put(world, HOME_SETTING, "off", f"footer:{GENERAL}")

    assert [row["pk"] for row in world.rows("settings#") if row["sk"] == "current"] == [f"settings#{GENERAL}"]


@pytest.mark.parametrize(
    ("action", "block_id", "value"),
    [(HOME_LIMIT, f"limit:{GENERAL}", "1000"), (HOME_SETTING, f"footer:{GENERAL}", "off")],
)
def test_a_press_by_who_is_no_admin(world: World, action: str, block_id: str, value: str) -> None:
    """Nothing changes, whatever tab the press came from; they get the tab that is theirs, with a word."""
    edit(world)
    world.slack.homes[GRACE] = world.slack.homes[ADA]

    after = put(world, action, value, block_id, user="grace")

    assert "Only admins" in words_of(after)
    assert inputs_of(after) == {}
    assert world.rows("limit") == world.rows("settings#") == []


def test_a_press_on_what_is_no_channels(world: World) -> None:
    """An input whose block names no channel changes nothing, and says that it is old."""
    edit(world)
    world.slack.press_home(HOME_LIMIT, "10", block_id=f"limit:{GENERAL}")
    (waiting,) = world.delivery.pending
    waiting.outgoing.content["actions"][0]["block_id"] = "limit:general; drop"
    waiting.outgoing.content["view"] = {"private_metadata": "{"}
    world.delivery.run_due()
    world.work()

    assert "older version of me" in words_of(blocks_of(world))
    assert world.rows("limit") == []


def test_a_press_that_is_delivered_again(world: World) -> None:
    """It changes nothing a second time."""
    edit(world)
    world.slack.press_home(HOME_LIMIT, "10 per month", block_id=f"limit:{GENERAL}")
    world.delivery.run_due()
    (record,) = world.receive_jobs()
    world.run(record)
    put(world, HOME_LIMIT, "20 per month", f"limit:{GENERAL}")

    assert world.run(record)

    assert "done already" in words_of(blocks_of(world))
    assert len(world.rows("limit_changes#")) == 2


def test_slack_takes_no_home_tab(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """An app whose tab is switched off goes on; the journal says why."""
    world.slack.fail_next("views.publish", "not_enabled")
    world.slack.open_home("ada")
    world.delivery.run_due()

    assert world.work() == [True]

    (line,) = [line for line in journal(capsys.readouterr().out) if line["at"] == "home"]
    assert (line["outcome"], line["reason"]) == ("refused", "not_enabled")
