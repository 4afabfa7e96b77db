"""What Voltronic's letters and bits mean: modes (QMOD), warnings (QWS), faults (QFS).

Source: the P-protocol documents, and the fault tables in the manuals of UPSes made by Voltronic Power; the order of the
warnings as in NUT's nutdrv_qx.
"""

from typing import Final

MODES: Final = {
    "P": "power on",
    "S": "standby",
    "Y": "bypass",
    "L": "line",
    "B": "battery",
    "T": "battery test",
    "F": "fault",
    "E": "eco",
    "C": "converter",
    "D": "shutdown",
}

MODE_FLAGS: Final = {"S": "OFF", "Y": "BYPASS", "B": "OB", "T": "CAL", "F": "FAULT", "E": "ECO", "D": "FSD"}

_PHASES: Final = ("L1", "L2", "L3")

WARNINGS: Final = (
    "battery disconnected",
    "neutral not connected",
    "site fault",
    "phase sequence wrong",
    "phase sequence of the bypass wrong",
    "bypass frequency unstable",
    "battery overcharged",
    "battery low",
    "overload",
    "fan",
    "emergency power off",
    "cannot turn on",
    "over temperature",
    "charger",
    "remote shutdown",
    *(f"input fuse {phase}" for phase in _PHASES),
    *(f"{pole} PFC {phase}" for phase in _PHASES for pole in ("positive", "negative")),
    "CAN bus",
    "synchronous signal",
    "synchronous pulse signal",
    "host signal",
    "parallel cable, male connector",
    "parallel cable, female connector",
    "parallel cable",
    *(
        f"{what} differs in parallel"
        for what in (
            "battery connection",
            "AC connection",
            "bypass connection",
            "model",
            "capacity",
            "auto restart",
        )
    ),
    "battery cell overcharged",
    *(
        f"{what} differs in parallel"
        for what in (
            "battery protection",
            "battery detection",
            "bypass forbidding",
            "converter setting",
            "high frequency limit of the bypass",
            "low frequency limit of the bypass",
            "high voltage limit of the bypass",
            "low voltage limit of the bypass",
            "high frequency limit",
            "low frequency limit",
            "high voltage limit",
            "low voltage limit",
        )
    ),
    "locked in bypass after three overloads",
    "input currents unbalanced",
    "input currents unbalanced on battery",
    "inverter currents unbalanced",
    "outlets about to be cut off",
    "replace the battery",
    "input phase angle",
    "cover of the maintenance switch open",
)
"""By bit, the first character of QWS first."""

WARNING_FLAGS: Final = {7: "LB", 8: "OVER", 55: "RB"}
"""By bit: what has a flag of its own in ``ups.status``."""

FAULTS: Final = {
    "01": "bus start failed",
    "02": "bus voltage high",
    "03": "bus voltage low",
    "04": "bus unbalanced",
    "11": "inverter soft start failed",
    "12": "inverter voltage high",
    "13": "inverter voltage low",
    "14": "inverter output short",
    "27": "battery voltage high",
    "28": "battery voltage low",
    "41": "over temperature",
    "43": "overload",
    "45": "charger failed",
}


def warnings(bits: str) -> list[str]:
    """Return the warnings of a QWS answer, by name where there is one."""
    names = dict(enumerate(WARNINGS))
    return [names.get(index, f"warning {index + 1}") for index, bit in enumerate(bits) if bit == "1"]


def fault(code: str) -> str:
    """Return the last fault of a QFS answer."""
    return f"{code} {FAULTS[code]}" if code in FAULTS else code
