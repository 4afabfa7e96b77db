from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from agent.mounts import disks, parse

PI = r"""
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 179:2 / / ro,relatime shared:1 - ext4 /dev/root rw,errors=remount-ro
28 27 179:1 / /boot rw,relatime shared:2 - vfat /dev/mmcblk0p1 rw
30 27 8:1 / /mnt/my\040disk rw,relatime - ext4 /dev/sda1 ro,errors=remount-ro
31 27 8:1 /part /srv/part rw,relatime - ext4 /dev/sda1 ro
32 27 7:0 / /snap/core/1 ro - squashfs /dev/loop0 ro
33 27 0:30 / /mnt/share rw - nfs4 192.0.2.1:/backup rw
34 27 0:31 / /tank rw - zfs tank/data rw
35 27 0:32 / /run rw - tmpfs tmpfs rw
garbage
36 27 8:2 / - ext4
"""


def test_the_real_disks_are_found_once_each():
    assert [mount.point for mount in disks(parse(PI))] == ["/", "/boot", "/mnt/my disk", "/tank"]


def test_read_only_is_what_the_superblock_says_and_not_what_our_own_unit_sees():
    by_point = {mount.point: mount for mount in parse(PI)}
    assert not by_point["/"].readonly
    assert by_point["/mnt/my disk"].readonly
    assert by_point["/mnt/my disk"].by_error
    assert not by_point["/boot"].by_error


def test_the_kernels_own_list_is_read():
    points = [mount.point for mount in disks(parse(Path("/proc/self/mountinfo").read_text()))]
    assert "/" in points


@given(st.text())
def test_no_text_is_an_error(text):
    disks(parse(text))


def test_file_systems_of_pools_have_other_device_numbers_than_their_files():
    by_point = {mount.point: mount for mount in parse(PI)}
    assert by_point["/tank"].pooled
    assert not by_point["/"].pooled
