"""Writes ``due.txt``: when limits fall due, counted on a wall calendar that was written out by hand.

The sheet below was typed month by month from the State Council's two notices (国办发明电〔2024〕12号 of 12 November 2024
for 2025; the notice of 4 November 2025 for 2026), each row a week from Monday to Sunday: ``W`` is worked, ``o`` is off. What
counts on it walks from day to day and from minute to minute. Nothing of the product is imported, and no calendar library
but for the names of the days. Working hours are 08:30 to 17:30. Run it and compare: ``python due_sheet.py > due.txt``.
"""

import sys
from datetime import date

SHEET = """
2025-01  ..oWWoo WWWWWoo WWWWWoo WWWWWoW Woooo
2025-02  .....oo ooWWWWo WWWWWoo WWWWWoo WWWWW
2025-03  .....oo WWWWWoo WWWWWoo WWWWWoo WWWWWoo W
2025-04  .WWWooo WWWWWoo WWWWWoo WWWWWoW WWW
2025-05  ...oooo oWWWWoo WWWWWoo WWWWWoo WWWWWo
2025-06  ......o oWWWWoo WWWWWoo WWWWWoo WWWWWoo W
2025-07  .WWWWoo WWWWWoo WWWWWoo WWWWWoo WWWW
2025-08  ....Woo WWWWWoo WWWWWoo WWWWWoo WWWWWoo
2025-09  WWWWWoo WWWWWoo WWWWWoo WWWWWoW WW
2025-10  ..ooooo oooWWWo WWWWWoo WWWWWoo WWWWW
2025-11  .....oo WWWWWoo WWWWWoo WWWWWoo WWWWWoo
2025-12  WWWWWoo WWWWWoo WWWWWoo WWWWWoo WWW
2026-01  ...oooW WWWWWoo WWWWWoo WWWWWoo WWWWWo
2026-02  ......o WWWWWoo WWWWWWo ooooooo oWWWWW
2026-03  ......o WWWWWoo WWWWWoo WWWWWoo WWWWWoo WW
2026-04  ..WWWoo oWWWWoo WWWWWoo WWWWWoo WWWW
2026-05  ....ooo ooWWWWo WWWWWoo WWWWWoo WWWWWoo
2026-06  WWWWWoo WWWWWoo WWWWooo WWWWWoo WW
2026-07  ..WWWoo WWWWWoo WWWWWoo WWWWWoo WWWWW
2026-08  .....oo WWWWWoo WWWWWoo WWWWWoo WWWWWoo W
2026-09  .WWWWoo WWWWWoo WWWWWoW WWWWooo WWW
2026-10  ...oooo oooWWWo WWWWWoo WWWWWoo WWWWWo
2026-11  ......o WWWWWoo WWWWWoo WWWWWoo WWWWWoo W
2026-12  .WWWWoo WWWWWoo WWWWWoo WWWWWoo WWWW
"""

STARTS = [
    "2025-01-02",
    "2025-01-17",
    "2025-01-24",
    "2025-01-25",
    "2025-01-26",
    "2025-01-27",
    "2025-01-29",
    "2025-02-04",
    "2025-02-07",
    "2025-02-08",
    "2025-02-09",
    "2025-02-27",
    "2025-03-31",
    "2025-04-03",
    "2025-04-05",
    "2025-04-25",
    "2025-04-26",
    "2025-04-27",
    "2025-04-30",
    "2025-05-03",
    "2025-05-30",
    "2025-06-01",
    "2025-06-30",
    "2025-08-29",
    "2025-09-26",
    "2025-09-27",
    "2025-09-28",
    "2025-09-30",
    "2025-10-04",
    "2025-10-08",
    "2025-10-10",
    "2025-10-11",
    "2025-12-31",
    "2026-01-01",
    "2026-01-03",
    "2026-01-04",
    "2026-02-06",
    "2026-02-13",
    "2026-02-14",
    "2026-02-15",
    "2026-02-19",
    "2026-02-23",
    "2026-02-27",
    "2026-02-28",
    "2026-04-03",
    "2026-04-06",
    "2026-04-30",
    "2026-05-02",
    "2026-05-08",
    "2026-05-09",
    "2026-06-18",
    "2026-06-20",
    "2026-09-18",
    "2026-09-19",
    "2026-09-20",
    "2026-09-24",
    "2026-09-26",
    "2026-09-30",
    "2026-10-02",
    "2026-10-09",
    "2026-10-10",
    "2026-10-11",
    "2026-11-30",
    "2026-12-11",
]
HOURS = ["00:00", "07:15", "08:30", "11:40", "17:29", "17:30", "21:05", "23:59"]
LIMITS = [
    "1 working day", "4 working hours", "30m", "2 working days", "same day", "12 working hours", "5h", "3 working days",
    "17:30", "0.5 working hours", "1d", "24:00", "9 working hours", "08:00", "5 working days",
]  # fmt: skip

DAYS = [(f"{month}-{number:02d}", mark)
        for month, weeks in (line.split(maxsplit=1) for line in SHEET.strip().splitlines())
        for number, mark in enumerate(weeks.replace(" ", "").replace(".", ""), 1)]  # fmt: skip
INDEX = {name: index for index, (name, _) in enumerate(DAYS)}
OPENS, SHUTS, MIDNIGHT = 8 * 60 + 30, 17 * 60 + 30, 24 * 60


def counted(start: int, limit: str) -> int:
    """Return the due minute of a limit; minutes count from the sheet's first midnight."""
    day, minute = divmod(start, MIDNIGHT)
    words = limit.split()
    if limit in {"same day", "24:00"}:
        return (day + 1) * MIDNIGHT
    if ":" in limit:
        shown = int(limit[:2]) * 60 + int(limit[3:])
        return (day if minute < shown else day + 1) * MIDNIGHT + shown
    if words[-1].startswith("day"):
        left = int(words[0])
        while left:
            day += 1
            left -= DAYS[day][1] == "W"
        return day * MIDNIGHT + SHUTS
    if words[-1].startswith("hour"):
        left = round(float(words[0]) * 60)
        now = start
        while left:
            left -= DAYS[now // MIDNIGHT][1] == "W" and OPENS <= now % MIDNIGHT < SHUTS
            now += 1
        return now
    return start + int(limit[:-1]) * {"m": 1, "h": 60, "d": MIDNIGHT}[limit[-1]]


def said(minute: int) -> str:
    """Write a minute as a date, a time and the day's name."""
    name = DAYS[minute // MIDNIGHT][0]
    return f"{name} {minute % MIDNIGHT // 60:02d}:{minute % 60:02d} {date.fromisoformat(name):%a}"


def main() -> None:
    """Write the table."""
    out = [
        "# start -> due, made by due_sheet.py from the State Council's notices; see there how. China's time, 08:30 to 17:30."
    ]
    number = 0
    for name in STARTS:
        for _ in range(5):
            hour, limit = HOURS[number * 3 % len(HOURS)], LIMITS[number % len(LIMITS)]
            start = INDEX[name] * MIDNIGHT + int(hour[:2]) * 60 + int(hour[3:])
            out.append(f"{said(start)} | {limit:<17} | {said(counted(start, limit))}")
            number += 1
    sys.stdout.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
