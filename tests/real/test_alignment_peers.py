"""align_frames against singular values computed with 40 digits, on a real face and its awkward variations."""

from __future__ import annotations

import numpy as np
import pytest

import mien

NAMES = [
    *(f"rigid_region_{f}" for f in (0, 121, 242)),
    *(f"all_skin_{f}" for f in (30, 151, 272)),
    *(f"landmarks_{f}" for f in (60, 181, 302)),
    *(f"weighted_{f}" for f in (90, 211, 333)),
    *("noise_1mm", "outliers_20pc_weight0", "planar", "mirrored_target", "far_from_origin_1e5"),
    *("tiny_scale_1e-6", "scaled_1.37", "half_turn"),
]
# Largest error of an entry of the rotation. The frame is not centred before it is summed (that would cost a second
# pass), which leaves a few units in the last place more where the face lies well away from its first vertex.
ROTATION = {"planar": 2e-14, "mirrored_target": 2e-14, "far_from_origin_1e5": 2e-14}


@pytest.fixture(scope="module")
def peers(data_dir):
    with np.load(data_dir / "peers/procrustes_facecap.npz") as data:
        assert sorted(data["names"].tolist()) == sorted(NAMES)
        return {key: data[key] for key in data.files}


@pytest.mark.parametrize("name", NAMES)
def test_alignment_equals_the_exact_one(peers, name: str) -> None:
    case = {key.split("__")[1]: value for key, value in peers.items() if key.startswith(f"{name}__")}
    size = np.abs(case["target"]).max()
    fit = mien.align_frames(case["target"], case["source"], case["weights"])
    assert fit.rotation.shape == (1, 3, 3)
    assert np.abs(fit.rotation[0] - case["rotation"]).max() < ROTATION.get(name, 5e-15)
    assert np.abs(fit.translation[0] - case["translation"]).max() < 2e-14 * size
    assert np.linalg.det(fit.rotation[0]) == pytest.approx(1, abs=1e-14)
    assert fit.scale[0] == 1

    scaled = mien.align_frames(case["target"], case["source"], case["weights"], scale=True)
    assert scaled.scale[0] == pytest.approx(case["scale"], rel=2e-14)
    assert np.abs(scaled.translation[0] - case["translation_with_scale"]).max() < 2e-14 * size


@pytest.mark.parametrize("name", NAMES)
def test_float32_follows_to_its_own_rounding(peers, name: str) -> None:
    case = {key.split("__")[1]: value for key, value in peers.items() if key.startswith(f"{name}__")}
    spread = np.ptp(case["target"], axis=0).max()
    error = np.spacing(np.abs(case["target"]).max().astype(np.float32))  # of the input, before we see it
    fit = mien.align_frames(case["target"].astype(np.float32), case["source"], case["weights"])
    assert np.abs(fit.rotation[0] - case["rotation"]).max() < 2 * error / spread
