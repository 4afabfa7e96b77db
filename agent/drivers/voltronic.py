"""UPSes that speak Voltronic's own protocol (P00 to P99): made by Voltronic Power, sold under many names.

QGS gives the state, QMOD the mode, QBV the battery; QWS 64 warnings, QFS the last fault; QRI, QMD, QMF, QVFW, QID the
ratings and names. An unknown command is answered ``(NAK``, dashes mean that there is no value. Layouts: the protocol
documents; rules: NUT's nutdrv_qx.
"""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from agent.drivers.asking import NO_ALARM, Asker, Link, number, said
from agent.drivers.base import TEST, Identity, Lane
from agent.drivers.megatec import names, regulation
from agent.drivers.megatec_q6 import whole
from agent.drivers.voltronic_words import MODE_FLAGS, MODES, WARNING_FLAGS, fault, warnings
from contract.command import Verb
from contract.errors import CommandRefused, DeviceError
from contract.reading import Reading, Value

PROTOCOL = "Voltronic"

_V: Final = r"([ \d]{3}\.\d|-{3}\.-)"
_HZ: Final = r"([ \d]{2}\.\d|--\.-)"
_P: Final = r"([ \d]{3}|---)"
_QGS: Final = re.compile(rf"\({_V} {_HZ} {_V} {_HZ} {_V} {_P} {_V} {_V} {_V} {_V} {_V} ([01-]{{12}})")
_QBV: Final = re.compile(rf"\({_V} ([ \d]{{2}}|--) ([ \d]{{2}}|--) {_P} {_P}")
_QRI: Final = re.compile(rf"\({_V} {_P} {_V} {_HZ}")
_QMD: Final = re.compile(
    r"\(([ -~]{15}) ([# \d]{7}) ([ \d]{2}) (\d)/(\d) ([ \d]{3}) ([ \d]{3}) ([ \d]{2}) ([ \d]{2}\.\d)"
)
_QMF: Final = re.compile(r"\(#*([A-Za-z][A-Za-z&. -]+)#*")
_QVFW: Final = re.compile(r"\(VERFW:([!-~]{1,20})")
_QID: Final = re.compile(r"\((\d{8,30})")
_QMOD: Final = re.compile(r"\(([A-Z])")
_QWS: Final = re.compile(r"\(([01]{64})")
_QFS: Final = re.compile(r"\(([0-9A-F]{2})(?: [ -~]*)?")
_QPI: Final = re.compile(r"\(PI(\d\d)")
_TYPES: Final = {"00": "offline", "01": "line-interactive", "10": "online"}


class State(msgspec.Struct, frozen=True):
    """A QGS answer: volts, hertz, amperes, %, degrees Celsius; None where the device shows dashes. Flags b11 first."""

    input_volts: float | None
    input_hertz: float | None
    output_volts: float | None
    output_hertz: float | None
    output_amperes: float | None
    load: float | None
    positive: float | None
    negative: float | None
    temperature: float | None
    bits: str

    def bit(self, index: int) -> bool:
        """Say whether a flag is set; a dash, which some models show for flags they have not, is none."""
        return self.bits[11 - index] == "1"


class Battery(msgspec.Struct, frozen=True):
    """A QBV answer: volts, batteries in series, packs, %, seconds."""

    volts: float | None
    blocks: float | None
    packs: float | None
    charge: float | None
    runtime: float | None


class Ratings(msgspec.Struct, frozen=True):
    """A QRI answer: volts, amperes, volts of the battery, hertz."""

    volts: float | None
    amperes: float | None
    battery_volts: float | None
    hertz: float | None


class Model(msgspec.Struct, frozen=True):
    """A QMD answer: VA, %, volts."""

    model: str
    apparent: float | None
    power_factor: float | None
    input_phases: float
    output_phases: float
    input_volts: float | None


def parse_state(text: str) -> State | None:
    """Return a QGS answer, or None for what is not exactly one. The two volts of the DC bus are passed over."""
    match = _QGS.fullmatch(text)
    values = _numbers(match)
    if match is None or values is None:
        return None
    volts, hertz, out_volts, out_hertz, amperes, load, _, _, positive, negative, temperature = values
    return State(volts, hertz, out_volts, out_hertz, amperes, load, positive, negative, temperature, match[12])


def parse_battery(text: str) -> Battery | None:
    """Return a QBV answer, or None. The device says minutes."""
    values = _numbers(_QBV.fullmatch(text))
    if values is None:
        return None
    volts, blocks, packs, charge, minutes = values
    return Battery(volts, blocks, packs, charge, None if minutes is None else minutes * 60.0)


