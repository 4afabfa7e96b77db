"""Reads one line from inside a network namespace: settings as a text, one JSON a poll on standard input, its readings out.

    python reader.py TOML

Each line of input is ``{"neighbours": {device: {quantity: value}}}``; of output, ``{quantity: value}``, null for one
that is not good.
"""

import asyncio
import json
import sys
import time

from agent.neighbours import LastHeard
from agent.ways.base import Context
from agent.ways.line import Line
from contract import settings
from contract.reading import Reading


def _value(value):
    return tuple(value) if isinstance(value, list) else value


async def _main(text):
    line = settings.load(Line, text, file="line.toml")
    heard = LastHeard()
    driver = line.driver(Context(kind="line", device="line-1", neighbours=heard))
    while True:
        text = await asyncio.to_thread(sys.stdin.readline)
        if not text:
            return
        for device, said in json.loads(text)["neighbours"].items():
            at = time.clock_gettime(time.CLOCK_BOOTTIME)
            heard.take(device, at, 5.0, [Reading(name, _value(value)) for name, value in said.items()])
        readings = await driver.read()
        sys.stdout.write(json.dumps({each.quantity: each.value if each.good else None for each in readings}) + "\n")
        sys.stdout.flush()


asyncio.run(_main(sys.argv[1]))
