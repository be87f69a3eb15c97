"""The playground as people use it: a real browser, real presses, Penny behind it.

What Penny does not send yet is posted in her name through the fake Slack's Web API.
"""

from __future__ import annotations

import base64
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, FilePayload, Page, Route, ViewportSize, expect

from tests.browsing import (
    PATIENCE_S,
    ROOT,
    Playground,
    installed_browser,
    opened,
    playground_and_browser,
    soon,
)

ADA, GRACE = "U0ADA00001", "U0GRACE001"
ADAS_DM, GRACES_DM, LINUS_DM = "D0ADA00001", "D0GRACE001", "D0LINUS001"
GENERAL, ASK_PENNY, RANDOM, LEADS = "C0GENERAL1", "C0ASKPENNY", "C0RANDOM01", "C0LEADS001"

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

WIDE: ViewportSize = {"width": 1500, "height": 900}
"""Where channel, thread and side panel fit beside each other."""

NAMELESS = """() => [...document.querySelectorAll("button, select, input, textarea, [role=tab]")]
  .filter((one) => one.checkVisibility())
  .filter((one) => !(one.getAttribute("aria-label") || one.labels?.length || one.textContent.trim()))
  .map((one) => one.outerHTML)"""
"""Controls that say nothing to people who listen."""

expect.set_options(timeout=PATIENCE_S * 1000)

Block = dict[str, Any]


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Playground, Browser]]:
    """Run one playground and one browser for all of these."""
    executable = installed_browser()
    if executable is None:
        pytest.skip("no browser here to drive: install Chromium or Chrome")
    with playground_and_browser(tmp_path_factory.mktemp("playground"), executable) as both:
        yield both


@pytest.fixture
def playground(running: tuple[Playground, Browser]) -> Playground:
    """Share one playground: let each test have a channel of its own."""
    return running[0]


@pytest.fixture
def browser(running: tuple[Playground, Browser]) -> Browser:
    """Share one browser."""
    return running[1]


@pytest.fixture(scope="session")
def tab(running: tuple[Playground, Browser]) -> Page:
    """Open the page once."""
    playground, browser = running
    return opened(browser, playground, GENERAL, viewport=WIDE)


@pytest.fixture
def page(tab: Page) -> Page:
    """Share the page, as Ada sees it, with the side panel closed."""
    if tab.locator("#side").is_visible():
        tab.get_by_role("button", name="Close the side panel").click()
    become(tab, "Ada Lovelace (admin)")
    return tab


def plain(text: str) -> Block:
    """Make a plain text object."""
    return {"type": "plain_text", "text": text}


def options(*names: str) -> list[Block]:
    """Make options that are called as their values."""
    return [{"text": plain(name), "value": name} for name in names]


def raw(*cells: str | float) -> list[Block]:
    """Make a row of a table."""
    return [
        {"type": "raw_text", "text": cell}
        if isinstance(cell, str)
        else {"type": "raw_number", "text": f"${cell}", "value": cell}
        for cell in cells
    ]


def points(**values: float) -> list[Block]:
    """Make the points of a chart."""
    return [{"label": name, "value": value} for name, value in values.items()]


def become(page: Page, name: str) -> None:
    """Choose who one is."""
    page.get_by_label("Who I am").select_option(label=name)


def go(page: Page, channel: str) -> None:
    """Go to a channel by the sidebar."""
    page.locator(f"#sidebar [data-channel={channel}]").click()


def ask(page: Page, words: str) -> None:
    """Write into the channel and send it."""
    page.locator("#channel-composer textarea").fill(words)
    page.locator("#channel-composer textarea").press("Enter")


def open_panel(page: Page) -> None:
    """Open the side panel and wait until it has been read."""
    page.get_by_role("button", name="Ledger and mischief").click()
    expect(page.get_by_label("How the table fails")).to_contain_text("Conflict")


