"""From datagram to device: who is asked, what is counted and told, and what a flood costs."""

import asyncio
import logging
import random
import socket
import threading

import pytest
from trap_senders import OWN, PLAIN, SEALED, SIGNED, Bench, pdu, v1, v2c, v3

from agent.traps.desk import MINUTE, MOST_STRANGERS, Seldom
from agent.traps.engine import started
from agent.traps.hosts import Hosts
from agent.traps.limits import KNOWN, STRANGERS

LIMIT = 10.0


async def until(true):
    async with asyncio.timeout(LIMIT):
        while not true():  # noqa: ASYNC110 - what is looked at tells nobody
            await asyncio.sleep(0.01)


def test_a_trap_has_every_device_of_its_address_asked_and_no_other(bench):
    bench.take(v2c(), "192.0.2.10")
    assert bench.poked == ["ups-1", "sensor-1"]
    assert bench.said("ups-1") == {"x.traps": 1.0, "x.trap.last": "on-battery"}
    assert bench.said("ups-2") == {"x.traps": 0.0}
    assert bench.said("serial-1") == {}, "it has no host"


def test_the_count_is_said_with_all_else_and_else_only_when_there_is_news(bench):
    quick = lambda: [each.quantity for each in bench.service.readings("ups-1", full=False)]  # noqa: E731
    assert quick() == []
    bench.take(v2c())
    assert quick() == ["x.traps", "x.trap.last"]
    assert quick() == []
    assert bench.said() == {"x.traps": 1.0, "x.trap.last": "on-battery"}


def test_an_unknown_trap_has_it_asked_too(bench):
    bench.take(v2c("1.3.6.1.4.1.99999.0.5"))
    assert bench.poked == ["ups-1", "sensor-1"]
    assert bench.said()["x.trap.last"] == "1.3.6.1.4.1.99999.0.5"


def test_ipv4_over_an_ipv6_socket_is_the_same_address(bench):
    bench.take(v2c(), "::ffff:192.0.2.11")
    assert bench.poked == ["ups-2"]


def test_a_forwarder_names_whose_trap_it_is(bench):
    bench.take(v1("1.3.6.1.4.1.318", 5, agent=bytes((192, 0, 2, 11))), "198.51.100.1")
    assert bench.poked == ["ups-2"]
    bench.take(v1("1.3.6.1.4.1.318", 5, agent=bytes((10, 0, 0, 1))), "192.0.2.11")
    assert bench.poked == ["ups-2", "ups-2"], "behind a translated address the datagram's own counts"


def test_a_stranger_is_counted_and_told_once_an_hour_and_does_nothing(bench, caplog):
    for _ in range(5):
        assert bench.take(v2c(tag=0xA6), "198.51.100.66") is None
    assert bench.poked == []
    assert bench.service.desk.strangers == 5
    assert len(caplog.records) == 1
    assert "198.51.100.66, which is no device here" in caplog.text
    bench.clock.now += 3601
    bench.take(v2c(), "198.51.100.66")
    assert "and 4 more since the last line" in caplog.text


def test_another_community_is_refused_and_told_once(bench, caplog):
    for _ in range(3):
        assert bench.take(v2c(tag=0xA6, community=b"guess")) is None
    assert bench.poked == []
    assert [record.message for record in caplog.records] == [
        "traps: ups-1, sensor-1: refused: its community is not in the settings"
    ]
    assert "guess" not in caplog.text


def test_an_inform_is_answered_with_what_it_said(bench):
    inform = v2c(tag=0xA6, request=4711)
    answer = bench.take(inform)
    assert answer == inform.replace(b"\xa6", b"\xa2", 1)


def test_a_kind_is_told_once_a_minute(bench, caplog):
    caplog.set_level(logging.INFO)
    for _ in range(4):
        bench.take(v2c(), "192.0.2.11")
        bench.take(v2c("1.3.6.1.4.1.318.0.9"), "192.0.2.11")
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    bench.clock.now += MINUTE
    bench.take(v2c(), "192.0.2.11")
    assert "and 3 more since the last line" in caplog.records[-1].message
    assert bench.said("ups-2") == {"x.traps": 9.0, "x.trap.last": "on-battery"}


