"""The main job, end to end, on simulated devices: from a power cut to a phone, and back.

Real processes speak the real protocols over loopback: an MQTT broker, three UPSes, two agents, the gateway. The person
on call is played too: a mailbox receives the message, and their answer is given on the page behind its link.
"""

import asyncio
import contextlib
import http.client
import json
import re
import signal
import socket
import sys
import tempfile
import time
import unicodedata
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Callable, Collection
from pathlib import Path
from typing import Any, TypeVar

from contract.errors import WolfsmokeError
from firmware_sims import broker, control, demo_site, site
from firmware_sims.mailbox import Mail, Mailbox

T = TypeVar("T")
POWERED = "server-room"
"""The UPS whose mains fails."""
STEP = 60.0
"""Seconds that a step may take before the story has failed, if nothing else is asked for."""
LOOK = 0.02
"""Seconds between two looks."""


class Failed(WolfsmokeError):
    """A step of the story did not happen."""


class Story:
    """What happened, and when."""

    def __init__(self) -> None:
        """Begin now."""
        self.rows: list[tuple[str, float, str]] = []
        self._begun = time.time()

    def tell(self, what: str, detail: str = "", at: float | None = None) -> float:
        """Say a step as it happens; ``at`` is when it happened (seconds since 1970) if not now."""
        moment = time.time() if at is None else at
        self.rows.append((what, moment, detail))
        print(f"  {moment - self._begun:7.2f} s  {what}{f': {detail}' if detail else ''}", flush=True)
        return moment

    def timeline(self) -> str:
        """Return the table of the steps with the delay of each after the one before."""
        lines = ["", "  timeline                                          at        after the last"]
        before = self.rows[0][1] if self.rows else 0.0
        first = before
        for what, moment, _ in self.rows:
            lines.append(f"  {_padded(what, 44)} {moment - first:9.3f} s {moment - before:+12.3f} s")
            before = moment
        return "\n".join(lines)


def _padded(text: str, columns: int) -> str:
    """Return a text filled up with blanks; a Chinese character takes two columns of a terminal."""
    return text + " " * (columns - sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text))


def main(*, once: bool, patience: float = STEP, without: Collection[str] = ()) -> int:
    """Run the demo; return 0 if every step of the story happened.

    Args:
        once: end after the story, instead of going on until told otherwise.
        patience: seconds that a step may take.
        without: acts to leave out, to see that the story can fail.
    """
    try:
        return asyncio.run(_main(once=once, patience=patience, without=without))
    except WolfsmokeError as error:
        print(f"the demo failed: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130 if once else 0  # once: cut short is not "every step happened"


async def _main(*, once: bool, patience: float, without: Collection[str]) -> int:
    story = Story()
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - asyncio.run made one
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)  # so that our processes end with us
    with tempfile.TemporaryDirectory(prefix="wolfsmoke-demo-") as name:
        folder = Path(name)
        async with contextlib.AsyncExitStack() as stack:
            ports = demo_site.Ports(board=_free_port(), smtp=_free_port())
            devices = await stack.enter_async_context(site.running(demo_site.SITE, time.monotonic, folder))
            broker_port = await stack.enter_async_context(broker.running(demo_site.USERS, folder / "broker"))
            mailbox = stack.enter_context(Mailbox(ports.smtp, refuses="mail" in without))
            files = demo_site.write(folder, ports, broker_port, {n: d.url for n, d in devices.devices.items()})
            print("wolfsmoke demo 狼烟演示: a simulated site with three UPSes, two agents, the gateway\n", flush=True)
            gateway = await stack.enter_async_context(_process(folder, "gateway", files.gateway))
            agents = [await stack.enter_async_context(_process(folder, "agent", path)) for path in files.agents]
            desk = Desk(folder / "gateway" / "control.sock", gateway, patience)
            try:
                await _ready(story, ports.board, desk)
                print(f"\n  board 看板: http://127.0.0.1:{ports.board}/\n", flush=True)
                await _tell(story, devices, desk, mailbox, without)
            finally:
                print(story.timeline(), flush=True)
            if once:
                print("\n  every step happened", flush=True)
                return 0
            await _stay(ports.board, devices, [gateway, *agents])
    return 0


async def _tell(
    story: Story, devices: site.Site, desk: "Desk", mailbox: Mailbox, without: Collection[str] = ()
) -> None:
    """Play the story, step by step; raise Failed at the first that does not happen."""
    if "cut" not in without:
        devices.ups(POWERED).cut()
    cut = story.tell("mains lost", f"at the UPS of the {POWERED}")
    opened = await desk.event("opened", "alarm raised, clause 3.1.1 in force", after=cut)
    raised = opened["data"]["symptom"]["since"]
    story.tell("alarm raised", "on-battery, judged by the agent", at=raised)
    story.tell("clause 3.1.1 in force", f"incident {desk.code}", at=opened["at"])
    mail = await desk.until(lambda: mailbox.find(desk.code), "message to the person on call")
    story.tell("message to the person on call", f"{mail.to}: {mail.subject}", at=mail.at)
    if "answer" not in without:
        await asyncio.to_thread(_press, _link(mail), "mine", {})
    mine = await desk.event("mine", "acknowledged 我处理", after=mail.at)
    story.tell("acknowledged 我处理", f"by {mine.get('who', '')}", at=mine["at"])
    if "restore" not in without:
        devices.ups(POWERED).restore()
    back = story.tell("mains back")
    gone = await desk.event("cause-gone", "cause gone", after=back)
    story.tell("cause gone", gone.get("text", ""), at=gone["at"])
    checked = await desk.event("checked", "cause checked", after=back)
    story.tell("cause checked", checked.get("text", ""), at=checked["at"])
    if "close" not in without:
        await asyncio.to_thread(_press, _link(mail), "close", {"reason": "市电已恢复，UPS 读数正常"})
    closed = await desk.event("closed", "incident closed", after=back)
    story.tell("incident closed", f"by {closed.get('who', 'itself')}", at=closed["at"])


