"""What arrives on a serial line that is set up wrong, told by its bytes.

At another speed a byte becomes one or several others, most of them with their high bit set, or 00 and FF. A device that
sends seven bits with parity gives text once the high bits are taken away: those are its parity.
"""

from typing import Final

_FEW: Final = 6
"""Bytes: fewer say nothing; two of four may be a checksum."""


def looks_like(received: bytes) -> str:
    """Return what is wrong, as a clause of a sentence; empty for what may be text, or is too short to tell."""
    if len(received) >= _FEW and not received.strip(b"\0"):
        return "nothing but zeros came: another speed, or the line is broken"
    data = received.strip(b"\0\r\n")  # devices pad with them
    odd = sum(byte >= 0x7F or (byte < 0x20 and byte not in b"\r\n\t") for byte in data)
    if len(data) < _FEW or odd * 3 < len(data):
        return ""
    bare = bytes(byte & 0x7F for byte in data)
    if all(0x20 <= byte < 0x7F or byte in b"\r\n\t" for byte in bare) and any(chr(byte).isdigit() for byte in bare):
        return "it is text once the high bits are gone: the device sends 7 bits with parity"
    return "most of it is no text: another speed, or another parity"


def shown(received: bytes) -> str:
    """Return the beginning of what arrived, for an error: as text where it is text, else in hexadecimal."""
    return received[:16].hex(" ") if looks_like(received) else repr(received[:48].decode("ascii", "backslashreplace"))
