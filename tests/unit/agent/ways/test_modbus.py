"""Modbus in the settings and as a URL: what is right, and every mistake with its way out."""

import subprocess
import sys
from pathlib import Path

import pytest

from agent.__main__ import main
from agent.clock import SystemClock
from agent.config import parse
from agent.neighbours import Nobody
from agent.ways import from_url
from agent.ways import parse as parse_url
from agent.ways.modbus import Modbus
from contract.errors import ConfigError
from contract.settings import no_secrets

HEAD = '[agent]\nsite = "hq"\nname = "a"\n[broker]\nhost = "127.0.0.1"\n'
PORT = "/dev/serial/by-id/usb-RS485-if00-port0"


def device(name, modbus, profile="xy-md02", more=""):
    profile = f'profile = "{profile}"\n' if profile else ""
    return f'[[device]]\nid = "{name}"\n{profile}{more}modbus = {{ {modbus} }}\n'


def parsed(*devices):
    return parse(HEAD + "".join(devices), Path("/etc/a.toml"), secrets=no_secrets).devices


def problems(*devices):
    with pytest.raises(ConfigError) as caught:
        parsed(*devices)
    return caught.value.problems


@pytest.mark.parametrize(
    ("url", "way"),
    [
        ("modbus://192.0.2.9", Modbus(host="192.0.2.9")),
        ("modbus://192.0.2.9:1502/17?timeout=2", Modbus(host="192.0.2.9", tcp_port=1502, unit=17, timeout=2.0)),
        ("modbus://[::1]/3", Modbus(host="::1", unit=3)),
        ("modbus://h?unit=3", Modbus(host="h", unit=3)),
        ("modbus+rtu://h:4001/3", Modbus(host="h", tcp_port=4001, framing="rtu", unit=3)),
        (f"modbus+rtu://{PORT}?unit=3", Modbus(port=PORT, unit=3)),
        (
            "modbus:///dev/ttyUSB0?baudrate=4800&parity=E&stopbits=2",
            Modbus(port="/dev/ttyUSB0", baudrate=4800, parity="E", stopbits=2),
        ),
    ],
)
def test_what_is_right_is_read(url, way):
    assert parse_url(url) == way


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("modbus:", "neither a host nor a serial port"),
        ("modbus://", "neither a host nor a serial port"),
        ("modbus://h/300", "up to 255"),
        ("modbus://h/one", "up to 255"),
        ("modbus://h/1/2", "up to 255"),
        ("modbus://h/1?unit=2", "two units"),
        ("modbus://h:99999/1", "1 to 65535"),
        ("modbus://h?baudrate=9600", "no option 'baudrate'"),
        ("modbus+rtu://h/1", "port is missing"),
        ("modbus:///dev/ttyUSB0?unit=248", "up to 247"),
        ("modbus:///dev/ttyUSB0?parity=even", "N, E or O"),
        ("modbus:///dev/ttyUSB0?stopbits=3", "1 or 2"),
        ("modbus:///dev/ttyUSB0?baudrate=9", "no speed of a line"),
        ("modbus:///dev/ttyUSB0?speed=9600", "no option 'speed'"),
        ("modbus+tcp://h/1", "no protocol 'modbus+tcp'"),
    ],
)
def test_a_wrong_url_ends_with_2_and_one_line_that_says_what_to_write(url, said, capsys):
    assert main(["read", url, "--profile", "xy-md02"]) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert (out, err.count("\n")) == ("", 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "add --profile, one of apc-nmc2,"),
        (["--profile", "xy-md20"], "did you mean 'xy-md02'?"),
        (["--profile", "xy-md02", "--kind", "ups"], "no profile 'xy-md02'"),
    ],
)
def test_a_profile_must_be_named_and_be_one_of_its_kind(words, said, capsys):
    assert main(["read", "modbus://h/1", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_profile_says_the_kind():
    assert from_url("modbus://h/1", profile="leixun").identity.manufacturer == "Leixun"
    kinds = [made.what for made in parsed(device("a", 'host = "h"'), device("b", 'host = "i"', "leixun"))]
    assert kinds == ["environment", "surge"]


def test_several_devices_share_a_port_and_its_bus():
    first, second = parsed(device("a", f'port = "{PORT}"'), device("b", f'port = "{PORT}", unit = 2'))
    buses = [made.driver(Nobody(), SystemClock())._link._bus for made in (first, second)]
    assert buses[0] is buses[1]
    assert buses[0].line.words == "9600 8N1"


def test_a_line_is_set_as_the_device_is_shipped_unless_the_settings_say_otherwise():
    shipped, set_otherwise = parsed(
        device("a", 'port = "/dev/ttyS0"', "xy-md1"), device("b", 'port = "/dev/ttyS1", parity = "N"', "xy-md1")
    )
    assert shipped.modbus.line("xy-md1").words == "9600 8E1"
    assert set_otherwise.modbus.line("xy-md1").words == "9600 8N1"


def test_a_slow_device_has_its_time():
    assert Modbus(host="h").line("kuanyong-earth").timeout == 4.0


MISTAKES = {
    "nowhere": ([device("a", "unit = 1")], "device[0].modbus", "where is it?"),
    "both": ([device("a", 'port = "/dev/ttyS0", host = "h"')], "device[0].modbus.host", "a serial port and a host"),
    "no path": ([device("a", 'port = "ttyUSB0"')], "device[0].modbus.port", "no serial port"),
    "serial server": ([device("a", 'port = "socket://h:1"')], "device[0].modbus.port", "no serial port"),
    "url as host": ([device("a", 'host = "modbus://h"')], "device[0].modbus.host", "no host name"),
    "parity of a host": ([device("a", 'host = "h", parity = "E"')], "device[0].modbus.parity", "a host has no parity"),
    "framing of a port": ([device("a", 'port = "/dev/x", framing = "rtu"')], "device[0].modbus.framing", "RTU anyway"),
    "unit 0": ([device("a", 'port = "/dev/x", unit = 0')], "device[0].modbus.unit", "no address on a serial line"),
    "no time": ([device("a", 'host = "h", timeout = "0s"')], "device[0].modbus.timeout", "no time to answer"),
    "no profile": ([device("a", 'host = "h"', "")], "device[0].profile", "cannot say what it is"),
    "wrong profile": ([device("a", 'host = "h"', "xy-md20")], "device[0].profile", "unknown profile"),
    "profile of another kind": (
        [device("a", 'host = "h"', "leixun", 'kind = "ups"\n')],
        "device[0].profile",
        "unknown profile",
    ),
    "two speeds on a bus": (
        [device("a", 'port = "/dev/x"'), device("b", 'port = "/dev/x", unit = 2, baudrate = 4800')],
        "device[1].modbus",
        "/dev/x is at 9600 8N1 for device[0], and at 4800 8N1 here",
    ),
    "two framings at a host": (
        [device("a", 'host = "h"'), device("b", 'host = "h", unit = 2, framing = "rtu"')],
        "device[1].modbus",
        "h:502 is at framing = 'tcp'",
    ),
    "one unit for two": (
        [device("a", 'port = "/dev/x"'), device("b", 'port = "/dev/x"')],
        "device[1].modbus.unit",
        "unit 1 on /dev/x is device[0]",
    ),
    "another protocol on the port": (
        ['[[device]]\nid = "u"\nmegatec = { port = "/dev/x" }\n', device("a", 'port = "/dev/x"')],
        "device[1].modbus.port",
        "taken by device[0], which does not speak Modbus",
    ),
    "a port that Modbus has": (
        [device("a", 'port = "/dev/x"'), '[[device]]\nid = "u"\nmegatec = { port = "/dev/x" }\n'],
        "device[1].megatec.port",
        "/dev/x is taken by device[0]",
    ),
    "one input, two meanings": (
        [
            device("a", 'host = "h"', "di-8")
            + '[[device.contact]]\ninput = 1\nmeans = "smoke"\n[[device.contact]]\ninput = 1\nmeans = "door"\n'
        ],
        "device[0].contact[1].input",
        "has a meaning already",
    ),
    "no meaning": (
        [device("a", 'host = "h"', "di-8") + '[[device.contact]]\ninput = 1\nmeans = "fire"\n'],
        "device[0].contact[0].means",
        "does not fit",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_its_place_and_way_out(name):
    devices, key, what = MISTAKES[name]
    (problem,) = problems(*devices)
    assert problem.key == key
    assert what in problem.what
    assert problem.hint
    assert problem.line


def test_settings_are_checked_without_the_library():
    code = "import sys; sys.modules['pymodbus'] = None; import agent.config, agent.ways; from agent.ways import parse;"
    code += "from agent.ways.modbus import Modbus; Modbus(host='h').line('xy-md02'); parse('modbus://h/1')"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_library_that_is_not_installed_is_named_with_what_to_install(monkeypatch, capsys):
    for name in ("agent.links.modbus", "agent.links.modbus_wire"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "pymodbus", None)
    assert main(["read", "modbus://h/1", "--profile", "xy-md02"]) == 2
    assert "wolfsmoke[agent]" in capsys.readouterr().err
