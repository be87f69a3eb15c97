"""A message: read alike from either twin, and with a defined answer for whatever a field holds."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.domain.message import (
    ChannelId,
    File,
    Message,
    NotForUs,
    Ts,
    UserId,
    read_files,
    read_message,
)
from router.errors import MalformedError
from tests.slack_requests import OUR_USER, event_body, mention, message

ROOT = "1700000000.000100"
REPLY = "1700000099.000200"

IDENTIFYING = ("channel", "ts", "user")
WRONG_TYPES: tuple[Any, ...] = (None, 7, 1.5, True, [], {}, ["x"], {"x": 1})
HOSTILE = ("", " ", "\ud800", "\x00", "<!channel>", "'; DROP TABLE", "C0001\n", "٣", "x" * 10_000, "C" * 33)


def read(event: Any, **envelope: Any) -> Message | NotForUs:
    """Read an event as it comes out of Slack's JSON."""
    return read_message(json.loads(event_body(event, **envelope)))


def read_whole(event: dict[str, Any], **envelope: Any) -> Message:
    """Read an event that must be a message for us."""
    found = read(event, **envelope)
    assert isinstance(found, Message), found
    return found


# What is read


def test_a_mention_is_read() -> None:
    """Who said what, where, and to whom it is an answer."""
    assert read_whole(mention("why?", team="T0001", files=[])) == Message(
        channel=ChannelId("C0001"),
        ts=Ts(ROOT),
        thread=Ts(ROOT),
        user=UserId("U0ADA"),
        text=f"<@{OUR_USER}> why?",
        team="T0001",
        author_team="T0001",
        is_direct=False,
        mentions_us=True,
        our_user=UserId(OUR_USER),
        files=(),
    )


@pytest.mark.parametrize("place", [{}, {"thread_ts": ROOT, "ts": REPLY}, {"team": "T0001"}])
@pytest.mark.parametrize("files", [[], [{"name": "a.pdf", "mimetype": "application/pdf"}]])
@pytest.mark.parametrize("text", ["why?", "", f"and <@{OUR_USER}|penny> again", "<@U0BOB> said so"])
def test_both_twins_read_the_same(place: dict[str, str], files: list[Any], text: str) -> None:
    """It does not matter which event of one post comes first, or comes at all."""
    one = read_whole(mention(text, files=files, **place))
    other = read_whole(message(text, files=files, **place))
    assert one == other


@pytest.mark.parametrize(("event", "files"), [(mention(), None), (message(), ())])
def test_only_a_mention_may_lack_its_files(event: dict[str, Any], files: tuple[File, ...] | None) -> None:
    """Slack leaves the files out of some mentions, so there their absence says nothing."""
    assert read_whole(event).files == files


def test_a_direct_message_needs_no_mention() -> None:
    """All that is said there is said to us."""
    said = read_whole(message(channel="D0ADA", channel_type="im") | {"text": "why?"})
    assert (said.is_direct, said.mentions_us, said.needs_our_thread) == (True, False, False)
    assert read_whole(message(channel="D0ADA") | {"text": "why?", "channel_type": None}).is_direct


def test_a_follow_up_waits_to_be_looked_up() -> None:
    """Whether we take part in a thread the event does not say."""
    said = read_whole(message(thread_ts=ROOT, ts=REPLY) | {"text": "and then?"})
    assert (said.is_reply, said.mentions_us, said.needs_our_thread) == (True, False, True)


def test_a_mention_in_a_thread_needs_no_thread_of_ours() -> None:
    """We are called into any thread."""
    said = read_whole(message("and you?", thread_ts=ROOT, ts=REPLY))
    assert (said.is_reply, said.thread, said.needs_our_thread) == (True, ROOT, False)


@pytest.mark.parametrize("thread_ts", [None, "", ROOT])
def test_a_root_is_its_own_thread(thread_ts: str | None) -> None:
    """Whether Slack leaves the thread out or names the message itself."""
    said = read_whole(mention(thread_ts=thread_ts))
    assert (said.thread, said.is_reply) == (ROOT, False)


@pytest.mark.parametrize(
    ("fields", "team"),
    [
        ({"user_team": "T0FAR", "team": "T0001"}, "T0FAR"),
        ({"team": "T0FAR"}, "T0FAR"),
        ({}, "T0001"),
        ({"user_team": None, "team": 7}, "T0001"),
        ({"user_team": "not a team", "team": "\ud800"}, "T0001"),
    ],
)
def test_the_authors_own_workspace_is_known(fields: dict[str, Any], team: str) -> None:
    """In a shared channel a stranger belongs to another workspace than we do."""
    assert read_whole(message(**fields)).author_team == team


