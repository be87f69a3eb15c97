"""The playground's own API: what the page and outside checks can read and do."""

from __future__ import annotations

import base64
import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import httpx
import pytest
from starlette.applications import Starlette

from playground.api import playground_api
from playground.clock import ManualClock
from playground.serving import serve
from playground.slack.delivery import Delivery
from playground.slack.directory import ADA, GRACE, PENNY
from playground.slack.web_api import web_api_routes
from playground.slack.workspace import Workspace
from tests.slack_wire import ADA_DM, ASK_PENNY, GENERAL, GRACE_DM, LEADS, START, TLS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playground.slack.request import SlackRequest

LEDGER = {"budgets": [{"channel": GENERAL}], "reservations": [], "usage": []}


@dataclass(slots=True)
class Playground:
    """The API, the workspace behind it, and what Penny's endpoint got."""

    http: httpx.Client
    workspace: Workspace
    delivery: Delivery
    clock: ManualClock
    got: list[SlackRequest]
    starting: str | None = None

    def post(self, path: str, **body: Any) -> httpx.Response:
        """Post a JSON body."""
        return self.http.post(path, json=body)

    def say(self, text: str = "why?", **more: Any) -> str:
        """Post as Ada to Penny; return the ts."""
        answer = self.post("/api/messages", **({"channel": ADA_DM, "user": "ada", "text": text} | more))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["ts"])

    def thread(self, ts: str, channel: str = ADA_DM) -> list[dict[str, Any]]:
        """Read a thread."""
        messages: list[dict[str, Any]] = self.http.get(f"/api/threads/{channel}/{ts}").json()["messages"]
        return messages

    def penny(self, method: str, **args: Any) -> dict[str, Any]:
        """Call the Web API as Penny."""
        token = {"Authorization": f"Bearer {self.workspace.bot_token}"}
        answer: dict[str, Any] = self.http.post(f"/api/{method}", json=args, headers=token).json()
        assert answer["ok"], answer
        return answer


@pytest.fixture
def playground() -> Iterator[Playground]:
    """Serve the API and the Web API at one address."""
    clock = ManualClock(START)
    workspace = Workspace(clock)
    got: list[SlackRequest] = []

    def take(request: SlackRequest) -> int:
        got.append(request)
        return 200

    delivery = Delivery(workspace, take, clock)
    made: list[Playground] = []
    routes = playground_api(workspace, delivery, lambda: LEDGER, lambda: made[0].starting)
    app = Starlette(routes=[*routes, *web_api_routes(workspace)])
    with serve(app) as served, httpx.Client(base_url=served.url, verify=TLS) as http:
        made.append(Playground(http, workspace, delivery, clock, got))
        yield made[0]


def test_health_says_what_is_still_starting(playground: Playground) -> None:
    """503 until all is up, then the channel in which every post is answered."""
    playground.starting = "the queue"
    answer = playground.http.get("/api/health")
    assert (answer.status_code, answer.json()) == (503, {"ok": False, "starting": "the queue"})
    playground.starting = None
    assert playground.http.get("/api/health").json() == {"ok": True, "default_channel": ADA_DM}


def test_a_post_reaches_the_app_and_the_thread(playground: Playground) -> None:
    """Channel and ts are answered, the event is delivered, the message can be read."""
    answer = playground.post("/api/messages", channel=ADA_DM, user="ada", text="why?").json()
    assert (answer["ok"], answer["channel"]) == (True, ADA_DM)
    playground.delivery.run_due()
    assert json.loads(playground.got[0].body)["event"]["ts"] == answer["ts"]
    (message,) = playground.thread(answer["ts"])
    assert (message["ts"], message["user"], message["bot"]) == (answer["ts"], ADA.id, False)
    assert (message["text"], message["streaming"], message["edited"]) == ("why?", False, False)


def test_people_and_channels_go_by_id_or_name(playground: Playground) -> None:
    """Either says the same."""
    answer = playground.post("/api/messages", channel="#ask-penny", user=GRACE.id, text="x").json()
    assert answer["channel"] == ASK_PENNY
    assert playground.thread(answer["ts"], ASK_PENNY)[0]["user"] == GRACE.id


