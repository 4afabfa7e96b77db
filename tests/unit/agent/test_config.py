"""The agent's settings, as a list of what people get wrong."""

import logging
import os
from pathlib import Path

import pytest

from agent.config import Config, load, parse
from agent.links.snmp_engines import open_link
from contract.condition import Condition, Severity, Test
from contract.errors import ConfigError, Problem
from contract.settings import SecretRef

EXAMPLES = sorted((Path(__file__).parents[3] / "config" / "agents").glob("*.toml"))
SECRET = "sesame-open-9"


def reveal_all(_: SecretRef) -> str:
    return SECRET


GOOD = """
[agent]
site = "hq"
name = "order-room"
room = "Order room"

[broker]
host = "mqtt.example.net"
user = "order-room"
password = { credential = "broker-password" }

[[device]]
id = "ups-1"
snmp = { host = "192.0.2.1", community = { file = "community" } }
"""


def parsed(text: str, secrets=reveal_all) -> Config:
    return parse(text, Path("/etc/wolfsmoke/agent.toml"), secrets=secrets)


def problems(text: str, secrets=reveal_all) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        parsed(text, secrets)
    for problem in caught.value.problems:
        assert problem.file == "/etc/wolfsmoke/agent.toml"
        assert problem.hint or "missing" in problem.what or "cannot be used" in problem.what
    return list(caught.value.problems)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_loads(path):
    config = parse(path.read_text("utf-8"), path, secrets=reveal_all)
    assert config.agent.name == path.stem
    assert len(config.devices) >= 2
    for device in config.devices:
        assert device.room
        assert device.title


def test_all_examples_are_there():
    assert [path.name for path in EXAMPLES] == [
        "depot.toml",
        "info-centre.toml",
        "machine-hall.toml",
        "network-room.toml",
        "order-room.toml",
        "server-room.toml",
    ]


def test_defaults_are_filled_in():
    config = parsed(GOOD)
    [device] = config.devices
    assert (device.title, device.room, device.interval, device.full_interval) == ("ups-1", "Order room", 1.0, 30.0)
    assert config.agent.state == "/var/lib/wolfsmoke-agent"
    assert config.broker.port == 1883
    assert [condition.name for condition in device.conditions] == [
        "on-battery",
        "low-battery",
        "replace-battery",
        "overload",
        "bypass",
        "output-off",
        "fault",
        "shutting-down",
        "ups-alarm",
        "card-blind",
        "over-temperature",
        "charge-low",
        "promise-short",
        "promise-broken",
        "promise-unproven",
        "contact-lost",
    ]


def test_how_much_is_kept_and_for_whom():
    agent = parsed(GOOD).agent
    assert (agent.keep_bytes, agent.keep, agent.gateways) == (256 << 20, 3 * 86400.0, ())
    more = 'keep_bytes = "1 GiB"\nkeep = "12h"\ngateways = ["garrison", "garrison-2"]'
    agent = parsed(GOOD.replace('room = "Order room"', more)).agent
    assert (agent.keep_bytes, agent.keep, agent.gateways) == (1 << 30, 12 * 3600.0, ("garrison", "garrison-2"))


@pytest.mark.parametrize(
    ("line", "key", "what", "hint"),
    [
        ('keep_bytes = "1 MiB"', "agent.keep_bytes", "too small", '"16 MiB"'),
        ("keep_bytes = 500", "agent.keep_bytes", "needs a unit", '"500 MiB"'),
        ('gateways = ["a", "a"]', "agent.gateways[1]", "twice", "once"),
        ('gateways = ["A b"]', "agent.gateways[0]", "does not fit", "lower-case"),
    ],
)
def test_what_is_kept_is_checked(line, key, what, hint):
    (problem,) = problems(GOOD.replace('room = "Order room"', line))
    assert (problem.key, problem.line) == (key, 5)
    assert what in problem.what
    assert hint in problem.hint


def test_relative_paths_start_at_the_file():
    config = parsed(GOOD.replace('room = "Order room"', 'state = "state"') + '[broker.tls]\nca = "tls/ca.pem"\n')
    assert config.agent.state == "/etc/wolfsmoke/state"
    assert config.broker.tls.ca == "/etc/wolfsmoke/tls/ca.pem"
    assert config.broker.tls.key == ""


def test_the_digest_tells_a_changed_file():
    assert parsed(GOOD).digest == parsed(GOOD).digest != parsed(GOOD + "# changed").digest


