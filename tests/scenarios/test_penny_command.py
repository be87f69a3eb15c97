"""What people type behind /penny is answered to them alone; what admins change counts at once, and once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.scenarios.conftest import Configure
from tests.scenarios.world import ADAS_DM, GENERAL, World, journal

GRACE, GUEST = "U0GRACE001", "U0GUEST001"


def penny(world: World, words: str, *, user: str = "ada", channel: str = GENERAL) -> dict[str, Any]:
    """Type a command, let it be worked on, and return what was shown for it."""
    world.slack.run_command("/penny", words, user=user, channel=channel)
    world.delivery.run_due()
    world.work()
    shown = world.slack.ephemerals[-1]
    assert shown["user"] == world.slack.directory.user(user).id
    return shown


def told(world: World, words: str, **how: str) -> str:
    """Type a command and return the words of its answer."""
    return str(penny(world, words, **how)["text"])


def limits(world: World) -> list[dict[str, Any]]:
    """Return the recorded changes of limits, in order."""
    return sorted(world.rows("limit_changes#"), key=lambda row: str(row["sk"]))


def test_help_is_for_everyone(world: World) -> None:
    """Also for guests, who may not ask; nothing is posted in the channel, and no model is called."""
    assert "`/penny budget set 25 per month`" in told(world, "")
    assert "no commands in threads" in told(world, "help", user="guest")
    assert world.slack.calls_of("chat.postMessage") == []
    assert world.openrouter.calls == []


def test_the_budget(world: World, configure: Configure) -> None:
    """This channel's, one's own and the workspace's: spent, left, renewal and forecast."""
    configure(("# user_usd = 3 ", "user_usd = 3 "), ("# workspace_usd = 200 ", "workspace_usd = 200 "))
    world.ask("@penny hello")

    words = told(world, "budget")

    assert [f"*{title}*" in words for title in ("This channel", "You", "The workspace")] == [True] * 3
    assert words.count(" left. Renews on ") == 3
    assert words.count("; at this pace ") == 3
    assert "of $5.00 per month spent" in words
    assert "Our direct messages" in told(world, "budget", channel=ADAS_DM)


def test_an_admin_sets_a_limit(world: World) -> None:
    """It counts for the next message, is told in the budget, and who did it is recorded."""
    assert "from $5.00 per month to $0.00010 per month" in told(world, "budget set 0.0001 per month")
    (notice,) = world.ask("@penny hello")
    assert "used up" in notice.visible_text
    assert "Limit set by <@U0ADA00001>" in told(world, "budget", user="grace")
    assert "to $5.00 per month" in told(world, "budget unset")

    assert len(world.ask("@penny hello again")) == 1
    set_, unset = limits(world)
    assert (set_["set_by"], set_["after_limit_usd"], set_["after_per"]) == (
        "U0ADA00001",
        Decimal("0.0001"),
        "month",
    )
    assert unset["before_limit_usd"] == Decimal("0.0001")
    world.check_books()


@pytest.mark.parametrize("words", ["budget set 100", "budget unset", "settings footer off"])
def test_nobody_else_changes_anything(world: World, words: str) -> None:
    """A member is told who may; nothing is written."""
    assert "Only admins" in told(world, words, user="grace")
    assert world.rows("limit") == []
    assert world.rows("settings#") == []


def test_those_whom_the_operator_named(world: World, configure: Configure) -> None:
    """They may change what admins may."""
    configure(("admins = [] ", f'admins = ["{GRACE}"] '))

    assert "Changed from" in told(world, "budget set 7 per week", user="grace")
    assert limits(world)[0]["set_by"] == GRACE


def test_who_may_not_ask_sees_no_figures(world: World) -> None:
    """A guest is told so instead, whatever they type."""
    for words in ("budget", "report", "why", "settings", "nonsense"):
        assert "may not answer guests" in told(world, words, user="guest")
    told(world, "settings who guests")
    assert "left. Renews" in told(world, "budget", user="guest")


@pytest.mark.parametrize(
    ("words", "right"),
    [
        ("budgte", "help, budget, report, settings, why"),
        ("budget set €5", "US dollars"),
        ("budget set 1e9", "written out"),
        ("budget set -3", "below zero"),
        ("budget set five", "in digits"),
        ("budget set 25,50", "behind a point"),
        ("settings highest tier gold", "premium, standard, economy"),
        ("report <!channel>", "no month"),
    ],
)
def test_wrong_words(world: World, words: str, right: str) -> None:
    """Each has a sentence that says what would be right, and nothing is changed."""
    said = told(world, words)

    assert right in said
    assert "<!" not in said
    assert world.rows("limit") == []