def test_typed_text_becomes_slacks(playground: Playground) -> None:
    """Escapes, mentions and mass mentions are made as Slack's client does; addresses are left alone."""
    ts = playground.say("@penny a<b & c>d, @Grace! ada@penny.example @nobody @here")
    expected = f"<@{PENNY.id}> a&lt;b &amp; c&gt;d, <@{GRACE.id}>! ada@penny.example @nobody <!here>"
    assert playground.thread(ts)[0]["text"] == expected


def test_a_reply_joins_its_thread(playground: Playground) -> None:
    """Root first; a reply's ts leads to the same thread."""
    root = playground.say("root")
    reply = playground.say("reply", thread_ts=root)
    assert [one["text"] for one in playground.thread(root)] == ["root", "reply"]
    assert [one["text"] for one in playground.thread(reply)] == ["root", "reply"]
    assert [one["thread_ts"] for one in playground.thread(root)] == [None, root]


def test_files_are_shared(playground: Playground) -> None:
    """With or without words; the page shows what was uploaded, and nothing in it may run there."""
    cat = {"name": "cat.png", "mimetype": "image/png", "content": base64.b64encode(b"meow").decode()}
    message = playground.thread(playground.say("", files=[cat, {"name": "x.html", "mimetype": "text/html"}]))[
        0
    ]
    shown = [(one["name"], one["mimetype"], one["size"]) for one in message["files"]]
    assert shown == [("cat.png", "image/png", 4), ("x.html", "text/html", 0)]
    assert message["subtype"] == "file_share"
    image, page = (playground.http.get(f"/api/files/{one['id']}") for one in message["files"])
    assert (image.content, image.headers["content-type"]) == (b"meow", "image/png")
    assert (page.headers["content-type"], page.headers["content-disposition"]) == (
        "application/octet-stream",
        "attachment",
    )
    assert playground.http.get("/api/files/F0").status_code == 404
    body = {"channel": ADA_DM, "user": "ada", "files": [{"name": "a.txt"}]}
    assert playground.http.post("/api/messages", json=body).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"channel": "C0UNKNOWN1"}, 404, "channel_not_found"),
        ({"channel": None}, 400, "invalid_input"),
        ({"channel": 7}, 400, "invalid_input"),
        ({"user": "nobody"}, 404, "user_not_found"),
        ({"user": None}, 400, "invalid_input"),
        ({"user": "penny"}, 403, "not_a_person"),
        ({"user": "linus", "channel": LEADS}, 403, "not_in_channel"),
        ({"text": None}, 400, "invalid_input"),
        ({"text": 7}, 400, "invalid_input"),
        ({"text": ["x"]}, 400, "invalid_input"),
        ({"text": ""}, 400, "no_text"),
        ({"text": "x" * 40_001}, 400, "msg_too_long"),
        ({"thread_ts": 7}, 400, "invalid_input"),
        ({"thread_ts": "1700000000.000100"}, 404, "thread_not_found"),
        ({"files": "cat.png"}, 400, "invalid_input"),
        ({"files": ["cat.png"]}, 400, "invalid_input"),
        ({"files": [{"mimetype": "image/png"}]}, 400, "invalid_input"),
        ({"files": [{"name": "x" * 256}]}, 400, "invalid_input"),
        ({"files": [{"name": "../x"}]}, 400, "invalid_input"),
        ({"files": [{"name": "x", "content": "no base64"}]}, 400, "invalid_input"),
        ({"files": [{"name": "x"}] * 11}, 400, "invalid_input"),
    ],
)
def test_posts_that_are_refused(playground: Playground, body: dict[str, Any], status: int, code: str) -> None:
    """With a 4xx, a code and plain words, and nothing is posted."""
    answer = playground.post("/api/messages", **({"channel": GENERAL, "user": "ada", "text": "x"} | body))
    refusal = answer.json()
    assert (answer.status_code, refusal["ok"], refusal["error"]) == (status, False, code)
    assert " " in refusal["message"]
    assert playground.delivery.pending == ()


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"", 400), (b"{", 400), (b"[]", 400), (b"\xff", 400), (b"[" * 100_000, 400), (b" " * 20_000_001, 413)],
)
def test_bodies_that_are_no_json_are_refused(playground: Playground, content: bytes, status: int) -> None:
    """Also absent and huge ones."""
    answer = playground.http.post("/api/messages", content=content)
    assert (answer.status_code, answer.json()["ok"]) == (status, False)


