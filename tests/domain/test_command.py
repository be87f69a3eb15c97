"""What a person types behind /penny: each word has its meaning, every other word its sentence."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from router.domain.budget import PeriodKind
from router.domain.channel_settings import NAMES
from router.domain.command import (
    HELP_LINES,
    SETTING_NAMES,
    ChangeSetting,
    Misunderstood,
    SetBudget,
    ShowReport,
    Wanted,
    Wish,
    read_typed,
    read_wanted,
)
from router.errors import MalformedError

FORM = {"text": "why", "user_id": "U0ADA00001", "team_id": "T0PENNY001", "channel_id": "C0GENERAL1"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", Wish.HELP),
        ("  HELP ", Wish.HELP),
        ("why", Wish.WHY),
        ("budget", Wish.SHOW_BUDGET),
        ("budget unset", Wish.UNSET_BUDGET),
        ("Budget SET 25 Per Month", SetBudget(Decimal(25), PeriodKind.MONTH)),
        ("budget set $0.50", SetBudget(Decimal("0.50"), None)),
        ("report", ShowReport("month", "model")),
        ("report week", ShowReport("week", "day")),
        ("report 2026-11 by user", ShowReport("2026-11", "user")),
        ("report by day month", ShowReport("month", "day")),
        ("settings", Wish.SHOW_SETTINGS),
        ("settings footer off", ChangeSetting("footer", "off")),
        ("settings follow-ups on", ChangeSetting("follow_ups", "on")),
        ("settings highest_tier Standard", ChangeSetting("highest_tier", "Standard")),
        ("settings lowest economy", ChangeSetting("lowest_tier", "economy")),
        ("settings who may ask guests", ChangeSetting("who", "guests")),
        (
            "settings system prompt  Be kind.\nBe brief.",
            ChangeSetting("system_prompt", "Be kind.\nBe brief."),
        ),
    ],
)
def test_what_is_meant(text: str, wanted: Wanted) -> None:
    """Case and spaces do not matter, but in what is taken word for word."""
    assert read_wanted(text) == wanted


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("budgets", "There are: help, budget"),
        ("x" * 5000, "There are: help"),
        ("budget 25", "budget set 25 per month"),
        ("budget set", "To how much?"),
        ("budget set €5 per month", "US dollars"),
        ("budget set 1e9", "written out"),
        ("budget set -3", "below zero"),
        ("budget set five", "in digits"),
        ("budget set 25,50", "behind a point"),
        ("budget set 25 per year", "per day, per week or per month"),
        ("budget unset now", "budget unset"),
        ("report 2026-13", "2026-11, or month or week"),
        ("report november", "2026-11, or month or week"),
        ("report week month", "2026-11, or month or week"),
        ("report by tier", "by model, user or day"),
        ("report by", "by model, user or day"),
        ("report by day by user", "by model, user or day"),
        ("report week by model", "report month by model"),
        ("settings colour red", "There are: footer"),
        ("settings footer", "settings footer <value>"),
        ("settings footers off", "There are: footer"),
    ],
)
def test_every_other_word_is_told_what_would_be_right(text: str, told: str) -> None:
    """In a sentence, which repeats no more of it than people need."""
    wanted = read_wanted(text)

    assert isinstance(wanted, Misunderstood)
    assert told in wanted.words
    assert len(wanted.words) < 300


def test_what_help_says_works() -> None:
    """Each line of the help is understood as it stands there."""
    assert not [text for text, _ in HELP_LINES if isinstance(read_wanted(text), Misunderstood)]


def test_every_setting_has_a_name() -> None:
    """Whatever can be set can be typed."""
    assert set(SETTING_NAMES) == set(NAMES)


def test_a_command_without_words() -> None:
    """Slack leaves out, or sends empty, what was not typed."""
    typed = read_typed({name: value for name, value in FORM.items() if name != "text"})

    assert (typed.text, typed.response_url) == ("", "")


@pytest.mark.parametrize(
    "wrong",
    [
        {"user_id": ""},
        {"user_id": None},
        {"channel_id": "#general"},
        {"channel_id": "C" * 100},
        {"team_id": ["T0PENNY001"]},
        {"text": 7},
        {"response_url": {}},
    ],
)
def test_a_command_that_says_nothing_about_itself(wrong: dict[str, Any]) -> None:
    """Without who and where it is nobody's command."""
    with pytest.raises(MalformedError, match=next(iter(wrong))):
        read_typed(FORM | wrong)
