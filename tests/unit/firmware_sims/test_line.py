"""The simulated far end: read by our own probes under every fault, and judged by sipsak and curl."""

import asyncio
import random
import shutil

import pytest

from agent.links.prober import LinkProber
from agent.probing import Route, State
from agent.ways import target
from firmware_sims.faults import Fault
from firmware_sims.line import FarEnd, Line

ALL = ("http", "tcp", "ssh", "sip", "dns")


@pytest.fixture
async def line():
    made = Line(FarEnd(), rng=random.Random(7))
    await made.start()
    yield made
    await made.stop()


async def states(line, **options):
    """Return what became of each probe, by scheme."""
    found = {}
    for url in line.urls:
        at = target.parse(url)
        outcome = await LinkProber(Route()).probe(target.parse(url.partition("#")[0]) if options.get("plain") else at)
        found[at.scheme] = outcome
    return found


async def test_all_of_it_answers_as_it_should(line):
    found = await states(line)
    assert {scheme: outcome.state for scheme, outcome in found.items()} == dict.fromkeys(ALL, State.RIGHT)
    assert found["dns"].says == "192.0.2.80"
    assert found["ssh"].says == "SSH-2.0-Wolfsmoke_Sim"
    assert found["sip"].code == 200
    over_tcp = target.parse(f"{line.urls[3]}?transport=tcp")
    assert (await LinkProber(Route()).probe(over_tcp)).code == 200


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.SILENCE, dict.fromkeys(ALL, State.SILENT)),
        (
            Fault.UNPLUG,
            {"http": State.WRONG, "tcp": State.WRONG, "ssh": State.WRONG, "sip": State.SILENT, "dns": State.SILENT},
        ),
        (
            Fault.GARBAGE,
            {"http": State.WRONG, "tcp": State.RIGHT, "ssh": State.WRONG, "sip": State.WRONG, "dns": State.WRONG},
        ),
        (Fault.HALF, {"http": State.WRONG, "tcp": State.RIGHT, "sip": State.WRONG, "dns": State.WRONG}),
        (
            Fault.ADDRESS,
            {"http": State.RIGHT, "tcp": State.RIGHT, "ssh": State.RIGHT, "sip": State.WRONG, "dns": State.WRONG},
        ),
        (
            Fault.SENTINELS,
            {"http": State.WRONG, "tcp": State.RIGHT, "ssh": State.RIGHT, "sip": State.RIGHT, "dns": State.WRONG},
        ),
        (
            Fault.DELAY,
            {"http": State.WRONG, "tcp": State.RIGHT, "ssh": State.WRONG, "sip": State.SILENT, "dns": State.SILENT},
        ),
    ],
)
async def test_every_fault_is_seen_and_comes_to_an_end(line, fault, expected):
    await line.set_fault(fault)
    found = await asyncio.gather(*(LinkProber(Route()).probe(target.parse(url)) for url in line.urls))
    seen = {url.partition(":")[0]: outcome.state for url, outcome in zip(line.urls, found, strict=True)}
    assert {scheme: seen[scheme] for scheme in expected} == expected
    await line.set_fault(Fault.NONE)
    assert {outcome.state for outcome in (await states(line)).values()} == {State.RIGHT}


async def test_a_line_that_is_cut_is_silent_and_keeps_its_ports(line):
    before = line.urls
    await line.set_cut(cut=True)
    assert {outcome.state for outcome in (await states(line)).values()} == {State.SILENT}
    await line.set_cut(cut=False)
    assert line.urls == before
    assert {outcome.state for outcome in (await states(line)).values()} == {State.RIGHT}


async def test_what_stands_behind_it_may_be_wrong(line):
    line.far.page_status, line.far.name_code, line.far.sip_code, line.far.sip_retry = 500, 2, 503, 60
    found = await states(line)
    assert (found["http"].says, found["dns"].says) == ("500 Server Internal Error", "SERVFAIL")
    assert (found["sip"].code, found["sip"].retry) == (503, 60)


async def test_loss_and_delay_are_seen(line):
    line.far.delay = 0.1
    assert (await states(line))["sip"].delays[0] >= 100
    line.far.delay, line.far.loss = 0.0, 0.5
    probe = target.parse(f"{line.urls[4]}?timeout=0.1")
    found = await asyncio.gather(*(LinkProber(Route()).probe(probe) for _ in range(100)))
    silent = sum(outcome.state is State.SILENT for outcome in found)
    assert 10 <= silent <= 40  # each is asked twice: a quarter


async def said(*command):
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await asyncio.wait_for(process.communicate(), 20)
    return process.returncode, out.decode("utf-8", "replace")


@pytest.mark.skipif(shutil.which("sipsak") is None, reason="sipsak is not installed")
async def test_sipsak_takes_it_for_a_sip_server(line):
    address = line.urls[3].removeprefix("sip://")
    assert (await said("sipsak", "-s", f"sip:trunk@{address}"))[0] == 0
    line.far.sip_code = 404
    code, text = await said("sipsak", "-vv", "-s", f"sip:trunk@{address}")
    assert code != 0
    assert "404" in text


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_curl_takes_it_for_a_web_server(line):
    assert await said("curl", "-sS", "-f", f"http://{line.address}/") == (0, "OK")