def parse_ratings(text: str) -> Ratings | None:
    """Return a QRI answer, or None."""
    values = _numbers(_QRI.fullmatch(text))
    return None if values is None else Ratings(*values)


def parse_model(text: str) -> Model | None:
    """Return a QMD answer, or None. Hashes are blanks."""
    match = _QMD.fullmatch(text)
    if match is None:
        return None
    try:
        apparent, factor, volts = (float(match[index].replace("#", "") or 0) or None for index in (2, 3, 6))
    except ValueError:
        return None
    return Model(match[1].strip("# "), apparent, factor, float(match[4]), float(match[5]), volts)


def parse_mode(text: str) -> str | None:
    """Return the letter of a QMOD answer, or None."""
    return _first(_QMOD, text)


def parse_warnings(text: str) -> str | None:
    """Return the 64 bits of a QWS answer, or None."""
    return _first(_QWS, text)


def parse_fault(text: str) -> str | None:
    """Return what QFS says of the last fault; "none" where there was none; None for what is no such answer."""
    return "none" if text == "(OK" else _first(_QFS, text)


def parse_maker(text: str) -> str | None:
    """Return the maker of a QMF answer, or None."""
    return None if text in ("(NAK", "(ACK", "(OK") else _first(_QMF, text)


def parse_firmware(text: str) -> str | None:
    """Return the version of a QVFW answer, or None."""
    return _first(_QVFW, text)


def parse_serial(text: str) -> str | None:
    """Return the number of a QID answer, or None. Noughts alone are none."""
    return _first(_QID, text)


def parse_protocol(text: str) -> str | None:
    """Return the number of a QPI answer, two digits, or None."""
    return _first(_QPI, text)


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.fullmatch(text)
    return match[1].strip() if match else None


def _numbers(match: re.Match[str] | None) -> list[float | None] | None:
    if match is None:
        return None
    fields = [field for field in match.groups() if len(field) < 6]
    try:
        return [number(field) for field in fields]
    except ValueError:  # spaces in the middle
        return None


def flags(state: State, mode: str, warned: str) -> tuple[str, ...] | None:
    """Return ``ups.status``; None where the device shows no flags at all.

    Mode and flags are two answers: where the mains goes between them, what is worse counts.
    """
    if set(state.bits) == {"-"} and not mode:
        return None
    found = {MODE_FLAGS[mode]} if mode in MODE_FLAGS else set()
    found |= {flag for index, flag in WARNING_FLAGS.items() if warned[index : index + 1] == "1"}
    found |= {flag for index, flag in ((8, "LB"), (6, "FAULT"), (4, "CAL"), (3, "FSD")) if state.bit(index)}
    found.add("OB" if state.bit(9) or "OB" in found else "OL")
    if "1" in warned:
        found.add("ALARM")
    if state.bit(7) and "OL" in found and not found & {"ECO", "BYPASS"}:
        found |= regulation(state.input_volts, state.output_volts)
    if state.output_volts is not None and state.output_volts < 1.0:
        found.add("OFF")
    return tuple(sorted(found))


def state_readings(state: State, mode: str, warned: str, battery: Battery | None) -> list[Reading]:
    """Return what QGS, QMOD and QBV say together; ``warned`` is the last QWS answer, empty where there is none."""
    beeper = state.bits[9]
    volts = whole(state.positive, state.negative)
    found: dict[str, Value | None] = {
        "ups.status": flags(state, mode, warned),
        "battery.charge": battery.charge if battery else None,
        "battery.runtime": battery.runtime if battery else None,
        "battery.voltage": battery.volts if volts is None and battery else volts,
        "input.voltage": state.input_volts,
        "input.frequency": state.input_hertz,
        "output.voltage": state.output_volts,
        "output.frequency": state.output_hertz,
        "output.current": state.output_amperes,
        "ups.load": state.load,
        "ups.temperature": state.temperature,
        "ups.type": _TYPES.get(state.bits[:2]),
        "ups.beeper.status": None if beeper == "-" else "disabled" if beeper == "1" else "enabled",
    }
    if battery and battery.packs is not None:
        found["battery.packs"] = battery.packs
    if battery and battery.blocks is not None:
        found["x.battery.blocks"] = battery.blocks
    if mode:
        found["ups.mode"] = MODES.get(mode, mode)
    if warned:
        found["ups.alarm"] = "; ".join(warnings(warned))[:256] or NO_ALARM
    return said(found)


