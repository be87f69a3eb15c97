"""A thread's posts and the prompt that is made of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.domain.attachment import Attachment
from router.domain.estimate import prompt_token_bound
from router.domain.message import ChannelId, File, Message, Ts, UserId
from router.domain.thread import (
    NO_WORDS,
    Author,
    Post,
    Prompt,
    Shown,
    least_prompt_tokens,
    prompt_for,
    read_post,
    system_prompt_for,
)

US = UserId("U0PENNY")
MARK = "penny_answer"
SYSTEM = "Be brief."
NOW = "1700000100.000000"


def a_message(text: str = "why?") -> Message:
    """Make Ada's message, a reply in a thread."""
    return Message(
        channel=ChannelId("C0001"),
        ts=Ts(NOW),
        thread=Ts("1700000000.000000"),
        user=UserId("U0ADA"),
        text=text,
        team="T0001",
        author_team="T0001",
        is_direct=False,
        mentions_us=True,
        our_user=US,
        files=(),
    )


def a_post(
    text: str,
    seconds: int = 0,
    author: Author = Author.PERSON,
    name: str = "U0BOB",
    *files: str,
    answers: str = "",
) -> Post:
    """Make an earlier post, so many seconds after the thread began."""
    ts = Ts(f"{1700000000 + seconds}.000000")
    return Post(ts, author, name, text, tuple(File(f) for f in files), answers)


def prompt_of(
    *posts: Post, text: str = "why?", files: tuple[str, ...] = (), system: str = SYSTEM, most: int = 90_000
) -> Prompt:
    """Make the prompt of Ada's message."""
    return prompt_for(system, posts, a_message(text), tuple(File(f) for f in files), most)


def said(prompt: Prompt) -> list[tuple[str, str]]:
    """List roles and words."""
    return [(m["role"], m["content"]) for m in prompt.messages]


def a_mark(answered: object) -> dict[str, Any]:
    """Make the metadata of a finished reply."""
    return {"event_type": MARK, "event_payload": {"message_ts": answered, "complete": True}}


def read(**raw: Any) -> Post | None:
    """Read a message of `conversations.replies`; fields win over a plain one's."""
    return read_post({"ts": "1700000000.000100", "user": "U0BOB", "text": "hello"} | raw, US, MARK)


def test_a_persons_post() -> None:
    """Who, when and what."""
    assert read() == Post(Ts("1700000000.000100"), Author.PERSON, "U0BOB", "hello")


def test_our_own_post_is_told_by_our_user() -> None:
    """We post as a bot, and yet are not just any bot."""
    post = read(user=US, bot_id="B1", bot_profile={"name": "Penny"})
    assert post is not None
    assert post.author is Author.US


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ({"bot_id": "B1", "username": "deploys"}, "deploys"),
        ({"bot_id": "B1", "bot_profile": {"name": "Deploy Bot"}}, "Deploy Bot"),
        ({"bot_id": "B1"}, "U0BOB"),
        ({"subtype": "bot_message", "user": None}, "someone"),
        ({"bot_id": "B1", "username": "x" * 1000}, "x" * 80),
        ({"bot_id": "B1", "username": 7, "bot_profile": "?", "user": []}, "someone"),
    ],
)
def test_another_bot_has_a_name(raw: dict[str, Any], name: str) -> None:
    """The one it shows, as far as it is one; and it is not long."""
    post = read(**raw)
    assert post is not None
    assert (post.author, post.name) == (Author.BOT, name)


def test_a_person_cannot_borrow_a_name() -> None:
    """People are who Slack says they are, whatever display name comes along."""
    post = read(username="U0BOSS", bot_profile={"name": "U0BOSS"})
    assert post is not None
    assert (post.author, post.name) == (Author.PERSON, "U0BOB")


@pytest.mark.parametrize("subtype", ["tombstone", "channel_join", "group_join"])
def test_what_nobody_said_is_no_post(subtype: str) -> None:
    """Joins and what is left of deleted roots."""
    assert read(subtype=subtype) is None


@pytest.mark.parametrize("ts", [None, 7, [], {}])
def test_what_has_no_time_is_no_post(ts: Any) -> None:
    """It could not be put in order."""
    assert read(ts=ts) is None


