"""How a drill went, for people: as text for a terminal, and as what a page needs. Pure."""

from collections.abc import Callable

from gateway.board.words import Words
from gateway.drill.score import Line, Report

Name = Callable[[str], str]
"""A person's id → their name."""


def why(report: Report, words: Words) -> str:
    """Return how it ended, or that it runs."""
    record = report.record
    if record.ended is None:
        return words("drill-why.running")
    said = words.name("drill-why", record.why)
    return f"{said} {record.what}".strip()


def wanted(line: Line, words: Words) -> str:
    """Return what was expected."""
    return words(f"drill-what.{line.expected.what.value}", step=line.expected.step)


def row(report: Report, words: Words) -> str:
    """Return a drill in one line."""
    record = report.record
    score = words("drill-score", met=report.met, counted=report.counted)
    return f"{record.code}  {record.clause}  {words.either(record.title_zh, record.title_en)}  {why(report, words)}  {score}"


def text(report: Report, words: Words, name: Name) -> str:
    """Return the whole report as lines of text."""
    record = report.record
    people = words("comma").join(map(name, record.participants))
    lines = [row(report, words)]
    lines += [f"{words('drill-by')} {name(record.by)}  {words('drill-people')} {people}"]
    lines += [f"{words('drill-speed')} ×{record.speed:g}  {words('drill-plan')} {record.plan}", ""]
    for line in report.lines:
        took = "-" if line.took is None else words.span(line.took)
        verdict = words.name("drill-verdict", line.verdict.value)
        who = name(line.who) if line.who else ""
        lines.append(
            f"  {verdict}  {wanted(line, words)}  ≤ {words.span(line.expected.within)}  {took}  {who}".rstrip()
        )
    lines += ["", words("drill-told")] if report.told else []
    for one in report.told:
        mark = "" if one.really else f"（{words('drill-would')}）"
        purpose = words.name("purpose", one.purpose)
        lines.append(f"  +{words.span(one.at)}  {name(one.person)}  {purpose}  {one.code}{mark}")
    lines += ["", words("drill-answers")] if report.answers else []
    for answer in report.answers:
        step = f" {answer.step}" if answer.step else ""
        lines.append(f"  +{words.span(answer.at)}  {name(answer.person)}  {words.name('event', answer.what)}{step}")
    return "\n".join(lines) + "\n"
