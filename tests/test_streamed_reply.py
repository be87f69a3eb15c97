"""A streamed reply against a Slack that enforces its limits, on time that passes only when it is told to."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.clock import ManualClock
from playground.slack.directory import ADA, TEAM
from playground.slack.message import Message
from playground.slack.web_api import NO_ANSWER, answer_call
from playground.slack.workspace import Workspace
from router.adapters.slack_web import SlackWeb
from router.domain.reply import PART_BYTES, open_fence
from router.slack.parts import Place
from router.slack.streamed_reply import INTERVAL_S, SLOWEST_S, StreamedReply

GENERAL = "C0GENERAL1"
ADA_DM = "D0ADA00001"
START = 1_780_000_000.0
PATIENCE_S = 40.0
"""How long a reply may take to close, in the clock's seconds."""

FOOTER = {
    "type": "context",
    "block_id": "penny-footer:1",
    "elements": [{"type": "plain_text", "text": "vendor/m · $0.01"}],
}
STREAM_CALLS = ("chat.startStream", "chat.appendStream", "chat.stopStream")


@dataclass
class Idleness:
    """How often a writer found nothing to do."""

    times: int = 0


class Scene:
    """A thread in Slack, the reply that is being written into it, and the time there.

    Time passes where the reply waits for a moment; while `stands_still` it passes by `advance` alone.
    """

    def __init__(self, channel: str = GENERAL, *, adopted: tuple[str, ...] = (), asked: str = "") -> None:
        self.clock = ManualClock(START)
        self.slack = Workspace(self.clock)
        self.channel = channel
        self.asked = asked or self.slack.post_as_user(channel, "ada", "why?")
        self.stands_still = False
        self.slack_answers = threading.Event()
        self.slack_answers.set()
        self.posted: list[tuple[str, ...]] = []
        self.odd_answers: dict[str, httpx.Response] = {}
        self.replies: list[StreamedReply] = []
        self.reply = self.new_reply(adopted)

    def new_reply(
        self, adopted: tuple[str, ...] = (), on_posted: Callable[[tuple[str, ...]], None] | None = None
    ) -> StreamedReply:
        """Begin a reply to what was asked, as a worker would."""
        self.idleness = idleness = Idleness()
        place = Place(self.channel, self.asked, ADA.id, TEAM.id, is_direct=self.channel == ADA_DM)
        web = SlackWeb("https://slack.test/api/", self.slack.bot_token, httpx.MockTransport(self._answer))
        self.reply = StreamedReply(
            web,
            place,
            adopted=adopted,
            on_posted=on_posted or self.posted.append,
            clock=self.clock.now,
            wait=lambda changed, seconds: self._wait(idleness, changed, seconds),
        )
        self.replies.append(self.reply)
        return self.reply

    # what the model and its reader do

    def write(self, *texts: str) -> None:
        """Write texts, each when the one before it has been dealt with."""
        for text in texts:
            self.reply.write(text)
            self.settle()

    def settle(self) -> None:
        """Wait until the writer has nothing more to do, or has given up."""
        times = self.idleness.times
        self.eventually(lambda: self.idleness.times > times or self.reply.is_hopeless)

    def close(self, last_words: str = "", *, footer: bool = True, patience_s: float = PATIENCE_S) -> bool:
        """Close the reply; whether it stands."""
        blocks = [FOOTER] if footer else []
        return self.reply.close(blocks, self.clock.now() + patience_s, last_words)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)

    # what is there to see

    def messages(self) -> list[Message]:
        """Our messages in the thread, oldest first."""
        return self.slack.replies_by_bot(self.channel, self.asked)

    def only_message(self) -> Message:
        """Return the one message that there is."""
        (message,) = self.messages()
        return message

    def said(self) -> str:
        """All our words in the thread."""
        return "".join(map(said, self.messages()))

    def methods(self) -> list[str]:
        """Name the calls so far, in order."""
        return [call.method for call in self.slack.calls]

    @staticmethod
    def eventually(is_so: Callable[[], bool], seconds: float = 3.0) -> None:
        """Wait, in real time, until something is so."""
        give_up = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < give_up, "it never happened"
            time.sleep(0.002)

    # how Slack and time are played

    def _answer(self, request: httpx.Request) -> httpx.Response:
        assert self.slack_answers.wait(5)
        method = request.url.path.rpartition("/")[2]
        if method in self.odd_answers:
            return self.odd_answers[method]
        args = json.loads(request.content)
        token = request.headers["authorization"].removeprefix("Bearer ")
        answer = answer_call(self.slack, method, token, args)
        if answer.status == NO_ANSWER:
            raise httpx.ReadError("the connection broke", request=request)
        return httpx.Response(answer.status, headers=dict(answer.headers), json=answer.body)

    def _wait(self, idleness: Idleness, changed: threading.Condition, seconds: float | None) -> None:
        if seconds is None:
            idleness.times += 1
        if seconds is None or self.stands_still:
            changed.wait(0.002)
        else:
            self.clock.advance(seconds)


