"""Every parser of what strangers send, a little with the suite; ``pytest -m soak tests/fuzz`` gives each 100,000."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import parsers


@pytest.mark.parametrize("name", parsers.PARSERS)
def test_what_is_sent_whole_is_read(name):
    for data in parsers.PARSERS[name][0]:
        parsers.check(name, data)


@pytest.mark.parametrize("name", parsers.PARSERS)
def test_no_input_raises_anything_but_our_error_or_takes_long(name):
    parsers.storm(name, 1000)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", parsers.PARSERS)
def test_a_hundred_thousand_spoiled_inputs(name):
    parsers.storm(name, 100_000, 2)
