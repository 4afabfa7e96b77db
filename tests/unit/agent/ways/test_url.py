"""The URL of ``wolfsmoke-agent read``: what is right, and every mistake with its way out and without its secrets."""

import sys

import pytest

from agent.__main__ import main
from agent.links.snmp import SnmpTarget
from agent.links.snmp_engines import open_link
from agent.ways import Context, from_url, parse
from agent.ways.apcsmart import ApcSmart
from agent.ways.base import meant
from agent.ways.megatec import Megatec
from agent.ways.snmp import Snmp
from contract.errors import UsageError

SECRET = "hunter2hunter2"
V3 = f"snmp://h?version=3&user=u&auth_key={SECRET}"


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("snmp://h", {"host": "h", "port": 161, "version": "2c", "community": "public"}),
        ("snmp://wolf@192.0.2.1:1161?version=1&timeout=0.5", {"port": 1161, "version": "1", "timeout": 0.5}),
        ("snmp://a%2Fb%23:c%40@h", {"community": "a/b#:c@"}),
        ("snmp://[::1]:1161/", {"host": "::1", "port": 1161}),
        (V3, {"version": "3", "community": "", "user": "u", "auth": "sha", "auth_key": SECRET, "priv": ""}),
        (f"{V3}&priv_key=a+b%26@cdefgh", {"priv": "aes", "priv_key": "a+b&@cdefgh"}),
        (f"{V3}&auth=sha512&priv=aes256&priv_key={SECRET}&context=c", {"auth": "sha512", "priv": "aes256"}),
        ("snmp://h?version=3&user=u", {"auth": "", "priv": ""}),
    ],
)
def test_what_is_right_is_read(url, what):
    target = parse(url).target()
    assert {key: getattr(target, key) for key in what} == what


@pytest.mark.parametrize(
    ("url", "port", "baudrate"),
    [
        ("megatec:///dev/ttyUSB0", "/dev/ttyUSB0", 2400),
        ("megatec:///dev/ttyUSB0?baudrate=9600", "/dev/ttyUSB0", 9600),
        ("megatec://192.0.2.9:4001", "socket://192.0.2.9:4001", 2400),
        ("megatec://[::1]:4001", "socket://[::1]:4001", 2400),
    ],
)
def test_a_serial_port_is_a_path_or_a_serial_server(url, port, baudrate):
    assert parse(url) == Megatec(port=port, baudrate=baudrate)


@pytest.mark.parametrize("dialect", ["auto", "q1", "q6", "voltronic", "axpert"])
def test_a_dialect_can_be_pinned(dialect):
    way = parse(f"megatec:///dev/ttyUSB0?dialect={dialect}")
    assert way == Megatec(port="/dev/ttyUSB0", dialect=dialect)
    assert way.driver(Context(kind="ups")).identity.profile == ""


def test_apcs_protocol_has_a_port():
    assert parse("apcsmart:///dev/ttyS0") == ApcSmart(port="/dev/ttyS0")
    assert parse("apcsmart://192.0.2.9:4001?baudrate=1200") == ApcSmart(port="socket://192.0.2.9:4001", baudrate=1200)


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("nut://h", {"host": "h", "port": 3493, "ups": "", "user": "", "password": None, "tls": False}),
        ("nut://[::1]:34930/room", {"host": "::1", "port": 34930, "ups": "room"}),
        ("nut://u:p%2Fw@h/room?tls=yes&timeout=2", {"user": "u", "tls": True, "ca": "", "timeout": 2.0}),
        ("nut://h/room?ca=/etc/nut.pem", {"tls": True, "ca": "/etc/nut.pem"}),
    ],
)
def test_a_ups_of_a_nut_server(url, what):
    way = parse(url)
    assert {key: getattr(way, key) for key in what} == what
    assert way.password is None or way.password.reveal() == "p/w"