def said(message: Message) -> str:
    """Return the words of a message, without what stands under them."""
    blocks = [b for b in message.shown_blocks if b["type"] == "markdown"]
    return "".join(b["text"] for b in blocks) if message.shown_blocks else message.text


def without_edges(text: str) -> str:
    """Return a text without what a roll-over may drop."""
    return text.replace("\n", "")


def has_footer(message: Message) -> bool:
    """Whether the message ends with the footer."""
    return message.shown_blocks[-1:] == [FOOTER]


@pytest.fixture
def scene() -> Iterator[Scene]:
    """Make a thread with a question in it; the reply's thread ends with the test."""
    made = Scene()
    yield made
    finish(made)


def finish(scene: Scene) -> None:
    """End the replies that the test left open, so that no thread outlives it."""
    scene.stands_still = False
    for reply in scene.replies:
        reply.close([], until=0.0)


# Streaming


def test_an_answer_is_streamed(scene: Scene) -> None:
    """Started, appended to, ended with the footer under it: one message, and it stands."""
    scene.write("Forty", "-two", ".")
    assert scene.only_message().is_streaming
    assert scene.close()
    message = scene.only_message()
    assert (said(message), message.is_streaming, has_footer(message)) == ("Forty-two.", False, True)
    assert scene.methods() == [STREAM_CALLS[0], STREAM_CALLS[1], STREAM_CALLS[1], STREAM_CALLS[2]]
    assert scene.posted == [(message.ts,)]
    assert not scene.reply.is_unwanted


def test_a_stream_says_for_whom_it_is(scene: Scene) -> None:
    """In a channel Slack wants to know; in a direct message it is clear."""
    scene.write("Hello.")
    (started,) = scene.slack.calls_of("chat.startStream")
    assert (started.args["recipient_user_id"], started.args["recipient_team_id"]) == (ADA.id, TEAM.id)
    direct = Scene(ADA_DM)
    direct.write("Hello.")
    assert direct.close()
    (started,) = direct.slack.calls_of("chat.startStream")
    assert not {"recipient_user_id", "recipient_team_id"} & set(started.args)


def test_what_came_last_is_ended_with(scene: Scene) -> None:
    """Text that was not shown yet goes out with the end of the stream, in the mode it began in."""
    scene.write("Forty")
    scene.stands_still = True
    scene.reply.write("-two.")
    scene.stands_still = False
    assert scene.close()
    assert said(scene.only_message()) == "Forty-two."
    assert set(scene.methods()) <= set(STREAM_CALLS)


def test_writes_are_a_second_apart(scene: Scene) -> None:
    """What comes in between is shown together, when its time has come and not before."""
    scene.stands_still = True
    scene.reply.write("a")
    scene.eventually(lambda: scene.methods() == ["chat.startStream"])
    for text in "bcd":
        scene.reply.write(text)
    scene.advance(INTERVAL_S * 0.99)
    time.sleep(0.05)
    assert scene.methods() == ["chat.startStream"]
    scene.advance(INTERVAL_S * 0.01)
    scene.eventually(lambda: len(scene.methods()) == 2)
    assert scene.slack.calls[-1].args["markdown_text"] == "bcd"


def test_writes_stay_apart_in_a_long_answer(scene: Scene) -> None:
    """However fast the model, writes are never closer than the interval; only the end waits for none."""
    for _ in range(30):
        scene.reply.write("word " * 10)
        time.sleep(0.001)
    assert scene.close()
    at = [call.at for call in scene.slack.calls[:-1]]
    assert all(b - a >= INTERVAL_S for a, b in itertools.pairwise(at))
    assert scene.said() == "word " * 300


