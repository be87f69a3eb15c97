"""config.toml: what cannot work stops the start, and the error names key, value and what would be right."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import fields, is_dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from router.config import Config, load_config, read_config
from router.domain.access import Who
from router.domain.budget import PeriodKind
from router.domain.thread import least_prompt_tokens
from router.errors import ConfigError
from tests.domain.rungs import a_budget, a_question

SHIPPED = Path(__file__).parents[1] / "config.toml"

SMALLEST = """
[[tier]]
name = "only"
models = ["vendor/model"]
max_price = { prompt = 1, completion = 2.5 }
max_tokens = 1000

[[routing.band]]
tier = "only"

[reply]
system_prompt = "Be brief."
"""


def raw() -> dict[str, Any]:
    """Parse the shipped file anew."""
    return tomllib.loads(SHIPPED.read_text(encoding="utf-8"), parse_float=Decimal)


def table_of(config: dict[str, Any], path: str) -> tuple[dict[str, Any], str]:
    """Find the table that holds the key of a dotted path such as `tier.0.name`, and the key."""
    *above, key = path.split(".")
    table: Any = config
    for step in above:
        table = table[int(step) if step.isdigit() else step]
    return table, key


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the shipped configuration with one value changed."""
    config = raw()
    table, key = table_of(config, path)
    table[key] = value
    return config


def test_a_name_where_an_id_belongs() -> None:
    """Names can change hands, so ids are asked for."""
    said = complaint(changed("access.channels", ["general"]))
    assert "access.channels: 'general' is no channel's id; write ids such as" in said


def test_more_prompts_than_slack_shows() -> None:
    """One too many is told, not cut off."""
    config = raw()
    config["reply"]["suggested_prompt"] *= 2

    assert complaint(config) == "reply.suggested_prompt: there are 6; Slack shows 4 at most"


def without(path: str) -> dict[str, Any]:
    """Return the shipped configuration without one key."""
    config = raw()
    table, key = table_of(config, path)
    del table[key]
    return config


def complaint(config: dict[str, Any]) -> str:
    """Read a configuration that must not be accepted, and return what the operator reads."""
    with pytest.raises(ConfigError) as caught:
        read_config(config)
    return str(caught.value)


def written(path: str) -> str:
    """Write a dotted path as the operator reads it: `tier.0.name` as `tier[0].name`."""
    steps = path.split(".")
    return "".join(f"[{s}]" if s.isdigit() else f".{s}" for s in steps).removeprefix(".")


def from_file(tmp_path: Path, text: str | bytes) -> Config:
    """Load a configuration from a file of that content."""
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_config(str(path))


def values_in(value: Any) -> Iterator[Any]:
    """Yield every value inside a configuration."""
    if is_dataclass(value):
        for field in fields(value):
            yield from values_in(getattr(value, field.name))
    elif isinstance(value, tuple):
        for one in value:
            yield from values_in(one)
    else:
        yield value


# What is right


def test_the_shipped_file_loads() -> None:
    """Whoever deploys without a change gets what the file says."""
    config = load_config(str(SHIPPED))
    assert [tier.name for tier in config.ladder.tiers] == ["premium", "standard", "economy"]
    assert all(len(tier.models) == 3 for tier in config.ladder.tiers)
    premium = config.ladder.tiers[0]
    assert (premium.max_price_prompt_usd, premium.max_price_completion_usd) == (
        Decimal("2.5"),
        Decimal("12.5"),
    )
    assert (premium.max_tokens, premium.max_prompt_tokens, premium.reasoning_effort) == (6000, 90_000, "low")
    assert config.ladder.tiers[2].reasoning_effort is None
    assert config.budget.channel_usd == Decimal(5)
    assert config.budget.direct_message_usd == Decimal(1)
    assert (config.budget.period, config.budget.zone) == (PeriodKind.MONTH, ZoneInfo("UTC"))
    assert (config.useful_tokens, config.reply.deadline_s) == (400, 120)
    assert (config.reply.footer, config.reply.allow_data_collection) == (True, False)
    assert config.reply.system_prompt.startswith("You are Penny")