def test_a_question_is_answered_and_the_ledger_moves(playground: Playground, page: Page) -> None:
    """The answer comes into the thread with its footer, the money shows at once, and twice is once."""
    go(page, ADAS_DM)
    open_panel(page)
    ask(page, "What is a ledger?")
    thread = page.get_by_label("Thread", exact=True).first

    expect(thread.locator(".message").nth(1)).to_contain_text(" left")
    expect(page.get_by_role("region", name="Budgets")).to_contain_text("ada, direct")
    expect(page.get_by_role("region", name="Latest usage records").locator(".entry")).to_have_count(1)
    assert soon(lambda: playground.delivered("app_home_opened"))[0]["event"]["tab"] == "messages"

    page.get_by_role("button", name="Deliver the last event 11 times").click()
    expect(page.get_by_role("status").filter(has_text="11 more times")).to_be_visible()
    soon(lambda: len([one for one in playground.delivered("message") if _is_adas(one)]) == 12)
    page.get_by_text("Delivered to Penny").click()
    expect(page.locator(".deliveries li").nth(12)).to_contain_text("200")
    expect(thread.locator(".message")).to_have_count(2)


def _is_adas(body: dict[str, Any]) -> bool:
    return bool(body["event"].get("text") == "What is a ledger?")


def test_every_kind_of_block_is_shown(playground: Playground, page: Page) -> None:
    """Text, tables, charts and controls, each control with a name; a table is sorted and leafed through."""
    go(page, RANDOM)
    axis = {"categories": ["Mon", "Tue"], "y_label": "USD"}
    series = [{"name": "luna", "data": points(Mon=0.5, Tue=2)}]
    leaf = {
        "type": "rich_text_section",
        "elements": [{"type": "text", "text": "rich", "style": {"bold": True}}],
    }
    blocks: list[Block] = [
        {"type": "header", "text": plain("Report")},
        {"type": "markdown", "text": "# Title\n\n| a | b |\n|---|---|\n| 1 | **2** |\n\n```\ncode\n```"},
        {"type": "section", "text": {"type": "mrkdwn", "text": "*bold* <!date^0^{date}|then>"}},
        {"type": "divider"},
        {"type": "context", "elements": [plain("openai/gpt-6-luna · $0.0001")]},
        {"type": "rich_text", "elements": [leaf]},
        {"type": "image", "image_url": "https://penny.example/x.png", "alt_text": "a coin"},
        {"type": "table", "rows": [raw("name", "sum"), raw("ada", 3)]},
        {"type": "data_table", "caption": "People", "page_size": 2, "rows": [
            raw("who", "cost"), raw("ada", 3), raw("grace", 9), raw("linus", 1)]},
        {"type": "data_visualization", "title": "By day",
         "chart": {"type": "bar", "axis_config": axis, "series": series}},
        {"type": "data_visualization", "title": "By model",
         "chart": {"type": "pie", "segments": points(luna=3, terra=1)}},
        {"type": "context_actions", "elements": [
            {"type": "icon_button", "icon": "trash", "text": plain("Delete"), "action_id": "bin"}]},
    ]  # fmt: skip
    playground.penny("chat.postMessage", channel=RANDOM, text="x", blocks=blocks)
    message = page.locator("#channel-messages .message")

    expect(message.get_by_role("heading", name="Report")).to_be_visible()
    expect(message.get_by_role("img", name="By day: luna: Mon 0.5, Tue 2")).to_be_visible()
    expect(message.get_by_role("img", name="By model: luna 3, terra 1")).to_be_visible()
    expect(message.get_by_role("cell", name="2", exact=True)).to_be_visible()
    expect(message.locator(".unknown")).to_have_count(0)
    people = message.locator(".data-table")
    people.get_by_role("button", name="cost").click()
    expect(people.locator("tbody tr").first).to_contain_text("linus")
    people.get_by_role("button", name="Next").click()
    expect(people.locator("tbody tr")).to_have_text(["grace$9"])
    open_panel(page)
    assert page.evaluate(NAMELESS) == []


