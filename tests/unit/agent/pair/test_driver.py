"""A pair as a device: questions asked, answers that are none, and what is remembered."""

import pytest

from agent.drivers.pair import PairDriver
from agent.links.command import Said
from agent.members import Roll, Trial
from agent.memo import Memo
from agent.neighbours import LastHeard
from agent.pair.asking import (
    AddressActive,
    CodeStandby,
    Fit,
    NamedActive,
    PagesActive,
    SaidActive,
    SaidStandby,
    TextStandby,
    picked,
)
from agent.pair.judge import Memory, Rules
from contract.clock import Stamp
from contract.condition import Test
from contract.errors import DeviceError, DeviceGarbled, DeviceTimeout, PortUnavailable
from contract.reading import Reading

MEMBERS = ("order-a", "order-b")


class HandClock:
    now = 1000.0

    def boottime(self):
        return self.now

    def stamp(self):
        return Stamp(1e9 + self.now, self.now, "boot", True)


class Bench:
    def __init__(self, active=None, standby=None, path=None):
        self.clock, self.last, self.path = HandClock(), LastHeard(), path
        self.roll = Roll(self.last, 60.0)
        self.active = active or SaidActive(self.roll, MEMBERS, Trial(quantity="pair.role", word="master"))
        self.standby = standby
        self.start()

    def start(self):
        rules = Rules(settle=5.0, switched=60.0)
        memo = Memo(Memory, self.path)
        self.driver = PairDriver(MEMBERS, self.roll, self.active, self.standby, rules, self.clock, memo)

    async def look(self, a=None, b=None, *, after=1.0):
        """Let each say its role; "" is no answer, None is no poll at all."""
        self.clock.now += after
        for member, role in zip(MEMBERS, (a, b), strict=True):
            if role is not None:
                said = [Reading("pair.role", role), Reading("x.contact", 1.0)] if role else [Reading("x.contact", 0.0)]
                self.last.take(member, self.clock.now, 1.0, said)
        return {each.quantity: each.value for each in await self.driver.read()}


async def test_it_names_the_active_one_and_the_standby_and_after_a_change_the_other_way_round():
    bench = Bench()
    said = await bench.look("master", "backup")
    assert (said["pair.active"], said["pair.standby"]) == MEMBERS
    assert said["pair.status"] == ("REDUNDANT", "SERVING", "SINGLE")
    assert said["pair.reason"] is None
    said = await bench.look("backup", "master")
    assert (said["pair.active"], said["pair.switches"]) == ("order-b", 1.0)
    assert "SWITCHED" in said["pair.status"]


async def test_a_host_that_is_not_heard_is_unknown_and_one_that_was_asked_in_vain_is_down():
    bench = Bench()
    await bench.look("master", "backup")
    said = await bench.look("master", "")
    assert said["pair.status"] == ("SERVING", "UNKNOWN")
    assert said["pair.reason"] == "order-b is not heard"
    for _ in range(61):
        said = await bench.look("master", "")
    assert said["pair.status"] == ("NOREDUNDANCY", "SERVING", "SINGLE")
    assert said["pair.reason"] == "order-b does not answer"


async def test_both_down_is_down():
    bench = Bench()
    for _ in range(65):
        said = await bench.look("", "")
    assert said["pair.status"] == ("DOWN",)


async def test_a_split_brain_is_said_after_the_settle_time():
    bench = Bench()
    said = [(await bench.look("master", "master"))["pair.status"] for _ in range(7)]
    assert said[0] == ("SETTLING",)
    assert said[-1] == ("SERVING", "SPLIT")


async def test_the_memory_survives_a_restart(tmp_path):
    bench = Bench(path=tmp_path / "pair.json")
    await bench.look("master", "backup")
    await bench.driver.close()
    bench.start()
    assert (await bench.look("backup", "master"))["pair.switches"] == 1.0


class Raises:
    def __init__(self, error):
        self.error = error

    async def ask(self, *_):
        raise self.error


async def test_what_cannot_be_found_out_is_unknown_with_its_reason_and_logged_once(caplog):
    bench = Bench(active=Raises(DeviceTimeout("no answer", where="http://x")))
    for _ in range(3):
        said = await bench.look("master", "backup")
    assert said["pair.status"] == ("UNKNOWN",)
    assert "who is active is not known: http://x: no answer" in said["pair.reason"]
    assert len([each for each in caplog.records if "no answer" in each.message]) == 1


async def test_a_standby_that_cannot_be_asked_is_unknown():
    bench = Bench(standby=Raises(DeviceGarbled("ended with 7")))
    assert (await bench.look("master", "backup"))["pair.status"] == ("SERVING", "SINGLE", "UNKNOWN")


