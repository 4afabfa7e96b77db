"""The small files that outlive a process."""

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
    [b"", b"{", b'{"version": 1, "kept": {"number": "x"}}', b'{"version": 2, "kept": {}}', b"\xff\xfe", b"[]"],
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