def test_the_shipped_bands_choose() -> None:
    """The bands of the file are those that the policy follows once it is chosen, down to the step."""
    config = read_config(changed("routing.policy", "bands"))

    def tier(length: int, remaining: str) -> str:
        return config.policy(a_question(length), (a_budget(remaining),), config.ladder).tier.name

    assert [tier(n, "5") for n in (80, 81, 1200, 1201, 6000, 6001)] == [
        *("economy", "standard", "standard", "premium", "premium", "standard")
    ]
    assert (tier(3000, "1"), tier(3000, "0.99")) == ("premium", "standard")


def test_the_smallest_file_has_defaults(tmp_path: Path) -> None:
    """What may be left out has the value that the documentation names."""
    config = from_file(tmp_path, SMALLEST)
    assert config.budget.channel_usd == Decimal(5)
    assert config.budget.direct_message_usd == Decimal(1)
    assert (config.budget.user_usd, config.budget.workspace_usd) == (None, None)
    assert (config.budget.period, config.budget.zone.key) == (PeriodKind.MONTH, "UTC")
    assert (config.useful_tokens, config.reply.deadline_s) == (400, 120)
    assert (config.reply.footer, config.reply.allow_data_collection) == (True, False)
    only = config.ladder.named("only")
    assert (only.max_prompt_tokens, only.reasoning_effort) == (90_000, None)


def test_a_float_never_appears(tmp_path: Path) -> None:
    """Every number that was written with a point is exact, down to the last digit."""
    text = SMALLEST.replace("2.5", "0.000001") + "[budget]\nchannel_usd = 1e-1\n"
    config = from_file(tmp_path, text)
    assert not any(isinstance(value, float) for value in values_in(config))
    assert repr(config.ladder.tiers[0].max_price_completion_usd) == "Decimal('0.000001')"
    assert config.budget.channel_usd == Decimal("0.1")


@pytest.mark.parametrize("path", ["budget.channel_usd", "tier.0.max_price.prompt", "routing.step_down_below"])
def test_a_float_is_no_number_of_ours(path: str) -> None:
    """One that came from somewhere else than the file is refused, not converted."""
    assert f"{written(path)}: 0.1 is wrong" in complaint(changed(path, 0.1))


def test_a_tier_that_is_switched_off_is_not_there() -> None:
    """The shipped free tier is checked, and used once it is enabled."""
    config = raw()
    assert config["tier"][3]["enabled"] is False
    config["tier"][3]["enabled"] = True
    assert read_config(config).ladder.tiers[-1].is_free


def test_a_file_of_another_editor_is_read(tmp_path: Path) -> None:
    """Some editors begin a file with a mark and end lines in their own way."""
    assert from_file(tmp_path, b"\xef\xbb\xbf" + SMALLEST.replace("\n", "\r\n").encode())


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT-14"])
def test_a_time_zone_has_its_iana_name(zone: str) -> None:
    """Any that the machine knows."""
    assert read_config(changed("budget.time_zone", zone)).budget.zone == ZoneInfo(zone)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("budget.channel_usd", 0),
        ("budget.channel_usd", Decimal("0.000001")),
        ("budget.channel_usd", 1_000_000),
        ("budget.user_usd", 0),
        ("budget.workspace_usd", 1_000_000),
        ("access.admins", []),
        ("budget.notify", ["U024BE7LH", "W0GRID0001"]),
        ("budget.alerts", []),
        ("budget.alerts", [1, 100]),
        ("budget.period", "day"),
        ("budget.period", "week"),
        ("routing.step_down_below", 0),
        ("routing.step_down_below", 1),
        ("routing.useful_tokens", 16),
        ("tier.0.max_tokens", 16),
        ("tier.0.max_tokens", 1_000_000),
        ("reply.deadline_s", 1),
        ("reply.deadline_s", 230),
        ("tier.0.reasoning_effort", "xhigh"),
        ("tier.0.models", ["~vendor/family-latest"]),
    ],
)
def test_values_at_the_edge_are_taken(path: str, value: Any) -> None:
    """What the errors below call right is right."""
    assert read_config(changed(path, value))


# A key that is missing

REQUIRED = ["tier.1.name", "tier.1.models", "tier.1.max_tokens", "reply.system_prompt", "routing.band.0.tier"]
PRICES = ["tier.1.max_price.prompt", "tier.1.max_price.completion"]
PACE = ("reach", "floor", "burst", "safety", "messages_a_day", "stickiness")


def chosen(config: Config) -> dict[str, str]:
    """Choose for a message, and return the numbers that decided."""
    question = a_question(last_tier="standard")
    return config.policy(question, (a_budget("0.30"),), config.ladder).why


