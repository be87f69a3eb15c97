"""The reply: nobody's whole channel is called, and a cut loses and breaks nothing."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from router.domain import notices
from router.domain.budget import BudgetKind
from router.domain.reply import PART_BYTES, Defuser, cut_part, defuse, open_fence

LIVE = re.compile(r"<!(?:channel|here|everyone|group|subteam\^[A-Z0-9]+)(?:\|[^<>]*)?>", re.IGNORECASE)
"""What would ring: a channel's members, or a user group's."""

INTACT = (
    "<!date^1700000000^{date_short} at {time}|later>",
    "<!date^1700000000^{date_short}^https://a.example/|later>",
    "<https://a.example/channel|here>",
    "<https://a.example/?a=1&amp;b=<2>",
    "<#C0001|general>",
    "<@U0ADA>",
    "<mailto:here@a.example|@here>",
    "a < b and b > c, <b>bold</b>, <!-- here -->, <!DOCTYPE html>",
    "@channel, !here, <here>, &lt;!here&gt;",
    "if x <!y: pass",
    "🙂 <",
)

BROADCASTS = (
    "<!channel>",
    "<!here>",
    "<!everyone>",
    "<!group>",
    "<!subteam^S0A1B2>",
    "<!subteam^S0A1B2|@team>",
    "<!here|here>",
    "<!channel|@channel>",
    "<!HERE>",
    "<!Channel|x>",
    "<!here|>",
    f"<!here|{'x' * 80}>",
    f"<!here|{'x' * 81}>",
    f"<!subteam^S1|{'x y' * 200}>",
    f"<!here|{'🙂' * 80}>",
    "<<!here>>",
    "<!<!here>here>",
    "<!her<!here|e>",
    "<!here|a\nb>",
    "<!\u017fubteam^S1>",
)

pieces = st.sampled_from(
    [
        *(*BROADCASTS, *INTACT),
        *("<", "<!", "!", "here", ">", "|", "channel", "subteam^", "S1", "^", " ", "\n", "🙂"),
        *("\ud83d", "\ude42", "x" * 40),
    ]
)
hostile = st.lists(pieces | st.text(st.characters(codec=None), max_size=3), max_size=8).map("".join)


def in_pieces(text: str, cuts: set[int]) -> list[str]:
    """Split a text at some of its positions; a cut at an end gives an empty piece."""
    edges = [0, *sorted(cut for cut in cuts if cut <= len(text)), len(text)]
    return [text[a:b] for a, b in itertools.pairwise(edges)]


def fed(parts: list[str]) -> str:
    """Return all that a defuser shows of a text that comes in parts."""
    defuser = Defuser()
    return "".join([*(defuser.feed(part) for part in parts), defuser.rest()])


def every_split(text: str) -> Iterator[list[str]]:
    """Yield every way of splitting a short text."""
    inner = range(1, len(text))
    for count in range(len(text)):
        for cuts in itertools.combinations(inner, count):
            yield in_pieces(text, set(cuts))


# Broadcasts


@pytest.mark.parametrize("mention", BROADCASTS)
def test_a_broadcast_rings_nowhere(mention: str) -> None:
    """Whole or letter by letter, its words stay and its power goes."""
    for text in (mention, f"Hello {mention}, it is done. {mention}"):
        assert not LIVE.search(defuse(text))
        assert fed(list(text)) == defuse(text) != text


@pytest.mark.parametrize(
    ("mention", "words"),
    [
        ("<!channel>", "@\u2060channel"),
        ("<!here|here>", "@\u2060here"),
        ("<!subteam^S0A1B2|@team>", "@\u2060team"),
        ("<!subteam^S0A1B2>", "@\u2060subteam^S0A1B2"),
        ("<!everyone|>", "@\u2060everyone"),
    ],
)
def test_a_broadcast_is_still_readable(mention: str, words: str) -> None:
    """People see whom the model meant; an invisible sign keeps clients from making it a mention again."""
    assert defuse(mention) == words


@pytest.mark.parametrize("text", INTACT)
def test_dates_links_and_people_stay(text: str) -> None:
    """What rings nobody's channel is not touched, however it comes in."""
    assert defuse(text) == text == fed(list(text))