def test_the_reader_of_the_model_never_waits(scene: Scene) -> None:
    """A slow Slack does not slow the model down."""
    scene.slack_answers.clear()
    for _ in range(100):
        scene.reply.write("word ")
    assert scene.methods() == []
    scene.slack_answers.set()
    assert scene.close()
    assert scene.said() == "word " * 100


def test_the_first_text_is_timed(scene: Scene) -> None:
    """By the reply's clock, when it stands and not when it was written."""
    assert scene.reply.first_text_at is None
    scene.write("a", "b")
    assert scene.reply.first_text_at == START


def test_a_blank_beginning_is_not_shown(scene: Scene) -> None:
    """Slack takes no blank message; the line ends come with the first word."""
    scene.write("\n", "\n\n")
    time.sleep(0.03)
    assert scene.methods() == []
    scene.write("Hello.")
    assert scene.close()
    assert scene.said().strip() == "Hello."


# Closing


def test_without_writes_one_message_is_posted(scene: Scene) -> None:
    """A notice is no stream: one call, links not unfurled."""
    assert scene.close("Sorry, no.")
    assert scene.methods() == ["chat.postMessage"]
    (call,) = scene.slack.calls
    assert (call.args["unfurl_links"], call.args["unfurl_media"]) == (False, False)
    assert (said(scene.only_message()), has_footer(scene.only_message())) == ("Sorry, no.", True)
    assert scene.posted == [(scene.only_message().ts,)]


def test_last_words_stand_under_what_was_written(scene: Scene) -> None:
    """The same message, the footer below both."""
    scene.write("Forty")
    assert scene.close(" … and so on")
    assert said(scene.only_message()) == "Forty … and so on"
    assert has_footer(scene.only_message())


def test_a_footer_may_stand_alone(scene: Scene) -> None:
    """An answer of line ends is a message with its bill and nothing else."""
    scene.reply.write("\n\n")
    assert scene.close()
    assert scene.only_message().shown_blocks == [FOOTER]


def test_nothing_at_all_does_not_stand(scene: Scene) -> None:
    """Neither words nor blocks are no message, and the caller learns it."""
    assert not scene.close(footer=False)
    assert scene.messages() == []


def test_an_answer_without_a_footer(scene: Scene) -> None:
    """Where the operator wants none, the text stands alone."""
    scene.write("Hello.")
    assert scene.close(footer=False)
    assert scene.only_message().shown_blocks == [{"type": "markdown", "text": "Hello."}]


# What Slack must not be sent


def test_nobodys_channel_is_called(scene: Scene) -> None:
    """Broadcasts are defused in the stream, in whatever pieces they come, and in the last words."""
    for text in (
        "Hello <!chan",
        "nel|@channel> and <!sub",
        "team^S0",
        "1|@team>, see <!date^1^{date}|today>",
    ):
        scene.reply.write(text)
        scene.settle()
    assert scene.close(" <!here>")
    assert scene.slack.broadcasts == []
    assert scene.said() == "Hello @\u2060channel and @\u2060team, see <!date^1^{date}|today> @\u2060here"


def test_what_looked_like_a_mention_is_not_lost(scene: Scene) -> None:
    """An answer may end with a bracket."""
    scene.reply.write("if a <")
    assert scene.close()
    assert scene.said() == "if a <"


def test_half_a_character_does_not_end_the_reply(scene: Scene) -> None:
    """JSON may hold what UTF-8 cannot; the halves are joined, and one alone is replaced."""
    scene.write("smile \ud83d", "\ude42 and \ud83d alone")
    assert scene.close()
    assert scene.said() == "smile 🙂 and \ufffd alone"


# 429


def test_a_start_that_is_refused_for_its_rate_is_posted_and_edited(scene: Scene) -> None:
    """At once, without more text having to come; and no other stream is tried."""
    scene.slack.fail_next("chat.startStream", status=429, retry_after=30)
    scene.write("Forty")
    assert said(scene.only_message()) == "Forty"
    assert scene.clock.now() == START
    scene.write("-two.")
    assert scene.close()
    assert said(scene.only_message()) == "Forty-two."
    assert scene.methods() == ["chat.startStream", "chat.postMessage", "chat.update", "chat.update"]


