"""A mail server that is away for a night is tried thousands of times: nothing of a try may stay."""

import gc
import socket

import pytest

from contract.errors import NotifyAway
from gateway.config import Email
from gateway.contacts import Person
from gateway.notify.email import EmailChannel
from gateway.notify.letter import outside


async def test_a_connection_that_failed_leaves_nothing_for_the_collector():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]  # nobody listens there
        channel = EmailChannel(Email(host="127.0.0.1", port=port, sender="a@example.com", tls="none"))
        wang = Person(id="wang", name="王", email="wang@example.com")
        letter = outside(wang, "email", "wang@example.com", purpose="page", subject="a", body="b")
        gc.collect()
        gc.disable()
        try:
            for _ in range(20):
                with pytest.raises(NotifyAway):
                    await channel.send(letter)
            assert gc.collect() < 20  # what other tests left may be among them; a try left 47
        finally:
            gc.enable()
