"""Telling people, against a real SMTP server and a real HTTP receiver on loopback."""

import asyncio
import contextlib
import email
import email.policy
import hmac
import json
import pathlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from contract.clock import Stamp
from contract.reading import Quality
from contract.settings import Secret
from gateway import links
from gateway.board import views
from gateway.config import Email, Webhook
from gateway.contacts import Person, load_contacts
from gateway.event import Event
from gateway.incident import Incident, Mail, Purpose, fold
from gateway.notify.email import EmailChannel
from gateway.notify.letter import Channel
from gateway.notify.message import clock_time, compose
from gateway.notify.pipeline import Notifier, standard_stages
from gateway.notify.retry import Retry
from gateway.notify.route import Route, addresses
from gateway.notify.webhook import WebhookChannel
from gateway.plan.loader import load_plan
from gateway.ports import Outcome

CONFIG = pathlib.Path(__file__).parents[4] / "config"
CLAUSE = load_plan({"3.1.toml": (CONFIG / "plan" / "3.1.toml").read_text("utf-8")}).clauses[0]
CONTACTS = load_contacts((CONFIG / "contacts.toml").read_text("utf-8"))
LI, WANG = CONTACTS.find("li"), CONTACTS.find("wang")
T0 = 1_800_000_000.0  # 2027-01-15 16:00:00 in China
SECRET = b"link secret"


class Clock:
    def stamp(self) -> Stamp:
        return Stamp(T0)

    def boottime(self) -> float:
        return 0.0


def incident(*more: Event, room: str = "订单部", **symptom: Any) -> Incident:
    opened = Event(
        at=T0,
        incident="A17",
        kind="opened",
        data={
            "clause": "3.1.1",
            "source": {"site": "city", "agent": "order-room", "device": "ups-1", "title": "UPS 一号", "room": room},
            "deadline": T0 + 5 * 3600,
            "symptom": {
                "id": "o1",
                "condition": "on-battery",
                "severity": "severe",
                "level": "partial",
                "rank": 3,
                "title_zh": "市电中断，UPS 电池供电",
                "title_en": "Mains lost, UPS on battery",
                "quantity": "ups.status",
                "value": ["DISCHRG", "OB"],
                "since": T0,
                **symptom,
            },
        },
    )
    return fold([opened, *more])["A17"]


class Mailbox:
    """Handler of aiosmtpd: keeps what it takes, or answers as it is told."""

    def __init__(self) -> None:
        self.messages: list[email.message.EmailMessage] = []
        self.answers: list[str] = []
        self.tries = 0

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - aiosmtpd's name
        self.tries += 1
        if self.answers:
            return self.answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - aiosmtpd's name
        self.messages.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 taken as 42"


@pytest.fixture
def mailbox():
    handler = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    handler.port = port
    yield handler
    controller.stop()


