import re

import pytest

from agent.profiles_network import FLAGS, PREFIXES, choose, load_profiles
from contract.quantities import Kind, find

OID = re.compile(r"1\.3\.6\.1(\.\d+)+")
TABLES = {
    f"{profile.name}-{number}-{table.part}": table
    for profile in load_profiles()
    for number, table in enumerate(profile.table, 1)
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_what_a_table_says_is_in_the_dictionary(table):
    assert table.part in FLAGS or table.part in PREFIXES or table.part in ("cpu", "memory")
    assert find(f"{table.prefix}.1.name").kind is Kind.TEXT
    for value in table.value:
        assert find(f"{table.prefix}.1.{value.quantity}"), value.quantity
    if table.state:
        assert find(f"{table.prefix}.1.status").kind is Kind.TEXT


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_columns_are_oids_and_states_are_in_one_group_each(table):
    for oid in table.columns():
        assert OID.fullmatch(oid), oid
    groups = [*table.ok, *table.bad, *table.absent]
    assert len(groups) == len(set(groups))
    assert {int(word) for word in table.words} <= {*table.ok, *table.bad}
    assert table.state or table.value
    flags = find("x.network.status").flags
    assert {flag for flag in (table.flag, *(value.flag for value in table.value)) if flag} <= set(flags)


def test_families_have_names_titles_and_sources():
    names = [profile.name for profile in load_profiles()]
    assert len(names) == len(set(names))
    for profile in load_profiles():
        assert profile.title
        assert profile.source
        for prefix in profile.match:
            assert OID.fullmatch(prefix)
        for sensors in profile.sensors:
            assert OID.fullmatch(sensors.base)
            assert all(find(f"x.network.sensor.1.{kind}") for kind in sensors.kinds.values())


@pytest.mark.parametrize(
    ("told", "first"),
    [
        ("1.3.6.1.4.1.9.1.1", "cisco"),
        ("1.3.6.1.4.1.2011.2.1", "huawei"),
        (".1.3.6.1.4.1.4881.1", "ruijie"),
        ("1.3.6.1.4.1.99", "entity"),
    ],
)
def test_a_device_is_asked_for_its_own_family_and_what_is_everybodys(told, first):
    chosen = choose(load_profiles(), told)
    assert chosen[0].name == first
    assert chosen[-1].name == "entity"
    assert len(chosen) <= 2


def test_one_that_does_not_say_what_it_is_is_asked_for_all():
    assert len(choose(load_profiles(), "")) == len(load_profiles())
