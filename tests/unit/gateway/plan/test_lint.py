"""``plan lint``: each mistake below is planted into the shipped files, and found at its line; the shipped files have none.

``‸`` stands on the line that the finding has to name; it is taken out before the file is written.
"""

import asyncio
import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from agent.ways import WAYS
from agent.ways.base import meant
from contract.errors import ConfigError
from contract.message import Device, Inventory, Topic, encode
from gateway.__main__ import main
from gateway.clock import SystemClock
from gateway.config import load, secrets_of
from gateway.journal import Journal
from gateway.journal.file import NAME
from gateway.journal.record import Incoming
from gateway.plan.lint.fleet import WAYS as KINDS_OF_WAYS
from gateway.plan.lint.rules import RULES, UNREADABLE, lint
from gateway.plan.lint.site import Grade
from gateway.plan.papers import lenient, read_fleet, read_papers
from gateway.read import read_plan

CONFIG = Path(__file__).parents[4] / "config"
TODAY = date(2026, 10, 31)
DEMAND = "plan/3.4-demand.toml"
POWER, HOSTS, ROOMS = "plan/3.1.toml", "plan/3.1-hosts.toml", "plan/3.1-rooms.toml"
ALARMS, TREE = "alarms.toml", "dependencies.toml"
COMMON, PEOPLE, GATEWAY, ORDER_ROOM = "plan/common.toml", "contacts.toml", "gateway.toml", "agents/order-room.toml"

ON_BATTERY = 'en = "Mains lost, UPS on battery" }\n'
BYPASS = 'en = "UPS on bypass, the load is unprotected" }\n'
FINDING = 'level = "finding"\nwake = "working"\nurgency = "expected"\nseverity = "moderate"'
LOW = 'en = "UPS battery low" }\nlevel = "partial"\n'
PAIR = 'conditions = ["pair-down", "pair-no-active", "pair-split"]\nkinds = ["pair"]\n'
ON_CALL = '{ department = "info-centre", role = "on-call", after = "0s" },'
SECOND = '{ department = "info-centre", role = "second", after = "5m" },'
HEAD = '{ department = "info-centre", role = "head", after = "10m" },'
ORDERS = '{ department = "marketing-centre", role = "on-call", after = "10m" },'
TOP = '{ department = "command-group", role = "head", after = "20m" },'
BACK = 'text = { zh = "市电恢复后核对'


BARE = """[[clause]]‸
clause = "3.1.99"
title = { zh = "电压", en = "Voltage" }
kinds = ["ups"]
departments = ["info-centre"]
deadline = "5h"
[[clause.trigger]]
condition = "input-low"
devices = ["ups-2"]
title = { zh = "电压低", en = "Voltage low" }
level = "partial"
wake = "night"
urgency = "expected"
severity = "severe"
[clause.escalation]
rung = [{ department = "info-centre" }, { department = "info-centre", role = "head", after = "5m" }]

[[trigger]]
condition = "agent-silent"
"""


MAINS_LOW = """[[clause.trigger]]‸
condition = "mains-low"
title = { zh = "市电偏低", en = "Mains low" }
level = "finding"
wake = "working"
urgency = "expected"
severity = "moderate"

"""
SIREN = """
[[clause.output]]
agent = "machine-hall"
device = "relay"‸
output = "siren"
seconds = "3m"

[clause.escalation]"""
HOOK = """
[[clause.webhook]]
name = "dutty"‸

[clause.escalation]"""


GRANT = """[[authorisation]]
by = "sun"
person = "zhao"
clauses = ["3.1.4"]
from = 2026-11-01
until = 2026-12-01

[hours]"""


class Case:
    """Some edits of shipped files, the rule that has to find them, and what else follows from them."""

    def __init__(self, rule, *edits, also=()):
        self.rule, self.edits, self.also = rule, edits, {*also}


