"""The composition root: what it makes of a state directory."""

import re
import shutil
from pathlib import Path

import pytest

from contract.errors import ConfigError, StorageError
from gateway.app import link_secret
from gateway.read import read_all

CONFIG = Path(__file__).parents[3] / "config"


def test_the_key_of_the_links_is_made_once_and_is_nobody_elses(tmp_path):
    state = tmp_path / "state"
    key = link_secret(state)
    assert len(key) == 32
    assert link_secret(state) == key
    assert state.stat().st_mode & 0o777 == 0o700
    assert (state / "links.key").stat().st_mode & 0o777 == 0o600
    assert link_secret(tmp_path / "other") != key


def test_a_key_that_was_cut_short_is_refused_and_never_signs(tmp_path):
    (tmp_path / "links.key").write_bytes(b"")
    with pytest.raises(StorageError, match=r"has 0 bytes, and needs 32 \(remove it"):
        link_secret(tmp_path)


def test_a_key_whose_making_was_cut_short_is_made_again(tmp_path):
    (tmp_path / "links.new").write_bytes(b"half")
    assert len(link_secret(tmp_path)) == 32


@pytest.mark.parametrize("wrong", ["", "keep = 14\n"])
def test_what_is_wrong_with_the_dependencies_is_listed_with_all_the_rest(tmp_path, wrong):
    folder = tmp_path / "config"
    shutil.copytree(CONFIG, folder)
    tree = folder / "dependencies.toml"
    tree.write_text(tree.read_text("utf-8").replace('of = "ats"', 'off = "ats"'), "utf-8")
    contacts = folder / "contacts.toml"
    contacts.write_text(contacts.read_text("utf-8").replace('head = "zhao"', 'head = "zho"'), "utf-8")
    settings = folder / "gateway.toml"
    text = settings.read_text("utf-8").replace("/etc/ssl/certs/ca-certificates.crt", str(settings))
    text = re.sub(r"\{ credential = .*? \}", f'{{ file = "{tmp_path}/secret" }}', text)
    settings.write_text(text.replace("[broker]\n", f"[broker]\n{wrong}"), "utf-8")
    (tmp_path / "secret").write_text("long-enough-for-anybody\n")
    with pytest.raises(ConfigError) as raised:
        read_all(settings)
    files = {Path(problem.file).name for problem in raised.value.problems}
    assert files == {"dependencies.toml", "contacts.toml", *(["gateway.toml"] if wrong else [])}