WRONG = {
    "": "does not begin with a protocol",
    "192.0.2.1": "does not begin with a protocol",
    f"{SECRET}@192.0.2.1": "does not begin with a protocol",
    "ftp://192.0.2.1": "no protocol 'ftp'",
    f"smnp://{SECRET}@192.0.2.1": "no protocol 'smnp'",
    "snmp:": "a host is missing",
    "snmp://": "a host is missing",
    f"snmp://{SECRET}@": "a host is missing",
    "snmp:///dev/ttyUSB0": "a host is missing",
    f"snmp://{SECRET}@[::1": "not a URL",
    f"snmp://{SECRET}@h:99999": "1 to 65535",
    "snmp://h:0": "1 to 65535",
    f"snmp://u:{SECRET}": "1 to 65535",
    f"snmp://h:99999?version=3&user=u&auth_key={SECRET}": "1 to 65535",
    "snmp://h/path": "nothing stands between the host and the ?",
    f"snmp://a/{SECRET}@h": "%2F",
    f"snmp://a#{SECRET}@h": "%23",
    f"snmp://a?{SECRET}@h": "%3F",
    f"{V3}#{SECRET}": "%23",
    f"{V3}&{SECRET}{SECRET}": "%26",
    f"snmp://{SECRET}@h?comunity=x": "no option 'comunity'",
    "snmp://h?tiemout=1": "did you mean 'timeout'?",
    "snmp://h?version=4": "version is 1, 2c or 3",
    "snmp://h?version=1&version=3": "there twice",
    "snmp://h?engine=net-snmp": "engine is gufo or pysnmp",
    "snmp://h?timeout=soon": "timeout=2",
    "snmp://h?timeout=0": "timeout=2",
    "snmp://h?timeout=-1": "timeout=2",
    "snmp://h?timeout=nan": "timeout=2",
    "snmp://h?timeout=inf": "timeout=2",
    f"snmp://h?user=u&auth_key={SECRET}": "add version=3",
    "snmp://h?version=3": "add &user=…",
    f"snmp://h?version=3&auth_key={SECRET}": "add &user=…",
    f"snmp://{SECRET}@h?version=3&user=u": "SNMP 3 has no community",
    "snmp://h?version=3&user=u&auth=sha": "add &auth_key=…",
    f"{V3}&priv=aes": "add &priv_key=…",
    "snmp://h?version=3&user=u&auth_key=hunter2": "shorter than 8",
    f"{V3}&priv_key=hunter2": "shorter than 8",
    f"{V3}&auth=sha3": "sha256",
    f"{V3}&priv=3des&priv_key={SECRET}": "aes256",
    f"snmp://h?version=3&user=u&priv_key={SECRET}": "priv_key without auth_key",
    "megatec:": "three slashes",
    "megatec:///": "three slashes",
    "megatec://dev/ttyUSB0": "three slashes",
    "megatec://host": "megatec://host:port",
    "megatec://host:99999": "1 to 65535",
    "megatec://host:1/x": "three slashes",
    "megatec:///dev/ttyUSB0?baud=9600": "did you mean 'baudrate'?",
    "megatec:///dev/ttyUSB0?baudrate=fast": "baudrate=2400",
    "megatec:///dev/ttyUSB0?baudrate=9": "baudrate=2400",
    "megatec:///dev/ttyUSB0?dialect=voltronik": "did you mean 'voltronic'?",
    "apcsmart://host": "apcsmart://host:port",
    "nut://": "a host is missing",
    "nut:///room": "a host is missing",
    f"nut://u:{SECRET}@h/a/b": "upsc -l host",
    "nut://h/a%20b": "upsc -l host",
    f"nut://u:a/{SECRET}@h/room": "%2F",
    f"nut://u:a#{SECRET}@h/room": "%23",
    "nut://u@h/room": "nut://user:password@host/ups",
    "nut://h/room?tls=maybe": "tls=yes",
    "nut://h/room?ca=nut.pem": "ca=/etc/",
    "nut://h/room?user=u": "no option 'user'",
}


@pytest.mark.parametrize("url", WRONG)
def test_a_wrong_url_ends_with_2_and_one_line_that_says_what_to_write(url, capsys):
    assert main(["read", url]) == 2
    out, err = capsys.readouterr()
    assert WRONG[url] in err
    assert (out, err.count("\n")) == ("", 1)
    assert "hunter2" not in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["snmp://h", "--profile", "rfc1682"], "did you mean 'rfc1628'?"),
        (["megatec:///dev/ttyUSB0", "--profile", "apc"], "this protocol has no profiles"),
    ],
)
def test_a_wrong_profile_is_wrong_use(words, said, capsys):
    assert main(["read", *words]) == 2
    assert said in capsys.readouterr().err


def test_an_engine_that_is_not_installed_is_named_with_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "agent.links.snmp_pysnmp", raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == "pysnmp"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "pysnmp", None)
    for target in (SnmpTarget(host="h"), SnmpTarget(host="h", version="3", user="u", context="c")):
        with pytest.raises(UsageError, match=r"wolfsmoke\[agent-pysnmp\]"):
            open_link(target, "gufo" if target.context else "pysnmp")


def test_nothing_is_asked_before_it_is_read():
    assert from_url("megatec:///dev/none").identity.profile == ""


@pytest.mark.parametrize(
    ("profile", "kind"),
    [("apc", "ups"), ("akcp", "environment"), ("apc-ats", "power"), ("", "ups"), ("nothing", "ups")],
)
def test_a_profile_says_of_which_kind_the_device_is(profile, kind):
    assert meant(Snmp, profile) == kind
