"""From settings, or from a URL, to a driver. Links are imported only when they are needed."""

from agent.config import Device
from agent.drivers import url as urls
from agent.drivers.base import Driver
from agent.links.snmp import Engine, SnmpTarget
from agent.links.snmp_engines import open_link
from contract.errors import UsageError
from contract.settings import did_you_mean


def from_settings(settings: Device) -> Driver:
    """Return the driver of a device of the config; it connects at its first read."""
    if settings.snmp is not None:
        return _snmp(settings.snmp.target(), settings.profile, settings.snmp.engine)
    assert settings.megatec is not None  # noqa: S101 - the settings are checked
    return _megatec(settings.megatec.port, settings.megatec.baudrate)


def from_url(url: str, profile: str = "") -> Driver:
    """Return the driver of a device that a URL points at.

    Raises:
        UsageError: the URL is wrong.
    """
    match urls.parse(url):
        case urls.SnmpUrl(target, engine):
            _check_profile(profile)
            return _snmp(target, profile, engine)
        case urls.MegatecUrl(port, baudrate):
            if profile:
                raise UsageError("a profile is for SNMP", hint="leave --profile out")
            return _megatec(port, baudrate)


def _check_profile(name: str) -> None:
    from agent.profiles import load_profiles  # noqa: PLC0415 - reads tables; only where they are needed

    names = [profile.name for profile in load_profiles()]
    if name and name not in names:
        raise UsageError(f"no profile {name!r}", hint=did_you_mean(name, names))


def _snmp(target: SnmpTarget, profile: str, engine: Engine) -> Driver:
    from agent.drivers.snmp import SnmpDriver  # noqa: PLC0415
    from agent.profiles import load_profiles  # noqa: PLC0415

    return SnmpDriver(open_link(target, engine), load_profiles(), profile)


def _megatec(port: str, baudrate: int = 2400) -> Driver:
    from agent.drivers.megatec import MegatecDriver  # noqa: PLC0415
    from agent.links.serial import SerialLink  # noqa: PLC0415 - pyserial only where there is a serial port

    return MegatecDriver(SerialLink(port, baudrate=baudrate))