@pytest.mark.parametrize(
    "text", ["<!here>", "a<!here|b>", "<!group|🙂>", "<<!here>>", "<!hero>", "<!date^1|d>", "<#C1|a>"]
)
def test_every_way_of_splitting_shows_the_same(text: str) -> None:
    """All the ways there are of cutting a short text into pieces, empty pieces aside."""
    whole = defuse(text)
    assert all(fed(parts) == whole for parts in every_split(text))


@given(text=hostile, cuts=st.sets(st.integers(0, 300), max_size=30))
@example(text=f"<!here|{'x' * 80}>", cuts={87})
@example(text=f"<!here|{'x' * 81}>", cuts={88})
@example(text=f"<!here|{'x' * 79}\ud83d\ude42>", cuts={87})
def test_pieces_show_what_the_whole_would(text: str, cuts: set[int]) -> None:
    """However the provider cuts its stream, the reader sees the same, and nothing in it rings."""
    shown = fed(in_pieces(text, cuts))
    assert shown == defuse(text)
    assert not LIVE.search(shown)
    assert defuse(shown) == shown


@given(text=hostile, cuts=st.sets(st.integers(0, 300), max_size=30))
def test_hardly_anything_is_held_back(text: str, cuts: set[int]) -> None:
    """Only what may become a mention or a character waits: never a word, nor more than a line of a label."""
    defuser = Defuser()
    parts = in_pieces(text, cuts)
    shown = [defuser.feed(part) for part in parts]
    held = defuser.rest()
    assert len(held) <= 100
    assert not held or held[0] in "<\ufffd"
    assert "".join([*shown, held]) == defuse(text)


def test_text_without_a_bracket_is_shown_at_once() -> None:
    """Streaming is not slowed down for what can be nothing else."""
    defuser = Defuser()
    assert [defuser.feed(word) for word in ("a ", "!here ", "b>")] == ["a ", "!here ", "b>"]


@given(hostile)
def test_what_is_shown_can_be_sent(text: str) -> None:
    """Halves of characters, which JSON may hold, never reach UTF-8, which may not."""
    assert defuse(text).encode().decode() == defuse(text)


def test_a_character_in_two_halves_is_one() -> None:
    """Some providers cut between the halves of an emoji; a half that stays alone is replaced."""
    assert fed(["smile \ud83d", "\ude42!"]) == "smile 🙂!"
    assert fed(["\ud83d", "x", "\ude42", "\ud83d"]) == "\ufffdx\ufffd\ufffd"


# Cutting


def closed(part: str) -> bool:
    """Whether no code fence is open at the end."""
    return open_fence(part) is None


def all_parts(text: str, most: int) -> list[str]:
    """Cut a text until nothing is left."""
    parts = []
    while text:
        part, text = cut_part(text, most)
        parts.append(part)
        assert len(parts) < 1000, "a cut must come nearer to the end"
    return parts


def without_line_ends(text: str) -> str:
    """Return a text without what a cut may drop."""
    return text.replace("\n", "")


def without_fences(text: str) -> str:
    """Return the lines that are no fences, run together."""
    return "".join(line for line in text.split("\n") if not re.match(r"\s*(```|~~~)", line))


words = st.text(st.characters(codec="utf-8", exclude_characters="`~\n"), min_size=20, max_size=60)
fences = st.sampled_from(["```", "```python", "```c++ title", "~~~", "~~~~sh", "  ```", "   ```js", "`" * 32])
documents = st.lists(words | words | fences | st.just(""), min_size=25, max_size=60).map("\n".join)


