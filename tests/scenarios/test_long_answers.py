"""Long answers and many at once: every text stands whole in Slack, whatever is cut or waits its turn."""

from __future__ import annotations

import time

from playground.openrouter import traps
from playground.slack.message import Message
from tests.scenarios.conftest import BY_BANDS, Configure
from tests.scenarios.world import ADAS_DM, World, footer_of, said

CODE = [f"line_{n:04} = {'x' * 20}" for n in range(700)]
ROWS = [f"| row {n:04} | {'ÿ' * 20} |" for n in range(220)]
LONG = "\n".join(
    [
        "Here is the code.",
        "",
        "```python",
        *CODE,
        "```",
        "",
        "| name | value |",
        "|---|---|",
        *ROWS,
        "",
        "The end.",
    ]
)
"""More than 30,000 characters, and more bytes: a code block across several cuts, a table across one."""


def markdown_of(reply: Message) -> str:
    """Return a reply's own words, of a stream or of its Markdown blocks."""
    return "".join(str(b["text"]) for b in reply.shown_blocks if b["type"] == "markdown")


def lines_of(replies: list[Message], beginning: str) -> list[str]:
    """Return the lines of all parts that begin so, in order."""
    lines = [line for reply in replies for line in markdown_of(reply).split("\n")]
    return [line for line in lines if line.startswith(beginning)]


def check_whole(world: World, replies: list[Message]) -> None:
    """Assert that nothing of the long answer is lost or doubled, and that each part stands by itself."""
    assert len(LONG) > 30_000
    assert len(replies) >= 4
    assert lines_of(replies, "line_") == CODE
    assert lines_of(replies, "| row") == ROWS
    assert markdown_of(replies[-1]).endswith("The end.")
    for reply in replies:
        text = markdown_of(reply)
        assert text.count("```") % 2 == 0
        assert len(text.encode()) <= 9_000
        if "| row" in text:
            assert "| name | value |\n|---|---|\n" in text
    assert [bool(footer_of(reply)) for reply in replies] == [False] * (len(replies) - 1) + [True]
    world.check_books()


def test_code_and_a_table_across_every_cut(world: World, configure: Configure) -> None:
    """By native streams: fences are closed and opened again, the table goes on with its header."""
    configure(BY_BANDS, ("max_tokens = 1500", "max_tokens = 20000"))
    world.openrouter.answer = LONG

    replies = world.ask("@penny show me all of it")

    assert world.slack.calls_of("chat.startStream")
    check_whole(world, replies)


def test_the_same_by_post_and_edit(world: World, configure: Configure) -> None:
    """Where streams are refused."""
    configure(BY_BANDS, ("max_tokens = 1500", "max_tokens = 20000"))
    world.slack.refuse_streams = True
    world.openrouter.answer = LONG

    check_whole(world, world.ask("@penny show me all of it"))


def test_refused_half_way(world: World, configure: Configure) -> None:
    """Whatever Slack refuses in between, the text is posted in full in the end."""
    configure(BY_BANDS, ("max_tokens = 1500", "max_tokens = 20000"))
    world.openrouter.answer = LONG
    world.slack.fail_next("chat.startStream", "internal_error", takes_effect=True)
    world.slack.fail_next("chat.update", "msg_blocks_too_long")

    replies = world.ask("@penny show me all of it")

    everything = "\n".join(reply.visible_text for reply in replies)
    assert all(line in everything for line in [*CODE, *ROWS, "The end."])


def test_twenty_seven_at_once(world: World) -> None:
    """More in one workspace than Slack allows in a minute: 429s are honoured, no answer is lost."""
    world.openrouter.answer = "word " * 150
    for method in ("chat.appendStream", "chat.stopStream"):
        world.slack.fail_next(method, status=429, retry_after=0.5, times=3)
    users = ("ada", "grace", "linus")
    dms = {"ada": ADAS_DM, "grace": "D0GRACE001", "linus": "D0LINUS001"}
    asked = [
        (dms[user], world.say(f"question {n}", channel=dms[user], user=user))
        for n in range(9)
        for user in users
    ]

    world.work(workers=27)

    for channel, thread in asked:
        assert [said(reply).split() for reply in world.replies(thread, channel=channel)] == [["word"] * 150]
    refused = [call for call in world.slack.calls if call.status == 429]
    assert {"chat.startStream", "chat.stopStream"} <= {call.method for call in refused}
    assert len(world.records()) == len(asked) == 27
    assert world.jobs_left() == 0
    world.check_books()


def test_the_first_word_does_not_wait(world: World) -> None:
    """It stands in the thread while the model says nothing more: no interval is waited for."""
    seen: list[float] = []

    def look(_call: object) -> None:
        said_at = time.monotonic()
        while not world.slack.calls_of("chat.startStream"):
            assert time.monotonic() - said_at < 5
            time.sleep(0.005)
        seen.append(time.monotonic() - said_at)

    world.openrouter.answer = "One two three."
    world.openrouter.script(traps.after_tokens(1, look))

    (reply,) = world.ask("@penny count")

    assert said(reply) == "One two three."
    assert seen[0] < 3, "a generous bound for a busy machine; on a quiet one it is some milliseconds"