def test_a_condition_changes_only_what_it_names():
    text = GOOD + '[[device.condition]]\nname = "charge-low"\nsetpoint = 30\non_delay = "10s"\n'
    [charge_low] = [each for each in parsed(text).devices[0].conditions if each.name == "charge-low"]
    assert charge_low == Condition(
        name="charge-low",
        quantity="battery.charge",
        test=Test.BELOW,
        setpoint=30.0,
        deadband=5.0,
        on_delay=10.0,
        severity=Severity.SEVERE,
    )


def test_a_condition_of_a_new_name_is_added_and_a_default_can_be_taken_away():
    text = f"""{GOOD}
[[device.condition]]
name = "boosting"
quantity = "ups.status"
test = "has"
flag = "BOOST"
[[device.condition]]
name = "bypass"
enabled = false
"""
    names = [condition.name for condition in parsed(text).devices[0].conditions]
    assert "boosting" in names
    assert "bypass" not in names


def test_the_snmp_target_holds_the_secrets_and_does_not_show_them():
    text = GOOD.replace(
        'community = { file = "community" }',
        'version = "3", user = "u", auth = "sha256", auth_key = { file = "a" }, priv = "aes", priv_key = { file = "p" }',
    )
    target = parsed(text).devices[0].snmp.target()
    assert (target.auth_key, target.priv_key, target.version) == (SECRET, SECRET, "3")
    assert SECRET not in f"{target!r} {target}"


def test_no_secret_shows_in_a_print_a_log_or_an_error(caplog):
    config = parsed(GOOD)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").info("%s %r", config, config.devices[0].snmp)
    found = problems(GOOD.replace("[[device]]", "[[device]]\nbogus = 1"))
    for shown in (str(config), repr(config), repr(config.broker), caplog.text, str(ConfigError(found)), repr(found)):
        assert SECRET not in shown


# What people get wrong: (what in GOOD, is replaced by what) → (line, key, a part of what, a part of the hint)
SNMP = 'snmp = { host = "192.0.2.1", community = { file = "community" } }'
DEVICE = 'id = "ups-1"'


def condition(body: str) -> tuple[str, str]:
    return SNMP, f"{SNMP}\n[[device.condition]]\n{body}"


