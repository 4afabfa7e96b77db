"""Values as people read them."""

import pytest

from agent.kinds import kinds as device_kinds
from contract.quantities import find
from contract.reading import Quality, Reading
from gateway.board import kinds
from gateway.board.views import text
from gateway.board.words import Words


@pytest.mark.parametrize(
    ("quantity", "value", "said"),
    [
        ("backup.age", 93600.0, "1 天 2 小时"),
        ("backup.3.age", 3600.0, "1 小时"),
        ("agent.room", 86400.0, "1 天"),
        ("backup.size", 0.0, "0 B"),
        ("backup.size", 1023.0, "1023 B"),
        ("backup.2.size", 1536.0, "1.5 KiB"),
        ("host.memory.total", 16.0 * (1 << 30), "16 GiB"),
        ("backup.rate", 2.5 * (1 << 20), "2.5 MiB/s"),
        ("host.cpu.load", 12.345, "12.35"),
        ("battery.runtime", 2600.0, "43 分 20 秒"),
        ("no.such.quantity", 1.0, "1"),
    ],
)
def test_spans_and_sizes_are_said_in_their_units(quantity, value, said):
    assert text(Reading(quantity, value), Words("zh")) == said


def test_what_is_not_believed_is_said_as_it_came():
    assert text(Reading("backup.age", -1e9, Quality.IMPLAUSIBLE), Words("zh")) == "-1000000000"


@pytest.mark.parametrize(("language", "said"), [("zh", "无"), ("en", "none")])
def test_that_there_is_nothing_is_said_in_our_language(language, said):
    assert text(Reading("x.port.alarm", "none"), Words(language)) == said
    assert text(Reading("device.model", "Smart-UPS"), Words(language)) == "Smart-UPS"


def test_what_is_as_it_should_be_is_not_shown_as_trouble():
    for quantity, calm in (
        ("x.line.status", {"UP"}),
        ("x.probe.status", {"UP"}),
        ("pair.status", {"SERVING", "SINGLE", "REDUNDANT"}),
        ("group.status", {"ENOUGH", "WHOLE", "SPARED"}),
    ):
        assert set(find(quantity).flags) & kinds.CALM == calm, quantity


@pytest.mark.parametrize("kind", sorted(kinds.FIRST))
def test_what_a_card_shows_first_is_in_the_dictionary(kind):
    assert kind in device_kinds()
    assert all(find(name) for name in kinds.FIRST[kind])


@pytest.mark.parametrize("kind", sorted(kinds.SOMETIMES))
def test_what_is_said_only_sometimes_is_among_the_first(kind):
    assert kinds.SOMETIMES[kind] <= set(kinds.FIRST[kind])