OPTIONAL = {
    "tier.0.max_prompt_tokens": lambda c: c.ladder.tiers[0].max_prompt_tokens == 90_000,
    "tier.0.reasoning_effort": lambda c: c.ladder.tiers[0].reasoning_effort is None,
    "tier.3.enabled": lambda c: len(c.ladder.tiers) == 4,
    "budget": lambda c: c.budget.channel_usd == 5,
    "budget.channel_usd": lambda c: c.budget.channel_usd == 5,
    "budget.direct_message_usd": lambda c: c.budget.direct_message_usd == 1,
    "access.admins": lambda c: c.access.admins == (),
    "budget.notify": lambda c: c.budget.notify == (),
    "budget.alerts": lambda c: c.budget.alerts == (50, 80, 100),
    "budget.period": lambda c: c.budget.period is PeriodKind.MONTH,
    "budget.time_zone": lambda c: c.budget.zone == ZoneInfo("UTC"),
    "routing": lambda c: c.wishes == ("think hard", "quick", "tier", "model"),
    "routing.band": lambda c: c.policy is not None,
    "routing.policy": lambda c: "allowance_usd" in chosen(c),
    "routing.wishes": lambda c: c.wishes == ("think hard", "quick", "tier", "model"),
    **{f"routing.{name}": lambda c: chosen(c) == chosen(read_config(raw())) for name in PACE},
    "routing.step_down_below": lambda c: c.policy is not None,
    "routing.useful_tokens": lambda c: c.useful_tokens == 400,
    "reply.deadline_s": lambda c: c.reply.deadline_s == 120,
    "reply.footer": lambda c: c.reply.footer is True,
    "reply.follow_ups": lambda c: c.reply.follow_ups is True,
    "reply.allow_data_collection": lambda c: c.reply.allow_data_collection is False,
    "reply.suggested_prompt": lambda c: c.reply.suggested_prompts == (),
    "tier.0.sees_images": lambda c: c.ladder.tiers[0].sees_images is False,
    "access": lambda c: c.access.who is Who.MEMBERS and c.access.is_open("C0001", is_direct=True),
    "access.who": lambda c: c.access.who is Who.MEMBERS,
    "access.channels": lambda c: c.access.is_open("C0001", is_direct=False),
    "access.direct_messages": lambda c: c.access.is_open("D0001", is_direct=True),
}  # fmt: skip


@pytest.mark.parametrize("path", REQUIRED + PRICES)
def test_a_missing_key_is_named(path: str) -> None:
    """With what should stand there."""
    assert complaint(without(path)).startswith(f"{written(path)}: is missing; write ")


@pytest.mark.parametrize("path", OPTIONAL)
def test_a_key_that_may_be_missing_has_its_default(path: str) -> None:
    """And the default is the one that is documented."""
    is_default: Callable[[Config], bool] = OPTIONAL[path]
    assert is_default(read_config(without(path)))


def test_a_tier_without_a_price_cap_stops_the_start() -> None:
    """Without a cap nobody could say what a call may cost."""
    assert complaint(without("tier.2.max_price")) == (
        "tier[2].max_price.prompt: is missing; write a number from 0 to 1000000"
    )


@pytest.mark.parametrize("path", ["tier", "reply"])
def test_a_missing_table_is_named(path: str) -> None:
    """By the key of it that is needed."""
    assert complaint(without(path)).startswith(path)


def test_bands_are_needed_by_their_policy_alone() -> None:
    """Whoever paces may leave them out; where they are given, they have to be right."""
    config = changed("routing.policy", "bands")
    del config["routing"]["band"]
    assert complaint(config).startswith("routing.band: the last band must be without")
    assert complaint(changed("routing.band", [{"tier": "economy", "up_to": 5}])).startswith("routing.band:")


def test_an_empty_file_is_no_configuration(tmp_path: Path) -> None:
    """There is no ladder to guess."""
    with pytest.raises(ConfigError, match=r"^tier: no tier is enabled"):
        from_file(tmp_path, "")


# A value that is wrong