def test_an_append_that_is_refused_for_its_rate_comes_later(scene: Scene) -> None:
    """After the time that Slack asks for; nothing is lost or comes twice, and writes are slower then."""
    scene.write("a")
    scene.slack.fail_next("chat.appendStream", status=429, retry_after=7)
    scene.write("b")
    scene.eventually(lambda: said(scene.only_message()) == "ab")
    scene.write("c", "d")
    assert scene.close()
    assert scene.said() == "abcd"
    assert set(scene.methods()) == set(STREAM_CALLS)
    at = [call.at - START for call in scene.slack.calls]
    assert at == [0.0, 1.0, 8.0, 10.0, 12.0, 12.0]


def test_writes_are_never_slower_than_ten_seconds(scene: Scene) -> None:
    """However often Slack asks for less."""
    scene.write("a")
    scene.slack.fail_next("chat.appendStream", status=429, retry_after=0.5, times=9)
    scene.write("b")
    scene.eventually(lambda: said(scene.only_message()) == "ab")
    scene.write("c", "d")
    at = [call.at for call in scene.slack.calls]
    assert at[-1] - at[-2] == SLOWEST_S
    assert scene.close()
    assert scene.said() == "abcd"


def test_an_end_that_is_refused_for_its_rate_comes_later(scene: Scene) -> None:
    """The last text goes with it, and comes once."""
    scene.write("Forty")
    scene.slack.fail_next("chat.stopStream", status=429, retry_after=20)
    assert scene.close("-two.")
    assert said(scene.only_message()) == "Forty-two."
    assert scene.clock.now() - START >= 20


def test_a_dead_stream_whose_end_is_refused_for_its_rate_is_not_posted_again(scene: Scene) -> None:
    """A stream that cannot be ended yet cannot be edited yet: that is waited for."""
    scene.write("Forty")
    scene.slack.fail_next("chat.appendStream", cut=True)
    scene.slack.fail_next("chat.stopStream", status=429, retry_after=3)
    scene.write("-two.")
    assert scene.close()
    assert said(scene.only_message()) == "Forty-two."
    assert "chat.postMessage" not in scene.methods()


def test_the_last_moment_is_used(scene: Scene) -> None:
    """Who is told to wait for longer than there is time tries once more at the end."""
    scene.slack.fail_next("chat.postMessage", status=429, retry_after=300)
    assert scene.close("Sorry, no.")
    assert scene.clock.now() == START + PATIENCE_S
    assert scene.said() == "Sorry, no."


def test_slacks_own_limits_do_not_lose_an_answer(scene: Scene) -> None:
    """Other answers use up the workspace's starts and appends; this one comes slower and whole."""
    for _ in range(22):
        scene.slack.limits.admit("chat.startStream")
    for _ in range(45):
        scene.slack.limits.admit("chat.update")
    scene.write(*(f"word{i} " for i in range(20)))
    assert scene.close(patience_s=200)
    assert scene.said() == "".join(f"word{i} " for i in range(20))


# Streams that go wrong


def test_without_streaming_messages_are_posted_and_edited(scene: Scene) -> None:
    """In a workspace that has no streams; one start is tried."""
    scene.slack.refuse_streams = True
    scene.write("Forty", "-two")
    assert scene.close(".")
    assert said(scene.only_message()) == "Forty-two."
    assert has_footer(scene.only_message())
    assert scene.methods() == ["chat.startStream", "chat.postMessage", "chat.update", "chat.update"]


def test_a_long_answer_is_edited_without_a_long_notification(scene: Scene) -> None:
    """Slack refuses a `text` above 4,000 characters in an edit; the answer stands in its blocks."""
    scene.slack.refuse_streams = True
    scene.write("x" * 8000)
    assert scene.close()
    assert scene.said() == "x" * 8000
    assert all(len(call.args.get("text", "")) <= 200 for call in scene.slack.calls)


@pytest.mark.parametrize("closes", [False, True])
def test_a_stream_that_died_is_finished_in_place(scene: Scene, *, closes: bool) -> None:
    """Slack ends streams after five minutes: the same message is edited, and the text is there once."""
    scene.write("Forty")
    scene.advance(301)
    if not closes:
        scene.write("-two")
        assert said(scene.only_message()) == "Forty-two"
        scene.write(".")
    assert scene.close("-two." if closes else "")
    assert said(scene.only_message()) == "Forty-two."
    assert has_footer(scene.only_message())
    assert scene.posted == [(scene.only_message().ts,)]
    assert len(scene.slack.calls_of("chat.stopStream")) == closes, "a dead stream needs no end"


