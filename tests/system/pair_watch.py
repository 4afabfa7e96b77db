"""Watches a pair as an agent would: the way to find out who is active as JSON, and files with the role of each of the two."""

import asyncio
import json
import sys
from pathlib import Path

import msgspec

from agent.neighbours import LastHeard
from agent.ways import Context
from agent.ways.pair import Asked, Pair
from contract.clock import Stamp
from contract.reading import Reading


class Clock:
    """The loop's, from 1000."""

    def boottime(self):
        return 1000.0 + asyncio.get_running_loop().time()

    def stamp(self):
        now = self.boottime()
        return Stamp(1e9 + now, now, "boot", True)


def _text(path):
    return path.read_text() if path.exists() else "none"


async def main(way, files):
    clock, heard = Clock(), LastHeard()
    pair = Pair(members=("a", "b"), active=msgspec.convert(way, Asked), settle=4.0, lost_after=5.0)
    driver = pair.driver(Context(kind="pair", neighbours=heard, clock=clock))
    while True:
        for member, file in zip(pair.members, files, strict=True):
            role = _text(Path(file))
            said = [Reading("pair.role", role), Reading("x.contact", 1.0)]
            heard.take(member, clock.boottime(), 0.5, said)
        said = {each.quantity: each.value for each in await driver.read()}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
        await asyncio.sleep(0.5)


asyncio.run(main(json.loads(sys.argv[1]), sys.argv[2:]))