@pytest.mark.parametrize("team", [None, 7, [], "not a team"])
def test_a_workspace_that_is_not_named_is_empty(team: Any) -> None:
    """An app that is installed for a whole organisation may get no workspace."""
    ours = [{"team_id": team, "user_id": OUR_USER}]

    assert read_whole(mention(), team_id=team, authorizations=ours).team == ""


def test_our_workspace_in_a_shared_channel() -> None:
    """Slack may name the other company's workspace around an event; ours is where the app is installed."""
    assert read_whole(mention(), team_id="T0FAR").team == "T0001"


def test_our_user_is_the_first_that_authorized() -> None:
    """On Enterprise Grid there may be several; the first is the one this event is for."""
    others = [{"user_id": "U0FIRST"}, {"user_id": OUR_USER}]
    assert read_whole(message("<@U0FIRST> hello"), authorizations=others).our_user == "U0FIRST"


# What is not for us


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (message(user=OUR_USER), NotForUs.OWN_POST),
        (message(app_id="A0001", bot_id="B1"), NotForUs.OWN_POST),
        (message(bot_profile={"app_id": "A0001"}, bot_id="B1"), NotForUs.OWN_POST),
        (message(bot_id="B0OTHER"), NotForUs.BOT_POST),
        (mention(bot_id="B0OTHER", app_id="A0OTHER"), NotForUs.BOT_POST),
        (message(subtype="bot_message", user=None), NotForUs.BOT_POST),
        (mention(edited={"user": "U0ADA", "ts": REPLY}), NotForUs.EDIT),
        (message(subtype="message_changed", hidden=True), NotForUs.EDIT),
        (message(subtype="message_deleted", hidden=True), NotForUs.SUBTYPE),
        (message(subtype="channel_join"), NotForUs.SUBTYPE),
        (message(subtype="a_subtype_of_tomorrow"), NotForUs.SUBTYPE),
        (message(hidden=True), NotForUs.SUBTYPE),
        (message() | {"text": "nobody in particular"}, NotForUs.CHANNEL_TALK),
        (message() | {"text": None}, NotForUs.CHANNEL_TALK),
        (message() | {"text": f"@{OUR_USER} is no mention"}, NotForUs.CHANNEL_TALK),
        (message(thread_ts=ROOT, ts=REPLY) | {"text": "<@U0BOB> you?"}, NotForUs.TO_SOMEONE_ELSE),
        (message(thread_ts=ROOT, ts=REPLY) | {"text": "<@U0BOB|bob> you?"}, NotForUs.TO_SOMEONE_ELSE),
    ],
)
def test_what_is_not_for_us_goes_no_further(event: dict[str, Any], why: NotForUs) -> None:
    """Our own posts, bots, edits, joins, channel talk and words to someone else, each with its reason."""
    assert read(event) == why


@pytest.mark.parametrize("subtype", [None, "file_share", "thread_broadcast"])
def test_what_a_person_says_is_read_in_every_form(subtype: str | None) -> None:
    """With a file, and when a reply is shown to the channel too."""
    assert isinstance(read(message(subtype=subtype)), Message)


@pytest.mark.parametrize("app", [None, "", 7, "A0OTHER"])
def test_a_person_who_posts_through_another_app_is_a_person(app: Any) -> None:
    """An app's id alone makes no bot; and an unknown app of ours is nobody's own post."""
    assert isinstance(read(message(app_id=app)), Message)
    assert isinstance(read(message(app_id=app), api_app_id=None), Message)


# Fields that Slack would not send


@pytest.mark.parametrize("field", IDENTIFYING)
def test_a_field_that_names_the_message_must_be_there(field: str) -> None:
    """Without channel, time or author nothing can be answered, and the reason names the field."""
    for event in (mention(), message()):
        del event[field]
        with pytest.raises(MalformedError, match=rf"^event\.{field}: must look like "):
            read(event)


@pytest.mark.parametrize("field", [*IDENTIFYING, "thread_ts"])
@pytest.mark.parametrize("value", [*WRONG_TYPES, *HOSTILE])
def test_a_field_that_names_the_message_must_look_like_one(field: str, value: Any) -> None:
    """Of another type, too long or hostile it is refused, without being repeated in the reason."""
    if field == "thread_ts" and value in (None, ""):
        return
    with pytest.raises(MalformedError, match=rf"^event\.{field}: must look like ") as caught:
        read(mention(**{field: value}))
    assert "DROP" not in str(caught.value)
    assert len(str(caught.value)) < 100


@pytest.mark.parametrize("ts", ["1700000000", "1700000000.", ".000100", "-1.5", "1e9.0", "1" * 13 + ".0"])
def test_a_time_that_slack_would_not_write_is_refused(ts: str) -> None:
    """It would name another message in table and thread."""
    with pytest.raises(MalformedError, match=r"^event\.ts"):
        read(message(ts=ts))