V3 = 'version = "3", user = "u"'
COMMUNITY = 'community = { file = "community" }'
MISTAKES = {
    "unknown key": (("room =", "rom ="), (5, "agent.rom", "unknown key", "did you mean 'room'?")),
    "unknown table": (("[broker]", "[brokr]"), (7, "brokr", "unknown key", "did you mean 'broker'?")),
    "no broker": ((GOOD[GOOD.index("[broker]") : GOOD.index("[[device]]")], ""), (0, "broker", "missing", "")),
    "single brackets": (("[[device]]", "[device]"), (12, "device", "must be a list, not a table", "[ ]")),
    "wrong type": (('host = "mqtt.example.net"', "host = 5"), (8, "broker.host", "5 does not fit", "a text")),
    "empty host": (("mqtt.example.net", ""), (8, "broker.host", "does not fit", "a text")),
    "url as host": (("mqtt.example.net", "mqtt://x"), (8, "broker.host", "no host name", "name or address only")),
    "port in the host": (("mqtt.example.net", "x:1883"), (8, "broker.host", "no host name", "key of its own")),
    "bad port": (('"mqtt.example.net"', '"x"\nport = 70000'), (9, "broker.port", "70000", "1 to 65535")),
    "bad slug": (('"order-room"\nroom', '"Order Room"\nroom'), (4, "agent.name", "does not fit", "lower-case")),
    "topic wildcard": (('site = "hq"', 'site = "+"'), (3, "agent.site", "does not fit", "lower-case")),
    "slug too long": (('site = "hq"', f'site = "{"x" * 64}"'), (3, "agent.site", "does not fit", "63")),
    "missing name": (('name = "order-room"\n', ""), (2, "agent.name", "missing", "write name")),
    "missing id": ((f"{DEVICE}\n", ""), (12, "device[0].id", "missing", "write id")),
    "user without password": (
        ('password = { credential = "broker-password" }\n', ""),
        (7, "broker", "a user without a password", "password = "),
    ),
    "password without user": (('user = "order-room"\n', ""), (9, "broker.password", "without a user", "user = ")),
    "secret in the clear": (
        ('{ credential = "broker-password" }', '"hunter2"'),
        (10, "broker.password", "must not stand in a settings file", "credential"),
    ),
    "community in the clear": (
        ('{ file = "community" }', '"hunter2"'),
        (14, "device[0].snmp.community", "must not stand", "file"),
    ),
    "missing community": ((f", {COMMUNITY}", ""), (14, "device[0].snmp", "no community", "community = ")),
    "no driver": ((SNMP, ""), (12, "device[0]", "no driver", "snmp = { … }, megatec = { … }")),
    "two drivers": (
        (SNMP, f'{SNMP}\nmegatec = {{ port = "/dev/ttyUSB0" }}'),
        (15, "device[0].megatec", "two drivers: snmp and megatec", "keep one"),
    ),
    "unknown driver": (("snmp = ", "snnp = "), (14, "device[0].snnp", "unknown key", "did you mean 'snmp'?")),
    "asked too seldom": (
        (SNMP, f'{SNMP}\nslow = "9999d"'),
        (15, "device[0].slow", "asks for everything every", "once a day"),
    ),
    "quantity like none": (
        condition('name = "hot"\nquantity = "outlet.zzzzzzzzzz"\ntest = "above"\nsetpoint = 5'),
        (17, "device[0].condition[0].quantity", "unknown quantity", "known here: outlet.realpower"),
    ),
    "quantity of no kind": (
        condition('name = "hot"\nquantity = "nonsense"\ntest = "above"\nsetpoint = 5'),
        (17, "device[0].condition[0].quantity", "unknown quantity", "ambient.…, backup.…"),
    ),
    "a delay below nothing": (
        condition('name = "bypass"\non_delay = -5'),
        (17, "device[0].condition[0].on_delay", "must be a duration, not -5", '"30s"'),
    ),
    "duplicate id": (
        (SNMP, f'{SNMP}\n[[device]]\nid = "ups-1"\nmegatec = {{ port = "/dev/ttyS0" }}'),
        (16, "device[1].id", "a second device 'ups-1'", "another id"),
    ),
    "one port for two": (
        (
            SNMP,
            'megatec = { port = "/dev/ttyS0" }\n[[device]]\nid = "ups-2"\nmegatec = { port = "/dev/ttyS0" }',
        ),
        (17, "device[1].megatec.port", "taken by device[0]", "one port, one device"),
    ),
    "no port": ((SNMP, 'megatec = { port = "ttyUSB0" }'), (14, "device[0].megatec.port", "no port", "/dev/ttyUSB0")),
    "one port for two protocols": (
        (
            SNMP,
            'megatec = { port = "/dev/ttyS0" }\n[[device]]\nid = "ups-2"\napcsmart = { port = "/dev/ttyS0" }',
        ),
        (17, "device[1].apcsmart.port", "taken by device[0]", "one port, one device"),
    ),
    "unknown dialect": (
        (SNMP, 'megatec = { port = "/dev/ttyS0", dialect = "q7" }'),
        (14, "device[0].megatec.dialect", "'q7' does not fit", "'voltronic'"),
    ),
    "user of nut without a password": (
        (SNMP, 'nut = { host = "h", user = "u" }'),
        (14, "device[0].nut.user", "user without password", "password = {"),
    ),
    "password of nut without a user": (
        (SNMP, 'nut = { host = "h", password = { file = "p" } }'),
        (14, "device[0].nut.password", "a password without a user", "user = "),
    ),
    "password of nut in the clear": (
        (SNMP, 'nut = { host = "h", user = "u", password = "hunter2" }'),
        (14, "device[0].nut.password", "must not stand", "file"),
    ),
    "name on a nut server": (
        (SNMP, 'nut = { host = "h", ups = "a b" }'),
        (14, "device[0].nut.ups", "'a b' does not fit", ""),
    ),
    "ca without tls": (
        (SNMP, 'nut = { host = "h", ca = "/x" }'),
        (14, "device[0].nut.ca", "ca without tls", "tls = true"),
    ),
    "ca that is no path": (
        (SNMP, 'nut = { host = "h", tls = true, ca = "x" }'),
        (14, "device[0].nut.ca", "no whole path", "/etc/"),
    ),
    "unknown kind": (
        (DEVICE, f'{DEVICE}\nkind = "usp"'),
        (14, "device[0].kind", "unknown kind 'usp'", "did you mean 'ups'?"),
    ),
    "number for a duration": ((DEVICE, f"{DEVICE}\npoll = 5"), (14, "device[0].poll", "needs a unit", 'write "5s"')),
    "wrong unit": ((DEVICE, f'{DEVICE}\npoll = "1 sec"'), (14, "device[0].poll", "not a duration", '"30s"')),
    "poll longer than slow": (
        (DEVICE, f'{DEVICE}\npoll = "1m"\nslow = "30s"'),
        (14, "device[0].poll", "(60 s) is longer than the slow one (30 s)", '"60s" or more'),
    ),
    "poll too short": ((DEVICE, f'{DEVICE}\npoll = "10ms"'), (14, "device[0].poll", "every 0.01 s", '"100ms"')),
    "poll too long": ((DEVICE, f'{DEVICE}\npoll = "2d"'), (14, "device[0].poll", "every 172800 s", "once a day")),
    "no poll": ((DEVICE, f'{DEVICE}\npoll = "0s"'), (14, "device[0].poll", "every 0 s", '"100ms"')),
    "unknown profile": (
        (DEVICE, f'{DEVICE}\nprofile = "rfc1682"'),
        (14, "device[0].profile", "unknown profile 'rfc1682'", "did you mean 'rfc1628'?"),
    ),
    "profile without snmp": (
        (SNMP, 'profile = "apc"\nmegatec = { port = "/dev/ttyS0" }'),
        (14, "device[0].profile", "it is not asked by a table", "leave profile out"),
    ),
    "version as a number": (
        ("community =", "version = 2, community ="),
        (14, "device[0].snmp.version", "2 does not fit", "'1', '2c', '3'"),
    ),
    "v2 with a user": (
        ("community =", 'user = "u", community ='),
        (14, "device[0].snmp.user", "SNMP 2c has no user", 'version = "3"'),
    ),
    "v3 with a community": (
        ("community =", f"{V3}, community ="),
        (14, "device[0].snmp.community", "SNMP 3 has no community", "user, auth"),
    ),
    "v3 without a user": ((COMMUNITY, 'version = "3"'), (14, "device[0].snmp", "needs a user", "user = ")),
    "auth without key": ((COMMUNITY, f'{V3}, auth = "sha"'), (14, "device[0].snmp.auth", "auth without auth_key", "{")),
    "key without auth": (
        (COMMUNITY, f'{V3}, auth_key = {{ file = "k" }}'),
        (14, "device[0].snmp.auth_key", "auth_key without auth", "sha256"),
    ),
    "priv without auth": (
        (COMMUNITY, f'{V3}, priv = "aes", priv_key = {{ file = "k" }}'),
        (14, "device[0].snmp.priv", "priv without auth", "sha256"),
    ),
    "unknown algorithm": (
        (COMMUNITY, f'{V3}, auth = "sha-256", auth_key = {{ file = "k" }}'),
        (14, "device[0].snmp.auth", "'sha-256' does not fit", "'sha256'"),
    ),
    "no time to answer": (
        ("community =", 'timeout = "0s", community ='),
        (14, "device[0].snmp.timeout", "no time", '"2s"'),
    ),
    "unknown engine": (
        ("community =", 'engine = "net-snmp", community ='),
        (14, "device[0].snmp.engine", "net", "gufo"),
    ),
    "half a certificate": (
        ('{ credential = "broker-password" }', '{ credential = "p" }\ntls = { ca = "ca.pem", key = "k.pem" }'),
        (11, "broker.tls", "belong together", "both"),
    ),
    "unknown quantity": (
        condition('name = "hot"\nquantity = "batery.temperature"\ntest = "above"\nsetpoint = 40'),
        (17, "device[0].condition[0].quantity", "unknown quantity", "'battery.temperature'"),
    ),
    "unknown flag": (
        condition('name = "on-battery"\nflag = "OBB"'),
        (17, "device[0].condition[0].flag", "unknown flag 'OBB'", "did you mean 'OB'?"),
    ),
    "unknown excuse": (
        condition('name = "on-battery"\nunless = ["CALL"]'),
        (17, "device[0].condition[0].unless", "unknown flag 'CALL'", "'CAL'"),
    ),
    "which flag": (
        condition('name = "x"\nquantity = "ups.status"\ntest = "has"'),
        (18, "device[0].condition[0].test", "which flag?", "OL, OB"),
    ),
    "flags of a number": (
        condition('name = "x"\nquantity = "battery.charge"\ntest = "has"\nflag = "OB"'),
        (18, "device[0].condition[0].test", "no flags", "above"),
    ),
    "setpoint of flags": (
        condition('name = "x"\nquantity = "ups.status"\ntest = "above"\nsetpoint = 1'),
        (18, "device[0].condition[0].test", "is not a number", "has"),
    ),
    "which setpoint": (
        condition('name = "x"\nquantity = "battery.charge"\ntest = "below"'),
        (18, "device[0].condition[0].test", "which setpoint?", "%"),
    ),
    "setpoint in another unit": (
        condition('name = "over-temperature"\nsetpoint = 313'),
        (17, "device[0].condition[0].setpoint", "can never be reached", "unit"),
    ),
    "a deadband without an end": (
        condition('name = "over-temperature"\nsetpoint = 45\ndeadband = 500'),
        (18, "device[0].condition[0].deadband", "it would never end", "a smaller deadband"),
    ),
    "unknown test": (
        condition('name = "charge-low"\ntest = "less"'),
        (17, "device[0].condition[0].test", "'less' does not fit", "'below'"),
    ),
    "misspelt default": (
        condition('name = "on-batery"\non_delay = "3s"'),
        (16, "device[0].condition[0].name", "no default 'on-batery'", "did you mean 'on-battery'?"),
    ),
    "condition twice": (
        condition('name = "bypass"\n[[device.condition]]\nname = "bypass"'),
        (18, "device[0].condition[1].name", "a second condition", "another name"),
    ),
    "negative deadband": (
        condition('name = "charge-low"\ndeadband = -5'),
        (17, "device[0].condition[0].deadband", "-5 does not fit", "0 or more"),
    ),
    "unknown severity": (
        condition('name = "bypass"\nseverity = "critical"'),
        (17, "device[0].condition[0].severity", "'critical'", "'extreme'"),
    ),
    "delay without unit": (
        condition('name = "bypass"\non_delay = 30'),
        (17, "device[0].condition[0].on_delay", "needs a unit", '"30s"'),
    ),
    "broken TOML": (('site = "hq"', "site = hq"), (3, "", "not TOML", "quotes")),
    "unclosed text": (('site = "hq"', 'site = "hq'), (3, "", "not TOML", "quotes")),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_line_key_and_way_out(name):
    (old, new), (line, key, what, hint) = MISTAKES[name]
    assert old in GOOD
    [problem] = problems(GOOD.replace(old, new, 1))
    assert (problem.line, problem.key) == (line, key)
    assert what in problem.what
    assert hint in problem.hint
    assert "hunter2" not in str(problem)


def test_a_file_without_devices_says_so():
    [problem] = problems(GOOD[: GOOD.index("[[device]]")])
    assert problem.what == "no device"


def test_an_empty_file_says_what_it_must_have():
    assert {problem.key for problem in problems("")} == {"agent", "broker", ""}


def test_a_short_pass_phrase_is_refused_and_not_shown():
    text = GOOD.replace(COMMUNITY, f'{V3}, auth = "sha", auth_key = {{ file = "k" }}')
    [problem] = problems(text, lambda _: "short")
    assert problem.key == "device[0].snmp.auth_key"
    assert "shorter than 8" in problem.what


def test_all_mistakes_of_a_file_come_at_once():
    text = GOOD.replace('site = "hq"', 'site = "HQ"').replace('user = "order-room"\n', "port = 0\nuser = 3\n")
    text += f'poll = 3\n[[device]]\n{DEVICE}\n[[device.condition]]\nname = "bypass"\nflagg = "X"\n'
    found = [(problem.line, problem.key) for problem in problems(text)]
    assert found == [
        (3, "agent.site"),
        (9, "broker.port"),
        (10, "broker.user"),
        (16, "device[0].poll"),
        (17, "device[1]"),
        (18, "device[1].id"),
        (21, "device[1].condition[0].flagg"),
    ]


# -- from disk


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "agent.toml").write_text(GOOD, "utf-8")
    (tmp_path / "community").write_text("public-7\n")
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "broker-password").write_text("s3cret\r\n")
    return tmp_path


