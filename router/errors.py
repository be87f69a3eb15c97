"""Penny's exceptions: what the caller did not expect. Expected outcomes are values, not exceptions.

PennyError
├── ConfigError        the operator wrote something that cannot work; stops the start
│   ├── SettingsError      an environment variable is missing or wrong
│   └── (config.toml)      raised as ConfigError itself, with key, value, reason and remedy
├── MalformedError     an outside input that no one can process; parked with its reason, never retried
├── Unavailable        something outside does not answer now; worth a retry later
│   ├── AwsUnavailable     one signed call; told on as one of the next two
│   ├── QueueUnavailable
│   ├── SecretsUnavailable
│   ├── TableUnavailable   includes conflicts that did not go away: no table, no call
│   ├── SlackUnavailable
│   │   └── SlackRateLimited   `after_s` says how long Slack wants to be left alone
│   ├── ProviderUnavailable    OpenRouter did not say what it was asked
│   └── EndpointUnavailable    our own endpoint, seen from outside
├── SlackRefused       Slack answered with an error code; `code` is Slack's own word
├── CallFailed         a model call ended without an answer; `remedy` says what may be tried next
└── TryLater           this job must be delivered again, not before `after_s`
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal


class PennyError(Exception):
    """Root of everything Penny raises."""


class ConfigError(PennyError):
    """The operator's configuration cannot work. The text names key, value, reason and remedy."""


class SettingsError(ConfigError):
    """An environment variable is missing or wrong."""


class MalformedError(PennyError):
    """An outside input that no one can process. The text says where and why, never the input's words."""


class Unavailable(PennyError):  # noqa: N818 - reads as the state it names
    """Something outside does not answer now."""


class AwsUnavailable(Unavailable):
    """A call to AWS was refused, broke or took too long; `code` is empty where AWS gave none."""

    def __init__(self, reason: str, code: str = "") -> None:
        super().__init__(reason)
        self.code = code


class QueueUnavailable(Unavailable):
    """The queue did not take the job."""


class SecretsUnavailable(Unavailable):
    """A secret could not be read, or is not there. The text names its parameter, never its value."""


class TableUnavailable(Unavailable):
    """A table did not answer, or conflicts did not go away within their bound."""


class SlackUnavailable(Unavailable):
    """Slack did not answer, or asked to wait longer than there is time."""


class SlackRateLimited(SlackUnavailable):
    """Slack wants to be left alone for `after_s` seconds."""

    def __init__(self, method: str, after_s: float) -> None:
        super().__init__(f"{method}: rate limited for {after_s:g} s")
        self.after_s = after_s


class ProviderUnavailable(Unavailable):
    """OpenRouter did not answer a question (a past call, our key, its models), or not in a way to be read."""


class EndpointUnavailable(Unavailable):
    """Nothing answers at the address of our own endpoint."""


class SlackRefused(PennyError):  # noqa: N818
    """Slack answered `ok: false`."""

    def __init__(self, method: str, code: str) -> None:
        super().__init__(f"{method}: {code}")
        self.method = method
        self.code = code


class Remedy(StrEnum):
    """What may be tried after a failed call."""

    RETRY = "retry"
    """The same models again: nothing was billed."""
    DROP_MODEL = "drop_model"
    """Take `model` out of the chain, then at once again; an empty chain is a FALLBACK."""
    SHRINK = "shrink"
    """Again with at most `affordable_tokens`."""
    FALLBACK = "fallback"
    """Another model or tier."""
    LARGER_WINDOW = "larger_window"
    """A tier whose context window is larger, or less context."""
    WAIT = "wait"
    """The same again after `retry_after_s` seconds, or a fallback when there is no time for that."""
    STOP_OPERATOR = "stop_operator"
    """Nothing helps but the operator: key, credits, budget at OpenRouter (until `resets_at`, if known)."""
    STOP_REFUSED = "stop_refused"
    """Nothing helps: the message was refused, or our request is wrong."""


class Billed(StrEnum):
    """Whether a failed call cost money."""

    NO = "no"
    UNKNOWN = "unknown"
    """The request was sent and may have been billed: what was set aside for it stays the charge until
    OpenRouter says otherwise."""
    YES = "yes"


@dataclass(eq=False, kw_only=True)
class CallFailed(PennyError):  # noqa: N818
    """A model call ended without an answer. Holds no word of the provider's, of the key or of a message.

    `code` names the row of the error table that decided. `status` is the HTTP status, or the one that an
    error within a 200 gave itself; 0 when there was no reply. `model` is one of ours. `resets_at` is in epoch
    seconds. `cost_usd` is set when `billed` is YES.
    """

    code: str
    remedy: Remedy
    billed: Billed
    status: int = 0
    retry_after_s: float | None = None
    affordable_tokens: int | None = None
    resets_at: float | None = None
    model: str = ""
    generation_id: str = ""
    cost_usd: Decimal | None = None

    def __str__(self) -> str:
        """Name the row and the status, nothing else."""
        return f"{self.code} ({self.status})"


class TryLater(PennyError):  # noqa: N818
    """This job must be delivered again, not before `after_s` seconds."""

    def __init__(self, reason: str, after_s: float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after_s = after_s
