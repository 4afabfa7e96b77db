"""For a process under libfaketime, found by PYTHONPATH.

libfaketime 0.9.10 answers EINVAL to the absolute clock_nanosleep with which Python sleeps since 3.11.
"""

import select
import time


def _sleep(seconds: float) -> None:
    select.select([], [], [], seconds)


time.sleep = _sleep  # noqa: TID251
