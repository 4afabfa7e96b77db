"""The store against real servers: nothing missing, nothing doubled, and every refusal said in words.

InfluxDB 1.x and VictoriaMetrics are Debian's. InfluxDB 2 and 3 have no package: their way in is tried here on
VictoriaMetrics, which speaks it, and next door on a small HTTP server that is as strict as they are.
"""

import asyncio
import time

import msgspec
import pytest

from contract.reading import Quality
from gateway.journal.record import Aside
from gateway.store import READER
from gateway.store.servers import open_server

pytestmark = pytest.mark.system


def charges(found, device="ups-1"):
    return {at: fields["battery_charge"] for (one, at), fields in found.items() if one == device}


def wanted(polls):
    return {round(poll.at.wall * 1000): poll.values["battery.charge"] for poll in polls}


# --- InfluxDB 1.x ---------------------------------------------------------------------------------------------------


async def test_readings_stand_in_influxdb_with_their_tags_fields_types_and_times(influx, gateways, tools):
    gateway = await gateways(influx.settings())
    gateway.start()
    message = tools.poll(
        tools.now + 0.25,
        battery__charge=97.0,
        ups__status=("CHRG", "OL"),
        ups__model='Sim 3000, "RT" \\ 机',
        input__voltage=231,
    )
    message = msgspec.structs.replace(
        message,
        quality={"battery.temperature": Quality.UNAVAILABLE, "output.current": Quality.IMPLAUSIBLE},
        doubtful={"output.current": 65535.0},
    )
    await gateway.keep(message, tools.poll(tools.now + 1, "ups-2"), tools.poll(tools.now + 2, "stranger"))
    await gateway.passed()
    (series,) = influx.query("SELECT * FROM ups WHERE device = 'ups-1'")
    (row,) = [dict(zip(series["columns"], values, strict=True)) for values in series["values"]]
    tags = {"site": "hq", "room": "机房 A", "agent": "a", "device": "ups-1"}
    assert row.items() >= {"time": round((tools.now + 0.25) * 1000), **tags}.items()
    assert row.items() >= {"battery_charge": 97, "input_voltage": 231, "ups_model": 'Sim 3000, "RT" \\ 机'}.items()
    assert row.items() >= {"ups_status_OL": 1, "ups_status_CHRG": 1, "ups_status_OB": 0, "ups_status_LB": 0}.items()
    assert row.items() >= {"battery_temperature_quality": 3, "output_current_quality": 2}.items()
    assert "output_current" not in row
    types = dict(influx.query("SHOW FIELD KEYS FROM ups")[0]["values"])
    assert types["input_voltage"] == types["ups_status_OL"] == "float"
    assert (types["ups_model"], types["battery_temperature_quality"]) == ("string", "integer")
    assert {name for (name,) in influx.query("SHOW TAG KEYS FROM ups")[0]["values"]} == set(tags)
    assert [name for _, name in influx.query("SHOW TAG VALUES FROM ups WITH KEY = device")[0]["values"]] == [
        "ups-1",
        "ups-2",
    ]
    aside = await gateway.journal.aside(READER, final=False)
    assert [one.message for one in aside] == [3], "a device that no inventory describes waits"


async def test_influxdb_away_at_start_and_later_nothing_is_missing_or_doubled(influx, gateways, tools, caplog):
    influx.stop()
    gateway = await gateways(influx.settings())
    gateway.start()
    polls = [tools.poll(tools.now + second) for second in range(3000)]
    await gateway.keep(*polls[:1200])

    async def told():
        return "away" in caplog.text

    await tools.until(told, "it says that the store is away")
    assert await gateway.journal.cursor(READER) == 0
    await influx.start()
    await gateway.passed(1200)
    assert charges(influx.points()) == wanted(polls[:1200])
    for first in range(1200, 3000, 300):  # it dies while it is written to, and comes back
        await gateway.keep(*polls[first : first + 150])
        influx.kill()
        await gateway.keep(*polls[first + 150 : first + 300])
        await influx.start()
    await gateway.passed()
    assert charges(influx.points()) == wanted(polls)
    assert await gateway.journal.aside(READER, final=True) == []


async def test_a_gateway_that_is_killed_between_writing_and_noting_it_writes_it_once(influx, gateways, tools):
    polls = [tools.poll(tools.now + second) for second in range(50)]
    first = await gateways(influx.settings())
    first.start()
    await first.keep(*polls)
    await first.passed()
    await first.stop()
    await first.journal.set_cursor(READER, 20)  # as if the last commit had not come about
    second = await gateways(influx.settings(), journal=first.journal)
    second.start()
    await second.passed(50)
    assert charges(influx.points()) == wanted(polls)


