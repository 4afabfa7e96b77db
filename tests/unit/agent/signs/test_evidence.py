from agent.drivers.said import LONGEST
from agent.signs.evidence import Evidence


def test_lines_are_kept_as_they_came_one_line_each_and_harmless(tmp_path):
    evidence = Evidence(tmp_path / "e.log", 1 << 20)
    evidence.add("now", "192.0.2.7", "a\nb\x1b[2J\udc80 狼")
    evidence.write()
    assert (tmp_path / "e.log").read_text("utf-8") == "now 192.0.2.7 a\\x0ab\\x1b[2J\\udc80 狼\n"
    assert (tmp_path / "e.log").stat().st_mode & 0o777 == 0o600


def test_a_line_of_64_kib_is_kept_short(tmp_path):
    evidence = Evidence(tmp_path / "e.log", 1 << 20)
    evidence.add("now", "a", "\x00" * 65536)
    evidence.write()
    assert (tmp_path / "e.log").stat().st_size < 10_000
    assert 0 < len(evidence.shown) <= LONGEST


def test_the_last_lines_are_shown_the_newest_first():
    evidence = Evidence(None, 1 << 20)
    assert evidence.shown == ""
    for number in range(5):
        evidence.add("now", "a", f"line {number} {'x' * 200}")
    assert evidence.shown.startswith("line 4")
    assert "line 2" in evidence.shown
    assert "line 1" not in evidence.shown
    assert len(evidence.shown) <= LONGEST


def test_the_files_are_a_ring(tmp_path):
    path = tmp_path / "e.log"
    evidence = Evidence(path, 200_000)
    for number in range(1000):
        for line in range(5):
            evidence.add("now", "a", f"{number} {line} {'x' * 100}")
        evidence.write()
    size = sum(each.stat().st_size for each in tmp_path.iterdir())
    assert 100_000 < size < 220_000
    assert sorted(each.name for each in tmp_path.iterdir()) == ["e.log", "e.log.1"]


def test_a_flood_is_written_short_and_counted(tmp_path):
    evidence = Evidence(tmp_path / "e.log", 1 << 20)
    for number in range(100_000):
        evidence.add("now", "a", f"{number}")
    evidence.write()
    lines = (tmp_path / "e.log").read_text().splitlines()
    assert len(lines) == 501
    assert lines[-1] == "(99500 more lines came too fast to be kept)"


def test_a_flood_that_goes_on_wears_no_flash_out(tmp_path):
    evidence = Evidence(tmp_path / "e.log", 1 << 20)
    for _ in range(100):
        for number in range(2000):
            evidence.add("now", "a", f"{number} {'x' * 300}")
        evidence.write()
    assert (tmp_path / "e.log").stat().st_size < 350 * (500 + 6 * 100)
    for _ in range(100):  # it is over
        evidence.write()
    for number in range(500):
        evidence.add("now", "a", f"after {number}")
    evidence.write()
    assert (tmp_path / "e.log").read_text().splitlines()[-1] == "now a after 499"


def test_a_disk_that_fails_stops_nothing_and_a_link_is_not_followed(tmp_path):
    evidence = Evidence(tmp_path / "gone" / "e.log", 1 << 20)
    evidence.add("now", "a", "x")
    evidence.write()
    assert evidence.shown == "x"
    (tmp_path / "e.log").symlink_to(tmp_path / "victim")
    evidence = Evidence(tmp_path / "e.log", 1 << 20)
    evidence.add("now", "a", "x")
    evidence.write()
    assert not (tmp_path / "victim").exists()