def test_settings(world: World) -> None:
    """They are shown, changed for the next message, and each change is told with who made it."""
    assert "• footer: on" in told(world, "settings")
    assert "footer from default to off, by <@U0ADA00001>" in told(world, "settings footer off")
    assert "It is so already" in told(world, "settings footer off")
    told(world, "settings system prompt Say `<!channel>` & no more.")

    shown = told(world, "settings", user="grace")

    assert "• footer: off" in shown
    assert "&lt;!channel&gt;" in shown
    assert "Last changes:" in shown
    world.ask("@penny hello")
    assert "Say `<!channel>` & no more." in world.bodies()[0]["messages"][0]["content"]


def test_why(world: World) -> None:
    """The last answer's choice is explained by the numbers that made it."""
    assert "Nothing was answered here" in told(world, "why")
    world.ask("@penny hi")
    world.ask("@penny " + "explain this at length " * 20)

    words = told(world, "why")

    assert "The tier " in words
    assert "the weight is" in words


def test_a_report(world: World) -> None:
    """Charts and a table to sort, the sums of the books, and what people thought of the answers."""
    (reply,) = world.ask("@penny hello")
    world.press(reply, "penny_feedback")
    world.work()

    shown = penny(world, "report")

    head, chart, table, *_ = shown["blocks"]
    assert "this month" not in head["text"]["text"]
    assert "Spent in this channel in 20" in head["text"]["text"]
    (segment,) = chart["chart"]["segments"]
    assert segment["value"] == pytest.approx(float(world.spent_usd()))
    assert [cell["text"] for cell in table["rows"][0]] == ["model", "answers", "cost", "share", "good", "bad"]
    model = world.records()[0]["model"]
    assert [cell["text"] for cell in table["rows"][1]][:2] == [model, "1"]
    assert [cell["text"] for cell in table["rows"][2]][-2:] == ["1", "0"]
    assert model in shown["text"]


def test_a_report_by_user_and_of_a_week(world: World) -> None:
    """People stand in it as mentions, days as bars."""
    world.ask("@penny hello", user="grace")

    by_user, week = penny(world, "report by user"), penny(world, "report week")

    assert by_user["blocks"][1]["rows"][1][0]["elements"][0]["elements"] == [
        {"type": "user", "user_id": GRACE}
    ]
    assert f"<@{GRACE}>: 1 answer" in by_user["text"]
    assert week["blocks"][1]["chart"]["type"] == "bar"
    assert "since" in week["blocks"][0]["text"]["text"]
    assert "Nothing yet" in told(world, "report 2020-01")


@pytest.mark.parametrize(("refused", "left"), [(["chart"], ["section", "table"]), (["chart", "table"], [])])
def test_a_workspace_without_the_newest_blocks(
    world: World, refused: list[str], left: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The plain table comes instead, and then the text; a container tries what was refused only once."""
    world.ask("@penny hello")
    world.slack.fail_next("response_url", "invalid_blocks", times=len(refused))

    for _ in range(2):
        shown = penny(world, "report")
        assert [block["type"] for block in shown["blocks"]][:2] == left
        assert "Total: 1 answer" in shown["text"]

    lines = [line for line in journal(capsys.readouterr().out) if line["outcome"] == "form_refused"]
    assert [line["form"] for line in lines] == refused


def test_a_command_that_is_delivered_again(world: World) -> None:
    """Nothing changes a second time, also when someone else has changed it meanwhile."""
    world.slack.run_command("/penny", "budget set 10 per month", channel=GENERAL)
    world.slack.run_command("/penny", "settings footer off", channel=GENERAL)
    world.delivery.run_due()
    records = world.receive_jobs()
    for record in records:
        world.run(record)
    told(world, "budget set 20 per month")
    told(world, "settings footer on")

    for record in records:
        assert world.run(record)

    assert [row["after_limit_usd"] for row in limits(world)] == [10, 20]
    changes = {row["sk"]: row["after"] for row in world.rows("settings#") if "after" in row}
    assert changes == {"change#1": False, "change#2": True}
    again = "\n".join(world.whispers()[-2:])
    assert "done already" in again
    assert "footer is on" in again


def test_the_answer_is_lost_on_its_way(world: World) -> None:
    """While Slack does not answer the job waits; then what was done is told."""
    world.slack.fail_next("response_url", status=503)
    world.slack.fail_next("chat.postEphemeral", status=503)
    world.slack.run_command("/penny", "budget set 10 per month", channel=GENERAL)
    world.delivery.run_due()
    (record,) = world.receive_jobs()
    assert not world.run(record)

    assert world.run(record)

    assert "of $10.00 per month" in world.whispers()[-1]
    assert len(limits(world)) == 1


def test_a_command_that_nobody_can_have_sent(world: World) -> None:
    """It is parked with its reason."""
    outgoing = world.slack.slash_command("/penny", "budget set 10", channel=GENERAL)
    outgoing.content["user_id"] = "<script>"
    world.slack.board.send(outgoing)
    world.delivery.run_due()

    assert world.work() == [True]

    (dead,) = world.dead_letters()
    assert "user_id" in dead["MessageAttributes"]["reason"]["StringValue"]
    assert world.rows("limit") == []
