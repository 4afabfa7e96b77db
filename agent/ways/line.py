"""A line to the world outside, clause 3.1.4: what is asked at its far ends, and what the self-check may look at.

::

    [device.line]
    carrier = "telecom"
    interface = "eth1"                       # probes leave by it; left out: as the kernel's routes say
    gateway = "192.0.2.1"                    # the last router that is ours; left out: the next hop
    gateway_is = "ours"                      # or "carrier's": it is the first one of the carrier's, as on a leased line
    equipment = { address = "192.168.1.1" }  # or { device = "cpe" }: a device of this agent
    port = { device = "core-switch", name = "Gi0/24" }
    power = { device = "ups-1" }             # what feeds the equipment
    probes = ["ping://223.5.5.5", "ping://119.29.29.29", "dns://223.5.5.5/www.example.com", "https://www.example.com/"]
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar, Final, Literal
from urllib.parse import SplitResult

import msgspec

from agent.drivers.base import Driver
from agent.ways import target
from agent.ways.base import Context
from contract.broker import host_faults
from contract.errors import UsageError
from contract.settings import Fault, Seconds, Slug, Text

_WINDOW: Final = (10.0, 3600.0)
_INTERFACE: Final = 15
"""Characters that Linux allows."""


class Degraded(msgspec.Struct, frozen=True, kw_only=True):
    """Beyond these a line is degraded: %, ms, ms; over the window."""

    loss: Annotated[float, msgspec.Meta(ge=0, le=100)] = 10.0
    delay: Annotated[float, msgspec.Meta(ge=0, le=60000)] = 500.0
    jitter: Annotated[float, msgspec.Meta(ge=0, le=60000)] = 100.0


class Equipment(msgspec.Struct, frozen=True, kw_only=True):
    """The modem, converter or router on our side: pinged, or a device of this agent, or both."""

    address: str = ""
    device: str = ""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if draft.address == "" and draft.device == "":
            yield Fault("which equipment?", 'write address = "192.168.1.1", or device = "…", or both')
        yield from _address(draft.address, "address")


class SwitchPort(msgspec.Struct, frozen=True, kw_only=True):
    """The port of a switch that the line hangs on."""

    device: Slug
    """A device of this agent that says ``x.port.#.name`` and ``x.port.#.up``."""
    name: Text
    """Its name or alias."""