def loaded(folder: Path) -> Config:
    return load(folder / "agent.toml", environment={"CREDENTIALS_DIRECTORY": str(folder / "credentials")})


def disk_problem(folder: Path) -> Problem:
    with pytest.raises(ConfigError) as caught:
        loaded(folder)
    [problem] = caught.value.problems
    return problem


def test_secrets_come_from_files_and_credentials(folder):
    config = loaded(folder)
    assert config.broker.password.reveal() == "s3cret"
    assert config.devices[0].snmp.target().community == "public-7"
    assert open_link(config.devices[0].snmp.target()) is not None


def test_a_byte_order_mark_is_no_mistake(folder):
    (folder / "agent.toml").write_text(GOOD, "utf-8-sig")
    assert loaded(folder).agent.name == "order-room"


def test_windows_line_ends_are_no_mistake(folder):
    (folder / "agent.toml").write_bytes(GOOD.replace("\n", "\r\n").encode())
    assert loaded(folder).agent.name == "order-room"


def test_a_missing_secret_file_is_named(folder):
    (folder / "community").unlink()
    problem = disk_problem(folder)
    assert (problem.line, problem.key) == (14, "device[0].snmp.community")
    assert str(folder / "community") in problem.what


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_secret_file_that_may_not_be_read_is_named(folder):
    (folder / "community").chmod(0)
    assert "Permission denied" in disk_problem(folder).what


