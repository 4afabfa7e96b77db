"""Codes of incidents: short, easily read out on the phone, never used twice. Pure."""

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # no I, no O: read out on the phone, they are digits


def code_of(number: int) -> str:
    """Return the code of the n-th incident, from 1: ``A10`` … ``Z99``, then ``A100`` … with three digits."""
    index = number - 1
    digits = 2
    while index >= len(_LETTERS) * 9 * 10 ** (digits - 1):
        index -= len(_LETTERS) * 9 * 10 ** (digits - 1)
        digits += 1
    first = 10 ** (digits - 1)
    return f"{_LETTERS[index % len(_LETTERS)]}{first + index // len(_LETTERS)}"