def test_the_longest_message_is_taken(playground: Playground) -> None:
    """Forty thousand characters as typed; that escapes are longer does not matter."""
    ts = playground.say("<" * 40_000)
    assert playground.thread(ts)[0]["text"] == "&lt;" * 40_000


def test_threads_that_do_not_exist(playground: Playground) -> None:
    """An unknown channel and an unknown ts are two refusals."""
    for path, code in (
        (f"/api/threads/{GENERAL}/1700000000.000100", "thread_not_found"),
        ("/api/threads/C0UNKNOWN1/1.1", "channel_not_found"),
        ("/api/channels/C0UNKNOWN1/messages", "channel_not_found"),
    ):
        answer = playground.http.get(path)
        assert (answer.status_code, answer.json()["error"]) == (404, code)


def test_the_text_of_a_reply_is_whole_however_it_was_sent(playground: Playground) -> None:
    """By text, as Markdown, in blocks, or streamed with a footer below."""
    root = playground.say()
    place = {"channel": ADA_DM, "thread_ts": root}
    block = {"type": "markdown", "text": "in a block"}
    footer = {"type": "context", "elements": [{"type": "mrkdwn", "text": "a footer"}]}
    playground.penny("chat.postMessage", **place, text="as text")
    playground.penny("chat.postMessage", **place, markdown_text="as **Markdown**")
    playground.penny("chat.postMessage", **place, text="fallback", blocks=[block, footer])
    ts = playground.penny("chat.startStream", **place, markdown_text="stre")["ts"]
    live = playground.thread(root)[-1]
    assert (live["text"], live["streaming"], live["blocks"], live["bot"]) == ("stre", True, [], True)
    playground.penny("chat.stopStream", channel=ADA_DM, ts=ts, markdown_text="amed", blocks=[footer])
    replies = playground.thread(root)[1:]
    assert [one["text"] for one in replies] == [
        "as text",
        "as **Markdown**",
        "in a block\na footer",
        "streamed\na footer",
    ]
    ended = replies[-1]
    assert (ended["streaming"], [one["type"] for one in ended["blocks"]]) == (False, ["markdown", "context"])


def test_a_channel_shows_roots_with_their_replies_counted(playground: Playground) -> None:
    """Oldest first, as one reads them."""
    root = playground.say("root", channel=GENERAL)
    reply = playground.say("reply", channel=GENERAL, thread_ts=root)
    playground.say("next", channel=GENERAL)
    messages = playground.http.get(f"/api/channels/{GENERAL}/messages").json()["messages"]
    assert [(one["text"], one["reply_count"]) for one in messages] == [("root", 1), ("next", 0)]
    assert [one["latest_reply"] for one in messages] == [reply, None]


def test_the_workspace_describes_itself(playground: Playground) -> None:
    """Users, channels, who is in direct messages, and where to start."""
    told = playground.http.get("/api/workspace").json()
    users = {user["name"]: user for user in told["users"]}
    channels = {channel["id"]: channel for channel in told["channels"]}
    assert (told["bot_user"], told["default_channel"], told["me"]) == (PENNY.id, ADA_DM, ADA.id)
    assert (users["ada"]["bot"], users["penny"]["bot"]) == (False, True)
    assert channels[GRACE_DM]["is_im"]
    assert channels[GRACE_DM]["with"] == [GRACE.id]
    assert channels[LEADS]["is_private"]
    assert not channels[GENERAL]["is_private"]


def test_the_ledger_is_passed_on(playground: Playground) -> None:
    """It is not the fake Slack's to know."""
    assert playground.http.get("/api/ledger").json() == LEDGER


def test_a_leading_slash_is_a_command(playground: Playground) -> None:
    """It is sent to the app that registers it instead of posted; inside a thread Slack has none."""
    playground.workspace.commands["/penny"] = {"command": "/penny", "description": "Budgets and reports"}
    answer = playground.post("/api/messages", channel=GENERAL, user="ada", text="/penny budget set 25").json()
    assert (answer["ok"], answer["ts"]) == (True, None)
    playground.delivery.run_due()
    assert "command=%2Fpenny" in playground.got[0].body
    assert playground.http.get(f"/api/channels/{GENERAL}/messages").json()["messages"] == []
    root = playground.say(channel=GENERAL)
    body = {"channel": GENERAL, "user": "ada", "text": "/penny help", "thread_ts": root}
    assert playground.post("/api/messages", **body).json()["error"] == "no_command_in_thread"
    other = {"channel": GENERAL, "user": "ada", "text": "/other"}
    assert playground.post("/api/messages", **other).json()["error"] == "no_such_command"
    assert playground.http.get("/api/workspace").json()["commands"][0]["command"] == "/penny"
    assert playground.say("/ is no command", channel=GENERAL)