def test_a_folder_in_place_of_a_secret_is_named(folder):
    (folder / "community").unlink()
    (folder / "community").mkdir()
    assert "cannot be read: Is a directory" in disk_problem(folder).what


@pytest.mark.parametrize(
    ("body", "what"),
    [(b"", "is empty"), (b"\n", "is empty"), (b"x" * 5000, "longer than 4096 bytes"), (b"ab\xff", "is not UTF-8 text")],
)
def test_a_secret_file_that_cannot_be_used_is_named(folder, body, what):
    (folder / "community").write_bytes(body)
    problem = disk_problem(folder)
    assert what in problem.what
    assert "0xff" not in problem.what


def test_without_a_service_manager_there_are_no_credentials(folder):
    with pytest.raises(ConfigError) as caught:
        load(folder / "agent.toml", environment={})
    [problem] = caught.value.problems
    assert (problem.line, problem.key) == (10, "broker.password")
    assert "LoadCredential" in problem.hint


def test_a_credential_stays_in_its_directory(folder):
    text = GOOD.replace('credential = "', 'credential = "../')
    (folder / "agent.toml").write_text(text, "utf-8")
    problem = disk_problem(folder)
    assert "no slash" in problem.what


def test_a_file_without_end_in_place_of_the_config_is_a_problem():
    with pytest.raises(ConfigError, match="no settings file"):
        load(Path("/dev/zero"))