PLANTED = [
    # what does not load
    Case(UNREADABLE, (POWER, 'severity = "severe"', 'severity = "sever"‸')),
    Case(UNREADABLE, (POWER, '\nwake = "night"\n', '\nwakes = "night"‸\n')),
    Case(UNREADABLE, (POWER, 'owner = "marketing-centre"', 'owner = "marketing-center"‸'), also=["owner-untold"]),
    Case(UNREADABLE, (POWER, 'clause = "3.1.1"', 'clause = "3.1.4"‸')),
    Case(UNREADABLE, (POWER, 'page_after = "30s"', "page_after = 30‸")),
    Case(UNREADABLE, (POWER, '[[clause.step]]\nowner = "info-centre"\n', "[[clause.step]]‸\n")),
    Case(UNREADABLE, (POWER, "[[clause.step]]", "[[clause.step]‸")),
    Case(UNREADABLE, (PEOPLE, 'head = "zhao"', 'head = "zaho"‸')),
    Case(UNREADABLE, (PEOPLE, '[[person]]\nid = "wang"', '[[person]]‸\nid = "wang"'), (PEOPLE, 'email = "wang@example.com"', "")),
    Case(UNREADABLE, (GATEWAY, 'tls = "starttls"', 'tls = "ssl"‸')),
    Case(UNREADABLE, (GATEWAY, '{ credential = "webhook-duty" }', '{ file = "no-such-file" }‸'), also=["no-way-to"]),
    Case(UNREADABLE, (ALARMS, "at_least = 3", "at_least = 1‸"), also=["unreachable"]),
    Case(UNREADABLE, (GATEWAY, 'plan = "plan" ', 'plan = "plans"‸ ')),
    Case(UNREADABLE, ("dependencies.toml", 'wait = "30s"', 'waits = "30s"‸')),
    Case(UNREADABLE, ("alarms.toml", 'condition = "contact-lost"', 'conditio = "contact-lost"‸')),
    # what puts a clause in force
    Case("unknown-kind", (POWER, 'kinds = ["ups", "power"]', 'kinds = ["ups", "power", "upss"]‸')),
    Case("unknown-kind", (COMMON, 'condition = "two-agents"', 'condition = "two-agents"\nkinds = ["upps"]‸'), also=["condition-untold"]),
    Case("unreachable", (POWER, 'condition = "bypass"', 'condition = "by-pass"‸'), also=["condition-untold"]),
    Case("unreachable", (POWER, 'condition = "overload"\nkinds = ["ups"]', 'condition = "fuel-low"‸\nkinds = ["ups"]'), also=["condition-untold"]),
    Case("unreachable", (COMMON, 'condition = "two-agents"', 'condition = "three-agents"‸'), also=["condition-untold"]),
    Case("unreachable", (POWER, 'condition = "several-on-battery"', 'condition = "many-on-battery"‸'), also=["condition-untold"]),
    Case("named-twice", (POWER, 'kinds = ["ups", "power"]', 'kinds = ["ups", "power", "ups"]‸')),
    Case("named-twice", (HOSTS, PAIR, PAIR.replace('"pair-split"]', '"pair-split", "pair-down"]‸'))),
    Case("common-twice", (COMMON, 'condition = "store-away"\n', 'condition = "broker-away"‸\n'), also=["condition-untold"]),
    Case("common-unused", (COMMON, 'condition = "two-agents"', 'condition = "on-battery"‸\nkinds = ["ups"]'), also=["condition-untold"]),
    Case("wakes-for-a-finding", (POWER, BYPASS + 'level = "finding"\nwake = "working"', BYPASS + 'level = "finding"\nwake = "night"‸')),
    Case("wakes-for-a-finding", (POWER, ON_BATTERY + 'level = "partial"\nwake = "night"\nurgency = "immediate"', ON_BATTERY + 'level = "partial"\nwake = "night"‸\nurgency = "future"')),
    Case("grave-waits", (HOSTS, PAIR + 'level = "major"\nwake = "night"', PAIR + 'level = "major"\nwake = "working"‸')),
    Case("grave-waits", (POWER, LOW + 'wake = "night"', LOW + 'wake = "digest"‸')),
    Case("grave-finding", (POWER, BYPASS + FINDING, BYPASS + FINDING.replace('finding"', 'finding"‸').replace("moderate", "extreme")), also=["grave-waits"]),
    Case("doubtful-major", (HOSTS, PAIR, PAIR + 'certainty = "possible"‸\n')),
    Case("major-without-head", (POWER, ON_BATTERY + 'level = "partial"', ON_BATTERY + 'level = "major"‸'), (POWER, TOP, "")),
    Case("slow-to-tell", (POWER, 'page_after = "30s"', 'page_after = "20m"‸')),
    Case("told-after-the-deadline", (POWER, 'page_after = "10m"', 'page_after = "6h"‸')),
    # what is to be done, and by when
    Case("does-not-load", (POWER, 'deadline = "5h"', 'deadline = "0s"‸')),
    Case("nothing-to-do", (COMMON, '[[trigger]]\ncondition = "agent-silent"\n', BARE)),
    Case("step-after-the-deadline", (POWER, 'within = "1h"', 'within = "6h"‸'), also=["steps-out-of-order"]),
    Case("step-without-limit", (POWER, '[[clause.step]]\nowner = "info-centre"\n', '[[clause.step]]‸\nowner = "info-centre"\n'), (POWER, 'within = "5m"\n', "")),
    Case("steps-out-of-order", (POWER, 'within = "1h"', 'within = "10m"‸')),
    Case("step-said-twice", (POWER, BACK, 'text = { zh = "确认 UPS 已带载，查看负载与预计可用时间", en = "Twice" }‸\n# text = { zh = "市电恢复后核对')),
    Case("closes-unchecked", (HOSTS, 'closes = "person"', 'closes = "itself"‸')),
    Case("closes-unchecked", (POWER, 'check_after = "60s"', 'check_after = "0s"‸'), (POWER, 'closes = "person"', 'closes = "itself"')),
    Case("closes-unchecked", (POWER, 'check_after = "60s"', 'check_after = "6h"‸')),
    Case("impossible-hours", (PEOPLE, 'end = "17.5h"', 'end = "5.5h"‸')),
    Case("impossible-hours", (PEOPLE, "[digest]", '[site.branch.hours]\nstart = "9h"\nend = "8h"‸\n\n[digest]')),
    Case("impossible-hours", (PEOPLE, 'zone = "Asia/Shanghai"', 'utc_offset = "15h"‸')),
    # who is told next
    Case("no-command", (PEOPLE, '[[department]]\nkey = "command-group"', '[[department]]‸\nkey = "command-group"'), (PEOPLE, 'deputies = ["liang"]', ""), also=["unused-person"]),
    Case("no-command", (PEOPLE, '[[department]]\nkey = "command-group"', '[[department]]‸\nkey = "command-group"'), (PEOPLE, 'head = "sun"\ndeputies', 'on_call = ["sun"]\ndeputies'), also=["nobody-on-a-rung"]),
    Case("useless-authorisation", (PEOPLE, "\n[hours]", "\n" + GRANT.replace("until = 2026-12-01", "until = 2026-10-30‸").replace("2026-11-01", "2026-10-01"))),
    Case("useless-authorisation", (PEOPLE, "\n[hours]", "\n" + GRANT.replace('by = "sun"', 'by = "zhao"‸'))),
    Case("useless-authorisation", (PEOPLE, "\n[hours]", "\n" + GRANT.replace('person = "zhao"', 'person = "li"‸'))),
    Case("useless-authorisation", (PEOPLE, "\n[hours]", "\n" + GRANT.replace('person = "zhao"', 'person = "song"‸'))),
    Case("useless-authorisation", (PEOPLE, "\n[hours]", "\n" + GRANT.replace('["3.1.4"]', '["3.1.44"]‸'))),
    Case(UNREADABLE, (PEOPLE, "\n[hours]", "\n" + GRANT.replace('person = "zhao"', 'person = "zaho"‸'))),
    Case(UNREADABLE, (PEOPLE, "\n[hours]", "\n" + GRANT.replace("2026-12-01", "2026-10-01‸"))),
    Case(UNREADABLE, (PEOPLE, "\n[hours]", "\n" + GRANT.replace("2026-12-01", '"soon"‸'))),
    Case("nobody-on-a-rung", (POWER, ORDERS, ORDERS.replace("on-call", "head") + "‸"), (PEOPLE, 'head = "gao"\n', ""), also=["unused-person", "rung-without-a-turn"]),
    Case("nobody-on-a-rung", (POWER, ORDERS, ORDERS.replace("on-call", "second") + "‸") ),
    Case("nobody-on-a-rung", (ROOMS, '{ department = "command-group", role = "head", after = "10m" },', '{ department = "command-group", role = "on-call", after = "10m" },‸')),
    Case("rung-without-a-turn", (POWER, HEAD, HEAD.replace("head", "on-call") + "‸")),
    Case("one-person", (POWER, "rung = [", "rung = [‸"), *((POWER, one, "") for one in (SECOND, HEAD, ORDERS, TOP)), also=["owner-untold"]),
    Case("rungs-out-of-order", (POWER, TOP, TOP.replace("20m", "1m") + "‸")),
    Case("late-first-rung", (POWER, ON_CALL, ON_CALL.replace("0s", "1m") + "‸")),
    Case("rung-after-the-deadline", (POWER, TOP, TOP.replace("20m", "6h") + "‸")),
    Case("repeats", (POWER, "repeats = 3", "repeats = 0‸")),
    Case("repeats", (POWER, 'repeat = "5m"', 'repeat = "6h"‸')),
    Case("leader-untold", (ROOMS, 'departments = ["security", "info-centre"]', 'departments = ["marketing-centre", "security", "info-centre"]‸')),
    Case("owner-untold", (POWER, 'departments = ["info-centre", "marketing-centre"]', 'departments = ["info-centre"]'), (POWER, 'owner = "marketing-centre"', 'owner = "marketing-centre"‸')),
    # people, and the ways to them
    Case("one-language", (POWER, ON_BATTERY, ON_BATTERY.replace("Mains lost, UPS on battery", "市电中断") ), (POWER, 'condition = "on-battery"\ntitle', 'condition = "on-battery"\ntitle‸')),
    Case("one-language", (PEOPLE, '{ zh = "安保处", en = "Security" }', '{ zh = "Security", en = "Security" }‸')),
    Case("no-way-to", (PEOPLE, 'webhook = "duty"', 'webhook = "dutty"‸'), also=["unused-webhook"]),
    Case("no-way-to", (PEOPLE, 'email = "wang@example.com"\n', 'email = "wang@example.com"‸\n'), (GATEWAY, "[notify.email]", "[not-email]"), also=[UNREADABLE, "no-way-to"]),
    Case("one-channel", (PEOPLE, 'webhook = "duty" #', "#"), (POWER, "rung = [", "rung = [‸"), also=["one-channel", "unused-webhook"]),
    Case("odd-preference", (PEOPLE, 'email = "li@example.com"\n', 'prefer = "email"‸\n')),
    Case("shared-address", (PEOPLE, 'email = "wang@example.com"', 'email = "Li@example.com"‸')),
    Case("on-call-twice", (PEOPLE, 'on_call = ["li", "wang"]', 'on_call = ["li", "li"]‸'), also=["unused-person", "rung-without-a-turn"]),
    Case("unused-person", (PEOPLE, "[[department]]", '[[person]]\nid = "xu"‸\nname = "许"\nemail = "xu@example.com"\n\n[[department]]')),
    Case("no-digest", (PEOPLE, 'people = ["li"]', "people = []‸")),
    Case("unused-webhook", (GATEWAY, "[notify.webhook.duty]", '[notify.webhook.spare]‸\nurl = "https://hooks.example.net/x"\nsecret = { credential = "x" }\n\n[notify.webhook.duty]')),
    Case("in-the-clear", (GATEWAY, 'tls = "starttls"', 'tls = "none"‸')),
    Case("in-the-clear", (GATEWAY, 'url = "https://hooks.example.net/duty"', 'url = "http://hooks.example.net/duty"‸')),
    Case("weak-secret", (GATEWAY, '{ credential = "webhook-duty" }', '{ file = "short" }‸')),
    Case("not-verified", (PEOPLE, 'phone = "10000"\nverified = "2026-11-02"', 'phone = "10000"\nverified = "2026-05-02"‸')),
    Case("of-no-clause", (PEOPLE, 'clauses = ["3.1.5", "3.1.13"]', 'clauses = ["3.1.5", "3.1.33"]‸')),
    Case("approved-too-late", (DEMAND, '\nwithin = "4h"', '\nwithin = "90d"‸')),
    # the devices that there are
    Case("device-without-entry", (ORDER_ROOM, '[[device]]\nid = "ups-2"', '[[device]]‸\nid = "ups-2"\nkind = "boiler"')),
    Case("condition-untold", (POWER, 'kinds = ["ups", "power"]', 'kinds = ["ups", "power"]‸'), (POWER, '[[clause.trigger]]\ncondition = "low-battery"', '[[clause.trigger]]\ncondition = "on-battery"\ndevices = ["ups-2"]')),
    Case("unknown-device", (POWER, 'condition = "on-battery"\n', 'condition = "on-battery"\ndevices = ["ups-7"]‸\n'), also=["condition-untold"]),
    Case("unknown-device", (POWER, 'condition = "on-battery"\n', 'condition = "on-battery"\ndevices = ["line-1"]‸\n'), also=["condition-untold"]),
    # what is done outside
    Case("unknown-output", (ROOMS, "\n[clause.escalation]", SIREN)),
    Case(UNREADABLE, (ROOMS, "\n[clause.escalation]", HOOK)),
    Case("unknown-ups", (POWER, '[[clause.shedding]]\ndevices = ["ups-1"]', '[[clause.shedding]]\ndevices = ["ups-11"]‸')),
    Case("nothing-to-shed", (POWER, "[[clause.shedding]]", "[[clause.shedding]]‸"), *((POWER, f'watts = {watts}, by = "marketing-centre"', f"watts = {watts}, keep = true") for watts in (300, 400))),
    # what depends on what
    Case("unknown-in-tree", (TREE, '"hq/depot"]', '"hq/depott"]‸')),
    Case("unknown-in-tree", (TREE, 'of = "ats"', 'of = "ups-1"‸')),
    Case("unknown-in-tree", (TREE, 'settle = "10m" #', 'explains = ["output-of"]‸ #')),
    Case(UNREADABLE, (TREE, '"hq/depot"]', '"hq/depot", "core-1"]‸')),
]  # fmt: skip


