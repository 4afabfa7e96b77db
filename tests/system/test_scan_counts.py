"""What a scan sends, by the kernel's own count: a network namespace whose hosts are all silent."""

import re
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.system
LIMIT = 60.0
RATE, HOSTS = 20, 14
SCRIPT = """
set -e
ip link set lo up
ip link add near type veth peer name far
ip addr add 10.99.0.1/26 dev near
ip link set near up
ip link set far up
for last in 2 3 4 5 6 7 8 9 10 11 12 13 14; do
    ip neigh add 10.99.0.$last lladdr 02:00:00:00:00:$last dev near   # nobody is asked who that is; nobody is there
done
cat /proc/net/snmp; cut -d " " -f 1 /proc/uptime
"$1" -m agent scan 10.99.0.0/28 --rate {rate}/s >&2 || test $? = 3
cat /proc/net/snmp; cut -d " " -f 1 /proc/uptime
"""


def counted(text):
    """The kernel's counters as a table prints them: ``Udp.OutDatagrams``; and the uptime."""
    found = {}
    rows = [line.split() for line in text.splitlines() if ":" in line]
    for names, values in zip(rows[::2], rows[1::2], strict=True):
        found |= {f"{names[0][:-1]}.{name}": int(value) for name, value in zip(names[1:], values[1:], strict=True)}
    return found, float(text.split()[-1])


def test_one_probe_is_one_packet_none_is_repeated_and_the_rate_holds():
    unshare = shutil.which("unshare")
    if unshare is None or shutil.which("ip") is None:
        pytest.skip("needs unshare and ip (Debian packages util-linux, iproute2)")
    if subprocess.run([unshare, "-n", "true"], capture_output=True).returncode:
        pytest.skip("may not make a network namespace")
    command = [unshare, "-n", "sh", "-c", SCRIPT.format(rate=RATE), "sh", sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
    if "Unknown device type" in done.stderr:
        pytest.skip("this kernel has no veth")
    assert done.returncode == 0, done.stderr
    before, after = (text for text in re.split(r"(?<=\d)\n(?=Ip: )", done.stdout))
    (was, began), (now, ended) = counted(before), counted(after)
    rose = {name: now[name] - was.get(name, 0) for name in now}
    silent = HOSTS - 1  # the first address is our own, and refuses at once
    assert rose["Udp.OutDatagrams"] == 3 * silent + 1
    assert rose["Tcp.ActiveOpens"] == 2 * HOSTS
    assert rose["Tcp.RetransSegs"] == 0
    probes = rose["Udp.OutDatagrams"] + rose["Tcp.ActiveOpens"]
    assert f"{probes} probes sent" in done.stderr
    assert probes <= RATE * (ended - began) + 1
