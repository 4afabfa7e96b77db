"""``wolfsmoke-gateway try``: every channel of a person is tried on real servers, before an alarm needs it."""

import shutil
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

controller = pytest.importorskip("aiosmtpd.controller")
pytestmark = pytest.mark.system
CONFIG = Path(__file__).parents[2] / "config"
COMMAND = Path(sys.executable).with_name("wolfsmoke-gateway")


class Mailbox:
    def __init__(self):
        self.bodies = []

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - aiosmtpd's name
        self.bodies.append((envelope.rcpt_tos, envelope.content))
        return "250 taken"


@pytest.fixture
def mailbox():
    box = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        box.port = probe.getsockname()[1]
    server = controller.Controller(box, hostname="127.0.0.1", port=box.port)
    server.start()
    yield box
    server.stop()


@pytest.fixture
def hook():
    signatures = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            signatures.append(self.headers["X-Wolfsmoke-Signature"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.signatures = signatures
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def tried(folder, person, *, mail, hook):
    shutil.copytree(CONFIG / "plan", folder / "plan")
    shutil.copy(CONFIG / "contacts.toml", folder)
    (folder / "secret").write_text("shared")
    (folder / "gateway.toml").write_text(
        'plan = "plan"\ncontacts = "contacts.toml"\n'
        f'[gateway]\nname = "g"\nstate = "{folder}/state"\n[broker]\nhost = "127.0.0.1"\n'
        f'[notify.email]\nhost = "127.0.0.1"\nport = {mail}\nsender = "w@example.com"\ntls = "none"\n'
        f'[notify.webhook.duty]\nurl = "http://127.0.0.1:{hook}/"\nsecret = {{ file = "secret" }}\n'
    )
    command = [COMMAND, "try", person, "--config", folder / "gateway.toml"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    return done


def test_every_channel_of_a_person_is_tried(tmp_path, mailbox, hook):
    done = tried(tmp_path, "li", mail=mailbox.port, hook=hook.server_address[1])
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(line.split(":")[0] for line in done.stdout.splitlines()) == ["email", "webhook"]
    assert "accepted" in done.stdout
    assert len(mailbox.bodies) == 1
    assert hook.signatures[0].startswith("sha256=")


def test_a_channel_that_fails_is_named_and_the_others_are_tried(tmp_path, hook):
    done = tried(tmp_path, "li", mail=1, hook=hook.server_address[1])
    assert done.returncode == 1
    failed = [line for line in done.stdout.splitlines() if "FAILED" in line]
    assert len(failed) == 1
    assert failed[0].startswith("email")
    assert hook.signatures


def test_a_person_that_nobody_knows_is_a_sentence(tmp_path):
    done = tried(tmp_path, "lo", mail=1, hook=1)
    assert done.returncode == 1
    assert "'lo'" in done.stderr
    assert "'luo'" in done.stderr  # the nearest name of the shipped contacts
