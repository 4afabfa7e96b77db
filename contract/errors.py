"""The error tree.

::

    WolfsmokeError                what happened, where, and what to do about it
    ├── ConfigError               a settings file cannot be used: every problem in it at once
    ├── UsageError                a command was given something it cannot use
    ├── DeviceError               a device could not be asked, or its answer could not be used
    │   ├── DeviceTimeout         no answer in time: try again at the next poll
    │   ├── DeviceRefused         it answered, and said no: wrong community, user, key or function
    │   ├── DeviceGarbled         it answered, and the answer does not fit the protocol
    │   └── PortUnavailable       the way to it is gone: serial port missing, unplugged or taken; host unknown
    ├── CommandRefused            a device cannot do that, or must not now
    ├── MessageError              what came over MQTT is not one of ours: refuse it, count it, go on
    ├── BrokerError               the MQTT broker is away or refused us
    ├── StorageError              a database on our own disk cannot be used
    │   ├── StorageTaken          another process works with it
    │   ├── StorageFull           there is no room: what goes first can make some
    │   └── StorageDamaged        it can be opened, and what it says makes no sense
    ├── StoreError                the time-series store
    │   ├── StoreAway             slow, down or overloaded: the same lines again later
    │   └── StoreRefused          it will never take these lines: set them aside with its reason
    ├── NotifyError               a message to a person
    │   ├── NotifyAway            the channel is away: try again, then the next channel
    │   │   └── NotifyUnknown     it may have taken it: once more at most, and marked
    │   └── NotifyRefused         the channel will never take it: the next channel at once
    └── IncidentError             an incident cannot do that: wrong state, missing reason, unknown person
        ├── IncidentUnknown       there is none of this code
        └── DrillError            a drill cannot be held now, or not so

The type says what the caller does next. A device that reports an alarm is a reading, never an error.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not what they should be: also Python's own, for texts that are no UTF-8, and for a
thousand brackets."""


class WolfsmokeError(Exception):
    """The root: one sentence on what happened, the place, and a hint for the operator."""

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        """Keep the three parts apart, so that a table or a log can show them as it likes."""
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.what}{advice}"


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong in a settings file; ``line`` is 1 for the first, 0 when no line can be named."""

    file: str
    line: int
    key: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        advice = f"\n    {self.hint}" if self.hint else ""
        return f"{place}: {self.key}: {self.what}{advice}" if self.key else f"{place}: {self.what}{advice}"


class ConfigError(WolfsmokeError):
    """Settings files cannot be used; ``problems`` holds all that is wrong with them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Take at least one problem."""
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__(f"{count} in the configuration")

    def __str__(self) -> str:
        return "\n".join([f"{self.what}:", *(str(problem) for problem in self.problems)])


class UsageError(WolfsmokeError):
    """A command was given something it cannot use."""


class DeviceError(WolfsmokeError):
    """A device could not be asked, or its answer could not be used."""


class DeviceTimeout(DeviceError):
    """No answer in time."""


class DeviceRefused(DeviceError):
    """It answered, and said no."""


class DeviceGarbled(DeviceError):
    """It answered, and the answer does not fit the protocol."""


class PortUnavailable(DeviceError):
    """The way to the device is gone."""


class CommandRefused(WolfsmokeError):
    """A device cannot do what a command asks, or its settings or its state forbid it: it was not tried."""


class MessageError(WolfsmokeError):
    """What came over MQTT is not one of ours."""


class BrokerError(WolfsmokeError):
    """The MQTT broker is away or refused us."""


class StorageError(WolfsmokeError):
    """A database on our own disk cannot be used."""


class StorageTaken(StorageError):
    """Another process works with it: one of the two is set up wrong."""


class StorageFull(StorageError):
    """There is no room for it on the disk."""


class StorageDamaged(StorageError):
    """What it says makes no sense: set it aside, keep what can be read."""


class StoreError(WolfsmokeError):
    """The time-series store did not take what we wrote."""


class StoreAway(StoreError):
    """Slow, down or overloaded: the same lines again later."""


class StoreRefused(StoreError):
    """It will never take these lines."""


class NotifyError(WolfsmokeError):
    """A message did not reach its channel."""


class NotifyAway(NotifyError):
    """The channel is away: try again, then the next one."""


class NotifyUnknown(NotifyAway):
    """It was handed over and nobody said what became of it: at most one more, marked 重发."""


class NotifyRefused(NotifyError):
    """The channel will never take it: the next one at once."""


class IncidentError(WolfsmokeError):
    """An incident cannot do what was asked of it. People on site read it, so it speaks Chinese too."""

    def __init__(self, what: str, *, zh: str, where: str = "", hint: str = "", hint_zh: str = "") -> None:
        """Take the sentence and the hint in both languages."""
        super().__init__(what, where=where, hint=hint)
        self.zh = zh
        self.hint_zh = hint_zh

    def of(self, language: str) -> str:
        """Return it for people; Chinese unless English is asked for."""
        if language == "en":
            return f"{self.what} ({self.hint})" if self.hint else self.what
        return f"{self.zh}（{self.hint_zh}）" if self.hint_zh else self.zh


class IncidentUnknown(IncidentError):
    """There is none of this code."""


class DrillError(IncidentError):
    """A drill cannot be held."""