def test_what_fits_is_not_cut() -> None:
    """Up to the last byte."""
    assert cut_part("x" * PART_BYTES) == ("x" * PART_BYTES, "")
    assert cut_part("") == ("", "")
    part, rest = cut_part("x" * (PART_BYTES + 1))
    assert part + rest == "x" * (PART_BYTES + 1)
    assert rest


@settings(max_examples=25)
@given(text=documents | st.text(st.characters(codec="utf-8")), most=st.integers(300, 900))
def test_no_part_is_above_the_limit(text: str, most: int) -> None:
    """Counted in UTF-8, closing fences included; and every part but the last has its fences balanced."""
    parts = all_parts(text, most)
    assert all(len(part.encode()) <= most for part in parts)
    assert all(closed(part) for part in parts[:-1])


@settings(max_examples=25)
@given(text=documents, most=st.integers(400, 900))
def test_nothing_is_lost(text: str, most: int) -> None:
    """All that is no fence is there, in order, once; only line ends go at a cut."""
    assert "".join(map(without_fences, all_parts(text, most))) == without_fences(text)


@settings(max_examples=25)
@given(text=st.text("aé🙂 \n", min_size=500, max_size=2000), most=st.integers(300, 500))
def test_prose_is_cut_and_nothing_else(text: str, most: int) -> None:
    """Without fences a cut adds nothing."""
    assert without_line_ends("".join(all_parts(text, most))) == without_line_ends(text)


@settings(max_examples=25)
@given(
    text=documents, most=st.integers(400, 900), steps=st.lists(st.integers(1, 500), min_size=1, max_size=9)
)
def test_what_was_shown_stays(text: str, most: int, steps: list[int]) -> None:
    """A stream can only be appended to: as text comes in, each part begins with all that was shown of it."""
    shown, ended = "", []
    came = ""
    for step, edge in zip(itertools.cycle(steps), itertools.accumulate(itertools.cycle(steps)), strict=False):
        came += text[edge - step : edge]
        while True:
            part, rest = cut_part(came, most, len(shown))
            assert part.startswith(shown)
            assert len(part.encode()) <= most
            if not rest:
                shown = part
                break
            assert closed(part)
            ended.append(part)
            shown, came = "", rest
        if edge >= len(text):
            break
    whole = "".join([*ended, came])
    assert len(without_line_ends(whole)) >= len(without_line_ends(text))
    if not re.search("[`~]", text):
        assert without_line_ends(whole) == without_line_ends(text)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (f"{'a' * 300}\n\n{'b' * 50}\n{'c' * 20} d{'e' * 100}", f"{'a' * 300}\n\n"),
        (f"{'a' * 300} x\n{'c' * 20} d{'e' * 200}", f"{'a' * 300} x\n"),
        (f"{'a' * 300} {'b' * 200}", f"{'a' * 300} "),
        (f"a\n\nb c {'d' * 400}", f"a\n\nb c {'d' * 360}"),
    ],
)
def test_a_cut_is_made_where_it_hurts_least(text: str, part: str) -> None:
    """After a paragraph, a line or a word that is near the end; else in the middle of one."""
    assert cut_part(text, 400)[0] == part


def test_a_cut_after_what_is_shown_still_looks_for_a_good_place() -> None:
    """A word that is half shown is finished before the cut, if the next space is near."""
    text = f"{'a ' * 175}unbelievable {'b' * 200}"
    assert cut_part(text, 400, fixed=355)[0].endswith("a unbelievable ")


@pytest.mark.parametrize(
    ("opening", "mark", "reopened"),
    [
        ("```python", "```", "```python"),
        ("```", "```", "```"),
        ("~~~~ sh", "~~~~", "~~~~sh"),
        ("   ```js", "```", "```js"),
        ("`````markdown\n```inner\n```", "`````", "`````markdown"),
        (f"```{'x' * 100}", "```", f"```{'x' * 32}"),
    ],
)
def test_an_open_fence_is_closed_and_opened_again(opening: str, mark: str, reopened: str) -> None:
    """In its own kind and language, so that both messages show code as code."""
    lines = [f"line {i}" for i in range(100)]
    part, rest = cut_part("\n".join([opening, *lines, mark, "after"]), 400)
    assert part.endswith(f"\n{mark}")
    assert rest.startswith(f"{reopened}\nline ")
    assert closed(part)
    assert closed(rest)


