"""The plan and the contacts: what the example says, and every mistake named with its line."""

import pathlib

import pytest

from agent.kinds import defaults, kinds
from contract.errors import ConfigError
from gateway.alarms.model import load_rules
from gateway.contacts import Hours, load_contacts
from gateway.plan.loader import load_plan
from gateway.plan.model import Plan, Role, Wake
from gateway.watches import CONDITIONS
from gateway.worktime.limit import Limit

CONFIG = pathlib.Path(__file__).parents[4] / "config"
PLAN = (CONFIG / "plan" / "3.1.toml").read_text("utf-8")
COMMON = (CONFIG / "plan" / "common.toml").read_text("utf-8")
CONTACTS = (CONFIG / "contacts.toml").read_text("utf-8")
DEPARTMENTS = load_contacts(CONTACTS).departments


def problems(plan: str, **others: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load_plan({"3.1.toml": plan, **others}, DEPARTMENTS)
    return [str(problem) for problem in raised.value.problems]


def test_clause_3_1_1_is_there_in_full():
    clause = load_plan({"3.1.toml": PLAN, "common.toml": COMMON}, DEPARTMENTS).find("3.1.1")
    assert clause is not None
    assert clause.title.zh
    assert clause.title.en
    assert clause.deadline == Limit.from_text("5h")
    assert clause.departments[0] == "info-centre"
    on_battery = clause.triggered_by("on-battery")
    assert on_battery is not None
    assert on_battery.page_after == 30.0
    rules = load_rules((CONFIG / "alarms.toml").read_text("utf-8"))
    made = {rule.becomes for rule in rules.worse} | {rule.name for rule in (*rules.count, *rules.condition)}
    watched = {*defaults("ups")} | {*CONDITIONS} | made
    told = {trigger.condition for trigger in clause.trigger if "ups" in clause.kinds_of(trigger)}
    assert told == watched  # whatever agents watch by default tells people
    assert len(clause.step) >= 4


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('severity = "extreme"', 'severity = "extrem"', "one of 'minor', 'moderate', 'severe', 'extreme'"),
        ('page_after = "30s"', "page_after = 30", 'write "30s" for 30 seconds'),
        ('wake = "working"', 'wakes = "working"', "did you mean 'wake'?"),
        ('owner = "info-centre"', 'owner = "info-center"', "did you mean 'info-centre'?"),
        ('clause = "3.1.1"', 'clause = "three"', "clause[0].clause"),
        ('condition = "low-battery"', 'condition = "on-battery"', "a second trigger for 'on-battery'"),
        ('level = "partial"', 'level = "grave"', "one of 'prepare', 'major', 'partial', 'request', 'finding'"),
        ('departments = ["info-centre", "marketing-centre"]', "departments = []", "nobody answers for it"),
        ('department = "command-group"', 'department = "commanders"', "the contacts have no department 'commanders'"),
        ("repeats = 3", "repeats = 1000", "write 0 to 20"),
        ('repeat = "5m"', 'repeat = "1s"', 'write at least "30s"'),
        ('repeat = "5m"', 'handover = "5s"\nrepeat = "5m"', 'write at least "1m"'),
        ('repeat = "5m"', 'grace = "0s"\nrepeat = "5m"', 'write at least "1m"'),
        ('closes = "person"', 'progress = "1m"\ncloses = "person"', 'write at least "5m", or "0s" for never'),
        ('closes = "person"', 'closed_standing = "1s"\ncloses = "person"', 'write at least "5m", or "0s" for never'),
        ('deadline = "5h" ', "", "deadline: missing"),
        ('title = { zh = "UPS 过载", en = "UPS overloaded" }', 'title = { zh = "UPS 过载" }', "title.en: missing"),
        ("[[clause]]", "[[clause]", "not TOML"),
    ],
)
def test_a_mistake_in_the_plan_is_named_with_its_line(right, wrong, said):
    assert right in PLAN
    line = PLAN[: PLAN.index(right)].count("\n") + 1
    found = problems(PLAN.replace(right, wrong, 1))
    found = [one for one in found if "wake: missing" not in one] if "wakes" in wrong else found
    if "missing" not in said and "department 'commanders'" not in said:
        assert found[0].startswith(f"3.1.toml:{line}:"), found
    assert len(found) == 1, found
    assert said in found[0]


def test_all_the_mistakes_of_all_the_files_come_at_once():
    found = problems(PLAN.replace('= "night"\n', '= "nite"\n'), **{"4.toml": PLAN.replace('"5h"', "5")})
    assert len(found) == PLAN.count('= "night"\n') + 1


