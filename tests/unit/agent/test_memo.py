"""The small files that outlive a process."""

import subprocess
import sys

import msgspec
import pytest

from agent.memo import Memo


class Kept(msgspec.Struct, frozen=True):
    number: int = 0
    name: str = ""


async def test_what_was_kept_is_there_at_the_next_start(tmp_path):
    path = tmp_path / "state" / "x.json"
    memo = Memo(Kept, path)
    assert await memo.load() is None
    for number in range(100):
        memo.save(Kept(number))
    await memo.close()
    assert await Memo(Kept, path).load() == Kept(99)
    assert [each.name for each in path.parent.iterdir()] == ["x.json"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"version": 1, "kept": {"number": "x"}}',
        b'{"version": 2, "kept": {}}',
        b"\xff\xfe",
        b"[]",
        b'{"version": 1, "kept": {"name": "\xff"}}',
        b'{"version": 1, "kept": ' + b"[" * 100_000,
    ],
)
async def test_a_file_that_makes_no_sense_is_set_aside_with_a_word(tmp_path, body, caplog):
    path = tmp_path / "x.json"
    path.write_bytes(body)
    assert await Memo(Kept, path).load() is None
    assert "set aside as x.damaged" in caplog.text
    assert (tmp_path / "x.damaged").read_bytes() == body
    assert not path.exists()


async def test_a_disk_that_cannot_be_written_is_said_once_and_stops_nothing(tmp_path, caplog):
    (tmp_path / "file").write_text("no folder")
    memo = Memo(Kept, tmp_path / "file" / "x.json")
    for number in range(3):
        memo.save(Kept(number))
        await memo.close()
    assert caplog.text.count("cannot be written") == 1


async def test_without_a_folder_nothing_is_kept():
    memo = Memo(Kept, None)
    memo.save(Kept(1))
    await memo.close()
    assert await memo.load() is None


CROWD = """
import asyncio, pathlib, sys
import msgspec
from agent.memo import Memo

sys.setswitchinterval(1e-6)


def kind(number):
    inner = msgspec.defstruct(f"Inner{number}", [(f"f{n}", tuple[float, ...] | None, None) for n in range(12)])
    fields = [(f"a{n}", dict[str, inner], msgspec.field(default_factory=dict)) for n in range(12)]
    return msgspec.defstruct(f"Kind{number}", fields)


async def main(folder):
    for number in range(20):
        fresh, path = kind(number), folder / f"{number}.json"
        path.write_text('{"version": 1, "kept": {"a1": {"x": {"f1": [1.0]}}}}')
        kept = await asyncio.gather(*(Memo(fresh, path).load() for _ in range(8)))
        assert all(one.a1["x"].f1 == (1.0,) for one in kept)


asyncio.run(main(pathlib.Path(sys.argv[1])))
"""


def test_the_memos_of_many_devices_are_read_at_once(tmp_path):
    """A process of its own: what went wrong here once was no exception, but the end of the agent."""
    ended = subprocess.run([sys.executable, "-c", CROWD, tmp_path], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