def test_line_ends_at_the_end_are_no_part_of_their_own() -> None:
    """What is left after a cut is not a message with an empty block of code."""
    text = f"```\n{'x' * 350}" + "\n" * 100
    part, rest = cut_part(text, 400)
    assert text.startswith(part)
    assert rest == ""


def test_what_is_shown_has_room_to_be_closed() -> None:
    """An open fence that fills the part to its last byte is cut, for it could not be closed later."""
    text = f"```python\n{'x' * 390}"
    assert len(text) == 400
    shown, rest = cut_part(text, 400)
    assert rest
    assert len(shown) <= 400
    assert cut_part(text[:396], 400) == (text[:396], "")
    assert cut_part(text, 400, fixed=396)[0] == f"{text[:396]}\n```"


@pytest.mark.parametrize(
    ("text", "fence"),
    [
        ("```\na\n```", None),
        ("```\na\n~~~", ("```", "")),
        ("````\na\n```", ("````", "")),
        ("```\na\n````", None),
        ("```\na\n```b", ("```", "")),
        ("a ```b```", None),
        ("```b```", None),
        ("1. do\n   ```sh\n   ls\n   ```\n2. done", None),
        ("1. do\n   ```sh\n   ls", ("```", "sh")),
        ("```\r\na\r\n```\r\n", None),
        ("`" * 5000, None),
    ],
)
def test_a_fence_is_what_markdown_calls_one(text: str, fence: tuple[str, str] | None) -> None:
    """Closed by its own kind, as long or longer, with nothing behind."""
    assert open_fence(text) == fence


# Words


def test_a_footer_says_model_cost_and_what_is_left() -> None:
    """And what the reader should know beside."""
    text = notices.footer_text("vendor/m", Decimal("0.00123"), Decimal("4.9"), Decimal(5), ("stopped",))
    assert text == "vendor/m · $0.0012 · $4.90 of $5.00 left · stopped"


@pytest.mark.parametrize(
    ("cost", "left", "text"),
    [
        (None, Decimal(1), "no model · cost pending · $1.00 of $5.00 left"),
        (Decimal(0), None, "no model · $0"),
        (Decimal(1), Decimal(-1), "no model · $1.00 · $0 of $5.00 left"),
    ],
)
def test_a_footer_says_what_is_not_known(cost: Decimal | None, left: Decimal | None, text: str) -> None:
    """A cost that is still to come, a budget that is not told, and no debt of the reader's."""
    assert notices.footer_text("", cost, left, Decimal(5)) == text


def test_unread_files_are_named_as_far_as_a_line_goes() -> None:
    """Three names, shortened, and how many more."""
    assert notices.unread_remark(("a.pdf",)) == "not read: a.pdf"
    assert notices.unread_remark(("a", "b", "c")) == "not read: a, b, c"
    assert notices.unread_remark(("x" * 100, "b", "c", "d", "e")) == f"not read: {'x' * 60}, b, c and 2 more"


def test_posts_that_were_left_out_are_counted() -> None:
    """One reads as one."""
    assert notices.left_out_remark(1) == "the oldest post left out"
    assert notices.left_out_remark(12) == "12 oldest posts left out"


def test_a_refusal_says_when_and_who() -> None:
    """A used-up budget is told with its amount, its renewal in the operator's time, and who can raise it."""
    renews = datetime(2026, 12, 1, tzinfo=ZoneInfo("Europe/Berlin"))
    notice = notices.exhausted_notice("This channel's", Decimal(5), "month", renews)
    assert notice.startswith("This channel's budget of $5.00 per month is used up")
    assert "Tuesday, 01 December 2026 at 00:00 CET" in notice
    assert "Whoever runs Penny here can raise it" in notice