def test_a_flood_of_one_device_neither_stops_another_nor_grows(bench, caplog):
    rate, burst = KNOWN
    for _ in range(int(burst) + 500):
        bench.take(v2c(), "192.0.2.11")
    assert bench.said("ups-2")["x.traps"] == burst
    assert bench.service.counters.flood == 500
    bench.take(v2c(), "192.0.2.10")
    assert bench.said("ups-1")["x.traps"] == 1
    bench.clock.now += 1.0
    for _ in range(500):
        bench.take(v2c(), "192.0.2.11")
    assert bench.said("ups-2")["x.traps"] == burst + rate
    assert caplog.text.count("a flood from ups-2 at 192.0.2.11: no more than 100 a second") == 1


def test_strangers_share_one_allowance_and_a_bounded_memory(bench, caplog):
    for number in range(5000):
        bench.take(v2c(f"1.3.6.1.4.1.{number}.0.1"), f"198.51.{number // 250}.{number % 250 + 1}")
    assert bench.service.desk.strangers == STRANGERS[1]
    assert len(caplog.records) <= MOST_STRANGERS + 2, "each of the first, one for the others, one for the flood"
    assert caplog.text.count("a flood from strangers") == 1


def test_what_is_told_seldom_is_remembered_within_bounds():
    now = [0.0]
    seldom = Seldom(60.0, 4, lambda: now[0])
    said = [seldom(str(number)) for number in range(100)]
    assert said[:5] == [0] * 5
    assert set(said[5:]) == {None}
    now[0] = 61.0
    assert seldom("others") == 95
    assert [seldom(str(number)) for number in range(100, 104)] == [0, 0, 0, None]


def test_whatever_comes_the_receiver_goes_on(bench):
    """Datagrams cut, flipped, grown and mixed, from a seed: no exception, and the next good one is taken."""
    chance = random.Random(20)
    inform = {"engine": OWN.id, "boots": OWN.boots, "time": 5, "reportable": True, "inner": pdu(tag=0xA6)}
    good = [v1("1.3.6.1.4.1.318", 5), v2c(), v2c(tag=0xA6), v3(SEALED), v3(SIGNED), v3(PLAIN)]
    good += [v3(PLAIN, engine=b"", reportable=True), *(v3(user, **inform) for user in (SEALED, SIGNED, PLAIN))]
    for _ in range(20_000):
        datagram = bytearray(chance.choice(good))
        for _ in range(chance.randint(1, 4)):
            match chance.randint(0, 4):
                case 0 if datagram:
                    datagram[chance.randrange(len(datagram))] = chance.randrange(256)
                case 1:
                    del datagram[chance.randint(0, len(datagram)) :]
                case 2:
                    at = chance.randint(0, len(datagram))
                    datagram[at:at] = chance.randbytes(chance.randint(1, 9))
                case 3:
                    at = chance.randint(0, len(datagram))
                    del datagram[at : at + chance.randint(1, 9)]
                case _:
                    other = chance.choice(good)
                    datagram[chance.randint(0, len(datagram)) :] = other[chance.randrange(len(other)) :]
        bench.clock.now += 0.02
        answer = bench.take(bytes(datagram), chance.choice(["192.0.2.10", "192.0.2.11", "198.51.100.9"]))
        assert answer is None or len(answer) <= len(datagram) + 200, "nobody is flooded with our answers"
    before = bench.said("ups-2")["x.traps"]
    bench.take(v2c(), "192.0.2.11")
    assert bench.said("ups-2")["x.traps"] == before + 1
    assert bench.service.counters.flood == 0


async def test_a_storm_over_the_loopback_is_taken_and_the_port_is_let_go():
    service = Bench({"ups-1": "127.0.0.1"}).service
    running = asyncio.create_task(service.run())
    async with asyncio.timeout(LIMIT):
        await service.port.opened.wait()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for number in range(1000):
                sender.sendto(v2c(request=number), ("127.0.0.1", service.port.port))
                if number % 50 == 0:
                    await asyncio.sleep(0)
            await until(lambda: service.counters.taken == 1000)
    port = service.port.port
    running.cancel()
    await asyncio.wait([running])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(("127.0.0.1", port))