def test_a_missing_config_file_is_a_problem(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "none.toml")
    assert "No such file or directory" in str(caught.value)


def test_a_folder_in_place_of_the_config_is_a_problem(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path)
    assert "Is a directory" in str(caught.value)


def test_a_config_that_is_not_utf_8_is_a_problem_with_its_line(folder):
    (folder / "agent.toml").write_bytes("[agent]\nroom = '订单部'\n".encode("gb18030"))
    problem = disk_problem(folder)
    assert (problem.line, problem.what) == (2, "not UTF-8 text")


def test_the_listing_is_in_the_order_of_the_lines(folder):
    text = GOOD.replace('user = "order-room"', 'user = "order-room"\ntls = { ca = "ca.pem" }').replace("poll", "pol")
    (folder / "agent.toml").write_text(text + 'poll = "1"\nmegatec = 5\n', "utf-8")
    with pytest.raises(ConfigError) as caught:
        loaded(folder)
    lines = [problem.line for problem in caught.value.problems]
    assert len(lines) >= 3
    assert lines == sorted(lines)


def test_a_missing_certificate_is_found_before_the_first_connection(folder):
    text = GOOD.replace('user = "order-room"', 'user = "order-room"\ntls = { ca = "ca.pem" }')
    (folder / "agent.toml").write_text(text, "utf-8")
    problem = disk_problem(folder)
    assert (problem.line, problem.key) == (10, "broker.tls.ca")
    assert str(folder / "ca.pem") in problem.what


def test_traps_are_off_unless_there_is_a_table():
    assert parsed(GOOD).traps is None


TRAPS = """
[traps]
communities = [{ credential = "trap-community" }]

[[traps.user]]
name = "cards"
auth = "sha256"
auth_key = { credential = "trap-auth" }
priv = "aes"
priv_key = { credential = "trap-priv" }
engine = "80:00:1f:88:04:61"
"""


