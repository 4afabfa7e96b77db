"""The wire's document is what the code says."""

import subprocess
import sys
from pathlib import Path

import yaml

from contract.message import TYPES
from contract.notice import Notice, Summary, topic

ROOT = Path(__file__).parents[2]


def test_the_document_is_current():
    done = subprocess.run([sys.executable, "docs/asyncapi.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_topic_has_a_channel_with_a_schema():
    document = yaml.safe_load((ROOT / "docs/asyncapi.yaml").read_text(encoding="utf-8"))
    channels = {each.value for each in TYPES} | {"gateway", "plan-code", "plan-summary"}
    assert channels == set(document["channels"])
    assert document["channels"]["plan-code"]["address"] == topic("{site}", "{code}")
    for kind in (*TYPES.values(), Notice, Summary):
        schema = document["components"]["schemas"][kind.__name__]
        assert set(schema["properties"]) == set(kind.__struct_fields__)