async def test_a_line_with_a_type_conflict_is_set_aside_with_the_servers_reason_and_its_neighbours_are_stored(
    influx, gateways, tools
):
    old = f'ups,device=old input_frequency="fifty" {round(tools.now * 1000)}'
    assert tools.post(f"{influx.url}/write", old.encode(), db="wolfsmoke", precision="ms")[0] == 204
    polls = [tools.poll(tools.now + second) for second in range(400)]
    for at in (17, 333):
        polls[at] = tools.poll(tools.now + at, battery__charge=5.0, input__frequency=50.0)
    gateway = await gateways(influx.settings())
    await gateway.keep(*polls)
    gateway.start()
    await gateway.passed()
    stored = charges(influx.points())
    assert stored == wanted(poll for at, poll in enumerate(polls) if at not in {17, 333})
    aside = await gateway.journal.aside(READER, final=True)
    assert [one.message for one in aside] == [18, 334]
    assert all("field type conflict" in one.reason and "input_frequency" in one.reason for one in aside)


async def test_points_beyond_the_retention_policy_are_set_aside_with_the_servers_reason(influx, gateways, tools):
    influx.do("CREATE RETENTION POLICY short ON wolfsmoke DURATION 1h REPLICATION 1 DEFAULT")
    fresh = [tools.poll(time.time() - 60 + second) for second in range(10)]
    gateway = await gateways(influx.settings())
    await gateway.keep(*fresh[:5], tools.poll(tools.now - 86400), *fresh[5:])
    gateway.start()
    await gateway.passed()
    assert len(influx.points()) == 10
    (aside,) = await gateway.journal.aside(READER, final=True)
    assert isinstance(aside, Aside)
    assert (aside.message, "retention policy" in aside.reason) == (6, True)


async def test_a_wrong_database_is_said_once_in_words_and_all_arrives_when_it_is_made(influx, gateways, tools, caplog):
    gateway = await gateways(influx.settings(database="smoke"))
    gateway.start()
    await gateway.keep(*(tools.poll(tools.now + second) for second in range(5)))

    async def told():
        return "away" in caplog.text

    await tools.until(told, "it says what is wrong")
    (said,) = [record.getMessage() for record in caplog.records if "away" in record.getMessage()]
    assert 'database not found: "smoke"' in said
    assert "create the bucket or database" in said
    assert await gateway.journal.aside(READER, final=True) == []
    influx.do("CREATE DATABASE smoke")
    await gateway.passed()
    assert len(influx.points(database="smoke")) == 5


async def test_who_we_are_and_what_we_may_are_told_apart(influx, tools):
    influx.stop()
    influx.auth = True
    await influx.start()
    admin = {"user": "admin", "password": "boss"}
    influx.do("CREATE USER admin WITH PASSWORD 'boss' WITH ALL PRIVILEGES")
    influx.do("CREATE USER wolf WITH PASSWORD 'smoke: ü'", **admin)
    influx.do("CREATE USER reader WITH PASSWORD 'look'", **admin)
    influx.do("GRANT WRITE ON wolfsmoke TO wolf", **admin)
    influx.do("GRANT READ ON wolfsmoke TO reader", **admin)

    def settings(user="", password=""):
        return influx.settings(user=user, password=tools.secret(password) if password else None)

    server = open_server(settings("wolf", "smoke: ü"))
    server.write(tools.line)
    server.close()
    assert len(influx.points(**admin)) == 1
    for wrong in (settings("wolf", "fog"), settings("nobody", "x"), settings()):
        error = tools.away(wrong)
        assert "401" in error.what
        assert "password" in error.hint
        assert "fog" not in str(error)
    error = tools.away(settings("reader", "look"))
    assert "403" in error.what
    assert "may not write" in error.hint


async def test_the_wrong_kind_of_store_and_a_server_that_is_none_are_no_reason_to_drop_lines(influx, tools):
    v2 = tools.settings(
        kind="influxdb2", url=influx.url, org="o", bucket="wolfsmoke", token=tools.secret("t"), timeout=5.0
    )
    error = tools.away(v2)  # 1.6 has no such path
    assert "404" in error.what
    assert "the kind of the store" in error.hint
    error = tools.away(influx.settings(url=influx.url.replace("http:", "https:")))
    assert "ssl" in error.what.lower()
    error = tools.away(influx.settings(url="http://127.0.0.1:1"))
    assert "no answer" in error.what
    assert "is it running" in error.hint