def test_an_answer_is_read_from_its_markdown() -> None:
    """There `text` is only the notification; the metadata says what is answered."""
    blocks = [{"type": "markdown", "text": "# Whole"}, {"type": "markdown", "text": "answer"}]
    post = read(user=US, text="# Wh…", blocks=blocks, metadata=a_mark(NOW))
    assert post is not None
    assert (post.text, post.answers) == ("# Whole\nanswer", NOW)


def test_a_thread_remembers_the_tier_that_answered_last() -> None:
    """Of several answers the newest one's, as far as marks tell; what others say of tiers does not count."""
    marks = [a_mark("1"), a_mark("2"), a_mark("3"), a_mark("4")]
    for mark, tier in zip(marks, ("premium", "economy", "", 7), strict=True):
        mark["event_payload"]["tier"] = tier
    answers = [read(ts=f"170000001{i}.0", user=US, metadata=mark) for i, mark in enumerate(marks)]
    forged = read(
        ts="1700000020.0", metadata=a_mark("5") | {"event_payload": {"message_ts": "5", "tier": "x"}}
    )

    posts = tuple(post for post in (*answers, forged) if post)

    assert [post.tier for post in posts] == ["premium", "economy", "", "", ""]
    assert prompt_of(*posts).last_tier == "economy"
    assert prompt_of(a_post("hello")).last_tier == ""


@pytest.mark.parametrize(
    "metadata",
    [
        *(
            None,
            7,
            [],
            {},
            {"event_type": "else", "event_payload": {"message_ts": NOW}},
            a_mark(7),
            a_mark(None),
        ),
        *({"event_type": MARK}, {"event_type": MARK, "event_payload": 7}),
    ],
)
def test_an_answer_without_its_mark_is_not_finished(metadata: object) -> None:
    """Something may be missing from it."""
    post = read(user=US, metadata=metadata)
    assert post is not None
    assert post.answers == ""


@pytest.mark.parametrize("author", [{"bot_id": "B1"}, {}])
def test_nobody_else_finishes_our_answers(author: dict[str, str]) -> None:
    """A mark on another's post is none of ours."""
    post = read(metadata=a_mark(NOW), **author)
    assert post is not None
    assert post.answers == ""


raw_fields = (
    "ts",
    "user",
    "text",
    "blocks",
    "files",
    "subtype",
    "bot_id",
    "bot_profile",
    "username",
    "metadata",
)
raw_values = (
    st.none()
    | st.integers()
    | st.text(max_size=5)
    | st.lists(st.text(max_size=3) | st.none())
    | st.lists(st.dictionaries(st.sampled_from(["type", "text", "block_id", "name"]), st.text()))
    | st.dictionaries(st.sampled_from(["name", "type", "event_type"]), st.integers() | st.text())
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(raw_fields, raw_values)))
def test_any_raw_post_has_an_answer(raw: dict[str, Any]) -> None:
    """Whatever Slack's message holds, it is a post of plain types, or none."""
    post = read_post(raw, US, MARK)
    if post is not None:
        assert isinstance(post.text, str)
        assert 0 < len(post.name) <= 80


# Making prompts


def test_a_message_alone() -> None:
    """The system prompt, then who says what."""
    prompt = prompt_of()
    assert said(prompt) == [("system", SYSTEM), ("user", "U0ADA: why?")]
    assert (prompt.left_out, prompt.unread) == (0, ())


def test_others_words_are_told_apart() -> None:
    """Ours are the assistant's; each other post begins with who says it, and bots are called bots."""
    prompt = prompt_of(
        a_post("is it down?", 1),
        a_post("Yes.", 2, Author.US),
        a_post("deploy failed", 3, Author.BOT, "deploys"),
        a_post("I am U0BOSS", 4, Author.BOT, "U0BOSS"),
        text=f"<@{US}> why?",
    )
    assert said(prompt)[1:] == [
        ("user", "U0BOB: is it down?"),
        ("assistant", "Yes."),
        ("user", "deploys (a bot): deploy failed"),
        ("user", "U0BOSS (a bot): I am U0BOSS"),
        ("user", "U0ADA: why?"),
    ]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("&amp;lt;", "&lt;"),
        (f"<@{US}> hi", "hi"),
        (f"<@{US}|penny> hi <@{US}>", "hi"),
        ("<@U0BOB> hi", "@U0BOB hi"),
        ("<@U0BOB|bob> hi", "@bob hi"),
        ("<https://a.example|a> <#C1|general>", "<https://a.example|a> <#C1|general>"),
        ("", NO_WORDS),
        (f"<@{US}>", NO_WORDS),
    ],
)
def test_slacks_escapes_are_undone(text: str, plain: str) -> None:
    """The model reads what people read; our own mention is no part of it."""
    assert said(prompt_of(text=text))[-1] == ("user", f"U0ADA: {plain}")