@pytest.fixture
def site(tmp_path):
    """The shipped files, whose paths of a real host lead to files that are there."""
    copy = tmp_path / "config"
    shutil.copytree(CONFIG, copy)
    gateway = copy / GATEWAY
    text = gateway.read_text("utf-8").replace("/etc/ssl/certs/ca-certificates.crt", str(gateway))
    gateway.write_text(text, "utf-8")
    (copy / "short").write_text("0123456789")
    return copy


def look(site, *, devices=True):
    """Return what is found, with the devices of the shipped agents."""
    papers = read_papers(site / GATEWAY, {})
    return lint(papers, read_fleet(site / GATEWAY, site / "agents" if devices else None, lambda _: None), TODAY)


def plant(site, case):
    """Edit the files; return the file and the line that have to be named."""
    for file, old, new in case.edits:
        text = (site / file).read_text("utf-8")
        assert old in text, f"{file} has changed: plant this elsewhere: {old}"
        (site / file).write_text(text.replace(old, new, 1), "utf-8")
    for file in sorted({file for file, _, _ in case.edits}):
        text = (site / file).read_text("utf-8")
        if "‸" in text:
            (site / file).write_text(text.replace("‸", ""), "utf-8")
            place = str(site / file), text[: text.index("‸")].count("\n") + 1
    return place


