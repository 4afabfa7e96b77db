"""``wolfsmoke-gateway incident …``, ``command …`` and ``agents``: what a person asks of a running gateway, over its control socket.

What people on site read is Chinese first, English beside it; ``--json`` is for programs.

Exit codes: 0 done, 1 the gateway refused and says why, 2 wrong use, 3 the gateway cannot be reached.
"""

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any, TextIO

import httpx
import msgspec

from contract.command import Outcome, Verb
from contract.errors import ConfigError, UsageError
from contract.quantities import find
from gateway import cli_headquarters, cli_reports
from gateway.alarms import cli as alarms
from gateway.board import outlook
from gateway.board.words import Words
from gateway.control import SOCKET
from gateway.notify.message import clock_time
from gateway.plan.countdown import Countdown

DEFAULT_CONFIG = Path("/etc/wolfsmoke/gateway.toml")
REFUSED = 1
USAGE = 2
UNREACHABLE = 3
_TIMEOUT = 10.0
_WITH_TEXT = frozenset({"note", "handover", "decline", "progress", "approve", "refuse"})
_PATIENCE = 40.0
"""Seconds for a command, which the gateway gives up after some thirty."""


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``incident`` and what stands below it; each sets ``run``: arguments → exit code."""
    _asks(
        subparsers.add_parser("agents", help="how each agent is: its clock, what it holds, its trouble")
    ).set_defaults(verb="agents")
    command = _asks(subparsers.add_parser("command", help="let an agent do something at once, and say what came of it"))
    command.add_argument("what", choices=[verb.value for verb in Verb], metavar="|".join(Verb))
    command.add_argument("device", metavar="SITE/AGENT/DEVICE")
    command.add_argument("output", nargs="?", default="", help="for on and off: which output of the device")
    command.add_argument("--seconds", type=_number, default=0.0, help="how long it stays on at the most")
    command.add_argument("--as", dest="person", required=True, metavar="PERSON", help="who you are in the contacts")
    command.set_defaults(verb="command")
    alarms.add_commands(subparsers, _asks)
    cli_reports.add_report(_asks(subparsers.add_parser("report", help="put a clause in force: you report it")), _typed)
    drill = _asks(subparsers.add_parser("drill", help="practise a clause of the plan; list, show, and stop drills"))
    drill.add_argument("what", metavar="CLAUSE|list|stop|report", help="the clause that is practised, such as 3.1.1")
    drill.add_argument("number", nargs="?", type=int, help="for report: which drill, such as 1 for DRILL1")
    drill.add_argument("--as", dest="person", default="", metavar="PERSON", help="who you are in the contacts")
    drill.add_argument("--people", default="", metavar="A,B", help="who takes part: nobody else gets a message")
    drill.add_argument("--speed", type=_number, default=1.0, help="how many times as fast as in earnest, such as 60")
    drill.add_argument("--html", type=Path, metavar="FILE", help="for report: write it as a page, too")
    drill.add_argument("--lang", choices=["zh", "en"], default="zh", help="of that page")
    drill.set_defaults(verb="drill")
    incident = subparsers.add_parser("incident", help="list, show, answer and close incidents")
    verbs = incident.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = _verb(verbs, "list", "the open incidents")
    listing.add_argument("--all", action="store_true", help="closed ones too")
    again = _verb(verbs, "recurring", "what came more than once: the same clause on the same device")
    again.add_argument("--days", type=float, default=31.0, help="in how many of the last days (31)")
    for name, what in {
        "show": "one incident with its timeline",
        "seen": "收到: you know of it; repeats to you stop",
        "mine": "我处理: you take it on; the escalation stops",
        "step": "tick off a step of the plan, by its number in `show`",
        "shed": "say that a load of the list in `show` is switched off, by its number",
        "note": "write a sentence into its timeline",
        "close": "close it: once the cause is checked, or with a reason",
        "handover": "移交: ask another person to take it over from you; it stays yours until they accept",
        "accept": "接手: take over what was handed to you",
        "decline": "不接手: it goes back to the one who wanted to hand it over",
        "progress": "进展: you still work on it, and how far you are",
        "reopen": "重新打开: what was closed is not over; people are told afresh",
        **cli_reports.VERBS,
        **cli_headquarters.VERBS,
    }.items():
        verb = _verb(verbs, name, what)
        verb.add_argument("code", help="the incident's code, such as A17")
        if name != "show":
            verb.add_argument(
                "--as", dest="person", required=True, metavar="PERSON", help="who you are in the contacts"
            )
        cli_reports.add_verb(verb, name)
        cli_headquarters.add_verb(verb, name)
        if name == "close":
            verb.add_argument("--reason", default="", help="why it is closed before its cause is gone and checked")
        if name == "reopen":
            verb.add_argument("--reason", required=True, help="what is not over")
        if name == "handover":
            verb.add_argument("to", help="who is asked, by their id in the contacts")
            verb.add_argument("text", help="where it stands, and what is to be done")
        if name in ("decline", "progress"):
            verb.add_argument("text", nargs="?", default="", help="why, or how far")
        if name in ("step", "shed"):
            verb.add_argument("number", type=int, help=f"the {'step' if name == 'step' else 'load'}'s number, from 1")
        if name == "note":
            verb.add_argument("text", help="what you saw or did")


def _number(text: str) -> float:
    """Return a number that JSON can carry."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _verb(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, what: str
) -> argparse.ArgumentParser:
    return _asks(verbs.add_parser(name, help=what, description=what))