@pytest.mark.parametrize("code", ["msg_too_long", "streaming_mode_mismatch", "a_code_of_tomorrow"])
def test_a_stream_that_takes_no_more_is_finished_in_place(scene: Scene, code: str) -> None:
    """It is ended, since nobody may edit a live one, and then edited."""
    scene.write("Forty")
    scene.slack.fail_next("chat.appendStream", code)
    scene.write("-two")
    assert said(scene.only_message()) == "Forty-two"
    assert not scene.only_message().is_streaming
    assert scene.close(".")
    assert said(scene.only_message()) == "Forty-two."
    assert "chat.postMessage" not in scene.methods()


def test_a_stop_by_the_person_is_noticed(scene: Scene) -> None:
    """Nothing more should be generated; what was paid for is shown, in the same message."""
    scene.write("Forty")
    scene.slack.press_stop(scene.only_message().ts)
    assert not scene.reply.is_unwanted
    scene.write("-two")
    assert scene.reply.is_stopped
    assert scene.reply.is_unwanted
    assert not scene.reply.is_hopeless
    assert scene.close()
    assert said(scene.only_message()) == "Forty-two"
    assert has_footer(scene.only_message())


def test_a_stop_just_before_the_end_is_noticed_too(scene: Scene) -> None:
    """The footer still comes under the answer."""
    scene.write("Forty")
    scene.slack.press_stop(scene.only_message().ts)
    assert scene.close()
    assert scene.reply.is_stopped
    assert (said(scene.only_message()), has_footer(scene.only_message())) == ("Forty", True)


def test_a_message_that_was_deleted_is_posted_anew(scene: Scene) -> None:
    """The answer was paid for: all of it, from its beginning."""
    scene.write("Forty")
    scene.slack.delete_message(GENERAL, scene.only_message().ts)
    scene.write("-two.")
    assert scene.close()
    assert said(scene.only_message()) == "Forty-two."
    assert scene.posted[-1][-1] == scene.only_message().ts


def test_an_edited_message_that_was_deleted_is_posted_anew(scene: Scene) -> None:
    """Also where there are no streams."""
    scene.slack.refuse_streams = True
    scene.write("Forty")
    scene.slack.delete_message(GENERAL, scene.only_message().ts)
    assert scene.close("-two.")
    assert said(scene.only_message()) == "Forty-two."


@pytest.mark.parametrize("takes_effect", [False, True])
def test_a_broken_connection_in_an_append_shows_no_text_twice(scene: Scene, *, takes_effect: bool) -> None:
    """Whether the text arrived nobody knows, so the message is ended and edited as a whole."""
    scene.write("Forty")
    scene.slack.fail_next("chat.appendStream", cut=True, takes_effect=takes_effect)
    scene.write("-two")
    assert scene.close(".")
    assert said(scene.only_message()) == "Forty-two."
    assert has_footer(scene.only_message())


@pytest.mark.parametrize("takes_effect", [False, True])
@pytest.mark.parametrize("fault", [{"cut": True}, {"status": 503}, {"error": "internal_error"}])
def test_a_broken_connection_at_the_end_shows_no_text_twice(
    scene: Scene, fault: dict[str, Any], *, takes_effect: bool
) -> None:
    """The end of a stream may have arrived or not: the message is made whole in place."""
    scene.write("Forty")
    scene.slack.fail_next("chat.stopStream", takes_effect=takes_effect, **fault)
    assert scene.close("-two.")
    assert said(scene.only_message()) == "Forty-two."
    assert has_footer(scene.only_message())


def test_a_start_that_did_not_arrive_is_posted(scene: Scene) -> None:
    """After a moment, without waiting for more text."""
    scene.slack.fail_next("chat.startStream", cut=True)
    scene.write("Forty")
    scene.eventually(lambda: bool(scene.messages()))
    assert scene.close("-two.")
    assert said(scene.only_message()) == "Forty-two."


def test_an_edit_that_did_not_arrive_is_repeated(scene: Scene) -> None:
    """An edit may be repeated safely."""
    scene.slack.refuse_streams = True
    scene.write("Forty")
    scene.slack.fail_next("chat.update", status=503, times=3)
    assert scene.close("-two.")
    assert said(scene.only_message()) == "Forty-two."
    assert scene.clock.now() - START >= 3