async def test_lag_of_the_standby_is_what_the_standby_says():
    bench = Bench()
    trial = Trial(quantity="pair.lag", test=Test.BELOW, setpoint=30.0)
    standby = SaidStandby(bench.roll, MEMBERS, trial)
    bench.last.take("order-b", 1000.0, 1.0, [Reading("pair.lag", 45.0), Reading("x.contact", 1.0)])
    assert await standby.ask(1, 1000.0) == Fit(fit=False, late=True, lag=45.0)
    assert await standby.ask(0, 1000.0) == Fit()
    bench = Bench(standby=TextStandby(_says("45"), "", 30.0, "x"))
    said = await bench.look("master", "backup")
    assert said["pair.status"] == ("LAG", "SERVING", "SINGLE")
    assert said["pair.lag"] == 45.0
    assert said["pair.reason"] == "the standby is 45 s behind"


def _says(text):
    async def ask(*_):
        if isinstance(text, DeviceError):
            raise text
        return text

    return ask


@pytest.mark.parametrize(
    ("text", "found"),
    [("Alpha\n", (True, False)), ("beta", (False, True)), ("", (False, False))],
)
async def test_a_name_says_who_is_active(text, found):
    assert await NamedActive(_says(text), ("alpha", "beta"), "x").ask(0.0) == found


async def test_another_name_is_an_error_that_says_what_to_write():
    with pytest.raises(DeviceGarbled, match=r"neither of the two.*names ="):
        await NamedActive(_says("gamma"), ("alpha", "beta"), "x").ask(0.0)


async def test_nobody_at_the_virtual_address_is_nobody_active_if_the_hosts_are_heard():
    dead = PortUnavailable("connection refused")
    bench = Bench(active=NamedActive(_says(dead), MEMBERS, "http://x", served=True))
    for _ in range(8):
        said = await bench.look("x", "x")
    assert said["pair.status"] == ("NOACTIVE",)
    bench = Bench(active=NamedActive(_says(dead), MEMBERS, "http://x", served=True))
    for _ in range(8):
        said = await bench.look("", "")
    assert said["pair.status"] == ("UNKNOWN",), "our own line may be down"


async def test_a_page_each_shows_a_split_and_one_that_fails_is_not_known():
    async def one(ask):
        try:
            return await ask()
        except DeviceError:
            return None

    def active(a, b):
        return PagesActive([_says(a), _says(b)], "active", one)

    assert await active("active", "Active").ask(0.0) == (True, True)
    assert await active("active", DeviceTimeout("no")).ask(0.0) == (True, None)


@pytest.mark.parametrize(("code", "fit"), [(0, True), (1, False)])
async def test_an_exit_code_says_who_is_fit(code, fit):
    async def run(_):
        return Said(code, "")

    assert (await CodeStandby(run, "x").ask(0, 0.0)).fit is fit


async def test_other_exit_codes_and_numbers_that_are_none_are_not_known():
    async def run(_):
        return Said(2, "")

    with pytest.raises(DeviceGarbled, match="ended with 2"):
        await CodeStandby(run, "x").ask(0, 0.0)
    for text in ("soon", "nan", "-1", "inf", ""):
        with pytest.raises(DeviceGarbled, match="no number of seconds"):
            await TextStandby(_says(text), "", 30.0, "x").ask(0, 0.0)


def test_a_path_leads_into_json():
    assert picked('{"a": [{"b": "x"}]}', "a.0.b") == "x"
    assert picked('{"a": true}', "a") == "true"
    assert picked('{"lag": 1.5}', "lag") == "1.5"
    for text, path in (("x", "a"), ("{}", "a"), ("[1]", "1"), ("1", "a"), ("[1]", "²"), ("[" * 100_000, "a")):
        with pytest.raises(DeviceGarbled):
            picked(text, path)


class Cards:
    def __init__(self, **cards):
        self.cards = cards
        self.asked = []

    def active(self):
        own = ("192.0.2.2", "192.0.2.3")
        return AddressActive("192.0.2.1", own, self.asked.append, lambda: self.known)

    @property
    def known(self):
        return {f"192.0.2.{number[1:]}": card for number, card in self.cards.items()}


async def test_the_card_that_answers_for_the_address_is_the_active_one():
    cards = Cards(n1="aa", n2="bb", n3="aa")
    active = cards.active()
    assert await active.ask(0.0) == (False, True)
    assert cards.asked == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
    cards.cards = {"n1": "bb", "n2": "bb"}
    assert await active.ask(1.0) == (True, False)
    cards.cards = {"n2": "bb", "n3": "aa"}
    assert await active.ask(2.0) == (None, None)
    assert await active.ask(4.0) == (False, False)
    cards.cards = {}
    assert await active.ask(5.0) == (None, None), "our own line may be down"
    cards.cards = {"n1": "cc", "n2": "bb", "n3": "aa"}
    with pytest.raises(DeviceGarbled, match="neither of the two"):
        await active.ask(6.0)