class Desk:
    """The gateway's control socket, and the one incident of the story."""

    def __init__(self, path: Path, gateway: asyncio.subprocess.Process, patience: float) -> None:
        """Take the socket's path, the process that serves it, and how many seconds a step may take."""
        self._path = path
        self._gateway = gateway
        self._patience = patience
        self.code = ""

    async def event(self, kind: str, step: str, *, after: float) -> dict[str, Any]:
        """Wait for an event of the incident that began after a moment.

        Raises:
            Failed: it did not come in time; ``step`` says which one.
        """

        def look() -> dict[str, Any] | None:
            if not self.code:
                fresh = [
                    each
                    for each in self.get("/incidents")["incidents"]
                    if each["opened"] >= after - 1 and "3.1.1" in each["clause"]
                ]
                if not fresh:
                    return None
                self.code = fresh[0]["code"]
            events = self.get(f"/incidents/{self.code}")["timeline"]
            return next((event for event in events if event["kind"] == kind and event["at"] >= after - 1), None)

        return await self.until(look, step)

    async def until(self, look: Callable[[], T | None], step: str) -> T:
        """Look again and again until something is there.

        Raises:
            Failed: it was not there in time, or the gateway has ended.
        """
        end = time.monotonic() + self._patience
        while time.monotonic() < end:
            if self._gateway.returncode is not None:
                what = f"{step}: the gateway ended with exit code {self._gateway.returncode}"
                raise Failed(what, hint="its words stand above")
            try:
                found = await asyncio.to_thread(look)
            except (OSError, ValueError, KeyError, http.client.HTTPException):
                found = None  # it is just starting, or just ending
            if found:
                return found
            await asyncio.sleep(LOOK)
        raise Failed(f"{step}: did not happen within {self._patience:g} s", hint="the logs of the parts stand above")

    def get(self, path: str) -> Any:
        """Ask the control socket."""
        connection = _UnixConnection(self._path)
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket's file."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(5)
        self.sock.connect(str(self._path))


async def _ready(story: Story, port: int, desk: Desk) -> None:
    await desk.until(lambda: desk.get("/incidents"), "gateway ready")
    story.tell("gateway ready")
    wanted = len(demo_site.SITE.ups)
    await desk.until(lambda: _reading_devices(port) >= wanted, f"readings of {wanted} UPSes")
    story.tell("readings arrive", f"{wanted} UPSes")


def _reading_devices(port: int) -> int:
    """Return how many UPSes the board shows with fresh readings and a known status."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/live.json", timeout=5) as answer:
            live = json.loads(answer.read())
    except (OSError, ValueError):
        return 0
    upses = [device for device in live["devices"] if "/ups-" in device["key"]]
    return sum(device["state"] == "fine" and bool(device["flags"]) for device in upses)


def _link(mail: Mail) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+/i/\S+", mail.text)
    if found is None:
        raise Failed("the message holds no link")
    return found[0]


def _press(link: str, button: str, fields: dict[str, str]) -> None:
    """Open the page as a person would, and press a button on it."""
    try:
        with urllib.request.urlopen(link, timeout=5) as page:
            html = page.read().decode()
    except OSError as error:
        raise Failed(f"the page of the message cannot be opened: {error}") from None
    action = re.search(rf'action="([^"]*/{button})"', html)
    if action is None:
        raise Failed(f"the page has no button for {button!r}")
    target = urllib.parse.urljoin(link, action[1])
    try:
        with urllib.request.urlopen(
            urllib.request.Request(target, data=urllib.parse.urlencode(fields).encode(), method="POST"), timeout=5
        ):
            pass
    except urllib.error.HTTPError as error:
        raise Failed(f"the button {button!r} was refused: {_sentence(error.read().decode())}") from None
    except OSError as error:
        raise Failed(f"the button {button!r}: the page does not answer: {error}") from None


def _sentence(html: str) -> str:
    """Return what a page says, without its tags."""
    return " ".join(re.sub(r"<(style|script|head).*?</\1>|<[^>]+>", " ", html, flags=re.DOTALL).split())[:300]


@contextlib.asynccontextmanager
async def _process(folder: Path, part: str, config: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run an agent or the gateway as its own process; end it by SIGTERM."""
    command = Path(sys.executable).with_name(f"wolfsmoke-{part}")
    process = await asyncio.create_subprocess_exec(str(command), "run", "--config", str(config), cwd=folder)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), 10)
            except TimeoutError:
                process.kill()
                await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _stay(port: int, devices: site.Site, processes: list[asyncio.subprocess.Process]) -> None:
    """Leave the site running: cut and restore by a word on the terminal."""
    print(
        f"\n  The site goes on. The board is at http://127.0.0.1:{port}/ ; type `cut NAME`, `restore NAME` (or all),\n  `set NAME FIELD VALUE`, `fault NAME KIND`, `quit`.\n"
        f"  Devices: {', '.join(devices.devices)}\n",
        flush=True,
    )
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while all(process.returncode is None for process in processes):
        line = (await reader.readline()).decode(errors="replace")
        if not line or line.strip() == "quit":
            return
        word, _, name = line.strip().partition(" ")
        try:
            if word in ("cut", "restore"):
                await control.obey(devices, f"{word} {name or 'all'}")
            elif word:
                await control.obey(devices, line.strip())
        except WolfsmokeError as error:
            print(error, flush=True)