@pytest.mark.parametrize("code", ["invalid_blocks", "msg_blocks_too_long", "a_code_of_tomorrow"])
def test_what_slack_refuses_in_every_form_is_posted_plain(scene: Scene, code: str) -> None:
    """At last all of it, without blocks; its links are not unfurled either."""
    scene.slack.fail_next("chat.postMessage", code)
    assert scene.close("See https://a.example/ & <b>")
    assert (scene.only_message().text, scene.only_message().blocks) == ("See https://a.example/ & <b>", [])
    assert scene.slack.calls[-1].args["unfurl_links"] is False


def test_an_answer_that_may_not_be_edited_is_posted_whole(scene: Scene) -> None:
    """An edit can be refused for good, by age or by rule."""
    scene.slack.refuse_streams = True
    scene.write("Forty")
    scene.slack.fail_next("chat.update", "edit_window_closed")
    scene.write("-two")
    assert scene.close(".")
    assert said(scene.messages()[-1]) == "Forty-two."
    assert scene.posted[-1] == tuple(message.ts for message in scene.messages())


# Places where nothing can be posted


def archive(scene: Scene) -> None:
    """Archive the channel."""
    scene.slack.archive(GENERAL)


def remove(scene: Scene) -> None:
    """Take the bot out of the channel."""
    scene.slack.remove_bot(GENERAL)


def lose(scene: Scene) -> None:
    """Let the channel be gone."""
    del scene.slack.directory.channels[GENERAL]


def revoke(scene: Scene) -> None:
    """Take the token away."""
    scene.slack.revoke_token()


@pytest.mark.parametrize("happen", [archive, remove, lose, revoke])
@pytest.mark.parametrize("when", ["before", "during", "at the end"])
def test_a_hopeless_place_is_given_up(scene: Scene, happen: Callable[[Scene], None], when: str) -> None:
    """At once: nothing more is generated, nothing more is tried, and the caller learns it."""
    if when != "before":
        scene.write("Forty")
    happen(scene)
    before = len(scene.slack.calls)
    if when != "at the end":
        scene.write("-two")
        scene.eventually(lambda: scene.reply.is_unwanted)
    assert not scene.close(".")
    assert scene.reply.is_hopeless
    assert not scene.reply.is_stopped
    assert len(scene.slack.calls) - before == 1
    assert scene.clock.now() - START <= 1


def test_a_slack_that_is_down_is_given_up_in_time(scene: Scene) -> None:
    """Tried again and again, but not beyond what the caller allows."""
    scene.slack.fail_next("*", status=503, times=1000)
    assert not scene.close("Sorry, no.")
    assert scene.clock.now() == START + PATIENCE_S
    assert 20 < len(scene.slack.calls) <= PATIENCE_S + 1


def test_a_refusal_of_everything_is_given_up(scene: Scene) -> None:
    """A code that nobody knows, to whatever is tried, ends the trying after one try of each form."""
    scene.slack.fail_next("*", "a_code_of_tomorrow", times=1000)
    scene.write("Forty")
    assert not scene.close()
    assert scene.reply.is_hopeless
    assert len(scene.slack.calls) <= 5


def test_a_thread_whose_messages_are_never_found_is_given_up(scene: Scene) -> None:
    """Not even a post that is refused as not found is tried for ever."""
    scene.slack.fail_next("*", "message_not_found", times=1000)
    scene.write("Forty")
    assert not scene.close()
    assert len(scene.slack.calls) <= 5


@pytest.mark.parametrize("ts", [None, 7, "", []])
@pytest.mark.parametrize("streams", [True, False])
def test_an_answer_of_slacks_without_a_ts_is_no_post(scene: Scene, ts: object, *, streams: bool) -> None:
    """What cannot be written on is tried in each form once, and then given up."""
    odd = httpx.Response(200, json={"ok": True, "ts": ts})
    scene.odd_answers = dict.fromkeys(["chat.startStream", "chat.postMessage"], odd)
    if streams:
        scene.reply.write("Forty")
    assert not scene.close("-two.")
    assert scene.posted == []


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b"\xff", b'{"ok": "yes"}'])
def test_an_answer_of_slacks_that_is_none_is_no_success(scene: Scene, body: bytes) -> None:
    """Only `ok: true` is."""
    scene.odd_answers = dict.fromkeys(
        ["chat.startStream", "chat.postMessage"], httpx.Response(200, content=body)
    )
    scene.reply.write("Forty")
    assert not scene.close(patience_s=3)