def test_traps_have_communities_and_users():
    traps = parsed(GOOD + TRAPS).traps
    assert traps.address == ("0.0.0.0", 162)
    assert [secret.reveal() for secret in traps.communities] == [SECRET]
    assert (traps.user[0].user().level, traps.user[0].user().engine.hex()) == (3, "80001f880461")
    assert SECRET not in repr(traps)
    assert SECRET not in repr(traps.user[0].user())


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("[traps]", ["traps"]),
        ('[traps]\nlisten = "162"\ncommunities = [{ file = "c" }]', ["traps.listen"]),
        ('[traps]\nlisten = "0.0.0.0:0"\ncommunities = [{ file = "c" }]', ["traps.listen"]),
        ('[traps]\nlisten = "::1:162"\ncommunities = [{ file = "c" }]', ["traps.listen"]),
        ('[traps]\nlisten = "0.0.0.0:99999"\ncommunities = ["public"]', ["traps.listen", "traps.communities[0]"]),
        ('[[traps.user]]\nname = "a"\npriv = "aes"', ["traps.user[0].priv", "traps.user[0].priv"]),
        ('[[traps.user]]\nname = "a"\nauth_key = { file = "k" }', ["traps.user[0].auth_key"]),
        ('[[traps.user]]\nname = "a"\nengine = "xyz"', ["traps.user[0].engine"]),
        ('[[traps.user]]\nname = "a"\n[[traps.user]]\nname = "a"', ["traps.user[1].name"]),
    ],
)
def test_what_is_wrong_with_traps_is_said_all_at_once(text, keys):
    assert sorted(problem.key for problem in problems(GOOD + text)) == sorted(keys)


def test_the_agent_is_a_device_of_its_own():
    config = parsed(GOOD)
    itself = config.itself
    assert (itself.id, itself.what, itself.title, itself.room) == ("agent", "agent", "order-room", "Order room")
    assert {"agent-spool-full", "contact-lost"} <= {condition.name for condition in itself.conditions}


def test_what_the_agent_watches_itself_for_can_be_changed():
    text = GOOD.replace("[broker]", '[[agent.condition]]\nname = "agent-hot"\nsetpoint = 70\n[broker]')
    [hot] = [condition for condition in parsed(text).itself.conditions if condition.name == "agent-hot"]
    assert (hot.setpoint, hot.deadband) == (70, 5)
    [problem] = problems(text.replace("agent-hot", "agent-hott"))
    assert (problem.line, problem.key) == (8, "agent.condition[0].name")


def test_no_other_device_is_the_agent():
    [problem] = problems(GOOD.replace('id = "ups-1"', 'id = "agent"'))
    assert "is the agent itself" in problem.what


RELAYS = (
    GOOD
    + """
[[device]]
id = "relays"
profile = "dio-8"
modbus = { host = "192.0.2.7" }
[[device.output]]
output = 1
name = "siren"
longest = "3m"
"""
)


def test_outputs_are_named_and_bounded():
    [siren] = parsed(RELAYS).devices[1].output
    assert (siren.output, siren.name, siren.longest, siren.at_start) == (1, "siren", 180.0, "off")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("output = 1", "output = 9", "no output 9"),
        ('"dio-8"', '"xy-md02"', "no output 1"),
        ('longest = "3m"', 'longest = "2d"', "on for"),
        ('longest = "3m"', 'longest = "0s"', "on for 0 s"),
        (
            'longest = "3m"',
            'longest = "3m"\n[[device.output]]\noutput = 1\nname = "horn"\nlongest = "1m"',
            "1 twice",
        ),
        ('profile = "dio-8"\nmodbus', "snmp", "no outputs that can be switched"),
    ],
)
def test_outputs_that_cannot_be_are_named(old, new, what):
    assert old in RELAYS
    said = problems(RELAYS.replace(old, new))
    assert what in " ".join(each.what for each in said)


def test_who_may_write_is_told_apart_from_who_may_read():
    device = parsed(GOOD.replace("community = {", 'write_community = { file = "w" }, community = {')).devices[0]
    target = device.snmp.writing()
    assert target.community == SECRET
    assert parsed(GOOD).devices[0].snmp.writing() is None


def test_a_write_user_is_for_version_3_only():
    said = problems(GOOD.replace("community = {", 'write_user = "w", community = {'))
    assert "has no write_user" in said[0].what
