"""Parts of blocks: text objects and interactive elements, checked against Slack's Block Kit reference.

Every check yields its complaints, each with a JSON pointer, as Slack puts them into `response_metadata`.
Source: https://docs.slack.dev/reference/block-kit
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ID_CHARS = 255
SECTION_CHARS = 3000
FIELD_CHARS = 2000
BUTTON_CHARS = 75
VALUE_CHARS = 2000
URL_CHARS = 3000
OPTION_CHARS = 75
OPTION_VALUE_CHARS = 150
OPTIONS = 100
FEW_OPTIONS = 10
OVERFLOW_OPTIONS = 5

UNCHECKED_ELEMENTS = frozenset(
    {
        "channels_select",
        "conversations_select",
        "datepicker",
        "datetimepicker",
        "email_text_input",
        "external_select",
        "file_input",
        "multi_channels_select",
        "multi_conversations_select",
        "multi_external_select",
        "multi_users_select",
        "number_input",
        "plain_text_input",
        "rich_text_input",
        "timepicker",
        "url_text_input",
        "users_select",
        "workflow_button",
    }
)
"""Elements that exist; beyond their type and `action_id` nothing of them is checked here."""


def complaint(reason: str, at: str) -> str:
    """Return one complaint in Slack's words."""
    return f"[ERROR] {reason} [json-pointer:{at}]"


def check_string(value: Any, at: str, most: int, *, least: int = 1) -> Iterator[str]:
    """Complain unless `value` is a string of `least` to `most` characters."""
    if not isinstance(value, str):
        yield complaint("must be a string", at)
    elif len(value) < least:
        yield complaint(f"must be more than {least - 1} characters", at)
    elif len(value) > most:
        yield complaint(f"must be less than {most + 1} characters", at)


def check_optional(holder: dict[str, Any], name: str, at: str, most: int) -> Iterator[str]:
    """Complain if the field is there and is not a string of up to `most` characters."""
    if holder.get(name) is not None:
        yield from check_string(holder[name], f"{at}/{name}", most, least=0)


def check_text(
    value: Any, at: str, most: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")
) -> Iterator[str]:
    """Complain unless `value` is a text object of one of the kinds."""
    if not isinstance(value, dict):
        yield complaint("missing required field: text object", at)
    elif value.get("type") not in kinds:
        yield complaint(f"must be one of: {', '.join(kinds)}", f"{at}/type")
    else:
        yield from check_string(value.get("text"), f"{at}/text", most)


def check_plain(value: Any, at: str, most: int) -> Iterator[str]:
    """Complain unless `value` is a plain text object."""
    return check_text(value, at, most, ("plain_text",))


def check_items(value: Any, at: str, most: int, *, least: int = 1) -> Iterator[str]:
    """Complain unless `value` is a list of `least` to `most` items."""
    if not isinstance(value, list):
        yield complaint("must provide an array", at)
    elif len(value) < least:
        yield complaint(f"must have at least {least} items", at)
    elif len(value) > most:
        yield complaint(f"no more than {most} items allowed", at)


def check_element(element: Any, at: str, allowed: frozenset[str] | None = None) -> Iterator[str]:
    """Complain unless `element` is an interactive element, of the allowed types if those are given."""
    if not isinstance(element, dict):
        yield complaint("must be an object", at)
        return
    kind = element.get("type")
    known = kind in ELEMENTS or kind in UNCHECKED_ELEMENTS
    if not known or (allowed is not None and kind not in allowed):
        yield complaint(f"unsupported type: {kind}", f"{at}/type")
        return
    yield from check_optional(element, "action_id", at, ID_CHARS)
    if kind in ELEMENTS:
        yield from ELEMENTS[str(kind)](element, at)


def _button(element: dict[str, Any], at: str) -> Iterator[str]:
    yield from check_plain(element.get("text"), f"{at}/text", BUTTON_CHARS)
    yield from check_optional(element, "value", at, VALUE_CHARS)
    yield from check_optional(element, "url", at, URL_CHARS)
    if element.get("style") not in {None, "primary", "danger"}:
        yield complaint("must be one of: primary, danger", f"{at}/style")


def _feedback_buttons(element: dict[str, Any], at: str) -> Iterator[str]:
    for name in ("positive_button", "negative_button"):
        half = element.get(name)
        if not isinstance(half, dict):
            yield complaint(f"missing required field: {name}", at)
            continue
        yield from check_plain(half.get("text"), f"{at}/{name}/text", BUTTON_CHARS)
        yield from check_string(half.get("value"), f"{at}/{name}/value", VALUE_CHARS)


def _icon_button(element: dict[str, Any], at: str) -> Iterator[str]:
    if element.get("icon") != "trash":
        yield complaint("must be one of: trash", f"{at}/icon")
    yield from check_plain(element.get("text"), f"{at}/text", BUTTON_CHARS)
    yield from check_optional(element, "value", at, VALUE_CHARS)


def _options(most: int) -> Callable[[dict[str, Any], str], Iterator[str]]:
    def check(element: dict[str, Any], at: str) -> Iterator[str]:
        options = element.get("options")
        if options is None and isinstance(element.get("option_groups"), list):
            return
        yield from check_items(options, f"{at}/options", most)
        for index, option in enumerate(options if isinstance(options, list) else []):
            yield from _option(option, f"{at}/options/{index}")

    return check


def _option(option: Any, at: str) -> Iterator[str]:
    if not isinstance(option, dict):
        yield complaint("must be an object", at)
        return
    yield from check_text(option.get("text"), f"{at}/text", OPTION_CHARS)
    yield from check_string(option.get("value"), f"{at}/value", OPTION_VALUE_CHARS)


ELEMENTS: dict[str, Callable[[dict[str, Any], str], Iterator[str]]] = {
    "button": _button,
    "feedback_buttons": _feedback_buttons,
    "icon_button": _icon_button,
    "overflow": _options(OVERFLOW_OPTIONS),
    "static_select": _options(OPTIONS),
    "multi_static_select": _options(OPTIONS),
    "radio_buttons": _options(FEW_OPTIONS),
    "checkboxes": _options(FEW_OPTIONS),
}
CONTEXT_ACTIONS = frozenset({"feedback_buttons", "icon_button"})
ACTIONS = (frozenset(ELEMENTS) | UNCHECKED_ELEMENTS) - CONTEXT_ACTIONS
