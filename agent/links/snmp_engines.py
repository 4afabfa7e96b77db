"""Which engine answers the port of ``agent.links.snmp``; each is imported on demand."""

from agent.links.snmp import Engine, SnmpLink, SnmpTarget, SnmpWriter
from contract.errors import UsageError


def open_link(target: SnmpTarget, engine: Engine = "gufo") -> SnmpLink:
    """Return a link; nothing is sent before the first ``get``.

    Raises:
        UsageError: the engine is not installed.
    """
    if target.context:  # gufo-snmp knows no contexts
        engine = "pysnmp"
    try:
        if engine == "pysnmp":
            from agent.links.snmp_pysnmp import PysnmpLink  # noqa: PLC0415 - costs 12 MiB, so only on demand

            return PysnmpLink(target)
        from agent.links.snmp_gufo import GufoLink  # noqa: PLC0415 - absent where it has no wheel

        return GufoLink(target)
    except ImportError as error:
        other = "; where it has no wheel, take the engine pysnmp"
        hint = (
            "pip install 'wolfsmoke[agent-pysnmp]'" if engine == "pysnmp" else f"pip install 'wolfsmoke[agent]'{other}"
        )
        raise UsageError(f"the SNMP engine {engine} is not installed: {error}", where=str(target), hint=hint) from None


def open_writer(target: SnmpTarget) -> SnmpWriter:
    """Return what sets values; nothing is sent before the first ``set``.

    Raises:
        UsageError: pysnmp, which can set, is not installed.
    """
    try:
        from agent.links.snmp_pysnmp import PysnmpLink  # noqa: PLC0415 - only where something is set
    except ImportError as error:
        hint = "pip install 'wolfsmoke[agent-pysnmp]'"
        raise UsageError(
            f"what sets values over SNMP is not installed: {error}", where=str(target), hint=hint
        ) from None
    return PysnmpLink(target)
