"""Spoiled datagrams to both SNMP engines, over the loopback: values of what was asked or one of our errors, and then the next answer is read.

A short run with the suite; 100,000 of them to gufo-snmp, 20,000 to pysnmp: ``pytest -m soak tests/unit/agent/links/test_snmp_fuzz.py``.
"""

import random
import sys
from pathlib import Path

import pytest
from snmp_device import A, B, C, Request, device, integer, oid, tlv

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "fuzz"))

import parsers

from contract.errors import DeviceError

VALUES = {A: integer(7), B: tlv(4, b"a text"), C: tlv(6, oid("1.3.6.1.4.1.318")[2:])}
AT_ONCE = 100
"""Spoiled answers to one link before it must read a clean one."""


@pytest.fixture
def engine(request):
    """Return how often a spoiled answer is the only one, and how many are sent, of those asked for.

    pysnmp takes its time: it counts timeouts in halves of a second.
    """
    return (0.5, 1.0) if request.node.callspec.params["linked"] == "gufo" else (0.01, 0.2)


async def fuzz(linked, engine, count, seed):
    alone, part = engine
    rng = random.Random(seed)
    sent = 0
    noise = True

    def spoiled(request: Request) -> list[bytes]:
        nonlocal sent
        data = request.answer({name: VALUES.get(name, integer(1)) for name in request.oids})
        if not noise:
            return [data]
        sent += 1
        wrong = parsers.mutated(data, rng)
        return [wrong] if rng.random() < alone else [wrong, data]  # what is not the answer must not hide it

    async with device(spoiled) as there:
        while sent < part * count:
            async with linked(there.port, version=rng.choice(("1", "2c")), timeout=0.01, retries=0) as link:
                noise = True
                for _ in range(AT_ONCE):
                    try:
                        said = await link.get((A, B, C))
                    except DeviceError:
                        continue
                    assert set(said) == {A, B, C}
                    assert all(item is None or isinstance(item, int | float | str | bytes) for item in said.values())
            async with linked(there.port, timeout=2.0) as link:
                noise = False
                assert (await link.get((A,))) == {A: 7}


async def test_spoiled_datagrams_are_our_errors_or_values(linked, engine, caplog):
    await fuzz(linked, engine, 300, 1)
    assert not [record for record in caplog.records if record.exc_info], "no traceback in the log"


async def test_a_value_of_any_type_is_a_value(linked):
    """Opaque among them, which is neither a number nor a text; and what pysnmp's own decoder falls over is no answer."""
    for tag in (2, 4, 6, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0xE0):
        async with (
            device(lambda request, tag=tag: [request.answer({A: tlv(tag, b"\x01\x02\x03\x04")})]) as there,
            linked(there.port, timeout=0.3, retries=0) as link,
        ):
            try:
                said = await link.get((A,))
            except DeviceError:
                continue
            assert said[A] is None or isinstance(said[A], int | float | str | bytes), tag


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_a_hundred_thousand_spoiled_datagrams(linked, engine):
    await fuzz(linked, engine, 100_000, 2)
