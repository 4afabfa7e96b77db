"""The files under config/grafana/: the dashboard's form, and that everything leads to where it should.

What its queries return is tested next door.
"""

import itertools
import json
import re
from pathlib import Path

import pytest
import yaml

from contract.quantities import QUANTITIES, UPS_STATUS, Kind
from gateway import config
from gateway.store.lines import field_key

ROOT = Path(__file__).parents[2]
GRAFANA = ROOT / "config" / "grafana"
DASHBOARD = GRAFANA / "dashboards" / "ups-battery.json"
SCHEMA = ROOT.parent / "shared" / "grafana" / "dashboard.jsonschema.json"
BOARD = json.loads(DASHBOARD.read_text("utf-8"))
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
VARIABLES = {one["name"]: one for one in BOARD["templating"]["list"]}
CHINESE = re.compile(r"[一-鿿]")
FIELD = re.compile(r'"((?:ups|battery|input|output|x)_[\w-]+)"')


def english(title):
    return title[re.search(r"[A-Z]", title).start() :]


def test_the_dashboard_fits_grafanas_schema():
    if not SCHEMA.exists():
        pytest.skip("no ../shared/grafana/dashboard.jsonschema.json here")
    import jsonschema

    validator = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text("utf-8")))
    assert [f"{list(one.absolute_path)}: {one.message}" for one in validator.iter_errors(BOARD)] == []
    assert list(validator.iter_errors({**BOARD, "panels": [{"type": 1}]})), "the schema refuses nothing"


def test_every_field_is_one_that_the_gateway_writes():
    known = {field_key(name) for name, one in QUANTITIES.items() if one.kind is Kind.NUMBER}
    known |= {f"ups_status_{flag}" for flag in UPS_STATUS}
    known |= {f"{field_key(name)}_quality" for name in QUANTITIES}
    texts = [target["query"] for panel in PANELS for target in panel["targets"]]
    texts += [one["target"]["query"] for one in BOARD["annotations"]["list"]]
    used = {field for text in texts for field in FIELD.findall(text)}
    assert used
    assert used <= known


def test_every_panel_can_be_read():
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(set(ids)) == len(ids)
    taken = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        cells = set(
            itertools.product(range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"]))
        )
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, f"{panel['title']} lies over another panel"
        taken |= cells
        assert CHINESE.match(panel["title"]), "Chinese first"
        assert english(panel["title"])
    for panel in PANELS:
        defaults = panel["fieldConfig"]["defaults"]
        assert CHINESE.search(panel["description"])
        assert CHINESE.search(defaults["noValue"]), "an empty panel says why"
        assert defaults.get("unit") or defaults.get("mappings"), f"{panel['title']} has no unit"
        if panel["type"] in {"stat", "bargauge"}:
            steps = defaults["thresholds"]["steps"]
            assert steps[0]["value"] is None
            values = [step["value"] for step in steps[1:]]
            assert values == sorted(values)
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"] == {"type": "influxdb", "uid": "${datasource}"}


def load_yaml(path):
    return yaml.safe_load(path.read_text("utf-8"))


def test_the_provisioning_leads_to_the_dashboard_and_to_the_gateways_store(tmp_path):
    (source,) = load_yaml(GRAFANA / "provisioning" / "datasources" / "wolfsmoke.yaml")["datasources"]
    (provider,) = load_yaml(GRAFANA / "provisioning" / "dashboards" / "wolfsmoke.yaml")["providers"]
    for name in ("broker-password", "smtp-password", "webhook-duty"):
        (tmp_path / name).write_text("x")
    example = ROOT / "config" / "gateway.toml"
    store = config.load(example, environment={"CREDENTIALS_DIRECTORY": str(tmp_path)}).store
    assert (source["type"], source["url"]) == ("influxdb", store.url)
    assert source["jsonData"]["dbName"] == store.database
    assert source["secureJsonData"]["password"].startswith("$"), "no password in the file"
    assert VARIABLES["datasource"]["current"]["value"] == source["uid"]
    assert VARIABLES["datasource"]["query"] == source["type"]
    assert provider["type"] == "file"
    folder = Path(provider["options"]["path"])
    assert folder.is_absolute()
    assert folder.parts[-2:] == DASHBOARD.parent.parts[-2:]
    assert [path.name for path in DASHBOARD.parent.iterdir()] == [DASHBOARD.name]
    assert {path.suffix for path in (GRAFANA / "provisioning").rglob("*") if path.is_file()} == {".yaml"}


def test_the_commented_way_to_influxdb_2_and_3_is_yaml_too():
    """What is written in a comment for people to use must be right as well."""
    path = GRAFANA / "provisioning" / "datasources" / "wolfsmoke.yaml"
    text = path.read_text("utf-8")
    block = "\n".join(line.removeprefix("#     ") for line in text.splitlines() if line.startswith("#     "))
    other = yaml.safe_load(block)
    assert other["jsonData"]["httpHeaderName1"] == "Authorization"
    assert other["secureJsonData"]["httpHeaderValue1"].startswith("Token $")
    assert other["jsonData"]["dbName"] == load_yaml(path)["datasources"][0]["jsonData"]["dbName"]