WRONG: list[tuple[str, Any, str]] = [
    ("tier", {"name": "x"}, "an array of tables"),
    ("tier", ["premium"], "an array of tables: write [[tier]]"),
    ("tier.0.name", 7, "a text"),
    ("tier.0.name", "", "a text of 1 to 32 characters"),
    ("tier.0.name", " \n", "a text of 1 to 32 characters"),
    ("tier.0.name", "x" * 33, "a text of 1 to 32 characters"),
    ("tier.0.models", "vendor/model", "an array of texts"),
    ("tier.0.models", [7], "an array of texts"),
    ("tier.0.enabled", "yes", "true or false"),
    ("tier.0.enabled", 1, "true or false"),
    ("tier.0.max_price", 2, "a table"),
    ("tier.0.max_price.prompt", "2.5", "a number from 0 to 1000000"),
    ("tier.0.max_price.prompt", True, "a number from 0 to 1000000"),
    ("tier.0.max_price.prompt", -1, "a number from 0 to 1000000"),
    ("tier.0.max_price.completion", 1_000_001, "a number from 0 to 1000000"),
    ("tier.0.max_price.completion", Decimal("inf"), "a number from 0 to 1000000"),
    ("tier.0.max_price.completion", Decimal("nan"), "a number from 0 to 1000000"),
    ("tier.0.max_price.completion", Decimal("0.0000001"), "an amount with at most 6 decimals"),
    ("tier.0.max_tokens", Decimal("6000.0"), "a whole number from 16 to 1000000"),
    ("tier.0.max_tokens", "6000", "a whole number from 16 to 1000000"),
    ("tier.0.max_tokens", True, "a whole number from 16 to 1000000"),
    ("tier.0.max_tokens", 15, "a whole number from 16 to 1000000"),
    ("tier.0.max_tokens", 1_000_001, "a whole number from 16 to 1000000"),
    ("tier.0.max_prompt_tokens", 999, "a whole number from 1000 to 10000000"),
    ("tier.0.max_prompt_tokens", 10**40, "a whole number from 1000 to 10000000"),
    ("tier.0.reasoning_effort", "none", "one of minimal, low, medium, high, xhigh"),
    ("tier.0.reasoning_effort", 3, "one of minimal, low, medium, high, xhigh"),
    ("budget", 5, "a table"),
    ("budget.channel_usd", "5", "a number from 0 to 1000000"),
    ("budget.channel_usd", Decimal("-0.01"), "a number from 0 to 1000000"),
    ("budget.channel_usd", Decimal("5.0000001"), "an amount with at most 6 decimals"),
    ("budget.direct_message_usd", False, "a number from 0 to 1000000"),
    ("budget.direct_message_usd", [], "a number from 0 to 1000000"),
    ("budget.user_usd", -1, "a number from 0 to 1000000"),
    ("budget.workspace_usd", "all", "a number from 0 to 1000000"),
    ("access.admins", "U024BE7LH", "an array of texts"),
    ("access.admins", [1], "an array of texts"),
    ("budget.alerts", 80, "an array of whole numbers from 1 to 100"),
    ("budget.alerts", [0, 50], "an array of whole numbers from 1 to 100"),
    ("budget.alerts", [50, 101], "an array of whole numbers from 1 to 100"),
    ("budget.alerts", [True], "an array of whole numbers from 1 to 100"),
    ("budget.period", "Month", "one of day, week, month"),
    ("budget.period", "year", "one of day, week, month"),
    ("budget.period", 30, "one of day, week, month"),
    ("budget.time_zone", 1, "a text"),
    ("budget.time_zone", "", "a text of 1 to 200 characters"),
    ("routing", [], "a table"),
    ("routing.policy", "random", "one of paced, bands"),
    ("routing.wishes", "tier", "an array of think hard, quick, tier, model"),
    ("routing.wishes", [1], "an array of think hard, quick, tier, model"),
    ("routing.wishes", ["tier", "unicorn"], "an array of think hard, quick, tier, model"),
    ("routing.reach", 0, "a number from 0.1 to 100"),
    ("routing.floor", -1, "a number from 0 to 100"),
    ("routing.burst", 101, "a number from 0 to 100"),
    ("routing.safety", Decimal("0.9"), "a number from 1 to 10"),
    ("routing.safety", "much", "a number from 1 to 10"),
    ("routing.stickiness", Decimal("NaN"), "a number from 1 to 10"),
    ("routing.messages_a_day", 0, "a whole number from 1 to 100000"),
    ("routing.messages_a_day", Decimal("2.5"), "a whole number from 1 to 100000"),
    ("routing.step_down_below", Decimal("1.01"), "a number from 0 to 1"),
    ("routing.step_down_below", -1, "a number from 0 to 1"),
    ("routing.step_down_below", "20%", "a number from 0 to 1"),
    ("routing.useful_tokens", 15, "a whole number from 16 to 100000"),
    ("routing.useful_tokens", Decimal("400.5"), "a whole number from 16 to 100000"),
    ("routing.band", {}, "an array of tables"),
    ("routing.band.0.up_to", 0, "a whole number from 1 to 1000000"),
    ("routing.band.0.up_to", "80", "a whole number from 1 to 1000000"),
    ("routing.band.0.tier", "luxury", "one of premium, standard, economy"),
    ("routing.band.0.tier", "free", "one of premium, standard, economy"),
    ("routing.band.0.tier", None, "one of premium, standard, economy"),
    ("reply", "kind", "a table"),
    ("reply.deadline_s", 0, "a whole number from 1 to 230"),
    ("reply.deadline_s", 231, "a whole number from 1 to 230"),
    ("reply.deadline_s", True, "a whole number from 1 to 230"),
    ("reply.footer", "true", "true or false"),
    ("reply.follow_ups", "on", "true or false"),
    ("reply.allow_data_collection", 0, "true or false"),
    ("reply.suggested_prompt", {}, "an array of tables"),
    ("reply.suggested_prompt.0.title", "x" * 76, "a text of 1 to 75 characters"),
    ("reply.suggested_prompt.0.message", "", "a text of 1 to 500 characters"),
    ("tier.0.sees_images", "yes", "true or false"),
    ("access.who", "all", "one of nobody, members, guests, everyone"),
    ("access.channels", "C024BE91L", "an array of texts"),
    ("access.direct_messages", 1, "true or false"),
    ("access.admins", [7], "an array of texts"),
    ("reply.system_prompt", ["Be brief."], "a text"),
    ("reply.system_prompt", "x" * 20_001, "a text of 1 to 20000 characters"),
]