def test_what_is_pressed_is_told_and_answered(playground: Playground, page: Page) -> None:
    """A button asks first where it should; menus and feedback say what was chosen; the app may answer."""
    confirm = {
        "title": plain("Really?"),
        "text": plain("Up to $0.02"),
        "confirm": plain("Yes"),
        "deny": plain("No"),
    }
    rating = {"text": plain("Good"), "value": "good"}, {"text": plain("Bad"), "value": "bad"}
    blocks: list[Block] = [
        {"type": "actions", "block_id": "row", "elements": [
            {"type": "button", "action_id": "stronger", "text": plain("Try stronger"), "value": "premium",
             "confirm": confirm},
            {"type": "static_select", "action_id": "tier", "placeholder": plain("Tier"),
             "options": options("economy", "premium")},
            {"type": "users_select", "action_id": "who", "placeholder": plain("Who")},
            {"type": "overflow", "action_id": "menu", "options": options("why", "hide")}]},
        {"type": "context_actions", "elements": [
            {"type": "feedback_buttons", "action_id": "rate", "positive_button": rating[0],
             "negative_button": rating[1]}]},
    ]  # fmt: skip
    go(page, LEADS)
    playground.penny("chat.postMessage", channel=LEADS, text="x", blocks=blocks)

    page.get_by_role("button", name="Try stronger").click()
    page.get_by_role("dialog").get_by_role("button", name="No").click()
    page.get_by_label("Tier").select_option("premium")
    page.get_by_label("Who", exact=True).select_option(label="Grace Hopper")
    page.get_by_role("main").get_by_label("More actions").select_option("why")
    page.get_by_role("button", name="Bad").click()
    expect(page.get_by_role("button", name="Bad")).to_have_attribute("aria-pressed", "true")
    assert soon(lambda: playground.delivered("rate"))[0]["actions"][0]["value"] == "bad"
    assert soon(lambda: playground.delivered("menu"))[0]["actions"][0]["selected_option"]["value"] == "why"
    assert soon(lambda: playground.delivered("who"))[0]["actions"][0]["selected_user"] == GRACE
    assert playground.delivered("stronger") == []

    page.get_by_role("button", name="Try stronger").click()
    page.get_by_role("dialog").get_by_role("button", name="Yes").click()
    told = soon(lambda: playground.delivered("stronger"))[0]
    assert told["actions"][0]["value"] == "premium"
    assert told["state"]["values"]["row"]["tier"]["selected_option"]["value"] == "premium"
    answer = {"text": "here it is", "replace_original": True}
    assert playground.slack.post(told["response_url"], json=answer).text == "ok"
    expect(page.locator("#channel-messages .message")).to_contain_text("here it is")


def test_what_only_one_person_sees(playground: Playground, page: Page) -> None:
    """It says so, can be pressed and dismissed, and nobody else sees it."""
    go(page, LEADS)
    row = {"type": "actions", "elements": [{"type": "button", "action_id": "renew", "text": plain("Renew")}]}
    playground.penny("chat.postEphemeral", channel=LEADS, user=ADA, text="psst", blocks=[row])
    note = page.locator(".only-for-me")

    expect(note).to_contain_text("Only visible to you")
    note.get_by_role("button", name="Renew").click()
    assert soon(lambda: playground.delivered("renew"))[0]["container"]["is_ephemeral"]
    become(page, "Grace Hopper")
    expect(note).to_have_count(0)
    become(page, "Ada Lovelace (admin)")
    note.hover()
    note.get_by_role("button", name="Dismiss").click()
    expect(note).to_have_count(0)


def test_the_home_tab_is_each_persons_own(playground: Playground, page: Page) -> None:
    """Opening it tells the app; what it publishes is shown, and what is written into it is sent on Enter."""
    go(page, ADAS_DM)
    page.get_by_role("tab", name="Home").click()
    expect(page.get_by_role("heading", name="How to ask")).to_be_visible()  # Penny's own, which comes once
    amount = {"type": "number_input", "action_id": "limit", "is_decimal_allowed": True, "initial_value": "5"}
    policy = {"type": "static_select", "action_id": "policy", "options": options("paced", "bands")}
    blocks: list[Block] = [
        {"type": "header", "text": plain("For Ada alone")},
        {
            "type": "input",
            "block_id": "one",
            "label": plain("Limit"),
            "element": amount,
            "dispatch_action": True,
        },
        {"type": "input", "block_id": "two", "label": plain("Policy"), "element": policy},
    ]
    playground.penny("views.publish", user_id=ADA, view={"type": "home", "blocks": blocks})

    page.get_by_label("Policy").select_option("bands")
    page.get_by_label("Limit").fill("25")
    page.get_by_label("Limit").press("Enter")
    told = soon(lambda: playground.delivered("limit"))[0]
    assert (told["actions"][0]["value"], told["user"]["id"]) == ("25", ADA)
    assert told["view"]["state"]["values"]["two"]["policy"]["selected_option"]["value"] == "bands"
    become(page, "Grace Hopper")
    page.get_by_role("tab", name="Home").click()
    expect(page.get_by_role("heading", name="How to ask")).to_be_visible()
    expect(page.get_by_role("heading", name="For Ada alone")).to_have_count(0)