@pytest.mark.parametrize("case", PLANTED, ids=lambda case: f"{case.rule}: {case.edits[0][2][:40]!r}")
def test_a_planted_mistake_is_found_at_its_line(site, case):
    place = plant(site, case)
    findings = look(site)
    assert (*place, case.rule) in {(one.file, one.line, one.rule) for one in findings}, "\n".join(map(str, findings))
    others = {one.rule for one in findings if one.grade is not Grade.NOTE} - {case.rule} - case.also
    assert not others, "\n".join(map(str, findings))
    assert all(one.what and (one.hint or one.rule == UNREADABLE) for one in findings)


def test_there_are_enough_of_them_and_every_rule_that_grades_has_one():
    rules = {rule.__name__.replace("_", "-") for rule in RULES}
    notes = {"uncovered-year", "unused-department", "example-address", "no-links", "own-condition-untold"}
    assert len(PLANTED) >= 40
    assert {case.rule for case in PLANTED} == (rules - notes) | {UNREADABLE}


def test_what_the_gateway_makes_itself_is_reachable(site):
    alarms = site / "alarms.toml"
    more = '\n[[condition]]\nname = "mains-low"\nquantity = "input.voltage"\ntest = "below"\nsetpoint = 198\nkinds = ["ups"]\n'
    alarms.write_text(alarms.read_text("utf-8") + more, "utf-8")
    edit = (
        POWER,
        '[[clause.trigger]]\ncondition = "bypass"\n',
        MAINS_LOW + '[[clause.trigger]]\ncondition = "bypass"\n',
    )
    plant(site, Case("", edit))
    assert [str(one) for one in look(site) if one.grade is not Grade.NOTE] == []


