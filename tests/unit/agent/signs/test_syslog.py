"""What comes as syslog: as the standards say, as devices send it, and as strangers do."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.signs.syslog import LONGEST, Frames, Message, parse

BOM = "\ufeff".encode()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        # RFC 5424, 6.5
        (
            b"<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - " + BOM + b"'su root' failed",
            Message(4, 2, "'su root' failed", "mymachine.example.com", "su"),
        ),
        (
            b"<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time.",
            Message(20, 5, "%% It's time.", "192.0.2.1", "myproc"),
        ),
        (
            b'<165>1 2003-10-11T22:14:15.003Z h ev - ID47 [a@1 iut="3" t="a \\"b\\] ]"][b@2 c=""] text',
            Message(20, 5, "text", "h", "ev"),
        ),
        (b"<165>1 - - - - - -", Message(20, 5, "")),
        (b'<165>1 - h p - - [never="ends', Message(20, 5, '[never="ends', "h", "p")),
        # RFC 3164, 5.4
        (
            b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
            Message(4, 2, "'su root' failed for lonvick on /dev/pts/8", "mymachine", "su"),
        ),
        (b"<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!", Message(1, 5, "Use the BFG!", "10.0.0.99")),
        (b"<86>Nov 25 13:00:00 host sshd[42]: Failed", Message(10, 6, "Failed", "host", "sshd")),
        (b"<30>2026-11-25T13:00:00.5+08:00 host cron[7]: x", Message(3, 6, "x", "host", "cron")),
        # as devices send it
        (b"<189>Nov 25 2026 13:00:00 sw1 %%10IFNET/3/LINK: down", Message(23, 5, "%%10IFNET/3/LINK: down", "sw1")),
        (b"<187>Mar  1 00:00:07: %LINK-3-UPDOWN: down\n", Message(23, 3, "%LINK-3-UPDOWN: down")),
        (b"14 <11>plain text", Message(1, 3, "plain text")),  # logger --udp --octet-count
        (b"<11>plain text", Message(1, 3, "plain text")),
        (b"no priority at all", Message(1, 5, "no priority at all")),
        (b"<999>x", Message(1, 5, "<999>x")),
        (b"<>x", Message(1, 5, "<>x")),
        (b"", Message(1, 5, "")),
        (b"<3>\xff\xfe", Message(0, 3, "\ufffd\ufffd")),
    ],
)
def test_messages_are_understood(data, expected):
    assert parse(data) == expected


@given(st.binary(max_size=3000))
def test_no_bytes_are_an_error(data):
    message = parse(data)
    assert 0 <= message.severity <= 7
    assert 0 <= message.facility <= 23


headers = st.sampled_from([b"<11>1 ", b"<11>", b"<11>Nov 25 13:00:00 ", b"<11>1 - - - - - ", b"<11>1 - - - - - ["])
pieces = st.lists(
    st.sampled_from([b" ", b"-", b"[", b"]", b'"', b"\\", b"=", b"a", b":", b"\n", b"\0", b"1"]), max_size=80
)


@given(headers, pieces)
def test_no_message_that_is_nearly_right_is_an_error(header, parts):
    assert parse(header + b"".join(parts)).severity == 3


@pytest.mark.parametrize("piece", [b"[", b'[a="', b"<1>", b"a: ", b" ", b"\\", b"Nov 25 13:00:00 "])
def test_no_long_message_takes_long(piece):
    import time

    began = time.process_time()
    for header in (b"<11>", b"<11>1 - - - - - ", b""):
        parse(header + piece * (65536 // len(piece)))
    assert time.process_time() - began < 0.5


def frames(*chunks):
    subject = Frames()
    return [frame for chunk in chunks for frame in subject.feed(chunk)], subject.rest()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"<1>a\n<2>b\n", [b"<1>a", b"<2>b"]),
        (b"<1>a\0<2>b\0", [b"<1>a", b"<2>b"]),
        (b"4 <1>a5 <2>\nb", [b"<1>a", b"<2>\nb"]),
        (b"4 <1>a<2>b\n4 <3>c", [b"<1>a", b"<2>b", b"<3>c"]),  # each frame says which
        (b"\n\n\r\n<1>a\n", [b"<1>a"]),
        (b"2026-11-25 x\n", [b"2026-11-25 x"]),
        (b"99999999 x\n", [b"99999999 x"]),
        (b"0 x\n", [b"0 x"]),
    ],
)
def test_a_stream_is_taken_apart_in_whatever_pieces_it_comes(data, expected):
    assert frames(data)[0] == expected
    assert frames(*(data[at : at + 1] for at in range(len(data))))[0] == expected


def test_what_has_no_end_when_the_stream_ends_is_a_message_too():
    assert frames(b"<1>a\n<2>b") == ([b"<1>a"], b"<2>b")


def test_what_is_too_long_is_cut_and_the_next_one_is_whole():
    assert [len(frame) for frame in frames(b"x" * 50_000 + b"\n", b"<1>a\n")[0]] == [LONGEST, 4]
    assert [len(frame) for frame in frames(b"50000 " + b"x" * 50_000, b"4 <1>a")[0]] == [LONGEST, 4]


@given(
    st.lists(st.binary(max_size=200) | st.sampled_from([b"4 <1>a", b"9999999 ", b"\n", b"7", b"12345678"]), max_size=50)
)
def test_no_stream_is_an_error_and_pieces_make_no_difference(chunks):
    whole, apart = frames(b"".join(chunks)), frames(*chunks)
    assert whole == apart
    assert all(0 < len(frame) <= LONGEST for frame in whole[0])


@pytest.mark.parametrize(
    "piece", [b"x" * 65536, b"9999999 " + b"x" * 65528, b"\n" * 65536, b"1 \n" * 20000, b"7" * 65536]
)
def test_no_stream_takes_much_memory_or_long(piece):
    import time

    subject = Frames()
    subject.feed(piece)
    tracemalloc.start()
    began = time.process_time()
    for _ in range(3):
        subject.feed(piece)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 << 20
    assert time.process_time() - began < 5
    assert len(subject.rest()) <= LONGEST + 65536
