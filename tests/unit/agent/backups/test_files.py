import os
import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from agent.backups.files import Disk, last_record
from contract.errors import PortUnavailable

CHINA = ZoneInfo("Asia/Shanghai")


def put(path, when, text="x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (when, when))


def test_the_files_of_a_pattern_come_newest_first_without_what_is_beside_them(tmp_path):
    for number, name in enumerate(["b-1.gz", "b-2.gz", "b-2.gz.sha256", "b-3.gz.part", "other"]):
        put(tmp_path / name, 1000.0 + number)
    (tmp_path / "b-folder").mkdir()
    (tmp_path / "b-nowhere").symlink_to("/no/such/file")
    seen = Disk().seen(f"{tmp_path}/b-*")
    assert [(sight.path.rpartition("/")[2], sight.modified) for sight in seen] == [
        ("b-2.gz", 1001.0),
        ("b-1.gz", 1000.0),
    ]
    assert [sight.path for sight in Disk().seen(f"{tmp_path}/*.part")] == [f"{tmp_path}/b-3.gz.part"]


@pytest.mark.parametrize("when", [-1e9, 0.0, 1e10])
def test_whatever_the_date_of_a_file_is_it_can_be_written(tmp_path, when):
    put(tmp_path / "b", when)
    [sight] = Disk().seen(f"{tmp_path}/*")
    assert 0.0 <= sight.modified <= 4e9


def test_folders_below_are_looked_into_when_they_are_asked_for(tmp_path):
    put(tmp_path / "sw-1" / "running.cfg", 1000.0)
    put(tmp_path / "site" / "sw-2" / "running.cfg", 1001.0)
    assert len(Disk().seen(f"{tmp_path}/*/running.cfg")) == 1
    assert len(Disk().seen(f"{tmp_path}/**/running.cfg")) == 2


def test_an_empty_folder_and_one_that_is_not_there_are_two_things(tmp_path):
    assert Disk().seen(f"{tmp_path}/*") == []
    with pytest.raises(PortUnavailable, match="is it mounted"):
        Disk().seen(f"{tmp_path}/gone/*/*.gz")


def test_a_mount_point_is_known():
    assert Disk().mounted("/proc")
    assert not Disk().mounted("/etc")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2026-11-25 22:31:07 job sales archived OK", "2026-11-25 22:31:07"),
        ("[2026-11-25T22:31:07.123] sales archived OK", "2026-11-25 22:31:07"),
        ("INFO 2026-11-25T14:31:07Z sales archived OK", "2026-11-25 22:31:07"),
        ("2026-11-25 22:31 sales archived OK", "2026-11-25 22:31:00"),
        ("2026-11-25T16:31:07+02:00 sales archived OK", "2026-11-25 22:31:07"),
        ("2026-11-25 22:31:07 sales archived FAILED", None),
        ("sales archived OK", None),
        ("2026-13-45 22:31:07 sales archived OK", None),
        ("", None),
    ],
)
def test_the_record_in_a_log_is_dated_by_its_own_line(line, expected):
    log = f"2026-11-20 10:00:00 nothing of ours\n{line}\n2026-11-26 00:00:00 other archived\n"
    record = last_record(log, re.compile(r"sales archived OK"), CHINA)
    wanted = datetime.fromisoformat(expected).replace(tzinfo=CHINA).timestamp() if expected else None
    assert record == wanted


def test_the_last_line_that_matches_counts():
    log = "2026-11-24 22:31:07 archived OK\n2026-11-25 22:31:07 archived OK\n"
    assert datetime.fromtimestamp(last_record(log, re.compile("OK"), CHINA), CHINA).day == 25


def test_only_the_end_of_a_long_log_is_read(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"old\n" * 500_000 + b"\xff\xfe last\n")
    text = Disk().tail(str(path))
    assert len(text) <= 1 << 18
    assert text.endswith(" last\n")
    assert Disk().tail(str(tmp_path / "gone")) == ""