def rating_readings(ratings: Ratings | None, model: Model | None) -> list[Reading]:
    """Return what QRI and QMD say; 0 means that the device does not know."""
    found: dict[str, Value | None] = {}
    if ratings is not None:
        found |= {
            "output.voltage.nominal": ratings.volts or None,
            "output.current.nominal": ratings.amperes or None,
            "battery.voltage.nominal": ratings.battery_volts or None,
            "output.frequency.nominal": ratings.hertz or None,
        }
    if model is not None:
        found |= {
            "ups.power.nominal": model.apparent,
            "input.phases": model.input_phases,
            "output.phases": model.output_phases,
            "input.voltage.nominal": model.input_volts,
        }
        if model.apparent and model.power_factor:
            found["ups.realpower.nominal"] = round(model.apparent * model.power_factor / 100.0, 1)
    return said(found)


class VoltronicDriver:
    """Reads one UPS: QGS, QMOD and QBV each time; the rest first, and with everything else."""

    def __init__(self, link: Link) -> None:
        """Remember the line."""
        self._asker = Asker(link)
        self._identity = Identity()
        self._ratings: Ratings | None = None
        self._model: Model | None = None
        self._warned = ""
        self._has: frozenset[str] = frozenset()
        """Which of QMOD and QWS it knows."""

    @property
    def identity(self) -> Identity:
        """See ``Driver.identity``."""
        return self._identity

    @property
    def verbs(self) -> frozenset[Verb]:
        """See ``Actor.verbs``."""
        return TEST

    async def act(self, verb: Verb, output: str, seconds: float) -> str:  # noqa: ARG002 - see Actor
        """See ``Actor.act``."""
        if verb is not Verb.BATTERY_TEST:
            raise CommandRefused(f"a UPS knows no {verb.value}")
        return await self._asker.battery_test(self._tests)

    async def _tests(self) -> bool:
        state = await self._asker.required("QGS", parse_state, PROTOCOL)
        mode = await self._asker.required("QMOD", parse_mode, PROTOCOL) if "QMOD" in self._has else ""
        return "CAL" in (flags(state, mode, "") or ())

    async def close(self) -> None:
        """See ``Driver.close``."""
        self._asker.contact = False
        await self._asker.link.close()

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:
        """See ``Driver.read``."""
        asker = self._asker
        anew = not asker.contact
        try:
            state = await asker.required("QGS", parse_state, PROTOCOL)
            if anew:
                await self._introduce()
            # What it knew at first it must know: flags must not come and go with an answer that was lost.
            mode = await asker.required("QMOD", parse_mode, PROTOCOL) if "QMOD" in self._has else ""
            if "QWS" in self._has and (anew or lane is Lane.ALL):
                self._warned = await asker.required("QWS", parse_warnings, PROTOCOL)
        except DeviceError:
            asker.contact = False
            raise
        asker.contact = True
        battery = await asker.optional("QBV", parse_battery)
        found = state_readings(state, mode, self._warned, battery)
        if lane is Lane.FAST:
            return [reading for reading in found if reading.quantity in {"ups.status", "battery.charge"}]
        last = await asker.optional("QFS", parse_fault)
        if last is not None:
            found += said({"x.ups.fault.last": fault(last)})
        self._ratings = await asker.optional("QRI", parse_ratings) or self._ratings
        self._model = await asker.optional("QMD", parse_model) or self._model
        return [*found, *rating_readings(self._ratings, self._model), *names(self._identity)]

    async def _introduce(self) -> None:
        """Ask what it knows, and what it is called."""
        self._asker.forget()
        self._ratings, self._warned = None, ""
        ask = self._asker.optional
        mode, warned = await self._asker.knows("QMOD", parse_mode), await self._asker.knows("QWS", parse_warnings)
        self._has = frozenset(name for name, answer in (("QMOD", mode), ("QWS", warned)) if answer is not None)
        protocol = await ask("QPI", parse_protocol)
        self._model = await ask("QMD", parse_model)
        serial = await ask("QID", parse_serial)
        self._identity = Identity(
            profile=f"voltronic-p{protocol}" if protocol else "voltronic",
            manufacturer=await ask("QMF", parse_maker) or "",
            model=self._model.model if self._model else "",
            serial=serial if serial and set(serial) != {"0"} else "",
            firmware=await ask("QVFW", parse_firmware) or "",
        )
