"""The secrets of one function: from its environment, or SSM SecureStrings of the same names.

Those in SSM are read in one call, once, and again when one of them was refused, so that a new one needs no
deploy. No value ever stands in a text, a log or an exception. Standard library alone: `receive` reads one.
"""

from __future__ import annotations

import os
import time
from _thread import allocate_lock  # `threading` would make every first ack a millisecond slower
from typing import TYPE_CHECKING, Any

from router.adapters.aws_http import AwsService, Endpoint, endpoint_at
from router.adapters.sigv4 import Signer, credentials_of
from router.errors import AwsUnavailable, SecretsUnavailable, SettingsError

if TYPE_CHECKING:
    from router.settings import Settings

GIVE_UP_AFTER_S = 1.0
"""For all attempts of one reading: with the queue's 1.5 s after it, Slack's 3 s are not over."""

READ_AGAIN_AFTER_S = 60.0
"""Between two readings of what is there: whoever posts nonsense at us decides how often it is refused."""

TRY_AGAIN_AFTER_S = 1.0
"""After a reading that failed: everyone may make us need a secret, and all functions of an account share 40
readings a second: https://docs.aws.amazon.com/general/latest/gr/ssm.html"""

THROTTLED = "ThrottlingException"
THROTTLED_WAIT_S = 0.1
"""At least, and at most twice that: containers that start together should not come back together."""

_DOMAINS = {"cn-": "amazonaws.com.cn", "eusc-": "amazonaws.eu"}
"""Of the clouds that have one of their own, by how their regions' names begin."""


class Secrets:
    """The secrets `names` (fields of Settings): a value in the environment wins, the others stand in SSM.

    Threads may share it. Raises SettingsError when a secret is in neither, or SSM cannot be called.
    """

    def __init__(self, settings: Settings, *names: str, give_up_after_s: float = GIVE_UP_AFTER_S) -> None:
        settings.require(*names)
        self._prefix = settings.secrets_prefix.rstrip("/")
        self._values: dict[str, str] = {name: value for name in names if (value := getattr(settings, name))}
        self._fields = {f"{self._prefix}/{name.upper()}": name for name in names if name not in self._values}
        self._ssm = _open_ssm(settings) if self._fields else None
        self._give_up_after_s = give_up_after_s
        self._lock = allocate_lock()
        self._failure = ""
        self._failed_at = self._read_again_at = float("-inf")

    def get(self, name: str, now: float) -> str:
        """Return a secret; reads all of them if it was not read yet. `now` is in epoch seconds.

        Raises SecretsUnavailable; for a second after that it does so again without asking.
        """
        with self._lock:
            if name not in self._values and not _is_recent(self._failed_at, now, TRY_AGAIN_AFTER_S):
                self._read(now)
            if name not in self._values:
                raise SecretsUnavailable(self._failure)
            return self._values[name]

    def renewed(self, name: str, refused: str, now: float) -> str:
        """Return what to use after the value `refused` was refused: another one if the secret has changed.

        Reads again at most once a minute, whichever secret was refused. Raises SecretsUnavailable when that
        fails; what was read before is kept.
        """
        with self._lock:
            may_read = not _is_recent(self._read_again_at, now, READ_AGAIN_AFTER_S)
            if name in self._fields.values() and self._values.get(name) == refused and may_read:
                self._read_again_at = now
                self._read(now)
                if self._values[name] == refused and self._failure:
                    raise SecretsUnavailable(self._failure)
            return self._values.get(name, refused)

    def _read(self, now: float) -> None:
        """Take over what SSM has, and note what is wrong with the rest."""
        try:
            found = _values_in(self._ask())
        except AwsUnavailable as error:
            problems = [f"{', '.join(self._fields)}: {error}"]
        else:
            problems = [problem for each in self._fields if (problem := self._take(each, found.get(each)))]
        self._failure = "; ".join(problems)
        if problems:
            self._failed_at = now

    def _take(self, parameter: str, value: str | None) -> str:
        """Take over one value, or say what is wrong with it."""
        if value is None:
            return f"{parameter}: is not in SSM; {self._remedy}"
        value = value.strip()  # pasted into a parameter store, a key often ends in a newline
        if not (value and value.isascii() and value.isprintable()):
            return f"{parameter}: must be one line of plain ASCII; {self._remedy}"
        self._values[self._fields[parameter]] = value
        return ""

    @property
    def _remedy(self) -> str:
        return f"`make secrets STAGE={self._prefix.rpartition('/')[2]}` sets it"

    def _ask(self) -> dict[str, Any]:
        """Ask for all parameters at once; again when that comes too often for SSM, while there is time."""
        if self._ssm is None:
            return {}
        asked = {"Names": list(self._fields), "WithDecryption": True}
        give_up = time.monotonic() + self._give_up_after_s
        try:
            while True:
                try:
                    return self._ssm.call("GetParameters", asked, give_up - time.monotonic())
                except AwsUnavailable as error:
                    wait_s = THROTTLED_WAIT_S * (1 + os.urandom(1)[0] / 255)
                    if error.code != THROTTLED or time.monotonic() + wait_s >= give_up:
                        raise
                    time.sleep(wait_s)
        finally:
            self._ssm.close()  # by the next time, if there is one, it would be dead


def _open_ssm(settings: Settings) -> AwsService:
    settings.require("aws_access_key_id", "aws_secret_access_key")
    if not settings.secrets_prefix.startswith("/"):
        raise SettingsError("SECRETS_PREFIX: must be a path such as /penny/dev")
    signer = Signer(credentials_of(settings), settings.region, "ssm")
    return AwsService(_endpoint(settings), signer, "AmazonSSM", "1.1")


def _endpoint(settings: Settings) -> Endpoint:
    if not (settings.region.isascii() and settings.region.replace("-", "").isalnum()):
        raise SettingsError("AWS_REGION: must be the name of a region, such as eu-central-1")
    if settings.aws_endpoint_url:
        return endpoint_at("AWS_ENDPOINT_URL", settings.aws_endpoint_url)
    return endpoint_at("AWS_REGION", ssm_url(settings.region))


def ssm_url(region: str) -> str:
    """Return where SSM is in a region of a cloud that Slack can reach."""
    domains = (domain for start, domain in _DOMAINS.items() if region.startswith(start))
    return f"https://ssm.{region}.{next(domains, 'amazonaws.com')}"


def _values_in(answer: dict[str, Any]) -> dict[str, str]:
    """Return the values of an answer by the names of their parameters; what is not of that form is not there.

    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
    """
    parameters = answer.get("Parameters")
    pairs = (
        (one.get("Name"), one.get("Value"))
        for one in (parameters if isinstance(parameters, list) else ())
        if isinstance(one, dict)
    )
    return {name: value for name, value in pairs if isinstance(name, str) and isinstance(value, str)}


def _is_recent(moment: float, now: float, seconds: float) -> bool:
    """Whether `moment` is less than `seconds` ago; one that is yet to come is from a clock since set back."""
    return 0 <= now - moment < seconds