@pytest.mark.parametrize(("path", "value", "right"), WRONG)
def test_a_wrong_value_is_named_with_what_would_be_right(path: str, value: Any, right: str) -> None:
    """Key, value and remedy, on one line that fits a log."""
    said = complaint(changed(path, value))
    shown = str(value) if isinstance(value, Decimal) else repr(value)
    assert said.startswith(f"{written(path)}: {shown[:60]}")
    assert said.endswith(f" is wrong; write {right}")
    assert "\n" not in said
    assert len(said) < 250


@pytest.mark.parametrize(
    "zone", ["Mars/Olympus", "europe", "Europe", "../../etc/passwd", "/etc/localtime", "CEST+1"]
)
def test_a_time_zone_that_does_not_exist_is_named(zone: str) -> None:
    """Neither a folder nor a file elsewhere is one."""
    assert complaint(changed("budget.time_zone", zone)) == (
        f"budget.time_zone: {zone!r} is no time zone; write an IANA name such as 'Europe/Berlin'"
    )


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ([], "tier[0].models: has 0 models; OpenRouter takes 1 to 3"),
        (["a/b", "a/c", "a/d", "a/e"], "tier[0].models: has 4 models; OpenRouter takes 1 to 3"),
        (["sonnet"], "tier[0].models: 'sonnet' is not of the form 'vendor/name'"),
        (["/sonnet"], "tier[0].models: '/sonnet' is not of the form 'vendor/name'"),
        (["vendor/"], "tier[0].models: 'vendor/' is not of the form 'vendor/name'"),
        (["a/b c"], "tier[0].models: 'a/b c' is not of the form 'vendor/name'"),
        (["a/b", "a/b"], "tier[0].models: names a model twice; name each once"),
    ],
)
def test_models_that_openrouter_would_refuse(models: list[str], said: str) -> None:
    """Too many, none, no ids or the same twice."""
    assert complaint(changed("tier.0.models", models)) == said


@pytest.mark.parametrize(
    "path", ["tier.0.max_price.prompt", "tier.0.max_price.completion", "tier.3.max_price"]
)
def test_a_price_of_zero_is_for_free_models_alone(path: str) -> None:
    """Under a cap of 0 no other model is ever found; also a tier that is switched off is checked."""
    config = changed(path, 0) if "0.max" in path else changed("tier.3.models", ["vendor/costs"])
    said = complaint(config)
    assert said.startswith(
        f"tier[{path.split('.')[1]}].max_price: has a 0, which only models ending in ':free'"
    )