@pytest.mark.parametrize("devices", [True, False])
def test_the_shipped_files_have_none(site, devices):
    assert [str(one) for one in look(site, devices=devices) if one.grade is not Grade.NOTE] == []


def test_one_file_that_does_not_load_hides_nothing_in_it_or_beside_it(site):
    for case in (PLANTED[0], PLANTED[1]):
        plant(site, case)
    wanted = [case for case in PLANTED if case.rule in {"rungs-out-of-order", "shared-address", "in-the-clear"}]
    places = [(*plant(site, case), case.rule) for case in wanted]
    found = {(one.file, one.line, one.rule) for one in look(site)}
    assert {*places} <= found
    assert sum(1 for *_, rule in found if rule == UNREADABLE) == 2


def test_what_stops_a_start_is_an_error_here(site):
    for case in [one for one in PLANTED if one.rule == UNREADABLE][::4]:  # each is found above
        copy = site.parent / "again"
        shutil.copytree(site, copy)
        plant(copy, case)
        with pytest.raises(ConfigError):
            read_plan(load(copy / GATEWAY, secrets=lenient(secrets_of(copy / GATEWAY, {}), {})))
        assert Grade.ERROR in {one.grade for one in look(copy)}
        shutil.rmtree(copy)


def test_holidays_that_nobody_knows_yet_are_a_finding_from_november(site):
    papers, fleet = read_papers(site / GATEWAY, {}), read_fleet(site / GATEWAY, site / "agents", lambda _: None)
    assert "uncovered-year" not in {one.rule for one in lint(papers, fleet, TODAY)}
    (found,) = [one for one in lint(papers, fleet, date(2026, 11, 1)) if one.rule == "uncovered-year"]
    line = next(
        n
        for n, text in enumerate((site / GATEWAY).read_text("utf-8").splitlines(), 1)
        if "holidays" in text and "=" in text
    )
    assert (found.file, found.line, found.grade) == (str(site / GATEWAY), line, Grade.WARNING)
    assert "2027" in found.what