def test_commands_are_completed_and_refused_in_threads(playground: Playground, browser: Browser) -> None:
    """As those that the app registers; in a thread Slack has none, and the words stay in the box."""

    def with_a_command(route: Route) -> None:
        answer = route.fetch()
        command = {"command": "/echo", "description": "Says it again", "usage_hint": "[words]"}
        route.fulfill(response=answer, json=answer.json() | {"commands": [command]})

    page = browser.new_context().new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    page.route("**/api/workspace", with_a_command)
    page.goto(f"{playground.address}/#{ASK_PENNY}")
    box = page.locator("#channel-composer textarea")
    box.press_sequentially("/ec")
    expect(page.get_by_role("listbox").get_by_role("option")).to_contain_text("/echo [words]")
    box.press("Tab")
    expect(box).to_have_value("/echo ")
    box.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="no command /echo")).to_be_visible()
    ask(page, "hello")
    page.locator("#channel-messages .message").hover()
    page.get_by_role("button", name="Reply in thread").click()
    reply = page.get_by_label("Reply…")
    reply.fill("/echo hi")
    reply.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="no slash commands inside threads")).to_be_visible()
    expect(reply).to_have_value("/echo hi")


def test_a_budget_is_asked_for_by_command(page: Page) -> None:
    """It is completed as it is typed, and answered to who typed it, with a bar; wrong words are told."""
    go(page, ASK_PENNY)
    box = page.locator("#channel-composer textarea")
    box.press_sequentially("/pen")
    expect(page.get_by_role("listbox").get_by_role("option")).to_contain_text("/penny help | budget")
    box.press("Tab")
    box.press_sequentially("budget")
    box.press("Enter")
    note = page.locator(".only-for-me")
    expect(note).to_contain_text("of $5.00 per month spent")
    expect(note.locator("code")).to_contain_text("░")
    ask(page, "/penny budget set five")
    expect(note.last).to_contain_text("an amount is written in digits")


def test_an_admin_changes_a_limit_on_the_home_tab(page: Page) -> None:
    """Choose a channel, write a limit, press Enter: the tab says what became of it, and the command too."""
    go(page, ADAS_DM)
    page.get_by_role("tab", name="Home").click()
    page.get_by_label("Channel", exact=True).select_option(LEADS)
    limit = page.get_by_label("Limit, such as")
    expect(limit).to_have_value("5 per month")
    limit.fill("7.50 per week")
    limit.press("Enter")
    expect(page.locator(".home-blocks")).to_contain_text("from $5.00 per month to $7.50 per week")
    expect(limit).to_have_value("7.5 per week")
    page.get_by_label("Footer").select_option("off")
    expect(page.locator(".home-blocks")).to_contain_text("footer from default to off")
    go(page, LEADS)
    ask(page, "/penny settings")
    expect(page.locator(".only-for-me").last).to_contain_text("footer: off")


def test_files_are_uploaded(playground: Playground, page: Page) -> None:
    """From this computer, as chips until they are sent; a picture is shown, and both reach the app."""
    go(page, RANDOM)
    page.locator("#channel-composer").get_by_role("button", name="Attach a file").click()
    chosen: list[FilePayload] = [
        {"name": "dot.png", "mimeType": "image/png", "buffer": PIXEL},
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"notes"},
    ]
    page.locator("#channel-composer").get_by_label("Files from this computer").set_input_files(chosen)
    expect(page.locator("#channel-composer .file")).to_have_count(2)
    ask(page, "look")
    picture = page.get_by_role("img", name="dot.png")
    expect(picture).to_be_visible()
    soon(lambda: picture.evaluate("(image) => image.naturalWidth === 1"))
    events = soon(lambda: [one for one in playground.delivered("message") if one["event"].get("files")])
    assert [(one["name"], one["size"]) for one in events[-1]["event"]["files"]] == [
        ("dot.png", len(PIXEL)),
        ("notes.txt", 5),
    ]