def test_a_button_can_be_pressed(playground: Playground) -> None:
    """What is not there cannot."""
    text = {"type": "plain_text", "text": "Try"}
    blocks = [{"type": "actions", "elements": [{"type": "button", "action_id": "again", "text": text}]}]
    ts = playground.penny("chat.postMessage", channel=GENERAL, text="x", blocks=blocks)["ts"]
    press = {"channel": GENERAL, "user": "ada", "message_ts": ts, "action_id": "again"}
    assert playground.post("/api/actions", **press).json() == {"ok": True}
    playground.delivery.run_due()
    assert "block_actions" in playground.got[-1].body
    assert (
        playground.post("/api/actions", **(press | {"action_id": "x"})).json()["error"] == "no_such_element"
    )
    assert playground.post("/api/actions", **(press | {"message_ts": "1.1"})).status_code == 404
    assert playground.post("/api/actions", **(press | {"action_id": 7})).status_code == 400


def test_the_home_tab_is_opened_and_pressed(playground: Playground) -> None:
    """Opening it is told to the app; what was published is shown, and what its inputs hold is sent along."""
    assert playground.post("/api/home", user="ada").json() == {"ok": True}
    assert playground.post("/api/home", user="ada", tab="messages").json() == {"ok": True}
    assert playground.post("/api/home", user="ada", tab="about").json()["error"] == "invalid_input"
    assert playground.post("/api/home", user="stranger").json()["error"] == "not_in_channel"
    playground.delivery.run_due()
    tabs = [json.loads(one.body)["event"]["tab"] for one in playground.got]
    assert tabs == ["home", "messages"]
    press = {"user": "ada", "action_id": "limit", "block_id": "b", "value": "25"}
    assert playground.http.get("/api/home/ada").json() == {"user": ADA.id, "view": None}
    assert playground.post("/api/actions", **press).json()["error"] == "not_found"
    label = {"type": "plain_text", "text": "Limit"}
    amount = {"type": "number_input", "action_id": "limit", "is_decimal_allowed": True, "initial_value": "5"}
    block = {"type": "input", "block_id": "b", "label": label, "element": amount, "dispatch_action": True}
    playground.penny("views.publish", user_id=ADA.id, view={"type": "home", "blocks": [block]})
    assert playground.http.get("/api/home/ada").json()["view"]["blocks"] == [block]
    assert playground.post("/api/actions", **press, inputs={"b": {"limit": "25"}}).json() == {"ok": True}
    playground.delivery.run_due()
    told = json.loads(parse_qs(playground.got[-1].body)["payload"][0])
    assert told["actions"][0]["value"] == "25"
    assert told["view"]["state"]["values"] == {"b": {"limit": {"type": "number_input", "value": "25"}}}
    assert playground.post("/api/actions", **press, inputs={"b": 7}).json()["error"] == "invalid_input"
    assert playground.post("/api/actions", **(press | {"block_id": "c"})).json()["error"] == "no_such_element"


def test_what_was_delivered_can_be_seen(playground: Playground) -> None:
    """What was sent, when, and what came back: also to those who follow the stream."""
    playground.say("why?")
    with live(playground) as events:
        playground.delivery.run_due()
        assert next(events)[0] == "delivery"
    (told,) = playground.http.get("/api/deliveries").json()["deliveries"]
    assert (told["purpose"], told["kind"], told["status"], told["number"]) == ("event", "message", 200, 0)
    assert told["content"]["event"]["text"] == "why?"