@pytest.mark.parametrize(
    ("listen", "sender"), [("[::1]:0", "::1"), ("[::]:0", "127.0.0.1"), ("[::]:0", "::1"), ("0.0.0.0:0", "127.0.0.1")]
)
async def test_it_listens_where_it_is_told_to(listen, sender):
    bench = Bench({"ups-1": sender}, listen=listen)
    running = asyncio.create_task(bench.service.run())
    await asyncio.wait_for(bench.service.port.opened.wait(), LIMIT)
    family = socket.AF_INET6 if ":" in sender else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0)
        sock.sendto(v2c(tag=0xA6), (sender, bench.service.port.port))
        await until(lambda: bench.poked == ["ups-1"])
        assert sock.recv(999), "the inform is answered"
    running.cancel()


async def test_a_flood_leaves_the_loop_to_others():
    """Datagrams as fast as another thread can send them, for a second: a tick each 10 ms stays near its time."""
    service = Bench({"ups-1": "127.0.0.1"}).service
    running = asyncio.create_task(service.run())
    await asyncio.wait_for(service.port.opened.wait(), LIMIT)
    over = threading.Event()

    def flood():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while not over.is_set():
                sender.sendto(v2c(), ("127.0.0.1", service.port.port))

    loop = asyncio.get_running_loop()
    sending = loop.run_in_executor(None, flood)
    late, began = [], loop.time()
    while (before := loop.time()) < began + 1.0:
        await asyncio.sleep(0.01)
        late.append(loop.time() - before - 0.01)
    over.set()
    await sending
    running.cancel()
    assert service.counters.received > 1000
    assert sorted(late)[len(late) * 9 // 10] < 0.1, "nine in ten"
    assert max(late) < 0.5


async def test_a_port_that_another_has_is_told_and_stops_nothing(caplog):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        service = Bench({"ups-1": "127.0.0.1"}).service
        service.port._where = taken.getsockname()
        running = asyncio.create_task(service.run())
        await until(lambda: "cannot listen" in caplog.text)
        assert not running.done()
        running.cancel()
    assert "snmptrapd" in caplog.text


async def test_names_are_asked_for_and_kept_when_nobody_answers():
    answers = {"ups.example": ["192.0.2.7", "2001:db8::7"], "gone.example": OSError("no such name")}

    async def resolve(name):
        if isinstance(answers[name], OSError):
            raise answers[name]
        return answers[name]

    hosts = Hosts({"ups-1": "ups.example", "ups-2": "gone.example", "ups-3": "2001:DB8::7"}, resolve)
    assert hosts.devices("192.0.2.7") == ()
    await hosts.refresh()
    assert hosts.devices("192.0.2.7") == ("ups-1",)
    assert hosts.devices("2001:db8::7%eth0") == ("ups-3", "ups-1")
    answers["ups.example"] = OSError("the name server is away")
    await hosts.refresh()
    assert hosts.devices("192.0.2.7") == ("ups-1",)


def test_our_engine_keeps_its_id_and_counts_its_starts(tmp_path, caplog):
    first = started(tmp_path / "engine")
    assert 5 <= len(first.id) <= 32
    assert [started(tmp_path / "engine") for _ in range(2)] == [type(first)(first.id, 2), type(first)(first.id, 3)]
    assert not caplog.records
    (tmp_path / "engine").write_text("scribbled\n")
    assert started(tmp_path / "engine").boots == 1
    lost = [started(tmp_path / "no" / "engine") for _ in range(2)]
    assert lost[0].id != lost[1].id, "what cannot be counted is another engine"
    assert "cannot be written" in caplog.text


@pytest.mark.parametrize("salted", range(2))
def test_answers_differ_in_their_salt(bench, salted):
    inform = {"engine": OWN.id, "boots": OWN.boots, "time": 5 + salted, "reportable": True, "inner": pdu(tag=0xA6)}
    assert bench.take(v3(SEALED, **inform)) != bench.take(v3(SEALED, **inform))