# --- VictoriaMetrics ------------------------------------------------------------------------------------------------


async def test_readings_stand_in_victoriametrics_and_texts_do_not_turn_into_noughts(victoria, gateways, tools):
    gateway = await gateways(victoria.settings())
    gateway.start()
    message = tools.poll(tools.now, battery__charge=97.5, ups__status=("OB",), ups__model="Sim 3000")
    message = msgspec.structs.replace(message, quality={"battery.temperature": Quality.UNAVAILABLE})
    await gateway.keep(message, tools.poll(tools.now + 1, ups__model="only a text"))

    async def there():
        return ("ups_battery_charge", "ups-1") in await asyncio.to_thread(victoria.series)

    await tools.until(there, "it is in the store")
    found = victoria.series()
    at = round(tools.now * 1000)
    assert found["ups_battery_charge", "ups-1"] == {at: 97.5}
    assert found["ups_ups_status_OB", "ups-1"] == {at: 1}
    assert found["ups_ups_status_OL", "ups-1"] == {at: 0}
    assert found["ups_battery_temperature_quality", "ups-1"] == {at: 3}
    assert ("ups_ups_model", "ups-1") not in found


async def test_what_victoriametrics_forgets_when_it_is_killed_is_sent_again(victoria, gateways, tools):
    gateway = await gateways(victoria.settings())
    gateway.start()
    polls, forgot = [], False

    async def taken():
        return gateway.store.written >= len(polls)

    for _ in range(3):  # it may have written just before it was killed: then another time
        more = [tools.poll(tools.now + len(polls) + second) for second in range(200)]
        polls += more
        await gateway.keep(*more)
        await tools.until(taken, "it took all")
        assert await gateway.journal.cursor(READER) < len(polls), "what is not on its disk is not passed"
        victoria.kill()
        await asyncio.sleep(1.1)  # its start is told in whole seconds
        await victoria.start()
        before = victoria.series().get(("ups_battery_charge", "ups-1"), {})
        if len(before) < len(polls):
            forgot = True
            break
    assert forgot, "it forgot nothing: this test proves nothing here"
    await gateway.passed()

    async def all_there():
        series = await asyncio.to_thread(victoria.series)
        return len(series.get(("ups_battery_charge", "ups-1"), {})) >= len(polls)

    await tools.until(all_there, "all is there again")
    assert victoria.series()["ups_battery_charge", "ups-1"] == wanted(polls)
    victoria.kill()  # what the cursor has passed is on its disk
    await victoria.start()
    assert victoria.series()["ups_battery_charge", "ups-1"] == wanted(polls)


async def test_victoriametrics_away_at_start_and_later_nothing_is_missing_or_doubled(victoria, gateways, tools):
    victoria.stop()
    polls = [tools.poll(tools.now + second) for second in range(600)]
    gateway = await gateways(victoria.settings())
    gateway.start()
    await gateway.keep(*polls[:300])
    await victoria.start()

    async def taken():
        return gateway.store.written >= 300

    await tools.until(taken, "it took what waited")
    victoria.stop()
    await gateway.keep(*polls[300:])
    await victoria.start()
    await gateway.passed()
    assert victoria.series()["ups_battery_charge", "ups-1"] == wanted(polls)


async def test_victoriametrics_with_a_password(victoria, tools):
    victoria.stop()
    victoria.flags = ("-httpAuth.username=wolf", "-httpAuth.password=smoke")
    await victoria.start()
    server = open_server(victoria.settings(user="wolf", password=tools.secret("smoke")))
    server.write(tools.line)
    assert server.started()
    server.close()
    error = tools.away(victoria.settings(user="wolf", password=tools.secret("fog")))
    assert "401" in error.what
    assert "password" in error.hint


async def test_the_way_into_influxdb_2_is_understood_by_victoriametrics(victoria, tools):
    settings = tools.settings(
        kind="influxdb2", url=victoria.url, org="hq", bucket="b", token=tools.secret("t"), timeout=5.0
    )
    server = open_server(settings)
    server.write(b'ups,device=ups-1 battery_charge=42.0,ups_model="x" %d' % round(tools.now * 1000))
    server.close()

    async def there():
        series = await asyncio.to_thread(victoria.series)
        return series.get(("ups_battery_charge", "ups-1")) == {round(tools.now * 1000): 42}

    await tools.until(there, "it is in the store")
