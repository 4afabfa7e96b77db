"""Outputs of a device that commands may switch, as the settings name them. Pure.

What is not named here is never switched. An output is on for a time only: nothing must howl on because nobody is there
to end it.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec

from contract.errors import CommandRefused
from contract.settings import Fault, Seconds, Slug

MOST: Final = 86400.0
"""Seconds that an output may be on for: what is longer is no command, but a setting of the device."""


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """A ``[[device.output]]``: allows commands for it."""

    output: Annotated[int, msgspec.Meta(ge=1, le=512)]
    """Its number on the device, from 1."""
    name: Slug
    """What commands call it: ``siren``."""
    longest: Seconds
    """That it may be on for; after that the agent switches it off."""
    at_start: Literal["off", "keep"] = "off"
    """When the agent starts: an earlier one may have been killed while it was on."""


def faults(drafts: Any, numbers: Sequence[int] | None) -> Iterable[Fault]:
    """Yield what does not fit among the outputs of a device.

    Args:
        drafts: the tables, or as much of them as could be read.
        numbers: of the outputs that the device has; None where that is not known.
    """
    taken: set[Any] = set()
    for index, draft in enumerate(drafts if isinstance(drafts, tuple) else ()):
        number, name = getattr(draft, "output", None), getattr(draft, "name", None)
        longest = getattr(draft, "longest", None)
        if isinstance(number, int) and numbers is not None and number not in numbers:
            has = f"1 to {max(numbers)}" if numbers else "none that its profile knows"
            yield Fault(f"no output {number}", f"it has {has}", ("output", index, "output"))
        for key, value in (("output", number), ("name", name)):
            if isinstance(value, int | str) and value in taken:
                yield Fault(f"{value!r} twice", "name each output once", ("output", index, key))
            taken.add(value)
        if isinstance(longest, float) and not 0.0 < longest <= MOST:
            yield Fault(f"on for {longest:g} s", 'write longest = "3m", up to a day', ("output", index, "longest"))


def chosen(outputs: Sequence[Output], wanted: str) -> Output:
    """Return the output that a command means: by its name, or its number; the only one where it names none.

    Raises:
        CommandRefused: there is none such.
    """
    if not wanted and len(outputs) == 1:
        return outputs[0]
    for output in outputs:
        if wanted in (output.name, str(output.output)):
            return output
    names = ", ".join(output.name for output in outputs)
    if not wanted:
        raise CommandRefused(f"which output? There are {names}")
    raise CommandRefused(f"its settings name no output {wanted!r}: they allow {names} ([[device.output]])")


def lasting(output: Output, seconds: float) -> float:
    """Return for how many seconds an output goes on: as asked, and never longer than its settings allow."""
    return min(seconds, output.longest) if seconds > 0.0 else output.longest
