"""A link between two network namespaces that delays, reorders, doubles and drops packets, as netem would.

    python shim.py NAMESPACE_A INTERFACE_A NAMESPACE_B INTERFACE_B

What it does is one line on standard input: ``DELAY JITTER LOSS DOUBLE``, in seconds and parts of one; at first nothing.
"""

import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time
from typing import NamedTuple

_TUNSETIFF = 0x400454CA
_IFF_TUN_NO_PI = 0x1001
_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


class Manner(NamedTuple):
    """How packets are treated."""

    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    double: float = 0.0


def enter(namespace: str) -> None:
    """Move this thread into a network namespace, by its name."""
    handle = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        if _LIBC.setns(handle, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns", namespace)
    finally:
        os.close(handle)


def _tun(namespace: str, name: str) -> int:
    enter(namespace)
    handle = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(handle, _TUNSETIFF, struct.pack("16sH14x", name.encode(), _IFF_TUN_NO_PI))
    return handle


def _packets(handle: int):
    while True:
        try:
            yield os.read(handle, 65536)
        except OSError:  # no more for now, or the interface is down
            return


def _main(ends: list[int]) -> None:
    rng = random.Random()
    manner = Manner()
    waiting: list[tuple[float, int, int, bytes]] = []
    count = 0
    while True:
        wait = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        for handle in select.select([*ends, sys.stdin], [], [], wait)[0]:
            if handle is sys.stdin:
                line = sys.stdin.readline()
                if not line:
                    return
                manner = Manner(*map(float, line.split()))
                continue
            other = ends[1 - ends.index(handle)]
            for packet in _packets(handle):
                copies = 0 if rng.random() < manner.loss else 1 + (rng.random() < manner.double)
                for _ in range(copies):
                    count += 1
                    due = time.monotonic() + max(0.0, manner.delay + rng.uniform(-manner.jitter, manner.jitter))
                    heapq.heappush(waiting, (due, count, other, packet))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, handle, packet = heapq.heappop(waiting)
            try:
                os.write(handle, packet)
            except OSError:  # the interface is down: lost, as on a cable
                continue


if __name__ == "__main__":
    made = [_tun(sys.argv[1], sys.argv[2]), _tun(sys.argv[3], sys.argv[4])]
    print("ready", flush=True)  # noqa: T201
    _main(made)
