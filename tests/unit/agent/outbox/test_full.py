"""What goes when the spool is full: pure, against what it must leave."""

from hypothesis import given
from hypothesis import strategies as st

from agent.outbox.full import Glance, glance, thin
from contract.clock import Stamp
from contract.message import Readings, encode


def kept(messages, merges):
    gone = {seq for merge in merges for seq in range(merge.first, merge.seq)}
    return [message.seq for message in messages if message.seq not in gone]


def test_one_a_minute_stays_of_each_device_and_the_last_of_a_run():
    messages = [Glance(n, n, True, f"ups-{n % 2}", ("b", n // 60)) for n in range(1, 241)]
    merges = thin(messages, {}, lambda _: False)
    assert kept(messages, merges) == [1, 2, 60, 61, 120, 121, 180, 181, 240]
    assert merges[-1].first == 182, "what stays stands for all before it"


def test_an_alarm_stays_and_breaks_the_run():
    messages = [Glance(n, n, n != 5, "d", ("b", 0)) for n in range(1, 10)]
    merges = thin(messages, {}, lambda _: False)
    assert [(merge.first, merge.seq) for merge in merges] == [(2, 4), (6, 9)]


def test_what_is_under_way_neither_goes_nor_absorbs():
    messages = [Glance(n, n, True, "d", ("b", 0)) for n in range(1, 10)]
    merges = thin(messages, {}, lambda seq: seq == 5)
    assert [(merge.first, merge.seq) for merge in merges] == [(2, 4), (6, 9)]


def test_a_gap_breaks_the_run():
    messages = [Glance(n, n, True, "d", ("b", 0)) for n in (1, 2, 3, 5, 6)]
    assert [(merge.first, merge.seq) for merge in thin(messages, {}, lambda _: False)] == [(2, 3), (5, 6)]


def test_pages_go_on_where_the_one_before_stopped():
    messages = [Glance(n, n, True, "d", ("b", n // 60)) for n in range(1, 241)]
    seen = {}
    first = thin(messages[:100], seen, lambda _: False)
    left = [message for message in messages if message.seq not in {n for m in first for n in range(m.first, m.seq)}]
    firsts = {merge.seq: merge.first for merge in first}
    again = [Glance(m.seq, firsts.get(m.seq, m.seq), True, "d", m.bucket) for m in left if m.seq >= 100]
    merges = thin(again, seen, lambda _: False)
    assert [(merge.first, merge.seq) for merge in merges] == [(61, 120), (121, 180), (181, 240)]


def test_boottime_says_which_minute_whatever_the_wall_clock_does():
    bodies = [
        encode(Readings("e" * 16, 1, "ups-1", Stamp(wall, boottime, "b")))
        for wall, boottime in ((1e9, 61.0), (5.0, 62.0), (2e9, 119.0), (1e9, 120.0))
    ]
    buckets = [glance(1, 0, body, 60.0, reading=True).bucket for body in bodies]
    assert buckets == [("b", 1), ("b", 1), ("b", 1), ("b", 2)]


def test_what_cannot_be_read_is_left_alone():
    for body in (b"", b"nonsense", b"\xff\xfe", b'{"at": 5}', b"[" * 100_000):
        assert not glance(1, 0, body, 60.0, reading=True).reading


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from("ab"), st.booleans(), st.integers(0, 1)), max_size=60),
)
def test_whatever_is_there_every_number_is_kept_or_stood_for_and_nothing_else_is(raw):
    messages, seq = [], 0
    for reading, device, busy, gap in raw:
        seq += 1 + gap
        messages.append((Glance(seq, seq, reading, device, ("b", seq // 10)), busy))
    under_way = {message.seq for message, busy in messages if busy}
    merges = thin([message for message, _ in messages], {}, lambda n: n in under_way)
    before = {message.seq for message, _ in messages}
    stays = set(kept([message for message, _ in messages], merges))
    stood_for = {n for merge in merges for n in range(merge.first, merge.seq + 1)}
    assert stays | stood_for == before
    assert {merge.seq for merge in merges} <= stays
    protected = {message.seq for message, busy in messages if busy or not message.reading}
    assert not protected & stood_for