def test_two_tiers_of_one_name_are_refused() -> None:
    """A band could mean either."""
    said = complaint(changed("tier.1.name", "premium"))
    assert said == "tier.name: 'premium' names two tiers; each needs its own name"


def test_a_ladder_without_a_rung_is_refused() -> None:
    """When every tier is switched off there is nothing to answer with."""
    config = raw()
    for tier in config["tier"]:
        tier["enabled"] = False
    assert complaint(config).startswith("tier: no tier is enabled")


def test_a_system_prompt_must_leave_room_for_a_message() -> None:
    """Else every prompt would exceed the tier's window; the error says how large it must be."""
    config = changed("reply.system_prompt", "é" * 1000)
    config["tier"][2]["max_prompt_tokens"] = least = least_prompt_tokens("é" * 1000)
    assert read_config(deepcopy(config))
    config["tier"][2]["max_prompt_tokens"] = least - 1
    said = complaint(config)
    assert said.startswith(f"tier.max_prompt_tokens: {least - 1} of tier 'economy' leaves no room")
    assert f"write {least} or more" in said


@pytest.mark.parametrize(
    ("bands", "said"),
    [
        ([{"up_to": 80, "tier": "economy"}], "routing.band: the last band must be without 'up_to'"),
        ([{"tier": "economy"}, {"tier": "premium"}], "routing.band[0].up_to: is missing"),
        (
            [{"up_to": 80, "tier": "economy"}, {"up_to": 80, "tier": "premium"}, {"tier": "premium"}],
            "routing.band[1].up_to: 80 must be above the band before it",
        ),
    ],
)
def test_bands_that_leave_lengths_out_or_contradict(bands: list[dict[str, Any]], said: str) -> None:
    """Every length has one band."""
    assert complaint(changed("routing.band", bands)).startswith(said)


# A key that is misspelt


@pytest.mark.parametrize(
    "path",
    [
        *("budgets", "tiers", "tier.0.max_token", "tier.0.price", "tier.3.enable"),
        *("tier.0.max_price.completions", "budget.chanel_usd", "budget.timezone"),
        *("routing.step_down", "routing.band.0.upto", "reply.deadline", "reply.prompt"),
    ],
)
def test_a_misspelt_key_is_not_ignored(path: str) -> None:
    """It is named, with the keys that are known there."""
    said = complaint(changed(path, 1))
    assert said.startswith(f"{written(path)}: no such key; known here: ")


# A file that is none


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """The error names the file and the variable that says which."""
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read .*set CONFIG_FILE"):
        load_config(str(tmp_path / "none.toml"))
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(str(tmp_path))


@pytest.mark.parametrize(
    "text",
    ["[budget", "budget = ", b"\xff\xfe\x00", "a = 1\na = 2", "x" * 10, f"a = {'9' * 5000}", '{"tier": []}'],
)
def test_a_file_that_is_no_toml(tmp_path: Path, text: str | bytes) -> None:
    """The error names the file and where it stumbled."""
    with pytest.raises(ConfigError, match=r"config\.toml: is not TOML \(.+\)"):
        from_file(tmp_path, text)


@pytest.mark.parametrize("number", ["inf", "nan", "-inf", "1e99999999999999999999", "1e400", "-1e-3"])
def test_a_number_out_of_all_bounds(tmp_path: Path, number: str) -> None:
    """It is refused at its key like any other wrong value."""
    with pytest.raises(ConfigError, match=r"^budget\.channel_usd: .* is wrong; write a number from 0"):
        from_file(tmp_path, f"{SMALLEST}\n[budget]\nchannel_usd = {number}\n")


@pytest.mark.parametrize("user", ["ada", "@ada", "C024BE7LH", "U1", "", "U" * 5000])
@pytest.mark.parametrize("key", ["access.admins", "budget.notify"])
def test_people_are_named_by_their_ids(key: str, user: str) -> None:
    """A name is not guessed at: nobody could be told by it."""
    said = complaint(changed(key, [user]))
    assert said.startswith(f"{key}: ")
    assert "U024BE7LH" in said
    assert len(said) < 300


@pytest.mark.parametrize("alerts", [[80, 50], [50, 50]])
def test_alerts_rise(alerts: list[int]) -> None:
    """A threshold that stands twice or out of order is a slip."""
    assert "do not rise" in complaint(changed("budget.alerts", alerts))
