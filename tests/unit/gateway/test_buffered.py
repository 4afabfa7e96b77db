"""The buffered socket: nothing lost, nothing out of order, and no wait for a network that does not take it."""

import asyncio
import socket

import pytest

from gateway.buffered import BufferedSocket


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    for each in (ours, theirs):
        each.setblocking(False)
    yield ours, theirs
    for each in (ours, theirs):
        each.close()


async def test_small_reads_come_from_one_large_one(pair):
    ours, theirs = pair
    buffered = BufferedSocket(ours)
    theirs.send(b"abcdefgh")
    assert buffered.recv(1) == b"a"
    assert buffered.unread
    theirs.send(b"ij")
    assert buffered.recv(3) == b"bcd"
    assert buffered.recv(100) == b"efgh", "what is there, as a socket does"
    assert not buffered.unread
    assert buffered.recv(100) == b"ij"
    with pytest.raises(BlockingIOError):
        buffered.recv(1)
    theirs.close()
    assert buffered.recv(1) == b""


async def test_what_is_sent_goes_out_in_order_at_the_end_of_the_turn(pair):
    ours, theirs = pair
    buffered = BufferedSocket(ours)
    for piece in (b"one ", bytearray(b"two "), b"three"):
        assert buffered.send(piece) == len(piece)
    with pytest.raises(BlockingIOError):
        theirs.recv(100)
    await asyncio.sleep(0)
    assert theirs.recv(100) == b"one two three"


async def test_what_the_network_does_not_take_waits_and_stops_nobody(pair):
    ours, theirs = pair
    buffered = BufferedSocket(ours)
    sent = bytes(range(256)) * 20_000  # far more than a socket holds
    for start in range(0, len(sent), 100_000):
        buffered.send(sent[start : start + 100_000])
    await asyncio.sleep(0)
    assert buffered.waiting
    got = bytearray()
    async with asyncio.timeout(10):
        while len(got) < len(sent):
            await asyncio.sleep(0)
            try:
                got += theirs.recv(65536)
            except BlockingIOError:
                continue
    assert got == sent
    assert not buffered.waiting


async def test_a_lost_connection_shows_at_the_reader_and_closing_is_quiet(pair):
    ours, theirs = pair
    buffered = BufferedSocket(ours)
    theirs.close()
    buffered.send(b"nobody hears it")
    await asyncio.sleep(0)
    assert buffered.recv(1) == b""
    buffered.close()
    buffered.close()
    assert buffered.fileno() == -1


async def test_the_last_words_are_written_when_it_is_closed(pair):
    ours, theirs = pair
    buffered = BufferedSocket(ours)
    buffered.send(b"good-bye")
    buffered.close()
    assert theirs.recv(100) == b"good-bye"
    assert theirs.recv(100) == b""