def test_people_see_their_channels(page: Page) -> None:
    """A guest sees few, someone of another company only what is shared."""
    go(page, GENERAL)
    become(page, "Gil Guest (guest)")
    channels = page.get_by_role("navigation").get_by_role("button")
    expect(channels).to_have_text(["ask-penny", "general", "Penny"])
    become(page, "Sam Stranger (Slack Connect)")
    expect(channels).to_have_text(["with-partner"])


def test_keys_lead_to_channels(page: Page) -> None:
    """A few letters and Enter jump to one, Alt and an arrow go to its neighbour."""
    go(page, GENERAL)
    page.keyboard.press("Control+k")
    page.keyboard.type("rand")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="random", level=1)).to_be_visible()
    page.keyboard.press("Alt+ArrowDown")
    expect(page.get_by_role("heading", name="with-partner", level=1)).to_be_visible()


def test_suggested_prompts_ask(page: Page) -> None:
    """What Penny suggests stands in her conversation; a press asks it."""
    prompt = tomllib.loads((ROOT / "config.toml").read_text(encoding="utf-8"))["reply"]["suggested_prompt"][0]
    become(page, "Grace Hopper")
    go(page, GRACES_DM)
    page.get_by_role("button", name=prompt["title"]).click()
    expect(page.locator("#channel-messages .message").first).to_contain_text(prompt["message"][:40])


def test_an_answer_is_stopped(playground: Playground, page: Page) -> None:
    """While it is written there is a Stop; Slack ends the message and tells the app."""
    go(page, ADAS_DM)
    ask(
        page,
        "Think hard: write a Python function that merges overlapping intervals, and explain what it costs.",
    )
    page.get_by_role("button", name="Stop").click()
    soon(lambda: playground.delivered("agent_session_stopped"))
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)


def test_provider_budget_and_table_fail_and_people_are_told(playground: Playground, page: Page) -> None:
    """A refused question is told to the asker; a lost transaction counts once; a drained budget refuses."""
    become(page, "Grace Hopper")
    go(page, GRACES_DM)
    open_panel(page)
    told = page.locator(".mischief-told")
    thread = page.locator("#thread-messages .message")

    page.get_by_label("How the provider fails").select_option("moderated")
    page.get_by_role("button", name="Fail the provider").click()
    expect(told).to_contain_text("The next call: Moderated")
    ask(page, "One?")
    expect(thread.first).to_contain_text("One?")
    expect(thread.nth(1)).to_contain_text(re.compile("refused to answer| left"))
    soon(lambda: not playground.reserved(GRACES_DM))  # or what is returned later would be left
    page.get_by_label("How the table fails").select_option("timeout_after_commit")
    page.get_by_role("button", name="Fail the table").click()
    expect(told).to_contain_text("must not count twice")
    page.get_by_role("button", name="Drain this channel's budget").click()
    expect(told).to_contain_text("more is spent")
    budget = page.get_by_role("region", name="Budgets").locator(".budget").filter(has_text="grace, direct")
    expect(budget.locator(".amount-remaining")).to_contain_text("$0.00")
    assert playground.api.get("/api/mischief").json()["waiting"]["table"] == 0


def test_a_worker_is_killed_mid_answer(playground: Playground, page: Page) -> None:
    """It dies as it begins to write, the words stay, and so does the reservation for whoever takes over."""

    def is_armed() -> bool:
        page.get_by_role("button", name="Kill it mid-answer").click()
        return bool(playground.api.get("/api/mischief").json()["waiting"]["worker"])

    become(page, "Linus Torvalds")
    go(page, LINUS_DM)
    open_panel(page)
    soon(is_armed)
    expect(page.locator(".mischief-told")).to_contain_text("Nobody is at work")
    ask(
        page,
        "Think hard: write a Python function that merges overlapping intervals, and explain what it costs.",
    )
    soon(lambda: not playground.api.get("/api/mischief").json()["waiting"]["worker"])
    expect(page.locator("#thread .caret")).to_be_visible()
    expect(page.get_by_role("region", name="Open reservations")).to_contain_text("linus, direct")
