"""Each import contract catches the violation it is there for: one is planted in a copy, and the linter must say no."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]


def planted(contract) -> tuple[str, str]:
    """Return a module and an import that breaks the contract."""
    match contract["type"]:
        case "layers":
            return "contract/ranges.py", "import agent.clock"
        case "forbidden":
            room = contract["source_modules"][0]
            module = {"contract": "contract/ranges.py"}.get(room, f"{room.replace('.', '/')}/__init__.py")
            return module, f"import {contract['forbidden_modules'][0]}"
        case "protected":
            return "gateway/stranger.py", f"import {contract['protected_modules'][0]}"
    raise AssertionError(contract["type"])


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    command = [
        str(Path(sys.executable).with_name("lint-imports")),
        "--no-cache",
        "--config",
        str(root / "pyproject.toml"),
    ]
    environment = {"PYTHONPATH": f"{root}:{root / 'firmware-sims'}", "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=root, capture_output=True, text=True, env=environment)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    root = tmp_path_factory.mktemp("copy")
    for name in ("contract", "agent", "gateway", "firmware-sims"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract["name"])
def test_a_planted_violation_is_caught(contract, copy):
    name, line = planted(contract)
    path = copy / name
    before = path.read_text("utf-8") if path.exists() else None
    path.write_text(f"{before or ''}\n{line}\n", "utf-8")
    try:
        done = lint(copy)
    finally:
        path.unlink() if before is None else path.write_text(before, "utf-8")
    assert done.returncode == 1, done.stdout + done.stderr
    broken = " ".join(done.stdout.split())
    assert f"{contract['name']} BROKEN" in broken, done.stdout


def test_the_tree_as_it_is_keeps_every_contract(copy):
    done = lint(copy)
    assert done.returncode == 0, done.stdout + done.stderr
