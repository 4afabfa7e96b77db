"""The composition root: what it makes of a state directory."""

import pytest

from contract.errors import StorageError
from gateway.app import link_secret


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
