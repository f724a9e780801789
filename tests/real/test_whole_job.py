"""The whole job on a real face that opens its mouth while the head turns.

`whole_job.py` beside this file runs both takes and prints the numbers.
"""

from __future__ import annotations

import importlib.util
import pathlib


def load_script():
    path = pathlib.Path(__file__).with_name("whole_job.py")
    spec = importlib.util.spec_from_file_location("whole_job", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_laws_hold_on_a_real_take(data_dir, tmp_path, monkeypatch):
    job = load_script()
    try:
        import pxr  # noqa: F401
    except ImportError:
        monkeypatch.delitem(job.FORMATS, "usdc")
    monkeypatch.setattr(job, "OBJ_FRAMES", 5)
    facts = job.whole_job(data_dir, "facecap_full", tmp_path)
    job.check(facts)
    assert facts["head_given_neutral"]["displacement_mean_mm"] < 0.6