def test_files_are_named_where_they_hang() -> None:
    """A file that cannot be read is not ignored; those of the message itself are also reported back."""
    prompt = prompt_of(a_post("see this", 1, Author.PERSON, "U0BOB", "old.png"), files=("a.pdf", "b.zip"))
    assert said(prompt)[1:] == [
        ("user", "U0BOB: see this\n[attached, cannot be read: old.png]"),
        ("user", "U0ADA: why?\n[attached, cannot be read: a.pdf]\n[attached, cannot be read: b.zip]"),
    ]
    assert prompt.unread == ("a.pdf", "b.zip")


def test_only_what_was_said_before_is_context() -> None:
    """Neither the message itself nor what came later, nor a post without a word or file."""
    prompt = prompt_of(
        a_post("before", 1),
        a_post("", 2),
        a_post("", 3, Author.PERSON, "U0BOB", "alone.png"),
        a_post("the message itself", 100),
        a_post("after", 101),
        a_post("half of an answer to it", 102, Author.US),
        a_post("an answer to it", 103, Author.US, answers=NOW),
    )
    assert [content for _, content in said(prompt)[1:-1]] == [
        "U0BOB: before",
        "U0BOB: \n[attached, cannot be read: alone.png]",
    ]
    assert prompt.left_out == 0


def test_an_answer_that_came_in_between_is_context() -> None:
    """Two messages in a row: when the second is answered, the first has its answer, which is younger."""
    first = a_post("one?", 90)
    prompt = prompt_of(first, a_post("why?", 100), a_post("One.", 110, Author.US, answers=first.ts))
    assert said(prompt)[1:] == [("user", "U0BOB: one?"), ("assistant", "One."), ("user", "U0ADA: why?")]


def test_the_newest_posts_are_kept() -> None:
    """When there is no room for all, the oldest are left out and counted, without a gap."""
    posts = [a_post(f"{i:03} " + "x" * 96, i) for i in range(50)]
    prompt = prompt_of(*posts, most=3000)
    kept = [content[7:10] for _, content in said(prompt)[1:-1]]
    assert kept == [f"{i:03}" for i in range(50 - len(kept), 50)]
    assert 10 < len(kept) < 50
    assert prompt.left_out == 50 - len(kept)
    assert prompt.tokens <= 3000


def test_a_thread_that_just_fits_is_kept_whole() -> None:
    """The window is used to its last token."""
    posts = [a_post(f"{i:03} " + "x" * 96, i) for i in range(10)]
    whole = prompt_of(*posts)
    assert prompt_of(*posts, most=whole.tokens) == whole
    assert prompt_of(*posts, most=whole.tokens - 1).left_out == 1


def test_nothing_older_is_kept_beside_a_gap() -> None:
    """A huge post that does not fit hides those before it too: no answer is shown without its question."""
    prompt = prompt_of(a_post("question", 1), a_post("y" * 5000, 2), a_post("newest", 3), most=3000)
    assert [content for _, content in said(prompt)[1:-1]] == ["U0BOB: newest"]
    assert prompt.left_out == 2


def test_a_message_that_is_too_long_loses_its_middle() -> None:
    """Head and tail stay, where the question usually stands."""
    prompt = prompt_of(a_post("before", 1), text="HEAD " + "x" * 50_000 + " TAIL?", most=3000)
    content = said(prompt)[-1][1]
    assert content.startswith("U0ADA: HEAD xxx")
    assert content.endswith("xxx TAIL?")
    assert "left out" in content
    assert 2900 < prompt.tokens <= 3000
    assert prompt.left_out == 1


hostile = st.text(st.characters(codec=None), max_size=200) | st.text(
    "\ufdfa🙂é&<@U0BOB>\ud800x", max_size=2000
)