class Power(msgspec.Struct, frozen=True, kw_only=True):
    """What feeds the equipment."""

    device: Slug
    """A UPS of this agent; or another device whose flags say that the power is gone."""
    quantity: str = ""
    """Of another device: where the flag is."""
    flag: str = ""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if isinstance(draft.quantity, str) and isinstance(draft.flag, str) and bool(draft.quantity) != bool(draft.flag):
            hint = 'write both: quantity = "ambient.status", flag = "MAINS"; neither for a UPS'
            yield Fault("quantity and flag go together", hint)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line, and how it is judged."""

    KINDS: ClassVar[tuple[str, ...]] = ("line",)
    EXAMPLE: ClassVar[str] = ""

    probes: tuple[Text, ...]
    """URLs; see ``agent.ways.target``. All but ``dns://`` are far targets: the line is down when all of them are silent."""
    carrier: str = ""
    interface: str = ""
    source: str = ""
    """The address that probes leave from."""
    gateway: str = ""
    """Where our side ends. Left out: the next hop, and the carrier is named for what is behind it only where the router
    there has an address that cannot be ours."""
    gateway_is: Literal["ours", "carrier's"] = "ours"
    hop: str = ""
    """The carrier's first hop; left out: found while the line is good."""
    far_ends: Literal["apart", "together"] = "apart"
    """Whether the far targets are at several places. Together, as at head office, all of them silent may be its fault."""
    equipment: Equipment | None = None
    port: SwitchPort | None = None
    power: Power | None = None
    count: Annotated[int, msgspec.Meta(ge=1, le=20)] = 3
    """Pings of each far target and poll."""
    window: Seconds = 60.0
    degraded: Degraded = Degraded()

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        for key in ("gateway", "hop", "source"):
            yield from _address(getattr(draft, key), key)
        if isinstance(draft.interface, str) and (len(draft.interface) > _INTERFACE or "/" in draft.interface):
            yield Fault(f"{draft.interface!r} is no interface", "`ip link` lists what there is", ("interface",))
        if isinstance(draft.window, float) and not _WINDOW[0] <= draft.window <= _WINDOW[1]:
            yield Fault("too short or too long a window", 'write window = "60s": 10 s to 1 h', ("window",))
        if not isinstance(draft.probes, tuple):
            return
        yield from target.faults(draft.probes, "probes")
        texts = [text for text in draft.probes if isinstance(text, str)]
        if len(texts) == len(draft.probes) and all(text.startswith("dns:") for text in texts):
            hint = 'add "ping://…" of at least two places behind the line: what answers there proves that it carries'
            yield Fault("no far target", hint, ("probes",))
        for index, text in enumerate(texts):
            if text in texts[:index]:
                yield Fault(f"{text} twice", "write it once", ("probes", index))

    @classmethod
    def profiles(cls, kind: str) -> Sequence[str]:  # noqa: ARG003 - see Way
        """See ``Way.profiles``."""
        return ()

    @classmethod
    def from_url(cls, parts: SplitResult) -> "Line":
        """See ``Way.from_url``: a line has none."""
        hint = "write a line in the settings; what it asks can be read alone: ping://host, dns://server/name"
        raise UsageError("a line has no URL", where=f"{parts.scheme}://", hint=hint)

    def driver(self, context: Context) -> Driver:
        """See ``Way.driver``."""
        from agent.drivers.line import LineDriver  # noqa: PLC0415 - where there is a line
        from agent.drivers.line_check import Checker  # noqa: PLC0415
        from agent.drivers.line_setup import Learned  # noqa: PLC0415
        from agent.links.netif import Network  # noqa: PLC0415
        from agent.links.prober import LinkProber  # noqa: PLC0415
        from agent.memo import Memo  # noqa: PLC0415

        setup = self.setup()
        prober = LinkProber(setup.route)
        memo = Memo(Learned, context.state and context.state / f"line-{context.device}.json")
        checker = Checker(setup, prober, Network(), context.neighbours, context.clock, memo)
        return LineDriver(setup, prober, checker, context.clock)

    def setup(self) -> Any:
        """Return the line as its driver wants it: ``agent.drivers.line_setup.Setup``."""
        from agent.drivers.line_setup import Limits, PortOf, PowerOf, Setup  # noqa: PLC0415
        from agent.probing import Route  # noqa: PLC0415
        from agent.selfcheck import Setting  # noqa: PLC0415

        targets = [target.parse(text, count=self.count) for text in self.probes]
        far = tuple(each for each in targets if each.scheme != "dns")
        equipment, port, power = self.equipment or Equipment(), self.port, self.power
        return Setup(
            far=far,
            dns=tuple(each for each in targets if each.scheme == "dns"),
            route=Route(self.interface, self.source),
            carrier=self.carrier,
            gateway=self.gateway,
            hop=self.hop,
            equipment=equipment.address,
            equipment_device=equipment.device,
            port=PortOf(device=port.device, name=port.name) if port else None,
            power=PowerOf(device=power.device, quantity=power.quantity, flag=power.flag) if power else None,
            setting=Setting(
                gateway_is_carriers=self.gateway_is == "carrier's",
                apart=self.far_ends == "apart" and len({each.host for each in far}) > 1,
            ),
            window=self.window,
            limits=Limits(loss=self.degraded.loss, delay=self.degraded.delay, jitter=self.degraded.jitter),
        )


def neighbours(draft: Any) -> Iterable[tuple[str, tuple[str, str]]]:
    """Yield the devices that a line, or a draft of one, looks at, and where they are named."""
    for key in ("port", "power", "equipment"):
        name = getattr(getattr(draft, key), "device", "")
        if isinstance(name, str) and name:
            yield name, (key, "device")


def _address(text: Any, key: str) -> Iterable[Fault]:
    """Yield what is wrong with an address that must not depend on a name server; "" is none given."""
    if not isinstance(text, str) or not text:
        return
    from agent.links.route import numeric  # noqa: PLC0415 - only where one is given

    if numeric(text) is None:
        yield from host_faults(text)
        yield Fault(f"{text!r} is no address", "write its number: a name would need a name server", (key,))