@pytest.mark.parametrize("text", [7, 0, False, True, [], ["x"], {}, {"x": 1}])
def test_words_must_be_text(text: Any) -> None:
    """Words of another type are not taken for none."""
    with pytest.raises(MalformedError, match=r"^event\.text: must be a string$"):
        read(mention() | {"text": text})


@pytest.mark.parametrize("event", [mention(), mention() | {"text": None}])
def test_words_may_be_missing(event: dict[str, Any]) -> None:
    """A file may come without a word."""
    if event["text"]:
        del event["text"]
    assert read_whole(event).text == ""


@pytest.mark.parametrize(
    "text", ["\ud800\x00<!channel>", "<@" * 10_000, f"<@{OUR_USER}>" * 5_000, "x" * 10**6]
)
def test_words_may_be_any(text: str) -> None:
    """However long and hostile, words are read as they are."""
    assert read_whole(mention() | {"text": text}).text == text


@pytest.mark.parametrize("subtype", [7, True, [], ["file_share"], {}, {"x": 1}])
def test_a_subtype_must_be_text(subtype: Any) -> None:
    """What kind of post it is would be a guess."""
    with pytest.raises(MalformedError, match=r"^event\.subtype: must be a string$"):
        read(message(subtype=subtype))


@pytest.mark.parametrize("event", [None, 7, "text", [], [{}]])
def test_an_event_must_be_an_object(event: Any) -> None:
    """Anything else is refused by name."""
    with pytest.raises(MalformedError, match=r"^event: must be an object$"):
        read(event)


def test_an_event_must_be_there() -> None:
    """An envelope without one is refused alike."""
    with pytest.raises(MalformedError, match=r"^event: must be an object$"):
        read_message({"authorizations": [{"user_id": OUR_USER}]})


@pytest.mark.parametrize(
    "authorizations",
    [
        *(None, 7, "U0PENNY", [], {}, [None], ["U0PENNY"], [{}], [{"user_id": None}], [{"user_id": 7}]),
        *([{"user_id": "not an id"}], [{"user_id": "u0penny"}], [{}, {"user_id": OUR_USER}]),
    ],
)
def test_who_we_are_must_be_said(authorizations: Any) -> None:
    """Without our own id we could not tell our posts and mentions from others'."""
    with pytest.raises(MalformedError, match=r"^authorizations\[0\]\.user_id"):
        read(mention(), authorizations=authorizations)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
fields = st.sampled_from(
    [
        *("channel", "ts", "thread_ts", "user", "text", "subtype", "files", "type", "bot_id", "bot_profile"),
        *("app_id", "edited", "hidden", "team", "user_team", "channel_type"),
    ]
)


@given(st.dictionaries(fields, anything, max_size=4), st.sampled_from([mention(), message()]))
def test_any_fields_have_an_answer(changes: dict[str, Any], event: dict[str, Any]) -> None:
    """Whatever the fields hold, the event is a message, not for us, or malformed; nothing else is raised."""
    with contextlib.suppress(MalformedError):
        assert isinstance(read(event | changes), Message | NotForUs)


# Files


def test_files_are_named() -> None:
    """By name, else by title, else at all."""
    files = [
        {"name": "a.pdf", "mimetype": "application/pdf", "title": "A"},
        {"title": "Snippet"},
        {"name": "", "title": ""},
        {},
    ]
    assert read_files(files) == (
        File("a.pdf", "application/pdf"),
        File("Snippet"),
        File("a file"),
        File("a file"),
    )


def test_a_deleted_file_is_none() -> None:
    """Only its tombstone is left."""
    assert read_files([{"name": "gone.pdf", "mode": "tombstone"}]) == ()


@pytest.mark.parametrize("files", [None, 7, "a.pdf", {}, {"name": "a.pdf"}, [None, 7, "a.pdf", []]])
def test_what_is_no_file_is_passed_over(files: Any) -> None:
    """A list of other things holds no file."""
    assert read_files(files) == ()


@pytest.mark.parametrize("wrong", [7, None, [], {"x": 1}])
def test_a_file_of_wrong_fields_is_still_a_file(wrong: Any) -> None:
    """It hangs there, so it is not ignored."""
    assert read_files([{"name": wrong, "title": wrong, "mimetype": wrong, "mode": wrong}]) == (
        File("a file"),
    )


def test_a_files_name_is_short() -> None:
    """A name of any length does not fill a prompt or a footer."""
    (file,) = read_files([{"name": "x" * 10_000, "mimetype": "y" * 10_000}])
    assert (len(file.name), len(file.mimetype)) == (200, 200)