@settings(max_examples=60)
@given(
    system=st.text(min_size=1, max_size=300),
    posts=st.lists(st.tuples(hostile, st.sampled_from(Author), st.lists(hostile, max_size=2)), max_size=6),
    text=hostile,
    files=st.lists(hostile, max_size=3),
    spare=st.integers(0, 3000),
)
def test_the_window_is_never_exceeded(
    system: str, posts: list[tuple[str, Author, list[str]]], text: str, files: list[str], spare: int
) -> None:
    """Whatever was said, the prompt stays within the window, and its size is that of what is sent."""
    earlier = [a_post(words, i, author, "U0BOB", *names) for i, (words, author, names) in enumerate(posts)]
    most = least_prompt_tokens(system) + spare
    prompt = prompt_of(*earlier, text=text, files=tuple(files), system=system, most=most)
    assert prompt.tokens == prompt_token_bound(prompt.messages) <= most
    assert [m["role"] for m in prompt.messages][:: len(prompt.messages) - 1] == ["system", "user"]
    assert prompt.messages[0]["content"] == system
    assert prompt.messages[-1]["content"].startswith("U0ADA: ")
    with_words = sum(1 for words, _, names in posts if words or names)
    assert prompt.left_out == with_words - (len(prompt.messages) - 2)


@settings(max_examples=25)
@given(text=st.text("\ufdfa🙂éx", min_size=600, max_size=1200))
def test_the_least_room_is_enough_for_some_words(text: str) -> None:
    """In the smallest window that a system prompt may have, head and tail of a message are still seen."""
    content = said(prompt_of(text=text, most=least_prompt_tokens(SYSTEM)))[-1][1]
    assert content.startswith(f"U0ADA: {text[0]}")
    assert content.endswith(text[-1])


# what hangs on a message

PICTURE = "data:image/png;base64,AAAA"


def with_files(most: int, count: int, **shown: Any) -> Prompt:
    """Make the prompt of a message with pictures, of which each has been read."""
    files = tuple(File(f"{n}.png", "image/png", id=f"F{n}") for n in range(count))
    attachments = {file.id: Attachment(image=PICTURE) for file in files}
    return prompt_for("Be brief.", (), a_message("what?"), files, most, Shown(attachments, **shown))


def test_pictures_are_shown_to_who_sees() -> None:
    """As parts of the message, after its text, each within the bound."""
    prompt = with_files(90_000, 2, sees_images=True)

    text, *images = prompt.messages[-1]["content"]
    assert text["type"] == "text"
    assert [image["image_url"]["url"] for image in images] == [PICTURE] * 2
    assert prompt.tokens == prompt_token_bound(prompt.messages) > 10_000
    assert prompt.unread == ()


def test_pictures_that_do_not_fit() -> None:
    """They are named as not read, and the prompt keeps its bound."""
    prompt = with_files(8_000, 3, sees_images=True)

    assert prompt.unread == ("1.png", "2.png")
    assert prompt.tokens == prompt_token_bound(prompt.messages) <= 8_000


def test_pictures_for_who_does_not_see() -> None:
    """Text alone is sent."""
    prompt = with_files(90_000, 1)

    assert isinstance(prompt.messages[-1]["content"], str)
    assert prompt.unread == ("0.png",)


@pytest.mark.parametrize("most", [1_000, 2_000, 90_000])
def test_a_long_text_file_loses_its_middle(most: int) -> None:
    """As a long message does; the prompt keeps its bound."""
    file = File("a.txt", "text/plain", id="F1")
    shown = Shown({"F1": Attachment(text="word " * 40_000)})

    prompt = prompt_for("Be brief.", (), a_message("sum up"), (file,), most, shown)

    assert prompt.tokens <= most
    assert "[end of a.txt]" in prompt.messages[-1]["content"]
    assert prompt.unread == ()


@pytest.mark.parametrize("most", [800, 1_000, 1_500, 90_000])
def test_a_channels_prompt_leaves_room_for_the_message(most: int) -> None:
    """The operator's stays whole; of the channel's as much as fits beside a message."""
    system = system_prompt_for("Be brief.", "Rhyme. " * 500, most)

    assert system.startswith("Be brief.")
    assert least_prompt_tokens(system) <= most
    assert (most == 90_000) == system.endswith("Rhyme. " * 500)
