"""This very machine."""

import os
import socket
import subprocess
import sys

import pytest

from agent.links import host
from agent.links.host import ThisHost, listeners


def test_the_machine_tells_how_it_is():
    look = ThisHost().look()
    assert look.before is not None
    assert look.processors.total > look.before.total > 0.0
    assert 0.0 <= look.processors.busy <= look.processors.total
    assert 0.0 < look.memory_used < 100.0
    assert look.memory > 2**26
    assert look.processes > 1
    root = next(disk for disk in ThisHost().disks() if disk.point == "/")
    said = os.statvfs("/")
    assert root.size == said.f_blocks * said.f_frsize
    assert 0.0 < root.used <= 100.0


def test_the_disk_is_as_full_as_df_says():
    df = subprocess.run(["df", "--output=pcent", "/"], capture_output=True, text=True, check=True).stdout
    disk = ThisHost(["/"]).disks()[0]
    assert abs(disk.used - float(df.split()[1].rstrip("%"))) <= 1.0  # df rounds up


def test_a_mount_point_that_is_none_is_told():
    assert ThisHost(["/no/such/place"]).disks() == [host.Disk("/no/such/place", mounted=False)]


LISTEN = """
import socket, sys, time
kind = socket.SOCK_STREAM if sys.argv[1] == "tcp" else socket.SOCK_DGRAM
s = socket.socket(socket.AF_INET, kind)
s.bind((sys.argv[2], int(sys.argv[3])))
if sys.argv[1] == "tcp":
    s.listen()
print(s.getsockname()[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def listen():
    processes = []

    def start(protocol, address, port=0):
        process = subprocess.Popen(
            [sys.executable, "-c", LISTEN, protocol, address, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return int(process.stdout.readline())

    yield start
    for process in processes:
        process.communicate(timeout=10)


def test_a_port_that_another_process_listens_on_is_seen_with_its_process(listen):
    port = listen("tcp", "0.0.0.0")
    found = {listener.key: listener for listener in listeners()}
    assert found[f"tcp/{port}"].process.startswith("python")


def test_loopback_and_our_own_ports_are_no_news(listen):
    port = listen("tcp", "127.0.0.1")
    with socket.create_server(("0.0.0.0", 0)) as own:
        keys = {listener.key for listener in listeners()}
        assert not {f"tcp/{port}", f"tcp/{own.getsockname()[1]}"} & keys


def test_udp_counts_below_the_ports_of_clients(listen, monkeypatch):
    port = listen("udp", "0.0.0.0")
    assert f"udp/{port}" not in {listener.key for listener in listeners()}
    monkeypatch.setattr(host, "_lowest_ephemeral", lambda: 65536)
    assert f"udp/{port}" in {listener.key for listener in listeners()}


REMOUNTS = """
import subprocess, sys
from agent.links.host import ThisHost

def run(*command):
    subprocess.run(["mount", *command], check=True)

folder = sys.argv[1]
run("-t", "tmpfs", "-o", "size=1m", "x", folder)
host = ThisHost([folder])
print(host.disks()[0].readonly)
run("--bind", folder, folder)
run("-o", "remount,bind,ro", folder)
print(host.disks()[0].readonly)
run("-o", "remount,ro", folder)
print(host.disks()[0].readonly)
"""


def test_a_real_remount_is_seen_and_a_sandbox_is_not_taken_for_one(tmp_path):
    command = ["unshare", "--mount", sys.executable, "-c", REMOUNTS, str(tmp_path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("unshare (util-linux) is not installed")
    if done.returncode:
        pytest.skip(f"may not mount here: {done.stderr.splitlines()[-1] if done.stderr else 'no word'}")
    assert done.stdout.split() == ["False", "False", "True"]