def test_a_clause_stands_in_one_place_and_a_condition_triggers_one():
    found = problems(PLAN, **{"copy.toml": PLAN.replace('"3.1.1"', '"3.1.2"')})
    assert any("triggers clause 3.1.1 already" in one or "triggers clause 3.1.2 already" in one for one in found)
    assert any("is in 3.1.toml already" in one for one in problems(PLAN, **{"copy.toml": PLAN}))


def test_a_plan_without_files_is_a_mistake():
    with pytest.raises(ConfigError, match="no plan file"):
        load_plan({})


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('email = "li@example.com"', 'email = "li at example.com"', "email"),
        ('email = "li@example.com"', 'email = "李@example.com"', "in ASCII letters"),
        ('email = "li@example.com"', 'email = "li@example.com, wang@example.com"', "one address"),
        ('email = "li@example.com"', 'email = "li@"', "is no address"),
        ('id = "wang"', 'id = "li"', "a second person 'li'"),
        ('on_call = ["li", "wang"]', 'on_call = ["lee", "wang"]', "no person 'lee'"),
        ('head = "sun"', "", "nobody is there"),
        ('email = "chen@example.com"', "", "cannot be told by any channel"),
        ('key = "marketing-centre"', 'key = "info-centre"', "a second department 'info-centre'"),
        ('language = "zh"', 'language = "de"', "language"),
        ('zone = "Asia/Shanghai"', "utc_offset = 8", "a duration needs a unit"),
    ],
)
def test_a_mistake_in_the_contacts_is_named_with_its_line(right, wrong, said):
    assert right in CONTACTS
    text = CONTACTS.replace(right, wrong, 1)
    with pytest.raises(ConfigError) as raised:
        load_contacts(text)
    said_there = [str(problem) for problem in raised.value.problems if said in str(problem)]
    assert said_there, raised.value
    assert said_there[0].startswith("contacts.toml:")
    if wrong:
        line = CONTACTS[: CONTACTS.index(right)].count("\n") + 1
        assert said_there[0].startswith(f"contacts.toml:{line}:"), said_there


def test_roles_are_filled_from_the_on_call_order():
    info, command = DEPARTMENTS["info-centre"], DEPARTMENTS["command-group"]
    assert [info.person(role) for role in Role] == ["li", "wang", "zhao"]
    assert [command.person(role) for role in Role] == ["sun", "sun", "sun"]


def test_working_hours_are_the_sites():
    hours = Hours()
    friday = 1_800_000_000.0  # 2027-01-15, 16:00 in China
    assert hours.working(friday) == friday
    assert hours.working(friday + 2 * 3600) == friday + 64.5 * 3600  # Monday, 08:30
    assert hours.working(friday - 10 * 3600) == friday - 7.5 * 3600
    assert hours.next_digest(friday) == friday + 64.5 * 3600
    assert hours.next_digest(friday - 8 * 3600) == friday - 7.5 * 3600


def _clause(number: str, kinds: str, *triggers: str) -> str:
    [head, *_], tail = PLAN.split("[[clause.trigger]]"), PLAN[PLAN.index("[clause.escalation]") :]
    head = head.replace('"3.1.1"', f'"{number}"').replace('kinds = ["ups", "power"]', f"kinds = {kinds}")
    more = [_trigger("[[clause.trigger]]", *one.split()) for one in triggers]
    return "\n".join([head, *more, tail])


def _trigger(table: str, condition: str, kinds: str = "") -> str:
    words = (
        'title = { zh = "甲", en = "a" }\nlevel = "finding"\nwake = "working"\nurgency = "future"\nseverity = "minor"'
    )
    return f"""{table}\ncondition = "{condition}"\n{f"kinds = {kinds}" if kinds else ""}\n{words}\n"""


def test_what_concerns_every_kind_stands_in_the_first_clause_that_is_about_it_unless_one_says_it_otherwise():
    plan = load_plan(
        {
            "a.toml": _clause("3.1.7", '["host", "pair"]', "pair-down", 'contact-lost ["host"]'),
            "b.toml": _clause("3.1.12", '["host", "seat"]', "seat-down"),
            "common.toml": _trigger("[[trigger]]", "contact-lost") + _trigger("[[trigger]]", "agent-silent"),
        }
    )

    def found(kind: str, condition: str) -> tuple[str, tuple[str, ...]] | None:
        match = plan.match(kind, condition)
        return (match[0].clause, match[1].kinds) if match else None

    assert found("host", "contact-lost") == ("3.1.7", ("host",))
    assert found("pair", "contact-lost") == ("3.1.7", ("pair",))
    assert found("seat", "contact-lost") == ("3.1.12", ("seat",))
    assert found("host", "agent-silent") == ("3.1.7", ("host", "pair"))
    assert found("seat", "agent-silent") == ("3.1.12", ("seat",))
    assert found("ups", "agent-silent") is None
    assert found("pair", "pair-down") == ("3.1.7", ())


def test_a_trigger_of_a_kind_that_its_clause_is_not_about_is_a_mistake():
    wrong = _clause("3.1.7", '["host"]', 'pair-down ["pair"]')
    assert any("the clause is not about 'pair'" in one for one in problems(wrong))
    assert any("about no kind of device" in one for one in problems(_clause("3.1.7", "[]", "pair-down")))


def test_one_condition_may_put_two_clauses_in_force_on_two_kinds_but_not_on_one():
    two = {"a.toml": _clause("3.1.7", '["host"]', "down"), "b.toml": _clause("3.1.12", '["seat"]', "down")}
    assert load_plan(two).match("seat", "down")[0].clause == "3.1.12"  # type: ignore[index]
    both = problems(_clause("3.1.7", '["host", "seat"]', "down"), **{"b.toml": two["b.toml"]})
    assert any("'down' of 'seat' triggers clause 3.1.7 already" in one for one in both)


def _shipped() -> Plan:
    texts = {path.name: path.read_text("utf-8") for path in sorted((CONFIG / "plan").glob("*.toml"))}
    return load_plan(texts, DEPARTMENTS)


@pytest.mark.parametrize("kind", kinds())
def test_whatever_a_kind_of_device_is_watched_for_by_default_puts_a_clause_in_force(kind: str):
    plan = _shipped()
    assert not [name for name in (*defaults(kind), *CONDITIONS) if plan.match(kind, name) is None]


@pytest.mark.parametrize(
    ("kind", "condition", "clause", "wake"),
    [
        ("environment", "smoke", "2.1.2.7", Wake.NIGHT),
        ("environment", "water", "2.1.2.7", Wake.NIGHT),
        ("line", "line-down", "3.1.4", Wake.NIGHT),
        ("trunk", "trunk-lost-signal", "3.1.4", Wake.NIGHT),
        ("trunk", "spare-low", "3.1.8", Wake.WORKING),
        ("network", "contact-lost", "3.1.5", Wake.NIGHT),
        ("network", "fan-failed", "3.1.5", Wake.WORKING),
        ("network", "port-surge", "3.1.3", Wake.WORKING),
        ("pair", "pair-down", "3.1.7", Wake.NIGHT),
        ("pair", "pair-split", "3.1.7", Wake.NIGHT),
        ("pair", "pair-redundancy-lost", "3.1.7", Wake.WORKING),
        ("security", "login-burst", "3.1.3", Wake.WORKING),
        ("backup", "backup-missing", "3.1.6", Wake.WORKING),
        ("group", "group-short", "3.1.12", Wake.WORKING),
        ("ups", "promise-short", "3.1.1", Wake.WORKING),
    ],
)
def test_who_may_be_woken_by_what_is_what_the_plan_says(kind: str, condition: str, clause: str, wake: Wake):
    match = _shipped().match(kind, condition)
    assert match is not None
    assert (match[0].clause, match[1].wake) == (clause, wake)


def test_a_trigger_may_name_its_devices_and_goes_before_one_that_names_none():
    two = {
        "a.toml": _clause("3.1.12", '["group"]', "group-short"),
        "b.toml": _clause("3.1.9", '["group"]', "group-short").replace(
            'condition = "group-short"', 'condition = "group-short"\ndevices = ["scanners"]'
        ),
    }
    plan = load_plan(two)
    for device, clause in (("scanners", "3.1.9"), ("seats", "3.1.12"), ("", "3.1.12")):
        match = plan.match("group", "group-short", device)
        assert match is not None
        assert match[0].clause == clause


def test_several_conditions_share_a_trigger_and_are_called_by_their_own_names():
    trigger = _trigger("[[clause.trigger]]", "x").replace('condition = "x"', 'conditions = ["smoke", "water"]')
    text = _clause("3.1.10", '["environment"]').replace("[clause.escalation]", f"{trigger}\n[clause.escalation]", 1)
    untitled = text.replace('title = { zh = "甲", en = "a" }\nlevel', "level")
    [clause] = load_plan({"a.toml": untitled}).clauses
    assert [(one.condition, one.title.zh) for one in clause.trigger] == [("smoke", "烟雾"), ("water", "漏水")]
    assert any("one title for several conditions" in one for one in problems(text))
    assert any("no condition 'smok' is known" in one for one in problems(untitled.replace('"smoke"', '"smok"')))