def test_ways_that_agents_ask_by_are_known_with_their_kinds():
    assert {name: meant(way, "") for name, way in WAYS.items()} == KINDS_OF_WAYS


def test_the_command_says_it_and_its_exit_status_too(site, capsys):
    command = [
        "plan",
        "lint",
        "--config",
        str(site / GATEWAY),
        "--agents",
        str(site / "agents"),
        "--today",
        "2026-10-31",
    ]
    assert main(command) == 0
    assert "0 errors, 0 warnings" in capsys.readouterr().out
    warning = next(case for case in PLANTED if case.rule == "late-first-rung")
    file, line = plant(site, warning)
    assert main(command) == 0
    assert f"{file}:{line}: warning: clause 3.1.1: " in capsys.readouterr().out
    assert main([*command, "--strict"]) == 1
    plant(site, next(case for case in PLANTED if case.rule == "step-after-the-deadline"))
    capsys.readouterr()
    assert main([*command, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert {"file", "line", "grade", "rule", "what", "hint"} == set(told[0])
    assert main(["plan", "lint", "--config", str(site / "none.toml")]) == 1  # a finding, not a traceback
    assert "cannot be read" in capsys.readouterr().out


async def test_devices_come_of_the_running_gateway_or_of_its_journal(site, tmp_path):
    gateway = site / GATEWAY
    state = tmp_path / "state"
    state.mkdir()
    gateway.write_text(gateway.read_text("utf-8").replace("/var/lib/wolfsmoke-gateway", str(state)), "utf-8")
    assert read_fleet(gateway, None, lambda _: None).devices is None
    said = [{"site": "hq", "agent": "a", "device": "boiler-1", "kind": "boiler", "conditions": ["too-hot"]}]
    assert [one.key for one in read_fleet(gateway, None, lambda _: said).devices] == ["hq/a/boiler-1"]
    journal = await Journal.open(state / NAME, SystemClock())
    writer = asyncio.create_task(journal.run())
    for name, devices in (("a", ["old-1"]), ("a", ["ups-1", "ups-2"]), ("b", ["ups-1"])):
        body = encode(Inventory(devices=tuple(Device(id=one, kind="ups") for one in devices)))
        await journal.append([Incoming("hq", name, Topic.INVENTORY, body, 1000.0, "", 0, 0)])
    running = read_fleet(gateway, None, lambda _: None).devices
    writer.cancel()
    await asyncio.wait([writer])
    await journal.close()
    for found in (running, read_fleet(gateway, None, lambda _: None).devices):
        assert sorted(one.key for one in found) == ["hq/a/ups-1", "hq/a/ups-2", "hq/b/ups-1"]


def test_agents_that_are_not_where_they_are_said_to_be_are_no_site_without_devices(site, capsys):
    command = ["plan", "lint", "--config", str(site / GATEWAY), "--agents"]
    for wrong in (site / "none", site / "plan" / "none"):
        assert main([*command, str(wrong)]) == 2
        assert "no settings of agents" in capsys.readouterr().err


def test_a_day_that_is_none_is_said(site, capsys):
    with pytest.raises(SystemExit):
        main(["plan", "lint", "--config", str(site / GATEWAY), "--today", "tomorrow"])
    assert "write 2027-01-31" in capsys.readouterr().err
