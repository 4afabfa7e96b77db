"""One GET, from real servers and from sockets that are none."""

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from agent.links.page import MOST, get
from contract.errors import DeviceGarbled, DeviceRefused, DeviceTimeout, PortUnavailable


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path != "/whoami?x=1":
            self.send_error(404)
            return
        body = b"order-a\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_): ...


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


async def test_the_body_of_a_page_is_what_it_says(server):
    assert await get(f"{server}/whoami?x=1", 5.0) == "order-a\n"


async def test_another_status_is_a_refusal(server):
    with pytest.raises(DeviceRefused, match="status 404"):
        await get(f"{server}/else", 5.0)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", DeviceGarbled),
        (b"SSH-2.0-OpenSSH_9.2\r\n", DeviceGarbled),
        (b"HTTP/1.1 200 OK\r\n", DeviceGarbled),
        (b"HTTP/1.1 abc\r\n\r\n", DeviceGarbled),
        (b"HTTP/1.1 301 Moved\r\nLocation: http://x/\r\n\r\n", DeviceRefused),
        (b"HTTP/1.1 200 OK\r\n\r\n\xff\xfe", DeviceGarbled),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MOST + 1), DeviceGarbled),
        (None, DeviceTimeout),
    ],
)
async def test_what_is_no_answer_is_an_error_of_ours(answer, error):
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
        writer.close()

    running = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with running:
        port = running.sockets[0].getsockname()[1]
        with pytest.raises(error):
            await get(f"http://127.0.0.1:{port}/", 0.5)
    with pytest.raises(PortUnavailable):
        await get(f"http://127.0.0.1:{port}/", 5.0)
    for url in (f"https://127.0.0.1:{port}/", f"http://{'x' * 70}/", "http://a..b/"):
        with pytest.raises(PortUnavailable):
            await get(url, 5.0)
