"""Why something cannot be put aside, in both languages, with the way out. Pure."""

from contract.errors import IncidentError, UsageError


def no_reason() -> IncidentError:
    """Say that a reason is needed."""
    return IncidentError(
        "a reason is needed",
        zh="请写明理由",
        hint="the next one on duty reads it: what is done, and until when",
        hint_zh="下一班的人要看：在做什么、到什么时候",
    )


def too_long(seconds: float, most: float) -> IncidentError:
    """Say that it cannot be shelved for so long."""
    hours = f"{most / 3600:g}"
    if seconds <= 0:
        return IncidentError(
            "a shelving needs an end", zh="搁置必须有结束时间", hint="say for how long: 2h", hint_zh="请写明多久，如 2h"
        )
    return IncidentError(
        f"{seconds / 3600:.3g} h is too long: {hours} h at the most",
        zh=f"搁置 {seconds / 3600:.3g} 小时太长，最多 {hours} 小时",
        hint="what is worked on for longer is taken out of service",
        hint_zh="时间更长的，请停用（out）",
    )


def not_known(target: str, near: str = "") -> IncidentError:
    """Say that there is no such alarm, device or condition; ``near`` says which there are."""
    return IncidentError(
        f"no alarm or device {target!r} is known",
        zh=f"没有这样的报警或设备：{target!r}",
        hint=near or "`alarm list` shows the alarms, the board the devices",
        hint_zh="报警见 alarm list，设备见看板",
    )


def no_target(text: str, error: UsageError) -> IncidentError:
    """Say that a text names no alarm and no device."""
    return IncidentError(
        error.what,
        zh=f"{text[:80]!r} 不是报警或设备",
        hint=error.hint,
        hint_zh="写报警编号、地点/代理/设备，或 地点/代理/设备/条件；见 alarm list",
    )


def not_aside(target: str) -> IncidentError:
    """Say that it is not put aside."""
    return IncidentError(
        f"{target} is not put aside",
        zh=f"{target} 没有被搁置或停用",
        hint="`alarm list` shows what is",
        hint_zh="已搁置、已停用的见 alarm list",
    )