def test_a_stream_can_be_stopped(playground: Playground) -> None:
    """As with Slack's own button."""
    ts = playground.penny("chat.startStream", channel=ADA_DM, thread_ts=playground.say(), markdown_text="x")[
        "ts"
    ]
    assert playground.post("/api/stop", ts=ts, user="ada").json() == {"ok": True}
    assert playground.thread(ts)[-1]["streaming"] is False
    assert playground.post("/api/stop", ts="1.1", user="ada").json()["error"] == "message_not_found"


def test_an_event_can_be_delivered_again(playground: Playground) -> None:
    """As often as asked, within reason."""
    ts = playground.say()
    playground.delivery.run_due()
    assert playground.post("/api/again", ts=ts, times=10).json() == {"ok": True, "times": 10}
    playground.delivery.run_due()
    assert len(playground.got) == 11
    assert playground.post("/api/again", ts="1.1").json()["error"] == "event_not_found"
    assert playground.post("/api/again").json()["times"] == 1, "without a ts, that of the last message"
    for times in (0, 101, "10", True, None):
        assert playground.post("/api/again", ts=ts, times=times).json()["error"] == "invalid_input"


def test_the_page_and_its_files_are_served(playground: Playground) -> None:
    """At the root and under /page; other names are not found, and no path leads out."""
    for path in ("/", "/page/", "/index.html", "/page/index.html"):
        assert "<!doctype html>" in playground.http.get(path).text.lower(), path
    script = playground.http.get("/page/app.js")
    assert "javascript" in script.headers["content-type"]
    for path in ("/nothing.js", "/page/%2e%2e%2fapi.py", "/%2e%2e%2fapi.py"):
        assert playground.http.get(path).status_code == 404, path


Live = tuple[str, dict[str, Any]]


@contextlib.contextmanager
def live(playground: Playground) -> Iterator[Iterator[Live]]:
    """Follow the stream; yields the events as they come."""
    with playground.http.stream("GET", "/api/stream") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert next(lines) == ": connected"
        yield _events(lines)


def _events(lines: Iterator[str]) -> Iterator[Live]:
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def test_changes_are_streamed_as_they_happen(playground: Playground) -> None:
    """Every post and piece, statuses set and cleared, ephemerals; nothing from before the connection."""
    root = playground.say("before")
    place = {"channel": ADA_DM, "thread_ts": root}
    with live(playground) as events:
        status = {"channel_id": ADA_DM, "thread_ts": root, "status": "is thinking…"}
        playground.penny("assistant.threads.setStatus", **status)
        assert next(events) == ("status", place | {"status": "is thinking…"})
        ts = playground.penny("chat.startStream", **place, markdown_text="a")["ts"]
        assert next(events) == ("status", place | {"status": ""})
        playground.penny("chat.appendStream", channel=ADA_DM, ts=ts, markdown_text="b")
        playground.penny("chat.stopStream", channel=ADA_DM, ts=ts)
        told = [next(events) for _ in range(5)]
        sessions = [data["status"] for name, data in told if name == "session"]
        assert sessions == ["processing", "active"]
        seen = [one for one in told if one[0] != "session"]
        assert {(name, data["channel"], data["message"]["thread_ts"]) for name, data in seen} == {
            ("message", ADA_DM, root)
        }
        pieces = [(data["message"]["text"], data["message"]["streaming"]) for _, data in seen]
        assert pieces == [("a", True), ("ab", True), ("ab", False)]
        playground.penny("chat.postEphemeral", channel=ADA_DM, user=ADA.id, thread_ts=root, text="psst")
        name, shown = next(events)
        psst = place | {"user": ADA.id, "ts": shown["ts"], "text": "psst", "blocks": []}
        assert (name, shown) == ("ephemeral", psst)


def test_a_deleted_message_is_streamed_as_deleted(playground: Playground) -> None:
    """So that the page can take it away."""
    ts = playground.say()
    with live(playground) as events:
        playground.workspace.delete_message(ADA_DM, ts)
        name, data = next(events)
    assert (name, data["message"]["ts"], data["message"]["deleted"]) == ("message", ts, True)


def test_watchers_that_leave_are_forgotten(playground: Playground) -> None:
    """A page that was closed costs nothing from then on, and others go on."""
    with live(playground) as staying:
        with live(playground) as leaving:
            playground.say("one")
            assert next(staying)[1]["message"]["text"] == next(leaving)[1]["message"]["text"] == "one"
        playground.say("two")
        assert next(staying)[1]["message"]["text"] == "two"