class Receiver:
    """A small HTTP server: keeps requests, answers with the statuses it is given, then 200."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.requests.append((headers, body))
        status = self.statuses.pop(0) if self.statuses else 200
        writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    hook = Receiver()
    server = await asyncio.start_server(hook.serve, "127.0.0.1", 0)
    hook.port = server.sockets[0].getsockname()[1]
    yield hook
    server.close()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(server.wait_closed(), 5)


def mail_channel(port: int) -> EmailChannel:
    return EmailChannel(Email(host="127.0.0.1", port=port, sender="wolfsmoke@example.com", tls="none"), timeout=5)


def hook_channel(port: int) -> WebhookChannel:
    settings = Webhook(url=f"http://127.0.0.1:{port}/alarm", secret=Secret("shared"))
    return WebhookChannel("duty", settings, Clock(), timeout=5)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def tell(
    channels: dict[str, Channel], person: Person, *, again: bool = False, public_url: str = ""
) -> list[Outcome]:
    outcomes: list[Outcome] = []

    async def report(outcome: Outcome) -> None:
        outcomes.append(outcome)

    async def no_wait(_seconds: float) -> None:
        return None

    stages = [Retry(sleep=no_wait) if isinstance(stage, Retry) else stage for stage in standard_stages(channels)]
    notifier = Notifier(channels, stages, secret=SECRET, public_url=public_url, utc_offset=8 * 3600)
    mail = Mail(id="0123456789abcdef", person=person.id, purpose=Purpose.PAGE, at=T0)
    await notifier.tell(incident(), CLAUSE, mail, person, again=again, report=report)
    return outcomes


def test_the_stages_are_a_list_in_the_order_of_the_way():
    assert [type(stage) for stage in standard_stages({})] == [Route, Retry]


async def test_an_e_mail_says_what_where_and_what_to_do(mailbox):
    assert await tell({"email": mail_channel(mailbox.port)}, WANG) == [
        Outcome(channel="email", accepted=True, text="taken as 42")
    ]
    (message,) = mailbox.messages
    assert message["To"] == "wang@example.com"
    assert message["Subject"] == "[A17] 市电中断，UPS 电池供电 — 订单部 UPS 一号 (3.1.1)"
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_content()
    for part in ("01-15 16:00:00", "状态 放电、电池供电", "1. 确认 UPS 已带载", "A17", "收到", "01-15 21:00:00"):
        assert part in text
    assert "http" not in text


async def test_a_message_links_only_when_a_public_url_is_configured(mailbox):
    await tell({"email": mail_channel(mailbox.port)}, WANG, public_url="https://board.example.com/")
    text = mailbox.messages[0].get_content()
    link = next(word for word in text.replace("：", " ").split() if word.startswith("https://"))
    base, _, token = link.rpartition("/")
    assert base == "https://board.example.com/i/A17"
    assert links.check(SECRET, "A17", token) == "wang"


@pytest.mark.parametrize("code", [250, 451, 550])
async def test_a_mail_server_that_answers_in_gbk_is_understood_as_far_as_it_goes(code):
    async def serve(reader, writer):
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            if line[:4] == b"DATA":
                writer.write(b"354 go on\r\n")
                await writer.drain()
                await reader.readuntil(b"\r\n.\r\n")
                writer.write(b"%d " % code + "邮件已收".encode("gbk") + b"\r\n")
            else:
                writer.write(b"221 bye\r\n" if line[:4] == b"QUIT" else b"250 ok\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        outcomes = await tell({"email": mail_channel(server.sockets[0].getsockname()[1])}, WANG)
    assert outcomes[-1].accepted is (code == 250)
    for outcome in outcomes:
        assert outcome.text.encode("utf-8")  # it can be kept


async def test_a_mail_server_that_is_busy_is_tried_again_with_the_same_message_id(mailbox):
    mailbox.answers = ["451 later"]
    outcomes = await tell({"email": mail_channel(mailbox.port)}, WANG)
    assert [outcome.accepted for outcome in outcomes] == [False, True]
    assert "451" in outcomes[0].text
    assert mailbox.messages[0]["Message-ID"] == "<0123456789abcdef@example.com>"


async def test_a_mail_server_that_refuses_is_not_asked_again(mailbox):
    mailbox.answers = ["550 no such user"]
    (outcome,) = await tell({"email": mail_channel(mailbox.port)}, WANG)
    assert not outcome.accepted
    assert outcome.last
    assert "550 no such user" in outcome.text
    assert mailbox.tries == 1


async def test_a_mail_server_that_is_away_ends_as_failed_with_a_sentence():
    outcomes = await tell({"email": mail_channel(free_port())}, WANG)
    assert [outcome.accepted for outcome in outcomes] == [False] * 3
    assert [outcome.last for outcome in outcomes] == [False, False, True]
    assert "the mail server is away" in outcomes[-1].text


async def test_starttls_that_the_server_lacks_is_a_failure_never_plain_text(mailbox):
    settings = Email(host="127.0.0.1", port=mailbox.port, sender="wolfsmoke@example.com", tls="starttls")
    outcomes = await tell({"email": EmailChannel(settings, timeout=5)}, WANG)
    assert not any(outcome.accepted for outcome in outcomes)
    assert mailbox.messages == []


async def test_a_webhook_is_signed_over_timestamp_and_body(receiver):
    outcomes = await tell({"webhook:duty": hook_channel(receiver.port)}, LI)
    assert outcomes == [Outcome(channel="webhook:duty", accepted=True, text="HTTP 200")]
    ((headers, body),) = receiver.requests
    assert headers["x-wolfsmoke-timestamp"] == "1800000000"
    digest = hmac.new(b"shared", b"1800000000." + body, "sha256").hexdigest()  # as docs/webhook.md has it
    assert headers["x-wolfsmoke-signature"] == f"sha256={digest}"
    said = json.loads(body)
    assert (said["code"], said["clause"], said["person"], said["purpose"]) == ("A17", "3.1.1", "li", "page")
    assert said["source"]["room"] == "订单部"
    assert said["title"]["zh"].startswith("市电中断")
    assert said["urgency"] == "immediate"


async def test_what_the_document_tells_receivers_to_do_is_right(receiver, monkeypatch):
    text = (CONFIG.parent / "docs" / "webhook.md").read_text("utf-8")
    names: dict = {}
    exec(text.split("```python\n")[1].split("```")[0], names)
    await tell({"webhook:duty": hook_channel(receiver.port)}, LI)
    ((headers, body),) = receiver.requests
    said = {"-".join(part.capitalize() for part in name.split("-")): value for name, value in headers.items()}
    genuine = names["genuine"]
    monkeypatch.setattr("time.time", lambda: T0 + 20)
    assert genuine(b"shared", said, body)
    assert not genuine(b"another", said, body)
    assert not genuine(b"shared", said, body + b" ")
    monkeypatch.setattr("time.time", lambda: T0 + 400)
    assert not genuine(b"shared", said, body)


async def test_a_receiver_that_says_500_is_tried_again(receiver):
    receiver.statuses = [500, 503]
    outcomes = await tell({"webhook:duty": hook_channel(receiver.port)}, LI)
    assert [outcome.accepted for outcome in outcomes] == [False, False, True]
    ids = {json.loads(body)["id"] for _, body in receiver.requests}
    assert ids == {"0123456789abcdef"}


@pytest.mark.parametrize("status", [400, 401, 404, 302])
async def test_a_receiver_that_refuses_hands_over_to_the_next_channel_at_once(receiver, mailbox, status):
    receiver.statuses = [status]
    channels = {"webhook:duty": hook_channel(receiver.port), "email": mail_channel(mailbox.port)}
    outcomes = await tell(channels, LI)
    assert [(outcome.channel, outcome.accepted, outcome.last) for outcome in outcomes] == [
        ("webhook:duty", False, False),
        ("email", True, False),
    ]
    assert str(status) in outcomes[0].text
    assert len(receiver.requests) == len(mailbox.messages) == 1


async def test_a_receiver_that_is_away_is_taken_elsewhere(mailbox):
    channels = {"webhook:duty": hook_channel(free_port()), "email": mail_channel(mailbox.port)}
    outcomes = await tell(channels, LI)
    assert [(outcome.channel, outcome.accepted) for outcome in outcomes] == [("webhook:duty", False)] * 3 + [
        ("email", True)
    ]
    assert mailbox.messages[0]["To"] == "li@example.com"


async def test_a_receiver_that_dribbles_its_answer_for_ever_is_taken_elsewhere(mailbox):
    asked = []

    async def dribble(reader, writer):
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)

    outcomes = []

    async def report(outcome):
        outcomes.append(outcome)

    server = await asyncio.start_server(dribble, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        channels = {"webhook:duty": hook_channel(port), "email": mail_channel(mailbox.port)}
        stages = [Route(channels.keys()), Retry(pauses=(0.0, 0.0), most=1.0)]
        notifier = Notifier(channels, stages, secret=SECRET, utc_offset=0.0)
        mail = Mail(id="0123456789abcdef", person=LI.id, purpose=Purpose.PAGE, at=T0)
        async with asyncio.timeout(20):
            await notifier.tell(incident(), CLAUSE, mail, LI, again=False, report=report)
    assert [(outcome.channel, outcome.accepted, outcome.unknown) for outcome in outcomes] == [
        ("webhook:duty", False, True),
        ("webhook:duty", False, True),
        ("email", True, False),
    ]
    assert len(asked) == 2
    assert mailbox.messages[0]["Subject"].startswith("【重发】")


class Mute:
    """A server that takes what is sent and never says a word after it; an SMTP server as far as DATA."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            self.heard.append(await reader.readuntil(b"\r\n\r\n"))
            await reader.read()
        writer.close()

    async def serve_mail(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        answers = {b"EHLO": b"250 here\r\n", b"MAIL": b"250 ok\r\n", b"RCPT": b"250 ok\r\n", b"DATA": b"354 go on\r\n"}
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while (line := await reader.readline())[:4] in answers:
                writer.write(answers[line[:4]])
                if line[:4] == b"DATA":
                    self.heard.append(await reader.readuntil(b"\r\n.\r\n"))
        writer.close()


@pytest.fixture
async def mute() -> AsyncIterator[Callable[[str], Awaitable[Mute]]]:
    servers = []

    async def start(kind: str) -> Mute:
        silent = Mute()
        server = await asyncio.start_server(silent.serve if kind == "webhook" else silent.serve_mail, "127.0.0.1", 0)
        silent.port = server.sockets[0].getsockname()[1]
        servers.append(server)
        return silent

    yield start
    for server in servers:
        server.close()


async def test_a_receiver_that_never_answers_gets_one_more_that_is_marked_and_then_the_next_channel(mute, mailbox):
    silent = await mute("webhook")
    settings = Webhook(url=f"http://127.0.0.1:{silent.port}/", secret=Secret("shared"))
    channels = {
        "webhook:duty": WebhookChannel("duty", settings, Clock(), timeout=0.2),
        "email": mail_channel(mailbox.port),
    }
    outcomes = await tell(channels, LI)
    assert [(one.channel, one.accepted, one.unknown) for one in outcomes] == [
        ("webhook:duty", False, True),
        ("webhook:duty", False, True),
        ("email", True, False),
    ]
    assert "the receiver did not answer: ReadTimeout" in outcomes[0].text
    assert len(silent.heard) == 2
    assert mailbox.messages[0]["Subject"].startswith("【重发】[A17]")  # they may have it by the webhook


async def test_a_mail_server_that_falls_silent_after_the_message_gets_one_more_that_is_marked(mute):
    silent = await mute("mail")
    settings = Email(host="127.0.0.1", port=silent.port, sender="wolfsmoke@example.com", tls="none")
    outcomes = await tell({"email": EmailChannel(settings, timeout=0.5)}, WANG)
    assert [(one.accepted, one.unknown, one.last) for one in outcomes] == [(False, True, False), (False, True, True)]
    subjects = [
        email.message_from_bytes(one, policy=email.policy.default)["Subject"].startswith("【重发】")
        for one in silent.heard
    ]
    assert subjects == [False, True]


async def test_a_fault_in_a_channel_does_not_keep_people_waiting(mailbox, caplog):
    class Broken:
        async def send(self, _letter):
            raise IndexError("a mistake of ours")

    outcomes = await tell({"webhook:duty": Broken(), "email": mail_channel(mailbox.port)}, LI)
    assert [(one.channel, one.accepted) for one in outcomes] == [("webhook:duty", False), ("email", True)]
    assert "a mistake of ours" in caplog.text


async def test_a_sender_with_a_name_is_written_as_mailboxes_want_it(mailbox):
    settings = Email(host="127.0.0.1", port=mailbox.port, sender="狼烟 <wolfsmoke@example.com>", tls="none")
    (outcome,) = await tell({"email": EmailChannel(settings, timeout=5)}, WANG)
    assert outcome.accepted
    (message,) = mailbox.messages
    assert message["From"].addresses[0].display_name == "狼烟"
    assert message["Message-ID"] == "<0123456789abcdef@example.com>"


async def test_a_person_without_a_configured_channel_is_named():
    (outcome,) = await tell({}, LI)
    assert outcome == Outcome(channel="", accepted=False, text="no channel of li is configured", last=True)


async def test_what_goes_again_is_marked(mailbox):
    await tell({"email": mail_channel(mailbox.port)}, WANG, again=True)
    assert "【重发】" in mailbox.messages[0]["Subject"]


def test_the_preferred_channel_comes_first():
    assert [channel for channel, _ in addresses(LI)] == ["webhook:duty", "email"]
    prefers_mail = Person(id="li", name="李", email="li@example.com", webhook="duty", prefer="email")
    assert [channel for channel, _ in addresses(prefers_mail)] == ["email", "webhook:duty"]


def test_recovery_says_in_both_languages_that_mains_is_back():
    gone = incident(
        Event(at=T0 + 60, incident="A17", kind="ended", data={"id": "o1"}),
        Event(at=T0 + 60, incident="A17", kind="cause-gone"),
    )
    said = {
        language: compose(gone, CLAUSE, Purpose.RECOVERY, language, link="", utc_offset=8 * 3600).subject
        for language in ("zh", "en")
    }
    assert "【恢复】市电已恢复" in said["zh"]
    assert "Recovered: mains is back" in said["en"]


def now_card(state: str = "alarm", quality: Quality = Quality.GOOD) -> views.Card:
    rows = (
        views.Row("battery.charge", "电池电量", "92", "%", quality, T0, 90.0),
        views.Row("battery.runtime", "剩余时间", "31 分 0 秒", "", quality, T0, 90.0),
        views.Row("input.voltage", "输入电压", "0", "V", quality, T0, 90.0),
    )
    return views.Card("k", "UPS", "", state, T0, 15.0, kind="ups", flags=(views.Flag("电池供电", bad=True),), main=rows)


def body(incident: Incident, language: str = "zh", **more: Any) -> str:
    return compose(incident, CLAUSE, Purpose.PAGE, language, link="", utc_offset=8 * 3600, **more).body


def test_a_message_says_the_reading_in_words_and_how_the_device_is_now():
    said = body(incident(), card=now_card())
    assert "读数：" in said
    assert "电池供电" in said
    assert "ups.status" not in said
    assert "现在：电池供电、电池电量 92 %、剩余时间 31 分 0 秒\n" in said
    assert "Value: " in body(incident(), "en")


def test_a_message_about_a_line_says_whose_fault_it_is():
    down = incident(condition="line-down", quantity="x.line.status", value=["DOWN", "WHY-CARRIER"])
    assert "读数：线路状态 中断、原因：运营商\n" in body(down)
    assert "Value: line down, cause: the carrier\n" in body(down, "en")
    assert "读数" not in body(incident(condition="contact-lost", quantity="x.contact", value=0.0))


def test_a_message_says_nothing_of_now_that_is_not_known_now():
    assert "现在" not in body(incident())
    assert "现在：代理失联\n" in body(incident(), card=now_card("away"))
    stale = body(incident(), card=now_card(quality=Quality.STALE))
    assert "现在：数据过时\n" in stale
    assert "92 %" not in stale


def test_a_message_names_the_owner_as_people_know_them():
    mine = incident(Event(at=T0 + 9, incident="A17", kind="mine", who="li"))
    assert "处理人：李值班\n" in body(mine, name={"li": "李值班"}.__getitem__)


def test_a_recovery_tells_the_whole_span_and_asks_for_the_closing():
    worse = {"id": "o2", "condition": "low-battery", "rank": 4, "quantity": "ups.status", "value": ["LB"]}
    gone = incident(
        Event(at=T0 + 600, incident="A17", kind="joined", data={"symptom": {**worse, "since": T0 + 600}}),
        Event(at=T0 + 700, incident="A17", kind="ended", data={"id": "o1"}),
        Event(at=T0 + 760, incident="A17", kind="ended", data={"id": "o2"}),
        Event(at=T0 + 760, incident="A17", kind="cause-gone"),
    )
    text = compose(gone, CLAUSE, Purpose.RECOVERY, "zh", link="https://x/i/A17/t", utc_offset=8 * 3600)
    assert "开始时间：01-15 16:00:00\n" in text.body
    assert "恢复时间：01-15 16:12:40\n" in text.body
    assert "读数" not in text.body
    assert "核实原因后，请在此关闭：https://x/i/A17/t" in text.body
    assert "我处理" not in text.body


def test_a_subject_is_one_line_whatever_a_room_is_called():
    text = compose(incident(room="a\r\nBcc: x@y"), CLAUSE, Purpose.PAGE, "en", link="", utc_offset=8 * 3600)
    assert "\n" not in text.subject
    assert "\r" not in text.subject


def test_times_are_the_sites():
    assert clock_time(1_709_164_800.0, 8 * 3600) == "02-29 08:00:00"
    assert clock_time(1_709_251_199.0, 8 * 3600) == "03-01 07:59:59"
    assert clock_time(1_735_660_800.0, 8 * 3600) == "01-01 00:00:00"
    assert clock_time(1_735_660_799.0, 8 * 3600) == "12-31 23:59:59"


def handed(*events):
    """An incident that li took on, after more events."""
    return incident(Event(at=T0 + 9, incident="A17", kind="mine", who="li"), *events)


def happened(kind, who="", text="", **data):
    return Event(at=T0 + 10, incident="A17", kind=kind, who=who, text=text, data=data)


ASKED = happened("handover", "li", "等市电", to="wang")


TOOK, NO = happened("accepted-handover", "wang"), happened("declined-handover", "wang", "在外地")
GONE = happened("owner-expired", "li")


@pytest.mark.parametrize(
    ("events", "purpose", "said", "english"),
    [
        (
            [ASKED],
            Purpose.HANDOVER,
            ["【请接手】", "李值班 想把此事交给您：等市电", "（接手 / 不接手）"],
            "accept, or decline",
        ),
        ([ASKED, TOOK], Purpose.HANDED_OVER, ["【已接手】", "现由 王值班 处理"], "no longer yours"),
        ([ASKED, NO], Purpose.HANDED_BACK, ["王值班 不接手：在外地"], "王值班 declined: 在外地"),
        ([ASKED, happened("declined-handover", "wang")], Purpose.HANDED_BACK, ["（没有说明）"], "(no words)"),
        ([ASKED, happened("lapsed-handover", "wang")], Purpose.HANDED_BACK, ["没有答复", "答复进展"], "did not answer"),
        ([], Purpose.PROGRESS, ["【进展如何？】", "不答复将继续向上通知"], "with the code A17: progress"),
        ([GONE], Purpose.EXPIRED, ["【无人处理】", "原处理人 李值班 没有进展", "收到 / 我处理"], "nobody has it now"),
        ([GONE], Purpose.PAGE, ["原处理人 李值班 没有进展，现在无人处理"], "nobody has it now"),
    ],
)
def test_messages_from_hand_to_hand_say_what_is_wanted(events, purpose, said, english):
    names = {"li": "李值班", "wang": "王值班"}.__getitem__

    def text(language, link):
        return compose(handed(*events), CLAUSE, purpose, language, link=link, utc_offset=28800.0, name=names).body

    for part in said:
        assert part in text("zh", "http://x/i/A17/t")
    assert english in text("en", "")
    assert "\n\n\n" not in text("zh", "")
