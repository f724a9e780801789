"""The shot of docs/editing.md: its code runs, and what it does not name keeps its bits."""

from __future__ import annotations

import pathlib
import re

import numpy as np

import mien

PAGE = pathlib.Path(__file__).resolve().parents[1] / "docs/editing.md"


def test_the_shot_is_delivered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, seed in (("shot_014.abc", 5), ("shot_014_take3.abc", 6)):
        acted = mien.datasets.performance(n_frames=130, fps=24.0, seed=seed, motion=0.4, start_frame=101)
        mien.write(name, acted.take)
    (code,) = re.findall(r"<!-- shot -->\n```python\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(code, "editing.md", "exec"), names)
    take, result, perf = names["take"], names["result"], names["perf"]
    changed = 101 + np.flatnonzero((result.positions != take.positions).any(axis=(1, 2)))
    assert set(changed) <= {*range(120, 144), *range(177, 220)}
    assert {130, 190, 212} <= set(changed)
    loaded = mien.EditList.load("shot_014_v2.edits.json", perf, sources={"take3": names["take3"]})
    assert (mien.recombine(perf, loaded).positions == result.positions).all()
