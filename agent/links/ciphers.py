"""The ciphers of SNMPv3 by the cryptography library: DES-CBC (RFC 3414, 8) and AES-CFB128 (RFC 3826). On demand only."""

from typing import Final, Literal

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from contract.errors import DeviceGarbled

try:  # moved there in 47; the old place warns
    from cryptography.hazmat.decrepit.ciphers.modes import CFB
except ImportError:
    from cryptography.hazmat.primitives.ciphers.modes import CFB  # type: ignore[attr-defined, no-redef, unused-ignore]

_BLOCK: Final = 8
"""Octets of a block of DES."""

Name = Literal["des", "aes", "aes192", "aes256"]
KEY_OCTETS: Final = {"des": 16, "aes": 16, "aes192": 24, "aes256": 32}
"""Octets of key that each needs; of those of DES the last eight make the first vector."""


def decrypt(name: str, key: bytes, salt: bytes, boots: int, time: int, content: bytes) -> bytes:
    """Return the plain octets; DES leaves padding at their end.

    Args:
        name: of ``KEY_OCTETS``.
        key: localised, as long as ``KEY_OCTETS`` says.
        salt: msgPrivacyParameters.
        boots: msgAuthoritativeEngineBoots.
        time: msgAuthoritativeEngineTime.
        content: the encrypted octets.

    Raises:
        DeviceGarbled: the length of one of them cannot be.
    """
    if len(salt) != _BLOCK:
        raise DeviceGarbled("privacy parameters of another length than 8")
    if name == "des" and len(content) % _BLOCK:
        raise DeviceGarbled("encrypted octets that are no blocks")
    decryptor = _cipher(name, key, salt, boots, time).decryptor()
    return bytes(decryptor.update(content) + decryptor.finalize())


def encrypt(name: str, key: bytes, salt: bytes, boots: int, time: int, content: bytes) -> bytes:
    """Return the encrypted octets; see ``decrypt``."""
    if name == "des":
        content += b"\0" * (-len(content) % _BLOCK)
    encryptor = _cipher(name, key, salt, boots, time).encryptor()
    return bytes(encryptor.update(content) + encryptor.finalize())


def _cipher(name: str, key: bytes, salt: bytes, boots: int, time: int) -> Cipher[CBC | CFB]:
    if name == "des":
        vector = bytes(left ^ right for left, right in zip(key[8:16], salt, strict=True))
        return Cipher(TripleDES(key[:8] * 3), CBC(vector))  # three times the same key is DES
    return Cipher(AES(key), CFB(boots.to_bytes(4, "big") + time.to_bytes(4, "big") + salt))
