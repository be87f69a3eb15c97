"""Channel settings: what holds in a channel, and the changing of it by those who may.

Every way to change one (a command, an input on the home tab) comes through here: it is recorded with who,
when, before and after, and a change that says what holds already is none.
"""

from __future__ import annotations

from dataclasses import dataclass

from router.adapters.channel_settings import Change, SettingsRows
from router.config import Config
from router.domain.access import Person, Who, may_ask
from router.domain.channel_settings import ChannelSettings, WrongValueError, crosses, read_value

TRIES = 4
"""Changes of one channel meet by chance at most; who loses looks again."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What holds now, and the change that made it so; None: it held before."""

    settings: ChannelSettings
    change: Change | None


@dataclass(frozen=True, slots=True)
class NotChanged:
    """Why nothing was changed, in words for the person who wanted it."""

    words: str


NOT_YOURS = "Only admins of this workspace, and those whom the operator named, can change that."
BUSY = "Someone else changed these settings at the same moment. Please look at them, and try again."


class ChannelSettingsBook:
    """The settings of all channels."""

    def __init__(self, rows: SettingsRows, config: Config) -> None:
        self._rows = rows
        self._config = config

    def of(self, channel: str) -> ChannelSettings:
        """Return what holds in a channel; one small read. Raises TableUnavailable."""
        return self._with_defaults(self._rows.chosen(channel))

    def may_change(self, person: Person) -> bool:
        """Whether a person may change settings and budgets."""
        return person.is_admin or person.id in self._config.access.admins

    def may_look(self, person: Person, channel: str = "") -> bool:
        """Whether a person may see figures: who may ask (in general, or in `channel`), or may change them."""
        allowed = {self._config.access.who} | ({self.of(channel).who} if channel else set())
        may = Who.EVERYONE in allowed or any(may_ask(who, person.standing) for who in allowed)
        return may or self.may_change(person)

    def change(
        self, channel: str, person: Person, name: str, words: str, now: float, job: str = ""
    ) -> Changed | NotChanged:
        """Set one setting of a channel to what a person wrote ("default": the file's value again).

        A `job` changes something once, however often it is delivered.
        """
        if not self.may_change(person):
            return NotChanged(NOT_YOURS)
        try:
            after = read_value(name, words, self._config.ladder)
        except WrongValueError as wrong:
            return NotChanged(str(wrong))
        for _ in range(TRIES):
            chosen = self._rows.chosen(channel, consistent=True)
            before, version = chosen.get(name), int(chosen.get("version", 0))
            if before == after or (job and self._rows.was_made(job)):
                return Changed(self._with_defaults(chosen), None)
            settings = self._with_defaults(chosen | {name: after, "version": version + 1})
            if crosses(settings, self._config.ladder):
                return NotChanged("The lowest tier cannot be above the highest one.")
            change = Change(name, before, after, person.id, int(now))
            if self._rows.change(channel, change, version, job):
                return Changed(settings, change)
        return NotChanged(BUSY)

    def history(self, channel: str) -> list[Change]:
        """Return the last changes, the newest first."""
        return self._rows.changes(channel, self.of(channel).version)

    def _with_defaults(self, chosen: dict[str, object]) -> ChannelSettings:
        reply, access = self._config.reply, self._config.access
        defaults = ChannelSettings(footer=reply.footer, follow_ups=reply.follow_ups, who=access.who)
        return defaults.chosen(chosen)
