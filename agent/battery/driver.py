"""Puts the truth of the battery around the driver of a UPS: our own clock of an outage, the learned runtime, the promise.

It takes what the driver says, whatever the protocol: status, load, battery voltage, temperature and charge, and the runtime
that the UPS claims, where nothing better is known. It adds readings, and takes none away.
"""

import logging
import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from agent.battery import curve, model, outage, promise
from agent.battery.model import Known, Outlook, Run, Sample
from agent.battery.outage import Outage
from agent.drivers.base import Driver, Identity, Lane, obey, verbs
from agent.memo import Memo
from contract.clock import Clock, Stamp
from contract.command import Verb
from contract.reading import Reading, Value, judged, unavailable

_log = logging.getLogger(__name__)

GAP: Final = 60.0
"""Seconds of silence after which what happened meanwhile is not known."""
OLD: Final = 600.0
"""Seconds after which a load or a temperature is no longer the present one."""
MINUTES: Final = 20
"""Whose mean load is reckoned with: the runtime must not jump with every compressor that starts."""
SAVE: Final = 60.0
"""Seconds between two saves while the battery is drained."""
LOOK: Final = 10.0
"""Seconds between two estimates meanwhile."""
NO_CLAIMS: Final = (0.0, 65535.0, 65535.0 * 60.0)
"""Runtimes that stand for none, or for more than fits into 16 bits of seconds or minutes."""
LONGEST: Final = 5e6
"""Seconds that are told of; what nothing is drawn from lasts for ever."""
SPENT: Final = 0.4
"""Depth from which an output that goes off is taken for the battery's end: old ones collapse long before they are reckoned to."""
SURE: Final = 3.0
"""Without a claim and without a lesson, how far apart the bounds may be to be worth saying."""


class Kept(msgspec.Struct, frozen=True):
    """What is kept on disk of one UPS."""

    known: Known = Known()
    outage: Outage | None = None
    run: Run | None = None
    low: bool = False
    """LB stood when the UPS was last heard."""
    last: Stamp = Stamp()
    """When that was, while the battery was drained."""
    depth: float = 0.0
    """At the end of the last discharge."""
    ended: Stamp | None = None
    date: str = ""
    """``battery.date``: another one is another battery."""