def test_a_refusal_names_the_first_of_those_who_can_raise_it() -> None:
    """Each is called by it, so no more than three are."""
    renews = datetime(2026, 12, 1, tzinfo=UTC)
    notice = notices.exhausted_notice("Your", Decimal(5), "week", renews, ("U1", "U2", "U3", "U4"))
    assert notice.endswith("<@U1> or <@U2> or <@U3> can raise it sooner.")


@pytest.mark.parametrize(
    ("kind", "said"),
    [("channel", "$1.00 of $5"), ("user", "of your $5"), ("workspace", "of the workspace's $5")],
)
def test_a_footer_says_whose_budget_is_the_scarcest(kind: str, said: str) -> None:
    """Of the channel's alone it need not."""
    text = notices.footer_text("vendor/m", Decimal(0), Decimal(1), Decimal(5), (), BudgetKind(kind))
    assert said in text


# what goes on in the next part


def parts_of(text: str, max_bytes: int = 400) -> list[str]:
    """Cut a text into all its parts."""
    parts, rest = [], text
    while rest:
        part, rest = cut_part(rest, max_bytes)
        parts.append(part)
    return parts


def test_a_table_goes_on_with_its_header() -> None:
    """Each part of a long table is a table, and no row is lost or doubled."""
    head = ["| name | value |", "|:-----|------:|"]
    rows = [f"| row {n} | {n * n} |" for n in range(60)]
    text = "\n".join(["Here it is:", "", *head, *rows, "", "That was all."])

    parts = parts_of(text)

    assert len(parts) > 3
    assert all(part.startswith("\n".join(head)) for part in parts[1:])
    assert [line for part in parts for line in part.split("\n") if line.startswith("| row")] == rows
    assert parts[-1].endswith("That was all.")


def test_a_nested_list_goes_on_where_it_is_nested() -> None:
    """A part that begins inside of an item says which, or its lines would be code."""
    items = [f"    - point {n} of the plan" for n in range(40)]
    text = "\n".join(["1. first", "2. second", *items, "3. third"])

    parts = parts_of(text)

    assert len(parts) > 2
    assert all(part.startswith("2. …\n    - point") for part in parts[1:])
    assert [line for part in parts for line in part.split("\n") if "point" in line] == items


def test_two_levels_deep() -> None:
    """All items that the next line is nested in are named, and no other."""
    text = "\n".join(["- a", "- b", "  * c", *(f"    1. item {n:02}" for n in range(30))])

    assert parts_of(text, 200)[1].startswith("- …\n  * …\n    1. item")


def test_a_list_that_is_not_nested_needs_nothing() -> None:
    """Its items go on as they are, numbers included."""
    text = "\n".join(f"{n}. item" for n in range(1, 80))

    assert "\n".join(part.rstrip("\n") for part in parts_of(text, 200)) == text


@pytest.mark.parametrize(
    "link", ["[a label of words](https://a.example/x)", "<https://a.example|a label of words>"]
)
def test_a_link_is_not_cut(link: str) -> None:
    """It stands whole in one of the parts."""
    for before in range(150, 200):
        parts = parts_of("x" * before + " " + link + " and so on" * 20, 200)

        assert any(link in part for part in parts), parts


def test_what_only_looks_like_it() -> None:
    """Dashes, bars and indented text without a table or list are cut as they are."""
    for line in ("a | b and more of it", "----------------", "    indented words"):
        text = "\n".join([line] * 40)

        assert "\n".join(part.rstrip("\n") for part in parts_of(text, 200)) == text


def test_a_header_too_long_to_repeat() -> None:
    """A cut always takes the text further."""
    text = "| " + "h" * 300 + " |\n|---|\n" + "\n".join(f"| {n} |" for n in range(50))

    assert len(parts_of(text, 400)) < 10
