"""The gateway's settings: every mistake named with its line and what to write instead."""

from pathlib import Path

import pytest

from contract.errors import ConfigError
from contract.settings import no_secrets
from gateway import config

ROOT = Path(__file__).parents[3]
LEAST = '[gateway]\nname = "g"\n[broker]\nhost = "h"\n'


def lay(folder, text, *, contacts=True):
    (folder / "plan").mkdir()
    if contacts:
        (folder / "contacts.toml").touch()
    (folder / "secret").write_text("s3cret\n")
    path = folder / "gateway.toml"
    path.write_text(text)
    return path


def problems(folder, text, **more):
    with pytest.raises(ConfigError) as caught:
        config.load(lay(folder, text, **more), environment={})
    return caught.value.problems


def test_the_least_that_a_gateway_needs(tmp_path):
    loaded = config.load(lay(tmp_path, LEAST), environment={})
    assert loaded.store is None
    assert loaded.plan == tmp_path / "plan"
    assert loaded.gateway.board.port == 8080
    assert Path(loaded.gateway.state).is_absolute()


def test_the_example_is_right_but_for_its_credentials(tmp_path):
    for name in ("broker-password", "smtp-password", "webhook-duty"):
        (tmp_path / name).write_text("x")
    loaded = config.load(ROOT / "config" / "gateway.toml", environment={"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert loaded.store.kind == "influxdb1"
    assert "duty" in loaded.notify.webhook


def test_secrets_come_from_files_and_never_show(tmp_path):
    text = LEAST + 'user = "u"\npassword = { file = "secret" }\n'
    loaded = config.load(lay(tmp_path, text), environment={})
    assert loaded.broker.password.reveal() == "s3cret"
    assert "s3cret" not in repr(loaded)


@pytest.mark.parametrize(
    ("more", "line", "key", "what"),
    [
        ('[store]\nkind = "influx"\nurl = "http://x"', 6, "store.kind", "influxdb1"),
        ('[store]\nkind = "influxdb2"\nurl = "http://x"\nbucket = "b"', 5, "store", "token"),
        ('[store]\nkind = "influxdb1"\nurl = "http://x"', 5, "store", "CREATE DATABASE"),
        ('[store]\nkind = "victoriametrics"\nurl = "localhost:8428"', 7, "store.url", "http://"),
        ('[store]\nkind = "victoriametrics"\nurl = "http://x"\ntimeout = 5', 8, "store.timeout", "5s"),
        ('[store]\nkind = "influxdb1"\nurl = "http://x"\ndatabase = "d"\nbucket = "b"', 9, "store.bucket", "kind"),
        ('[store]\nkind = "victoriametrics"\nurl = "http://x"\ndatabase = "d"', 8, "store.database", "takes none"),
        ('[notify.email]\nhost = "h"\nsender = "nobody"', 7, "notify.email.sender", "address"),
        ('[notify.email]\nhost = "h"\nsender = "w@例子.cn"', 7, "notify.email.sender", "address"),
        ('[notify.email]\nhost = "h"\nsender = "a@b\\nBcc: c@d"', 7, "notify.email.sender", "address"),
        ('[notify.email]\nhost = "h:25"\nsender = "a@b"', 6, "notify.email.host", "port"),
        ('[notify.email]\nhost = "h"\nsender = "a@b"\ntls = "yes"', 8, "notify.email.tls", "starttls"),
        ('[notify.webhook.x]\nurl = "ftp://x"\nsecret = { file = "secret" }', 6, "notify.webhook.x.url", "https"),
        ('[notify.webhook.x]\nurl = "https://x"\nsecret = "abc"', 7, "notify.webhook.x.secret", "file"),
        ('[notify.webhook.x]\nurl = "https://x"\nsecret = { credential = "no" }', 7, "notify.webhook.x.secret", "Load"),
        ("[sotre]\nx = 1", 5, "sotre", "store"),
        ('[broker.tls]\nca = "nowhere.pem"', 6, "broker.tls.ca", "nowhere.pem"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_the_way_out(tmp_path, more, line, key, what):
    found = problems(tmp_path, LEAST + more)
    assert [(one.line, one.key) for one in found] == [(line, key)]
    assert what in str(found[0])


def test_all_problems_come_at_once(tmp_path):
    text = '[gateway]\nname = "Gate Way"\npublic_url = "x"\nkeep = 14\n[broker]\nprt = 1\n'
    found = problems(tmp_path, text)
    assert {one.key for one in found} == {
        "gateway.name",
        "gateway.public_url",
        "gateway.keep",
        "broker.prt",
        "broker.host",
    }


def test_a_missing_plan_or_contacts_file_is_found_at_once(tmp_path):
    found = problems(tmp_path, 'plan = "plans"\n' + LEAST, contacts=False)
    assert {one.key for one in found} == {"plan", "contacts"}


@pytest.mark.parametrize(("content", "what"), [(b"\xff\xfe", "UTF-8"), (b"[gateway", "TOML")])
def test_a_file_that_is_no_settings_file_is_named(tmp_path, content, what):
    path = tmp_path / "gateway.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=what):
        config.load(path, environment={})


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(tmp_path / "none.toml", environment={})


@pytest.mark.parametrize(
    ("written", "said"),
    [('"1 MiB"', "too small"), ("4", "needs a unit"), ('"4 GB"', "not a size"), ("true", "must be a size")],
)
def test_the_limit_of_the_journal_is_a_size_that_it_can_live_with(written, said):
    with pytest.raises(ConfigError) as caught:
        config.parse(f"[gateway]\nname = 'g'\nkeep_bytes = {written}\n", Path("g.toml"), secrets=no_secrets)
    assert any(problem.key == "gateway.keep_bytes" and said in problem.what for problem in caught.value.problems)
