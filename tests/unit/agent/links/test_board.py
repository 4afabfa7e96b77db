import pytest

from agent.links.board import ThisBoard


@pytest.fixture
def board(tmp_path):
    def make(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
        return ThisBoard(tmp_path, tmp_path).look()

    return make


def flash(life, end, number=0):
    folder = f"block/mmcblk{number}/device"
    return {f"{folder}/life_time": life, f"{folder}/pre_eol_info": end}


@pytest.mark.parametrize(
    ("life", "end", "wear", "worn"),
    [
        (b"0x01 0x02\n", b"0x01\n", 20.0, False),
        (b"0x00 0x00\n", b"0x00\n", None, False),  # not defined
        (b"0x0a 0x01\n", b"0x01\n", 100.0, True),
        (b"0x0b 0x0b\n", b"0x01\n", 110.0, True),
        (b"0x03 0x03\n", b"0x02\n", 30.0, True),
        (b"0xff zz\n", b"\xff\n", None, False),
        (b"", b"", None, False),
    ],
)
def test_the_flash_tells_how_worn_it_is(board, life, end, wear, worn):
    found = board(flash(life, end))
    assert (found.wear, found.worn) == (wear, worn)


def test_a_card_without_a_life_time_and_one_with_it(board):
    assert board(flash(b"0x05 0x01", b"0x01", 1) | {"block/mmcblk0/device/name": b"SD"}).wear == 50.0


def test_the_hottest_zone_that_can_be_believed_counts(board):
    zones = [b"41200\n", b"63900\n", b"-273000\n", b"2147483647\n", b"\n", b"n/a\n"]
    assert board({f"class/thermal/thermal_zone{n}/temp": text for n, text in enumerate(zones)}).temperature == 63.9


def test_a_board_that_tells_nothing_has_a_disk_all_the_same(board):
    found = board({})
    assert (found.wear, found.temperature) == (None, None)
    assert found.free > 0
    assert 0.0 < found.used < 100.0


def test_a_folder_that_is_gone_is_no_error(tmp_path):
    assert ThisBoard(tmp_path / "gone", tmp_path).look().free is None
