"""The README: every line of its Python runs, its commands are the ones that work, its links lead somewhere."""

from __future__ import annotations

import pathlib
import re

import numpy as np
import pytest

import mien
from mien.cli.main import COMMANDS

ROOT = pathlib.Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_python_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mien_demo").mkdir()
    mien.write("mien_demo/take.abc", mien.datasets.performance(n_frames=240, seed=67, noise=0.05).take)
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    take, result = names["take"], names["result"]
    again = mien.read("mien_demo/shot_v2.abc")
    assert (again.positions == result.positions).all()
    changed = np.flatnonzero((result.positions != take.positions).any(axis=(1, 2)))
    assert changed.min() >= 40
    assert changed.max() < 209
    loaded = mien.EditList.load("mien_demo/shot_v2.edits.json", names["perf"])
    assert (mien.recombine(names["perf"], loaded).positions == result.positions).all()


def test_the_two_commands_are_there_once():
    lines = [line.strip() for line in README.splitlines() if line.startswith("    python3 ")]
    assert [line.rsplit("&& ", 1)[1] for line in lines] == [".venv/bin/mien demo", ".venv/bin/pytest"]
    for line in lines:
        extras = re.search(r'"\.\[(.*?)\]"', line)
        declared = re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(), flags=re.MULTILINE)
        assert extras
        assert set(extras[1].split(",")) <= set(declared)


def test_every_command_is_named():
    assert f"mien {' | '.join(COMMANDS)}" in README


def test_links_lead_somewhere():
    for target in re.findall(r"\]\((?!http)(.*?)\)", README):
        assert (ROOT / target).exists(), target


def test_two_screens():
    assert len(README.splitlines()) < 80


def test_patents_are_named():
    assert "may be patented" in README
    assert "patent" in (ROOT / "NOTICE").read_text()