def _asks(verb: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Let a command ask the gateway."""
    where = verb.add_mutually_exclusive_group()
    where.add_argument("--state", type=Path, metavar="DIR", help="the gateway's state directory")
    where.add_argument("--config", type=Path, metavar="FILE", help=f"its settings (default: {DEFAULT_CONFIG})")
    verb.add_argument("--json", action="store_true", help="for programs")
    verb.set_defaults(run=run)
    return verb


def run(args: argparse.Namespace) -> int:
    """Carry out one command; return the exit code."""
    try:
        socket = _state(args) / SOCKET
        answer = _ask(socket, args)
    except (ConfigError, UsageError) as error:
        return _fail(str(error), USAGE)
    except httpx.TransportError as error:
        where = f"no gateway answers on {socket}: {_why(error, socket)}"
        hint = "is it running? try: systemctl status wolfsmoke-gateway; or name its directory with --state"
        return _fail(f"{where} ({hint})", UNREACHABLE)
    try:
        body = answer.json()
    except ValueError:
        return _fail(f"what answers on {socket} is no wolfsmoke gateway", UNREACHABLE)
    if answer.status_code >= 500:
        return _fail(_sentence(body, "the gateway failed; its log says why"), UNREACHABLE)
    if answer.status_code >= 400:
        return _fail(_sentence(body, "the gateway refused"), REFUSED)
    _show(args, body, sys.stdout)
    return REFUSED if args.verb == "command" and body["outcome"] != Outcome.DONE else 0


def devices(state: Path) -> list[dict[str, Any]] | None:
    """Return the devices that a running gateway knows, as ``gateway.evidence.inventory`` says; None when none answers."""
    transport = httpx.HTTPTransport(uds=str(state / SOCKET))
    try:
        with httpx.Client(transport=transport, base_url="http://gateway", timeout=_TIMEOUT) as client:
            answer = client.get("/devices")
            body = answer.json() if answer.is_success else {}
    except (httpx.TransportError, ValueError):
        return None
    found = body.get("devices") if isinstance(body, dict) else None
    return found if isinstance(found, list) else None


def _state(args: argparse.Namespace) -> Path:
    if args.state is not None:
        return Path(args.state)
    from gateway import config  # noqa: PLC0415 - its file is needed only without --state

    return config.state_of(args.config or DEFAULT_CONFIG)


def _ask(socket: Path, args: argparse.Namespace) -> httpx.Response:
    transport = httpx.HTTPTransport(uds=str(socket))
    with httpx.Client(transport=transport, base_url="http://gateway", timeout=_TIMEOUT) as client:
        if "request" in args:
            method, path, more = args.request(args)
            if method == "GET":
                return client.get(path, params=more)
            return client.post(
                path, json={key: _typed(one) if isinstance(one, str) else one for key, one in more.items()}
            )
        match args.verb:
            case "agents":
                return client.get("/agents")
            case "command":
                return client.post("/command", json=_command(args), timeout=_PATIENCE)
            case "drill":
                return _drill(client, args)
            case "list":
                return client.get("/incidents", params={"closed": args.all})
            case "recurring":
                return client.get("/recurring", params={"days": args.days})
            case "show":
                return client.get(f"/incidents/{_code(args)}")
            case verb:
                body: dict[str, Any] = {"person": _typed(args.person)}
                body |= {"reason": _typed(args.reason)} if verb in ("close", "reopen") else {}
                body |= {"text": _typed(args.text)} if verb in _WITH_TEXT else {}
                body |= {"to": _typed(args.to)} if verb == "handover" else {}
                body |= {"number": args.number} if verb in ("step", "shed") else {}
                body |= {"level": args.level} if verb == "confirm" else {}
                body |= cli_headquarters.body(args, _typed)
                return client.post(f"/incidents/{_code(args)}/{verb}", json=body)


def _drill(client: httpx.Client, args: argparse.Namespace) -> httpx.Response:
    match args.what:
        case "list":
            return client.get("/drills")
        case "report":
            if args.number is None:
                raise UsageError("which drill?", hint="name its number: drill report 1; drill list shows them")
            if args.html is not None:
                page = client.get(f"/drills/{args.number}/page", params={"language": args.lang})
                if page.is_success:
                    _write(args.html, page.json()["html"])
            return client.get(f"/drills/{args.number}")
        case "stop":
            return client.post("/drills/stop", json={"person": _person(args)})
        case clause:
            people = [_typed(one.strip()) for one in args.people.split(",") if one.strip()]
            said = {"person": _person(args), "clause": clause, "speed": args.speed, "people": people}
            return client.post("/drills", json=said)


def _person(args: argparse.Namespace) -> str:
    if not args.person:
        raise UsageError("who are you?", hint="name yourself: --as PERSON, as in the contacts")
    return _typed(args.person)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def _command(args: argparse.Namespace) -> dict[str, Any]:
    agent, _, device = str(args.device).rpartition("/")
    if agent.count("/") != 1 or not device:
        raise UsageError(f"{args.device!r} is no device", hint="site, agent and device: hq/order-room/ups-1")
    said = {"person": _typed(args.person), "agent": agent, "device": device, "verb": args.what}
    return {**said, "output": _typed(args.output), "seconds": args.seconds}


def _typed(text: str) -> str:
    """Return what a person typed, in a terminal that speaks GBK too: its bytes come as lone surrogates."""
    raw = text.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("gb18030", "replace")


def _code(args: argparse.Namespace) -> str:
    code = str(args.code).strip().upper()
    if not (code.isascii() and code.replace("-", "").isalnum()):  # a drill's have a hyphen
        raise UsageError(f"{args.code!r} is no code of an incident", hint="a letter and a number, such as A17")
    return code


def _why(error: httpx.TransportError, socket: Path) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "it does not answer in time"
    try:
        return str(error) if socket.exists() else "nothing is there"
    except PermissionError:  # systemd keeps the state directory to the gateway and root
        return "this user may not look there; try sudo"


def _sentence(body: object, otherwise: str) -> str:
    if isinstance(body, dict) and isinstance(body.get("zh"), str):
        return f"{body['zh']}\n{body.get('en', '')}"
    if isinstance(body, dict) and isinstance(body.get("error"), str):
        hint = body.get("hint")
        return f"{body['error']} ({hint})" if hint else str(body["error"])
    return otherwise


def _fail(sentence: str, code: int) -> int:
    print(sentence, file=sys.stderr)
    return code


def _show(args: argparse.Namespace, body: dict[str, Any], out: TextIO) -> None:
    if args.json:
        out.write(json.dumps(body, ensure_ascii=False, indent=2) + "\n")
    elif args.verb == "report" and "reports" in body:
        cli_reports.show(body, out)
    elif "show" in args:
        args.show(body, out)
    elif args.verb == "command":
        _reply(body, out)
    elif args.verb == "agents":
        offset = body["utc_offset"]
        out.write("".join(f"{_agent(one, offset)}\n" for one in body["agents"]) or "还没有代理上报 no agent yet\n")
    elif args.verb == "drill":
        _drills(body, out)
    elif args.verb == "list":
        rows = body["incidents"]
        out.write(
            "".join(f"{_row(one, body['utc_offset'])}\n" for one in rows) or "没有未关闭的事件 no open incident\n"
        )
    elif args.verb == "recurring":
        out.write("".join(f"{_again(one)}\n" for one in body["recurring"]) or "没有重复发生的事件 nothing came twice\n")
    elif args.verb == "show":
        _details(body, out)
    else:
        out.write(f"{_row(body, body['utc_offset'])}\n")


def _drills(body: dict[str, Any], out: TextIO) -> None:
    rows = body.get("drills", [body])
    out.write("\n".join(f"{one['zh'].rstrip()}\n{one['en'].rstrip()}" for one in rows) or "还没有演练过 no drill yet")
    out.write("\n")


def _reply(body: dict[str, Any], out: TextIO) -> None:
    out.write(f"{body['device']}  {_both('outcome', body['outcome'])}  {body['text']}".rstrip() + "\n")
    values = {**dict.fromkeys(body["quality"], "-"), **body["values"]}
    for name, value in sorted(values.items()):
        unit = known.unit if (known := find(name)) else ""
        quality = body["quality"].get(name, "")
        said = " ".join(value) if isinstance(value, list) else value
        out.write(f"  {name}  {said} {unit}{f'  ({quality})' if quality else ''}".rstrip() + "\n")


def _both(group: str, code: str) -> str:
    """Return what a code of a group is called, in both languages."""
    zh, en = (Words(language).name(group, code) for language in ("zh", "en"))
    return zh if zh == en else f"{zh} {en}"


def _said(key: str, **values: Any) -> str:
    """Return a text of the catalogue, in both languages."""
    return " ".join(Words(language)(key, **values) for language in ("zh", "en"))


def _agent(one: dict[str, Any], utc_offset: float) -> str:
    clock = dict.fromkeys(one["clock"].values())
    parts = [one["key"], _both("agent-state", one["state"]), f"时钟 clock {' '.join(clock)}"]
    parts += [f"最近消息 last heard {clock_time(one['at'], utc_offset)}"] if one["at"] else []
    parts += [f"待传 held {one['held']}"] if one["held"] else []
    parts += [one["version"]] if one["version"] else []
    parts += ["时钟不准 clock is wrong"] if one["clock_wrong"] else []
    parts += ["两个代理用这个名字 two agents use this name"] if one["twins"] else []
    parts += [f"自报故障 its own trouble: {one['trouble']}"] if one["trouble"] else []
    return "  ".join(parts)


def _row(one: dict[str, Any], utc_offset: float) -> str:
    parts = [one["code"], _both("incident", one["state"]), clock_time(one["opened"], utc_offset), one["clause"]]
    parts += [one["title"]["zh"], one["place"]]
    parts += [f"处理人 owner {one['owner']}"] if one["owner"] else []
    parts += [f"{_said('handing', taker=one['handover']['to'])}"] if one["handover"] else []
    parts += [_said("expired", who=one["expired"])] if one["expired"] else []
    before = one["recurrence"]
    parts += [f"{_said('recurs')} " + _said("recurrence", n=before["count"], code=before["of"])] if before["of"] else []
    parts += [_said("recurred", code=before["next"])] if before["next"] else []
    parts += (
        [f"时限 deadline {clock_time(one['deadline'], utc_offset)}"]
        if one["deadline"] and one["closed"] is None
        else []
    )
    parts += (
        ["暂按周一至周五 Monday to Friday for now"]
        if any(
            limit["provisional"]
            for limit in one.get("limits", ())
            if limit["key"] == "clause" and one["closed"] is None
        )
        else []
    )
    parts += ["已超时限 overdue"] if one["overdue"] and one["closed"] is None else []
    parts += ["事后得知，未通知任何人 learned afterwards, nobody was told"] if one["late"] else []
    return "  ".join(parts)


def _again(one: dict[str, Any]) -> str:
    return "  ".join([f"{len(one['codes'])}×", one["clause"], one["title_zh"], one["place"], " ".join(one["codes"])])


def _details(one: dict[str, Any], out: TextIO) -> None:
    out.write(f"{_row(one, one['utc_offset'])}\n{one['title']['en']}\n")
    cli_headquarters.rows(one["headquarters"], out)
    _outlook(one, out)
    if one["of"]:
        out.write(f"原因 {one['of']} 已消失，仍未恢复 left over from {one['of']}, whose cause is gone\n")
    if one["affected"]:
        out.write(f"\n另有 {len(one['affected'])} 台设备受影响 also affected\n")
        out.writelines(f"  └ {device['place']}\n" for device in one["affected"])
    if one["report"]:
        cli_reports.rows(one["report"], out)
    if one["plan"]:
        out.write("\n处置步骤 steps\n")
    out.writelines(
        f"  [{'x' if step['done'] else ' '}] {step['number']}. {step['zh']}\n         {step['en']}\n"
        for step in one["plan"]
    )
    out.write("\n经过 timeline\n")
    for event in one["timeline"]:
        kind = _both("event", event["kind"])
        parts = (clock_time(event["at"], one["utc_offset"]), kind, event.get("who", ""), *_about(event))
        out.write("  " + "  ".join(part for part in parts if part) + "\n")


def _outlook(one: dict[str, Any], out: TextIO) -> None:
    """Say how long the battery lasts, and the numbers by which what was switched off is ticked off."""
    countdowns = [msgspec.convert(each, Countdown) for each in one["countdowns"]]
    for words in (Words("zh"), Words("en")):
        said = outlook.rows(countdowns, words, lambda wall: outlook.hour(wall, one["utc_offset"]), 0.0)
        out.writelines(f"{label}{words('colon')}{text}\n" for label, text in said)
    off = {each.index: each for countdown in countdowns for each in countdown.off}
    out.writelines(f"  {index + 1}. {each.zh} {each.en}\n" for index, each in sorted(off.items()))


def _about(event: dict[str, Any]) -> tuple[str, ...]:
    """Return what an event of a timeline says beside its kind and person."""
    data = event.get("data", {})
    text = event.get("text", "")
    match event["kind"]:
        case "opened" | "joined" | "history":
            return (_both("condition", data.get("symptom", {}).get("condition", "")),)
        case "ended":
            return (_both("condition", data.get("condition", "")),)
        case "merged":
            sources = (one.get("source", {}) for one in data.get("symptoms", []))
            return (data.get("out_of", ""), "、".join(dict.fromkeys(str(one.get("device", "")) for one in sources)))
        case "message":
            return (_both("purpose", data.get("purpose", "")),)
        case "step" | "shed":
            return (f"{data.get('index', 0) + 1}. {data.get('zh', '')} {data.get('en', '')}",)
        case "handover":
            return (f"→ {data.get('to', '')}", text)
        case "put-aside" | "annunciated":
            state = [_both("alarm", data["state"])] if data.get("state") else []
            return (_both("condition", data.get("condition", "")), *state, text)
        case "chattering":
            return (_both("condition", data.get("condition", "")), f"×{data.get('count', 0)}")
        case "escalated" | "warned" | "missed":
            rung = _said("rung", n=data.get("rung", 0) + 1, department=data.get("zh", ""))
            return (f"{data['key']} {data.get('percent', '')} %" if "key" in data else rung,)
        case "reopened" if not event.get("who"):
            return (_said("reopened-itself"),)
        case "closed" if data.get("standing"):
            return (_said("standing-closed"), text)
        case _:
            decided = cli_headquarters.about(event) or cli_reports.about(event, lambda level: _both("level", level))
            return decided or (data.get("channel", ""), text)
