"""The way into InfluxDB 2.x and 3.x, on a small HTTP server that is as strict as they are: neither has a package."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest

from contract.errors import StoreRefused
from gateway.store import READER
from gateway.store.servers import open_server

pytestmark = pytest.mark.system


class Strict(ThreadingHTTPServer):
    """Takes what InfluxDB 2 takes, and keeps it; ``answer`` overrules with a status and a body."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.requests = []
        self.lines = []
        self.answer = None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        split = urlsplit(self.path)
        query = dict(parse_qsl(split.query, strict_parsing=True))
        self.server.requests.append((split.path, query, dict(self.headers), body))
        status, text = self.server.answer or self._judge(split.path, query, body)
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        if status != 204:
            self.wfile.write(text.encode())
        else:
            self.server.lines += body.decode().split("\n")

    def _judge(self, path, query, body):
        if path != "/api/v2/write":
            return 404, json.dumps({"code": "not found", "message": "path not found"})
        if self.headers.get("Authorization") != "Token t0ken=":
            return 401, json.dumps({"code": "unauthorized", "message": "unauthorized access"})
        if query != {"org": "hq 部", "bucket": "b&1", "precision": "ms"}:
            return 404, json.dumps({"code": "not found", "message": f"bucket {query.get('bucket')!r} not found"})
        if b"conflict" in body:
            return 422, json.dumps({"code": "unprocessable entity", "message": "field type conflict dropped=1"})
        return 204, ""

    def log_message(self, *_):
        pass


@pytest.fixture
def strict():
    with Strict() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def v2(strict, tools, **more):
    given = {"url": strict.url + "/", "org": "hq 部", "bucket": "b&1", "token": tools.secret("t0ken="), "timeout": 2.0}
    return tools.settings(kind="influxdb2", **{**given, **more})


async def test_what_goes_to_influxdb_2_is_what_it_asks_for(strict, gateways, tools):
    gateway = await gateways(v2(strict, tools))
    gateway.start()
    polls = [tools.poll(tools.now + second) for second in range(1500)]
    polls[700] = tools.poll(tools.now + 700, battery__charge=1.0, ups__model="conflict")
    await gateway.keep(*polls)
    await gateway.passed()
    path, query, headers, _ = strict.requests[0]
    assert path == "/api/v2/write"
    assert query == {"org": "hq 部", "bucket": "b&1", "precision": "ms"}
    assert headers["Authorization"] == "Token t0ken="
    assert headers["Content-Type"].startswith("text/plain")
    times = [int(line.rsplit(" ", 1)[1]) for line in strict.lines]
    assert sorted(times) == sorted(round(poll.at.wall * 1000) for at, poll in enumerate(polls) if at != 700)
    (aside,) = await gateway.journal.aside(READER, final=True)
    assert (aside.message, aside.reason) == (701, "refused (422): field type conflict dropped=1")


@pytest.mark.parametrize(
    ("status", "body", "what", "hint"),
    [
        (401, '{"code":"unauthorized","message":"unauthorized access"}', "401: unauthorized access", "token"),
        (403, '{"message":"insufficient permissions"}', "403: insufficient permissions", "may not write"),
        (404, '{"code":"not found","message":"bucket \\"b\\" not found"}', '404: bucket "b" not found', "create the"),
        (429, '{"message":"limit"}', "429: limit", "less"),
        (503, '{"message":"queue full"}', "503: queue full", "overloaded"),
        (500, '{"message":"engine: \\u001b[31m closed"}', "500", ""),
        (200, "<html>please log in</html>", "200", "the url"),
        (302, "", "302", "the url"),
        (400, "Client sent an HTTP request to an HTTPS server.\n", "HTTPS server", "https"),
        (400, "<html>400 The plain HTTP request was sent to HTTPS port</html>", "400", "https"),
        (502, "<html>bad gateway</html>", "502", ""),
    ],
)
def test_an_answer_that_is_not_about_the_lines_keeps_them(strict, tools, status, body, what, hint):
    strict.answer = (status, body)
    error = tools.away(v2(strict, tools))
    assert what in error.what
    assert hint in error.hint
    assert error.where == strict.url
    assert "t0ken" not in str(error)
    assert str(error).isprintable(), "what a server says cannot dress up as something else in a log"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, '{"code":"invalid","message":"unable to parse \'x\'"}'),
        (400, '{"error":"partial write of line protocol occurred","data":[{"line_number":1}]}'),
        (422, '{"code":"unprocessable entity","message":"type conflict"}'),
        (413, "<html>413 Request Entity Too Large</html>"),
    ],
)
def test_an_answer_about_the_lines_refuses_them(strict, tools, status, body):
    strict.answer = (status, body)
    server = open_server(v2(strict, tools))
    with pytest.raises(StoreRefused, match=str(status)):
        server.write(tools.line)
    server.close()


async def test_a_store_behind_the_wrong_port_loses_nothing(strict, gateways, tools):
    """A server that speaks TLS answers plain HTTP with 400: that is no judgement on the lines."""
    strict.answer = (400, "Client sent an HTTP request to an HTTPS server.\n")
    gateway = await gateways(v2(strict, tools))
    gateway.start()
    await gateway.keep(*(tools.poll(tools.now + second) for second in range(10)))

    async def tried():
        return len(strict.requests) >= 3

    await tools.until(tried, "it tries again")
    strict.answer = None
    await gateway.passed()
    assert len(strict.lines) == 10
    assert await gateway.journal.aside(READER, final=True) == []


@pytest.mark.parametrize("body", [b"\xff\xfe", b""])
def test_an_answer_that_is_no_text_or_breaks_off(tools, body):
    class Broken(BaseHTTPRequestHandler):
        def do_POST(self):
            self.send_response(500)
            self.send_header("Content-Length", str(len(body) or 10))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Broken) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        error = tools.away(
            tools.settings(kind="influxdb1", url=f"http://127.0.0.1:{server.server_port}", database="d", timeout=2.0)
        )
        server.shutdown()
    assert error.what
    assert error.hint