def test_a_writer_that_crashes_says_so(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever goes wrong in our own code, who reads the model learns it, and the journal, without a word."""

    def crash(_: tuple[str, ...]) -> None:
        raise ZeroDivisionError("a secret text")

    scene.new_reply(on_posted=crash)
    scene.reply.write("Forty")
    scene.eventually(lambda: scene.reply.is_unwanted)
    assert not scene.close("-two.")
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {
        "at": "reply",
        "outcome": "crashed",
        "channel": GENERAL,
        "reason": "ZeroDivisionError",
    }


# Long answers

PROSE = "".join(
    f"Sentence number {i}, with an é in it. " + ("\n\n" if i % 9 == 8 else "") for i in range(700)
)
CODE = "```python\n" + "".join(f"print('line {i}')\n" for i in range(900)) + "```\nDone."


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("size", [1, 37, 700, 100_000])
def test_a_long_answer_rolls_over(scene: Scene, size: int, *, streams: bool) -> None:
    """Messages of at most nine kilobytes, together the whole text; the last one has the footer."""
    scene.slack.refuse_streams = not streams
    scene.slack.limits.enforced = False
    text = PROSE[:20_000]
    for i in range(0, len(text), size):
        scene.reply.write(text[i : i + size])
    assert scene.close(patience_s=500)
    messages = scene.messages()
    assert len(messages) == 3
    assert all(len(said(message).encode()) <= PART_BYTES for message in messages)
    assert without_edges(scene.said()) == without_edges(text)
    assert [has_footer(message) for message in messages] == [False, False, True]
    assert not any(message.is_streaming for message in messages)
    assert scene.posted[-1] == tuple(message.ts for message in messages)


@pytest.mark.parametrize("streams", [True, False])
def test_code_is_code_in_every_message(scene: Scene, *, streams: bool) -> None:
    """A fence that is open where a message ends is closed there and opened again in the next."""
    scene.slack.refuse_streams = not streams
    scene.slack.limits.enforced = False
    scene.write(*(CODE[i : i + 1200] for i in range(0, len(CODE), 1200)))
    assert scene.close(patience_s=500)
    parts = [said(message) for message in scene.messages()]
    assert len(parts) > 1
    assert all(part.startswith("```python\nprint(") for part in parts)
    assert all(open_fence(part) is None for part in parts)
    assert [line for part in parts for line in part.split("\n") if "```" not in line and line] == [
        line for line in CODE.split("\n") if "```" not in line and line
    ]


def test_a_roll_over_keeps_what_is_shown(scene: Scene) -> None:
    """A stream cannot be taken back: the next message goes on exactly where it stands, mid-paragraph too."""
    scene.slack.limits.enforced = False
    scene.write(*(PROSE[i : i + 1300] for i in range(0, 19_500, 1300)))
    assert scene.close(patience_s=500)
    assert without_edges(scene.said()) == without_edges(PROSE[:19_500])
    assert "chat.update" not in scene.methods()


def test_a_stream_that_dies_at_a_roll_over_loses_nothing(scene: Scene) -> None:
    """The full message is finished in place, and what comes after it goes on in the next."""
    scene.write(PROSE[:8500])
    scene.advance(301)
    scene.write(PROSE[8500:12_000])
    assert scene.close(patience_s=500)
    assert len(scene.messages()) == 2
    assert without_edges(scene.said()) == without_edges(PROSE[:12_000])


def test_a_roll_over_does_not_hurry(scene: Scene) -> None:
    """Also where one message ends and the next begins, writes are a second apart."""
    scene.reply.write(PROSE[:20_000])
    assert scene.close(patience_s=500)
    posts = [call.at for call in scene.slack.calls if call.method in ("chat.startStream", "chat.postMessage")]
    assert all(b - a >= INTERVAL_S for a, b in itertools.pairwise(posts))


# What an earlier worker left behind


def left_behind(scene: Scene, *texts: str) -> tuple[str, ...]:
    """Let a worker die in the middle of an answer that has as many messages; the last one is still live."""
    stamps: list[str] = []
    for text in texts:
        scene.new_reply()
        scene.write(text)
        stamps.append(scene.messages()[-1].ts)
    for ts in stamps[:-1]:
        answer_call(scene.slack, "chat.stopStream", scene.slack.bot_token, {"channel": GENERAL, "ts": ts})
    return tuple(stamps)


def test_a_half_written_message_is_filled_in_place(scene: Scene) -> None:
    """From its beginning, whatever stood there: no other message appears."""
    stamps = left_behind(scene, "Forty-thr")
    scene.new_reply(stamps)
    scene.write("Forty", "-two.")
    assert scene.close()
    assert (said(scene.only_message()), scene.only_message().ts) == ("Forty-two.", stamps[0])
    assert has_footer(scene.only_message())
    assert scene.posted[-1] == stamps


def test_a_notice_takes_the_place_of_a_half_written_answer(scene: Scene) -> None:
    """Who takes over and has no answer says so in the same message."""
    stamps = left_behind(scene, "Forty-thr")
    scene.new_reply(stamps)
    assert scene.close("Sorry, no.")
    assert (said(scene.only_message()), scene.only_message().ts) == ("Sorry, no.", stamps[0])


def test_half_written_messages_are_filled_one_after_the_other(scene: Scene) -> None:
    """And a further one is posted when the new answer is longer."""
    scene.slack.limits.enforced = False
    stamps = left_behind(scene, "one", "two")
    scene.new_reply(stamps)
    scene.reply.write(PROSE[:20_000])
    assert scene.close(patience_s=500)
    messages = scene.messages()
    assert [message.ts for message in messages][:2] == list(stamps)
    assert len(messages) == 3
    assert without_edges(scene.said()) == without_edges(PROSE[:20_000])


def test_half_written_messages_that_are_not_needed_are_taken_away(scene: Scene) -> None:
    """A shorter answer leaves no stale end of the longer one below it."""
    stamps = left_behind(scene, "one", "two", "three")
    scene.new_reply(stamps)
    assert scene.close("Forty-two.")
    assert (said(scene.only_message()), scene.only_message().ts) == ("Forty-two.", stamps[0])


def test_what_cannot_be_taken_away_does_not_matter(scene: Scene) -> None:
    """The answer stands."""
    stamps = left_behind(scene, "one", "two")
    scene.slack.fail_next("chat.delete", "cant_delete_message")
    scene.new_reply(stamps)
    assert scene.close("Forty-two.")
    assert said(scene.messages()[0]) == "Forty-two."


def test_a_half_written_message_that_is_gone_is_posted_anew(scene: Scene) -> None:
    """A person may have deleted it in between."""
    stamps = left_behind(scene, "Forty-thr")
    scene.slack.delete_message(GENERAL, stamps[0])
    scene.new_reply(stamps)
    scene.write("Forty-two.")
    assert scene.close()
    assert said(scene.only_message()) == "Forty-two."


# Whatever goes wrong

faults = st.tuples(
    st.sampled_from([*STREAM_CALLS, "chat.update", "chat.postMessage"]),
    st.sampled_from(
        [{"status": 429, "retry_after": 2}, {"cut": True}, {"status": 503}, {"error": "fatal_error"}]
    ),
)
steps = st.tuples(
    st.text("ab \né🙂", min_size=1, max_size=3000), st.sampled_from([0, 0, 301]), st.none() | faults
)


@settings(max_examples=25)
@given(st.lists(steps, min_size=1, max_size=6))
def test_whatever_goes_wrong_the_answer_stands_once(
    story: list[tuple[str, int, tuple[str, dict[str, Any]] | None]],
) -> None:
    """After failures that pass and streams that die, all of the text is there, in order, nothing twice."""
    scene = Scene()
    for text, seconds, fault in story:
        scene.reply.write(text)
        time.sleep(0.001)
        scene.advance(seconds)
        if fault:
            scene.slack.fail_next(fault[0], **fault[1])
    written = "".join(text for text, _, _ in story)
    assert scene.close(patience_s=300)
    assert without_edges(scene.said()) == (without_edges(written) if written.strip() else "")
    assert not any(message.is_streaming for message in scene.messages())


def test_who_gives_up_leaves_the_thread_as_it_is(scene: Scene) -> None:
    """Nothing more is written, and the writing thread ends: whoever takes over finishes the reply."""
    scene.write("half")
    scene.reply.give_up()
    scene.reply.write(" and the other half")

    scene.eventually(lambda: not any(t.name == "reply" for t in threading.enumerate()))
    assert said(scene.only_message()) == "half"