class BatteryDriver:
    """A UPS's driver, and more."""

    def __init__(self, inner: Driver, clock: Clock, memo: Memo[Kept], promised: float | None = None) -> None:
        """Take the driver, the clock, where to remember, and the promised runtime (s)."""
        self._inner = inner
        self._clock = clock
        self._memo = memo
        self._promised = promised
        self._kept: Kept | None = None
        self._heard: dict[str, tuple[float, Value]] = {}
        """Good values by quantity, and when each was said (boottime)."""
        self._load: float | None = None
        """What is reckoned with, and how far the minutes rise above it."""
        self._peak = 0.0
        self._minutes: deque[tuple[int, float, int]] = deque(maxlen=MINUTES)
        """The last minutes: which, sum and count of the loads."""
        self._looked: tuple[float, Sample] | None = None
        self._estimated = -math.inf
        self._outlook: Outlook | None = None
        self._flags: tuple[str, ...] = ()
        self._saved = -math.inf
        self._rested: tuple[float, float] | None = None
        """When it was last on mains (boottime), and the charge that it showed then."""
        self._on_mains_once = False
        """Whether this process has seen mains: then it has seen every outage begin."""

    @property
    def identity(self) -> Identity:
        """See ``Driver.identity``."""
        return self._inner.identity

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:
        """See ``Driver.read``."""
        if self._kept is None:
            self._kept = await self._memo.load() or Kept()
        readings = await self._inner.read(lane)
        try:
            ours = self._follow(self._kept, readings, lane)
        except (ArithmeticError, LookupError, ValueError):  # what the UPS says is never lost to our arithmetic
            _log.exception("%s: what was learned of the battery makes no sense; starting anew", self.identity.model)
            self._kept, ours = Kept(), []
        return [*readings, *ours]

    @property
    def verbs(self) -> frozenset[Verb]:
        """See ``Actor.verbs``."""
        return verbs(self._inner)

    async def act(self, verb: Verb, output: str, seconds: float) -> str:
        """See ``Actor.act``."""
        return await obey(self._inner, verb, output, seconds)

    async def close(self) -> None:
        """See ``Driver.close``."""
        try:
            await self._inner.close()
        finally:
            if self._kept is not None and self._kept.run is not None:
                self._memo.save(self._kept)
            await self._memo.close()

    def _follow(self, kept: Kept, readings: Sequence[Reading], lane: Lane) -> list[Reading]:
        """Take one poll; return what we make of it."""
        now = self._clock.stamp()
        said = {each.quantity: each.value for each in readings if each.good and each.value is not None}
        self._heard.update((name, (now.boottime, value)) for name, value in said.items())
        self._smooth(kept, now.boottime)
        status = said.get("ups.status")
        flags = status if isinstance(status, tuple) else None
        before = kept
        kept = msgspec.structs.replace(kept, outage=self._clocked(kept.outage, flags, said, now))
        kept = self._drained(kept, flags, said, now)
        if kept.run is None:
            kept = self._on_mains(kept, now, lane)
        self._kept = kept
        fresh = kept.date != before.date
        turned = (
            fresh
            or (before.run is None) is not (kept.run is None)
            or (before.outage is None) is not (kept.outage is None)
        )
        if turned or (kept.run is not None and now.boottime - self._saved >= SAVE):
            self._saved = now.boottime
            self._memo.save(kept)
        quiet = (kept.run is None and kept.outage is None) or now.boottime - self._estimated < LOOK
        return [] if lane is Lane.FAST and quiet and not turned else self._told(kept, now)

    def _clocked(
        self, before: Outage | None, flags: tuple[str, ...] | None, said: Mapping[str, Value], now: Stamp
    ) -> Outage | None:
        """Follow the outage; of one that was there before we looked, the UPS's own count is believed."""
        after = outage.follow(before, flags, now)
        count = said.get("x.ups.on-battery.time")
        if before is None and after is not None and not self._on_mains_once and isinstance(count, float | int):
            after = msgspec.structs.replace(after, carried=float(count))
        self._on_mains_once = self._on_mains_once or (flags is not None and after is None)
        return after

    def _drained(self, kept: Kept, flags: tuple[str, ...] | None, said: Mapping[str, Value], now: Stamp) -> Kept:
        """Follow a discharge: an outage, a self-test, a calibration."""
        if flags is None:
            return kept
        draining = "OB" in flags or ("CAL" in flags and "DISCHRG" in flags)
        run = kept.run
        if run is None and not draining:
            resting = self._number("battery.charge", now)
            if "OL" in flags and resting is not None:
                self._rested = now.boottime, resting
            return kept
        if run is None:
            return msgspec.structs.replace(kept, run=self._begun(kept, now), last=now, low=False)
        seconds = _since(kept.last, now)
        if not draining:
            empty = "OFF" in flags and (kept.low or self._spent(kept, run))
            empty = empty or (seconds > GAP and (kept.low or _restarted(said, seconds)))
            if seconds <= GAP:
                run = model.carried_on(run, seconds, self._load, self._celsius(now))
            return self._ended(kept, run, now, empty=empty)
        run = model.carried_on(run, seconds, self._load, self._celsius(now))
        charge = said.get("battery.charge")
        if isinstance(charge, float | int):
            run = msgspec.structs.replace(run, left=float(charge))
        volts = said.get("battery.voltage")
        known = kept.known
        if isinstance(volts, float | int):
            known, run = self._sampled(known, run, float(volts), now)
        claim = self._claim(now)
        if claim is not None and self._load is not None and _blank(known):
            left = claim + run.use / model.rate(self._load, self._celsius(now), run.exponent)
            known = model.claimed(known, left, self._load, self._celsius(now), run.start)
        return msgspec.structs.replace(kept, known=known, run=run, last=now, low="LB" in flags)

    def _spent(self, kept: Kept, run: Run) -> bool:
        """Say whether an output that went off without a warning was the battery's end, and nobody's hand, as far as can be told."""
        return model.depth(kept.known, run) >= SPENT

    def _begun(self, kept: Kept, now: Stamp) -> Run:
        charge = self._number("battery.charge", now)
        if self._rested is not None and now.boottime - self._rested[0] <= OLD:
            charge = self._rested[1]  # many reckon it by the voltage, which sags with the first second on battery
        start = 0.0 if charge is None or charge >= 95.0 else 1.0 - charge / 100.0
        self._looked, self._estimated = None, -math.inf
        return Run(
            exponent=kept.known.exponent,
            start=max(start, self._depth(kept, now)),
            charge=charge,
            left=charge,
        )

    def _ended(self, kept: Kept, run: Run, now: Stamp, *, empty: bool) -> Kept:
        wall = now.wall if now.trusted else 0.0
        depth = 1.0 if empty else model.depth(kept.known, run)
        known = model.learned(model.aged(kept.known, wall), run, empty=empty, wall=wall)
        if known.runs > kept.known.runs:
            was, became = (math.exp(each.capacity) / 60.0 for each in (kept.known, known))
            how = "down to the end" if empty else "in part"
            _log.info("a discharge %s taught: %.0f min at full load, where %.0f were taken", how, became, was)
        return msgspec.structs.replace(kept, known=known, run=None, low=False, depth=depth, ended=now)

    def _sampled(self, known: Known, run: Run, volts: float, now: Stamp) -> tuple[Known, Run]:
        cells = curve.cells(volts, self._number("battery.voltage.nominal", now, math.inf))
        load = self._number("ups.load", now)
        if cells is None or load is None:
            return known, run
        look = Sample(run.use, volts / cells, load / 100.0)
        if self._looked is not None and run.seconds >= model.SETTLE and now.boottime - self._looked[0] <= GAP:
            known = model.stepped(known, self._looked[1], look)
        self._looked = now.boottime, look
        return known, model.sampled(run, look.cell, look.load)

    def _on_mains(self, kept: Kept, now: Stamp, lane: Lane) -> Kept:
        if lane is Lane.FAST:
            return kept
        known = model.aged(kept.known, now.wall if now.trusted else 0.0)
        heard = self._heard.get("battery.date")
        date = heard[1] if heard and isinstance(heard[1], str) else kept.date
        if kept.date and date != kept.date:
            _log.info("battery.date is %s, and was %s: another battery, to be learned anew", date, kept.date)
            known = model.replaced(known)
        claim, charge = self._claim(now), self._number("battery.charge", now)
        if claim is not None and self._load is not None and (charge is None or charge >= 50.0):
            left = 0.0 if charge is None else 1.0 - charge / 100.0
            known = model.claimed(known, claim, self._load, self._celsius(now), left)
        return msgspec.structs.replace(kept, known=known, date=date)

    def _told(self, kept: Kept, now: Stamp) -> list[Reading]:
        """Return our readings."""
        elapsed = kept.outage.elapsed(now) if kept.outage is not None else None
        if now.boottime - self._estimated >= LOOK or kept.run is None:
            self._outlook, self._estimated = self._estimate(kept, now), now.boottime
        found = self._outlook
        told = [judged("x.battery.elapsed", 0.0 if elapsed is None else round(elapsed, 1))]
        if found is None:
            told += [unavailable("x.battery.runtime.learned"), unavailable("x.battery.runtime.error")]
        else:
            told.append(judged("x.battery.runtime.learned", _seconds(found.middle)))
            told.append(judged("x.battery.runtime.error", _seconds((found.high - found.low) / 2.0)))
        blank = _blank(kept.known)
        told.append(judged("x.battery.endurance", None if blank else _seconds(math.exp(kept.known.capacity))))
        if self._promised is not None:
            testing = kept.run is not None and elapsed is None  # what a test has drained is no finding
            self._flags = (
                self._flags
                if testing and self._flags
                else promise.judged(
                    self._promised, found, elapsed=elapsed, proven=kept.known.runs > 0, before=self._flags
                )
            )
            told.append(judged("x.battery.promise", self._flags))
            told.append(judged("x.battery.promised", self._promised))
        return told

    def _estimate(self, kept: Kept, now: Stamp) -> Outlook | None:
        if self._load is None:
            return None
        celsius = self._celsius(now)
        if kept.run is not None:
            found = model.outlook(kept.known, kept.run, self._load, celsius, self._peak)
            vague = _blank(kept.known) and found.high > SURE * found.low
            return None if vague else found
        if _blank(kept.known):
            return None
        charge = self._number("battery.charge", now)
        left = 0.0 if charge is None or charge >= 95.0 else 1.0 - charge / 100.0
        return model.ahead(kept.known, max(left, self._depth(kept, now)), self._load, celsius, self._peak)

    def _depth(self, kept: Kept, now: Stamp) -> float:
        """Return how deep the battery still is from its last discharge, whatever the UPS calls full."""
        return model.recharged(kept.depth, _since(kept.ended, now)) if kept.ended is not None else 0.0

    def _smooth(self, kept: Kept, now: float) -> None:
        """Bring the load that is reckoned with to what the UPS says."""
        at, value = self._heard.get("ups.load", (-math.inf, None))
        if not isinstance(value, float | int) or now - at > OLD:
            self._load = None
            return
        minutes, minute = self._minutes, int(now / 60.0)
        if at == now:
            _, total, count = minutes.pop() if minutes and minutes[-1][0] == minute else (minute, 0.0, 0)
            minutes.append((minute, total + float(value) / 100.0, count + 1))
        while minutes and minutes[0][0] <= minute - MINUTES:
            minutes.popleft()
        if minutes:
            loads = [total / count for _, total, count in minutes]
            self._load = model.alike(loads, kept.run.exponent if kept.run is not None else kept.known.exponent)
            self._peak = max(loads) - self._load

    def _celsius(self, now: Stamp) -> float | None:
        celsius = self._number("battery.temperature", now)
        return celsius or None  # 0 is what cards say that have no probe

    def _claim(self, now: Stamp) -> float | None:
        claim = self._number("battery.runtime", now)
        return None if claim in NO_CLAIMS else claim

    def _number(self, quantity: str, now: Stamp, old: float = OLD) -> float | None:
        """Return the last good value of a quantity, if it is not too old."""
        at, value = self._heard.get(quantity, (-math.inf, None))
        return float(value) if isinstance(value, float | int) and now.boottime - at <= old else None


def _restarted(said: Mapping[str, Value], seconds: float) -> bool:
    """Say whether the card started anew while it was silent: the UPS that feeds it had given up, LB or not."""
    uptime = said.get("device.uptime")
    return isinstance(uptime, float | int) and uptime < seconds


def _seconds(value: float) -> float:
    return float(round(min(LONGEST, value)))


def _blank(known: Known) -> bool:
    """Say whether nothing is known: neither a lesson nor a claim."""
    return not known.runs and known.spread[0] >= model.NOTHING**2


def _since(before: Stamp, now: Stamp) -> float:
    """Return the seconds between two moments; between two boots only if both walls were trusted, else none."""
    if before.boot != now.boot and not (before.trusted and now.trusted):
        return 0.0
    return max(0.0, now.since(before))
