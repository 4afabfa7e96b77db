"""Why something cannot be done with an incident, in both languages, with the way out. Pure."""

from collections.abc import Sequence

from contract.errors import IncidentError, IncidentUnknown
from contract.settings import did_you_mean
from gateway.incident import Incident


def unknown(code: str, known: Sequence[str]) -> IncidentUnknown:
    """Say that there is no such incident; ``known`` are the codes of the last ones."""
    hint = did_you_mean(code.upper(), known) if known else "there is no incident yet"
    hint_zh = f"最近的事件：{'、'.join(known)}" if known else "目前还没有事件"
    return IncidentUnknown(f"no incident {code!r}", zh=f"没有事件 {code!r}", hint=hint, hint_zh=hint_zh)


def closed(code: str) -> IncidentError:
    """Say that it is closed."""
    hint, hint_zh = "a note can still be written", "仍可以写备注"
    return IncidentError(f"{code} is closed", zh=f"{code} 已经关闭", hint=hint, hint_zh=hint_zh)


def no_step(clause: str, index: int, count: int) -> IncidentError:
    """Say that its clause has no such step."""
    return IncidentError(
        f"clause {clause} has no step {index + 1}",
        zh=f"预案 {clause} 没有第 {index + 1} 步",
        hint=f"it has {count}",
        hint_zh=f"共 {count} 步",
    )


def not_over(incident: Incident) -> IncidentError:
    """Say that it cannot be closed without a reason."""
    if not any(symptom.quantity for symptom in incident.symptoms) or incident.held:
        return IncidentError(
            f"{incident.code} cannot be closed without words: no sensor can say that it is over",
            zh=f"{incident.code} 还不能关闭：没有传感器能确认它已结束",
            hint="write what was done",
            hint_zh="写明做了什么",
        )
    stands = incident.gone is None
    why = "its cause still stands" if stands else "it is not yet checked that its cause is gone"
    return IncidentError(
        f"{incident.code} cannot be closed: {why}",
        zh=f"{incident.code} 还不能关闭：{'原因还没有消失' if stands else '还没有核实原因已消失'}",
        hint="wait for it, or give a reason",
        hint_zh="等原因消失并核实，或写明关闭的理由",
    )


def no_load(incident: Incident, index: int, count: int) -> IncidentError:
    """Say that there is no such load to mark as switched off, or that it is no matter of this incident now."""
    if not incident.countdowns:
        return IncidentError(
            f"no battery of {incident.code} is being drained",
            zh=f"{incident.code} 当前不在电池供电中",
            hint="a note can still be written",
            hint_zh="仍可以写备注",
        )
    return IncidentError(
        f"the list of clause {incident.clause} has no entry {index + 1}",
        zh=f"预案 {incident.clause} 的负载清单没有第 {index + 1} 项",
        hint=f"it has {count}",
        hint_zh=f"共 {count} 项",
    )


def no_words() -> IncidentError:
    """Say that a note is empty."""
    hint, hint_zh = "write what you saw or did", "写下看到了什么、做了什么"
    return IncidentError("a note needs words", zh="备注是空的", hint=hint, hint_zh=hint_zh)


def not_yours(incident: Incident) -> IncidentError:
    """Say that somebody else has it, or nobody."""
    who = f"{incident.owner} has it" if incident.owner else "nobody has it"
    return IncidentError(
        f"{incident.code} is not yours: {who}",
        zh=f"{incident.code} 不由您处理：{f'处理人是 {incident.owner}' if incident.owner else '还没有处理人'}",
        hint="take it on first: mine",
        hint_zh="请先按“我处理”",
    )


def to_yourself() -> IncidentError:
    """Say that nobody hands over to themselves."""
    hint, hint_zh = "name another person", "请选择另一个人"
    return IncidentError("it is yours already", zh="已经由您处理", hint=hint, hint_zh=hint_zh)


def no_handover_words() -> IncidentError:
    """Say that a handover is empty."""
    hint, hint_zh = "write where it stands and what is to be done", "写明进展到哪里、还要做什么"
    return IncidentError("a handover needs a sentence", zh="移交需要写一句话", hint=hint, hint_zh=hint_zh)


def not_asked(code: str) -> IncidentError:
    """Say that a person is not asked to take it over; it may have lapsed, or been taken back."""
    hint, hint_zh = "take it on: mine", "要接手请按“我处理”"
    what, zh = f"{code} is not being handed over to you", f"{code} 目前没有移交给您"
    return IncidentError(what, zh=zh, hint=hint, hint_zh=hint_zh)


def not_closed(code: str) -> IncidentError:
    """Say that it is open."""
    hint, hint_zh = "answer it: seen, or mine", "请答复：收到，或我处理"
    return IncidentError(f"{code} is not closed", zh=f"{code} 没有关闭", hint=hint, hint_zh=hint_zh)


def goes_on(code: str, other: str) -> IncidentError:
    """Say that another incident stands for the same."""
    what, zh = f"{code} goes on as {other}, which is open", f"{code} 已作为 {other} 继续，后者未关闭"
    return IncidentError(what, zh=zh, hint=f"write a note into {other}", hint_zh=f"请在 {other} 中备注")


def no_reason(code: str) -> IncidentError:
    """Say that reopening needs a reason."""
    hint, hint_zh = "write what is not over", "写明什么没有解决"
    return IncidentError(f"to reopen {code} needs a reason", zh=f"重新打开 {code} 需要理由", hint=hint, hint_zh=hint_zh)
