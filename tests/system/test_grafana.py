"""The dashboard's own queries on a real InfluxDB that holds the gateway's own lines.

Every query of every panel, variable and annotation is run with its variables in place, as Grafana does it, and must
return exactly what the readings say; what that is, is worked out here from the readings, not by the database. Each
field in each query is then misspelt once, and that must be found out.
"""

import asyncio
import itertools
import json
import re
import time
from pathlib import Path

import msgspec
import pytest

from contract.message import Device, Inventory
from contract.quantities import QUANTITIES, UPS_STATUS
from contract.reading import Quality, Reading, judged
from firmware_sims.ups import Rating, Ups

pytestmark = pytest.mark.system
DASHBOARD = Path(__file__).parents[2] / "config" / "grafana" / "dashboards" / "ups-battery.json"
BOARD = json.loads(DASHBOARD.read_text("utf-8"))
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
VARIABLES = {one["name"]: one for one in BOARD["templating"]["list"]}
SPANS = {"5m": 300_000, "1h": 3_600_000, "24h": 86_400_000}
FIELD = re.compile(r'"((?:ups|battery|input|output|x)_[\w-]+)"')

# --- what Grafana does with a query -----------------------------------------------------------------------------------


def regex(values):
    """Format a selection as ``${name:regex}`` does; ``None`` is "All", with the variable's own pattern for it."""
    escaped = [re.sub(r"[\\^$*+?.()|[\]{}/]", r"\\\g<0>", value) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def interpolate(query, chosen, window, interval="10s"):
    """Put the variables of a query in place; an unknown one is a mistake in the dashboard."""

    def variable(found):
        values = chosen.get(found[1])
        return VARIABLES[found[1]]["allValue"] if values is None else regex(values)

    text = query.replace("$timeFilter", f"time >= {window[0]}ms and time <= {window[1]}ms")
    text = text.replace("$__interval", interval)
    text = re.sub(r"\$\{(\w+):regex\}", variable, text)
    assert not re.search(r"\$[a-z_{]", text), f"something is left that Grafana would not fill: {text}"
    return text


def aliased(target, series, column):
    """Return the name of a series in the legend."""
    text = re.sub(r"\$tag_(\w+)", lambda found: series["tags"][found[1]], target["alias"])
    return text.replace("$col", column)


def run(influx, target, chosen, window, interval):
    """Return what a target shows: name → {milliseconds: value}; a table: (room, device) → its time."""
    found = {}
    for series in influx.query(interpolate(target["query"], chosen, window, interval)):
        for index, column in enumerate(series["columns"][1:], 1):
            if target["resultFormat"] == "table":
                key = (series["tags"]["room"], series["tags"]["device"])
                found[key] = {values[0]: values[index] for values in series["values"]}
            else:
                name = aliased(target, series, column)
                assert name not in found, f"two lines are called {name}"
                found[name] = {values[0]: values[index] for values in series["values"]}
    return found


def shown(panel, value):
    """Return what a panel writes for a value that it maps."""
    for mapping in panel["fieldConfig"]["defaults"]["mappings"]:
        options = mapping["options"]
        if mapping["type"] == "value" and str(int(value)) in options and value == int(value):
            return options[str(int(value))]["text"]
        if mapping["type"] == "range" and options["from"] <= value <= options["to"]:
            return options["result"]["text"]
    return None


# --- an hour of three UPSes --------------------------------------------------------------------------------------------

STEP = 10
"""Seconds between two polls."""


def status(view, *more):
    """Return the flags of ``ups.status``."""
    said = {"OB", "DISCHRG"} if view.on_battery else {"OL"} if view.output else {"OFF"}
    said |= {"LB"} if view.low else set()
    said |= {"CHRG"} if view.charging else set()
    return tuple(sorted(said | set(more)))


def said(view, *flags):
    """Return what a UPS says, as its agent reads it."""
    return [
        judged("ups.status", status(view, *flags)),
        judged("battery.charge", round(view.charge, 1)),
        judged("battery.runtime", round(view.runtime)),
        judged("battery.voltage", round(view.battery_volts, 1)),
        judged("input.voltage", round(view.input_volts, 1)),
        judged("ups.load", round(view.load, 1)),
        judged("ups.temperature", round(view.temperature, 1)),
        judged("battery.temperature", round(view.temperature - 3.0, 1)),
        judged("x.contact", 1.0),
    ]


class Story:
    """One UPS: where it stands, and what it said when."""

    def __init__(self, site, agent, room, device):
        self.site, self.agent, self.room, self.device = site, agent, room, device
        self.polls = []

    @property
    def name(self):
        return f"{self.room} {self.device}"

    def add(self, at, readings):
        self.polls.append((at, list(readings)))

    def values(self):
        """Return (milliseconds, numbers by field), worked out without the gateway's own writing."""
        for at, readings in self.polls:
            row = {}
            for one in readings:
                field = one.quantity.replace(".", "_")
                if one.quality is not Quality.GOOD:
                    row[f"{field}_quality"] = {"stale": 1, "implausible": 2, "unavailable": 3}[one.quality.value]
                elif isinstance(one.value, tuple):
                    row |= {f"{field}_{flag}": float(flag in one.value) for flag in UPS_STATUS}
                elif not isinstance(one.value, str):
                    row[field] = float(one.value)
            yield round(at * 1000), row


def stories(now):
    """Return three UPSes of two sites. The clock of the models runs from an hour ago to now."""
    at = [now - 3600.0]
    rating = Rating(battery=300.0)
    mains, old = (Ups(rating, lambda: at[0], load=watts) for watts in (900.0, 400.0))
    failing = Ups(Rating(battery=1200.0), lambda: at[0], load=1500.0)
    failing.set_charge(60.0)
    cut = Story("hq", "a", "数据机房", "ups-1")  # 10 minutes on battery, half an hour ago
    bad = Story("hq", "a", "订单部", "ups-2")  # three phases, an old battery; silent since 10 minutes
    low = Story("sz", "b", "B/(1+2) 区", "ups-1")  # on battery now, nearly empty; the same name at another site
    for tick in range(3600 // STEP):
        at[0] = now - 3600.0 + tick * STEP
        if tick == 180:
            mains.cut()
        if tick == 240:
            mains.restore()
        if tick == 310:
            failing.cut()
        if tick == 330:
            failing.set_charge(19.0)
        cut.add(at[0], said(mains.view()))
        low.add(at[0] + 3, said(failing.view(), *(("OVER",) if tick > 340 else ())))
        if tick < 300:
            bad.add(at[0] + 1, three_phases(old.view(), doubt=120 <= tick < 150))
    return cut, bad, low


def three_phases(view, *, doubt):
    """Return what the second UPS says: no battery probe; for a while nothing that can be believed."""
    readings = [one for one in said(view, "RB") if one.quantity not in {"input.voltage", "battery.temperature"}]
    readings += [judged(f"input.L{phase}-N.voltage", 228.0 + phase) for phase in (1, 2, 3)]
    readings.append(Reading("battery.temperature", None, Quality.UNAVAILABLE))
    if not doubt:
        return readings
    doubted = {
        "ups.status": Reading("ups.status", None, Quality.UNAVAILABLE),
        "battery.charge": Reading("battery.charge", 65535.0, Quality.IMPLAUSIBLE),
        "battery.runtime": Reading("battery.runtime", 900.0, Quality.STALE),
        "battery.voltage": Reading("battery.voltage", 5400.0, Quality.IMPLAUSIBLE),
        "ups.load": Reading("ups.load", None, Quality.UNAVAILABLE),
    }
    kept = [doubted.get(one.quantity, one) for one in readings]
    return [*kept, Reading("input.voltage", None, Quality.UNAVAILABLE)]


@pytest.fixture
async def filled(influx, gateways, tools):
    """An InfluxDB with the three stories, written by the gateway's store; and the stories."""
    told = stories(float(int(time.time())) - 2)
    gateway = await gateways(influx.settings(), inventory=Inventory())
    for site, agent in {(one.site, one.agent) for one in told}:
        devices = tuple(
            Device(id=one.device, kind="ups", room=one.room) for one in told if (one.site, one.agent) == (site, agent)
        )
        gateway.live.inventory(site, agent, Inventory(devices=devices))
    gateway.start()
    for one in told:
        messages = []
        for at, readings in one.polls:
            stamp = tools.poll(at).at
            messages.append(type(tools.poll(at)).of(one.device, stamp, readings))
        await gateway.keep(*messages, site=one.site, agent=one.agent)
    await gateway.passed()
    return influx, told


# --- what each query must return ---------------------------------------------------------------------------------------


def last(points, fields):
    """Return the last value of one field, or the sum of weighted flags of the last poll that has them."""
    have = [(at, row) for at, row in points if all(name in row for name in fields)]
    return {None: sum(have[-1][1][name] * weight for name, weight in fields.items())} if have else None


def buckets(points, window, step):
    """Return start of interval → polls in it, for all of the window."""
    starts = range(window[0] // step * step, window[1] + 1, step)
    grouped = {start: [] for start in starts}
    for at, row in points:
        grouped[at // step * step].append(row)
    return grouped


def over(fold, fields):
    """Return what an interval shows: the fold of each field, weighted and summed; None without any."""

    def expected(points, window, step):
        found = {}
        for start, rows in buckets(points, window, step).items():
            columns = {name: [row[name] for row in rows if name in row] for name in fields}
            there = all(columns.values())
            found[start] = sum(fold(columns[name]) * weight for name, weight in fields.items()) if there else None
        return found if any(value is not None for value in found.values()) else None

    return expected


def mean(values):
    return sum(values) / len(values)


def polls_a_minute(points, window, _step):
    counts = [
        (start, sum("x_contact" in row for row in rows)) for start, rows in buckets(points, window, 60_000).items()
    ]
    return {at: (before + here) / 2 for (_, before), (at, here) in itertools.pairwise(counts)}


def latest(**fields):
    return lambda points, _window, _step: last(points, fields)


def when_last(points, _window, _step):
    times = [at for at, row in points if "battery_charge" in row]
    return {times[-1]: None} if times else None


def bits(*flags):
    return {f"ups_status_{flag}": 2**place for place, flag in enumerate(flags)}


POWER = bits("OL", "LB", "BYPASS", "OB", "OFF")
FAULTS = bits("RB", "ALARM", "OVER", "FAULT", "COMM")
QUALITY = ("ups_status", "battery_charge", "battery_runtime", "battery_voltage", "input_voltage", "ups_load")
EXPECTED = {
    ("stat", "Data arriving", "A"): polls_a_minute,
    ("stat", "Contact", "A"): latest(x_contact=1),
    ("stat", "Power", "A"): latest(**POWER),
    ("stat", "Battery and device faults", "A"): latest(**FAULTS),
    ("bargauge", "Battery charge", "A"): latest(battery_charge=1),
    ("bargauge", "Runtime left", "A"): latest(battery_runtime=1),
    ("bargauge", "Load", "A"): latest(ups_load=1),
    ("table", "Age of the data", "A"): when_last,
    ("state-timeline", "Power", "A"): over(max, POWER),
    ("state-timeline", "Battery and device faults", "A"): over(max, FAULTS),
    ("timeseries", "Battery charge", "A"): over(mean, {"battery_charge": 1}),
    ("timeseries", "Runtime left", "A"): over(mean, {"battery_runtime": 1}),
    ("timeseries", "Battery voltage", "A"): over(mean, {"battery_voltage": 1}),
    ("timeseries", "Temperature", "A"): over(mean, {"battery_temperature": 1}),
    ("timeseries", "Temperature", "B"): over(mean, {"ups_temperature": 1}),
    ("timeseries", "Input voltage", "A"): over(mean, {"input_voltage": 1}),
    **{
        ("timeseries", "Input voltage", ref): over(mean, {f"input_{phase}-N_voltage": 1})
        for ref, phase in zip("BCD", ("L1", "L2", "L3"), strict=True)
    },
    ("timeseries", "Load", "A"): over(mean, {"ups_load": 1}),
    **{
        ("state-timeline", "Readings that cannot be believed", ref): over(max, {f"{name}_quality": 1})
        for ref, name in zip("ABCDEF", QUALITY, strict=True)
    },
}
"""Kind and English title of a panel, and target → what each device must show."""
SELECTIONS = [
    {},
    {"room": ["B/(1+2) 区"]},
    {"site": ["hq"], "device": ["ups-1", "ups-2"]},
    {"site": ["hq", "sz"], "room": ["数据机房", "B/(1+2) 区"], "device": ["ups-1"]},
]


def english(title):
    return title[re.search(r"[A-Z]", title).start() :]


def window_of(panel, now):
    return (now - SPANS[panel.get("timeFrom", "1h")], now)


def chosen_of(told, chosen):
    return [one for one in told if all(getattr(one, name) in values for name, values in chosen.items())]


def check(filled, panel, target, chosen, now):
    """Say that a target returns what it must."""
    influx, told = filled
    window = window_of(panel, now)
    step = panel.get("interval", "10s")
    found = run(influx, target, chosen, window, step)
    milliseconds = {"10s": 10_000, "1m": 60_000}[step]
    wanted = {}
    for one in chosen_of(told, chosen):
        points = [(at, row) for at, row in one.values() if window[0] <= at <= window[1]]
        kind = EXPECTED[panel["type"], english(panel["title"]), target["refId"]]
        values = kind(points, window, milliseconds) if points else None
        if values is None:
            continue
        if target["resultFormat"] == "table":
            wanted[one.room, one.device] = values
        else:
            wanted[one.name + target["alias"].removeprefix("$tag_room $tag_device")] = values
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        if target["resultFormat"] == "table":
            assert found[name].keys() == values.keys()
        elif None in values:
            (value,) = found[name].values()
            assert value == pytest.approx(values[None])
        else:
            assert found[name].keys() == values.keys()
            for at, value in values.items():
                assert found[name][at] == (None if value is None else pytest.approx(value)), (name, at)
    return found


def each_target():
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel, target


def now_ms():
    return int(time.time() * 1000)


async def test_every_panel_shows_what_the_readings_say(filled):
    for chosen in SELECTIONS:
        for panel, target in each_target():
            found = await asyncio.to_thread(check, filled, panel, target, chosen, now_ms())
            if not chosen:
                assert found, f"{panel['title']}: this story should fill it"


async def test_a_field_misspelt_in_any_query_is_found_out(filled):
    tried = 0
    for panel, target in each_target():
        for field in sorted(set(FIELD.findall(target["query"]))):
            wrong = {**target, "query": target["query"].replace(f'"{field}"', f'"{field[:-1]}"')}
            with pytest.raises(AssertionError):
                await asyncio.to_thread(check, filled, panel, wrong, {}, now_ms())
            tried += 1
    assert tried >= len(EXPECTED)


def titled(kind, words):
    (panel,) = [one for one in PANELS if one["type"] == kind and english(one["title"]) == words]
    return panel


async def test_what_a_technician_reads_now(filled):
    """On mains, silent, and nearly empty: each is said, and silence never looks like health."""
    influx, (cut, bad, low) = filled

    def says(words, calc=lambda values: list(values.values())[-1]):
        panel = titled("stat", words)
        found = run(influx, panel["targets"][0], {}, window_of(panel, now_ms()), "10s")
        return {name: shown(panel, calc(values)) for name, values in found.items()}

    assert says("Power") == {cut.name: "市电 On mains", low.name: "电池供电，电量低 On battery, LOW"}
    assert says("Battery and device faults") == {cut.name: "无故障 None", low.name: "过载 Overloaded"}
    assert says("Contact") == {cut.name: "有应答 Answers", low.name: "有应答 Answers"}
    assert says("Data arriving") == {cut.name: None, low.name: None, bad.name: "无数据 No data"}
    panel = titled("state-timeline", "Power")
    history = run(influx, panel["targets"][0], {}, window_of(panel, now_ms()), "1m")
    seen = [shown(panel, value) for value in history[cut.name].values() if value is not None]
    assert [text for text, _ in itertools.groupby(seen)] == ["市电 On mains", "电池供电 On battery", "市电 On mains"]
    panel = titled("state-timeline", "Battery and device faults")
    history = run(influx, panel["targets"][0], {}, window_of(panel, now_ms()), "1m")
    assert {shown(panel, value) for value in history[bad.name].values() if value is not None} == {
        "更换电池 Replace battery"
    }


async def test_the_variables_offer_what_there_is(filled):
    influx, _ = filled

    def offers(name, **chosen):
        (series,) = influx.query(interpolate(VARIABLES[name]["query"], chosen, (0, now_ms())))
        return sorted(value for _, value in series["values"])

    assert offers("site") == ["hq", "sz"]
    assert offers("room") == sorted(["B/(1+2) 区", "数据机房", "订单部"])
    assert offers("room", site=["sz"]) == ["B/(1+2) 区"]
    assert offers("device") == ["ups-1", "ups-2"]
    assert offers("device", site=["hq", "sz"], room=["B/(1+2) 区", "数据机房"]) == ["ups-1"]


async def test_the_annotations_mark_when_the_mains_went_and_came(filled):
    influx, (cut, _, low) = filled

    def marks(name, **chosen):
        (one,) = [note for note in BOARD["annotations"]["list"] if note["name"] == name]
        target = one["target"]
        window = (now_ms() - SPANS["1h"] - 10_000, now_ms())
        found = influx.query(interpolate(target["query"], chosen, window))
        for series in found:
            assert target["titleColumn"] in series["columns"]
            assert target["textColumn"] in series["columns"]
            rows = (dict(zip(series["columns"], values, strict=True)) for values in series["values"])
            return sorted((row["time"], row["room"], row["device"]) for row in rows)
        return []

    def flipped(story, on_battery):
        states = [(at, row["ups_status_OB"]) for at, row in story.values()]
        return [
            (at, story.room, story.device)
            for (_, before), (at, here) in itertools.pairwise(states)
            if before != here and bool(here) is on_battery
        ]

    assert marks("断市电 On battery") == sorted(flipped(cut, True) + flipped(low, True))
    assert len(marks("断市电 On battery")) == 2
    assert marks("断市电 On battery", site=["sz"]) == flipped(low, True)
    assert marks("市电恢复 Mains back") == flipped(cut, False)
    assert len(marks("市电恢复 Mains back")) == 1


def test_every_query_has_its_expectation_and_every_expectation_its_query():
    assert {(panel["type"], english(panel["title"]), target["refId"]) for panel, target in each_target()} == set(
        EXPECTED
    )


def test_messages_of_the_story_are_what_an_agent_sends():
    """The story is only worth something if its readings are real ones."""
    for one in stories(1_790_000_000.0):
        for _, readings in one.polls[::30]:
            assert all(msgspec.structs.asdict(reading)["quantity"] in QUANTITIES for reading in readings)
            good = [reading for reading in readings if reading.good]
            assert all(judged(reading.quantity, reading.value).good for reading in good)
