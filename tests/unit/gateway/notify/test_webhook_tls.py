"""A webhook over TLS: a certificate of the site's own CA counts where the system has that CA, and nowhere else."""

import asyncio
import shutil
import ssl
import subprocess

import pytest

from contract.clock import Stamp
from contract.errors import NotifyAway
from contract.settings import Secret
from gateway.config import Webhook
from gateway.contacts import Person
from gateway.notify import webhook
from gateway.notify.letter import Letter

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
LETTER = Letter(id="1", code="A10", purpose="page", person=Person(id="li", name="Li"), subject="s", body="b", facts={})


class Clock:
    def stamp(self):
        return Stamp(1_700_000_000.0, 1.0, "b", trusted=True)

    def boottime(self):
        return 1.0


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ca")
    new = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", "key.pem", "-out", "cert.pem")
    names = ("-subj", "/CN=hook", "-addext", "subjectAltName=IP:127.0.0.1")
    subprocess.run(["openssl", *new, *names], check=True, cwd=folder, capture_output=True)
    return folder


@pytest.fixture
async def url(certificate):
    async def serve(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line)
        await reader.readexactly(length)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    server.close()


@pytest.fixture(autouse=True)
def _trust_anew():
    webhook._trust.cache_clear()
    yield
    webhook._trust.cache_clear()


def channel(url):
    return webhook.WebhookChannel("duty", Webhook(url=url, secret=Secret("shared")), Clock(), timeout=5)


async def test_a_ca_that_the_system_has_is_trusted(url, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    assert await channel(url).send(LETTER) == "HTTP 200"


async def test_a_stranger_is_not_told(url):
    with pytest.raises(NotifyAway, match="certificate"):
        await channel(url).send(LETTER)
