"""Commands of the site: no shell, an end, and no children left."""

import asyncio
import os
import sys

import pytest

from agent.links.command import Said, run
from contract.errors import DeviceGarbled, DeviceTimeout, PortUnavailable


def python(code):
    return (sys.executable, "-c", code)


async def test_it_says_what_it_wrote_and_how_it_ended():
    assert await run(python("print('order-a')"), 10.0) == Said(0, "order-a\n")
    assert (await run(python("raise SystemExit(3)"), 10.0)).code == 3


async def test_its_words_are_no_shell_s():
    assert await run(("/bin/echo", "$HOME", ";", "id"), 10.0) == Said(0, "$HOME ; id\n")


async def test_it_does_not_hear_of_the_agent_s_credentials(monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x")
    assert "CREDENTIALS" not in (await run(("/usr/bin/env",), 10.0)).text


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("/nowhere/at-all",), PortUnavailable),
        (("/etc/passwd",), PortUnavailable),
        (python("while True: print('x' * 1000)"), DeviceGarbled),
        (python("import sys; sys.stdout.buffer.write(b'\\xff')"), DeviceGarbled),
        (python("import os; os.kill(os.getpid(), 9)"), DeviceGarbled),
    ],
)
async def test_what_cannot_be_used_is_an_error_of_ours(words, error):
    with pytest.raises(error):
        await run(words, 10.0)


async def test_one_that_hangs_is_ended_with_its_children(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    code = f"import subprocess; subprocess.Popen(['sleep', '60'], stdout=open({str(pipe)!r}, 'w')).wait()"
    reading = asyncio.create_task(asyncio.to_thread(pipe.read_bytes))
    with pytest.raises(DeviceTimeout):
        await run(python(code), 2.0)
    async with asyncio.timeout(10.0):
        assert await reading == b"", "its end comes once nobody holds the pipe"
