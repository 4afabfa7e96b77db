"""What a line's self-check says, as people read it."""

import pytest

from agent.selfcheck import Finding, Mark, Step, told
from contract.reading import Reading
from gateway.board.views import text
from gateway.board.words import Words

FINDINGS = told(
    (
        Finding(Step.PORT, Mark.OK, "eth1 up"),
        Finding(Step.GATEWAY, Mark.BAD, "192.0.2.1 no-answer"),
        Finding(Step.DNS, Mark.UNKNOWN),
    )
)


@pytest.mark.parametrize(
    ("quantity", "value", "zh", "en"),
    [
        (
            "x.line.status",
            ("DOWN", "WHY-POWER"),
            "中断、原因：本地设备断电",
            "down, cause: local equipment has no power",
        ),
        ("x.selfcheck.verdict", "carrier", "运营商", "the carrier"),
        ("x.selfcheck.verdict", "of-a-later-version", "of-a-later-version", "of-a-later-version"),
        (
            "x.selfcheck.findings",
            FINDINGS,
            "本地端口 正常 eth1 up；网关 异常 192.0.2.1 no-answer；域名解析 不明",
            "local port fine eth1 up; gateway wrong 192.0.2.1 no-answer; DNS unknown",
        ),
        ("x.selfcheck.findings", "not; of  ours", "not；of ours", "not; of ours"),
    ],
)
def test_a_self_check_is_read_in_both_languages(quantity, value, zh, en):
    assert text(Reading(quantity, value), Words("zh")) == zh
    assert text(Reading(quantity, value), Words("en")) == en
