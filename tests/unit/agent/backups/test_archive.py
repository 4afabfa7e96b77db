"""Archives as the real programs write them, whole and broken."""

import gzip
import hashlib
import os
import random
import shutil
import sqlite3
import subprocess
import threading
import time

import pytest

from agent.backups.archive import Budget, examine
from agent.backups.verdict import Wholeness

NOISE = random.Random(7).randbytes(300_000)


def budget(rate=1e9, seconds=30.0, stop=None):
    return Budget(rate, seconds, stop or threading.Event())


def look(path, wanted="auto", **limits):
    return examine(str(path), wanted, budget(**limits))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "noise").write_bytes(NOISE)
    (tmp_path / "data" / "text").write_text("狼烟\n" * 1000)
    return tmp_path


def run(folder, *command):
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def made(folder, name):
    match name.partition(".")[2]:
        case "tar" | "tar.gz" | "tgz" | "tar.xz" | "tar.bz2":
            run(folder, "tar", "-caf", name, "data")
        case "gz":
            (folder / name).write_bytes(gzip.compress(NOISE))
        case "zip":
            run(folder, "zip", "-qr", name, "data")
        case "sqlite":
            with sqlite3.connect(folder / name) as db:
                db.execute("CREATE TABLE t (a)")
                db.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 500)
            db.close()
    return folder / name


NAMES = ["b.tar", "b.tar.gz", "b.tgz", "b.tar.xz", "b.tar.bz2", "b.gz", "b.zip", "b.sqlite"]


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_one_is_good(folder, name):
    assert look(made(folder, name)).tested is Wholeness.GOOD


@pytest.mark.parametrize("name", NAMES)
def test_one_that_was_cut_off_is_damaged(folder, name):
    path = made(folder, name)
    os.truncate(path, path.stat().st_size // 2)
    outcome = look(path)
    assert outcome.tested is Wholeness.DAMAGED
    assert outcome.finding


@pytest.mark.parametrize("name", ["b.tar.gz", "b.tgz", "b.tar.xz", "b.tar.bz2", "b.gz", "b.zip"])
def test_one_with_a_bit_turned_is_damaged(folder, name):
    path = made(folder, name)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)
    assert look(path).tested is Wholeness.DAMAGED


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("content", [b"", b"not what its name says" * 100, NOISE[:5000]])
def test_what_is_none_is_damaged(folder, name, content):
    (folder / name).write_bytes(content)
    assert look(folder / name).tested is Wholeness.DAMAGED


def test_an_archive_of_nothing_is_damaged(folder):
    run(folder, "tar", "-cf", "b.tar", "-T", "/dev/null")
    assert look(folder / "b.tar").tested is Wholeness.DAMAGED


@pytest.mark.parametrize(("ending", "name"), [(".sha256", "sha256"), (".sha512", "sha512"), (".md5", "md5")])
def test_a_checksum_beside_it_is_believed(folder, ending, name):
    path = folder / "b.bin"
    path.write_bytes(NOISE)
    run(folder, "sh", "-c", f"{name}sum b.bin > b.bin{ending}")
    assert (look(path).tested, look(path).finding) == (Wholeness.GOOD, name)
    path.write_bytes(NOISE[:-1] + b"!")
    assert look(path).tested is Wholeness.DAMAGED


def test_a_checksum_that_is_none_is_no_proof(folder):
    path = folder / "b.bin"
    path.write_bytes(NOISE)
    (folder / "b.bin.sha256").write_text("")
    assert look(path).tested is Wholeness.FAILED
    (folder / "b.bin.sha256").unlink()
    assert look(path).tested is Wholeness.NONE
    assert look(path, "checksum").tested is Wholeness.FAILED


def test_a_good_checksum_of_a_bad_archive_is_not_enough(folder):
    path = made(folder, "b.tar.gz")
    os.truncate(path, path.stat().st_size // 2)
    (folder / "b.tar.gz.sha256").write_text(hashlib.sha256(path.read_bytes()).hexdigest())
    assert look(path).tested is Wholeness.DAMAGED


def test_what_the_settings_say_goes_before_the_name(folder):
    path = made(folder, "b.tar.gz").rename(folder / "b.bak")
    assert look(path).tested is Wholeness.NONE
    assert look(path, "gzip").tested is Wholeness.GOOD
    assert look(path, "zip").tested is Wholeness.DAMAGED
    assert look(path, "none").tested is Wholeness.NONE


def test_a_zip_with_a_password_is_not_tested_and_not_damaged(folder):
    run(folder, "zip", "-qr", "-P", "secret", "b.zip", "data")
    assert look(folder / "b.zip").tested is Wholeness.FAILED


def test_what_is_gone_or_shut_is_not_tested(folder):
    assert look(folder / "gone.tar").tested is Wholeness.FAILED
    (folder / "folder.tar").mkdir()
    assert look(folder / "folder.tar").tested is Wholeness.FAILED


def test_it_reads_no_faster_than_it_may(folder):
    path = made(folder, "b.gz")
    began = time.monotonic()
    assert look(path, rate=600_000.0).tested is Wholeness.GOOD
    assert time.monotonic() - began >= 0.4


def test_it_takes_no_longer_than_it_may(folder):
    assert look(made(folder, "b.gz"), rate=1e5, seconds=0.3).finding == "it takes too long"


@pytest.mark.parametrize("name", ["b.gz", "b.sqlite"])
def test_it_ends_at_once_when_it_is_told_to(folder, name):
    stop = threading.Event()
    stop.set()
    path = made(folder, name)
    if name == "b.sqlite":
        with sqlite3.connect(path) as db:
            db.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 50_000)
        db.close()
    began = time.monotonic()
    assert look(path, rate=1e5, stop=stop).tested is Wholeness.FAILED
    assert time.monotonic() - began < 2


def test_a_bomb_takes_time_and_no_memory(folder):
    import resource

    path = folder / "b.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(300):
            file.write(bytes(1 << 20))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert look(path).tested is Wholeness.GOOD
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB
