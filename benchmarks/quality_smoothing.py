"""How much noise smoothers take out of a face that blinks and speaks, and how much of its fastest motion they leave.

    python benchmarks/quality_smoothing.py [--quick]

The procedural head acts for 90 frames; 0.1 mm of noise is added, of which every vertex has its own, or which is alike
over a centimetre of skin. `down` is by how much the root mean square of what is not the truth falls (goal 60 %), for
all vertices and for those that stand still or go faster than 0.2 mm a frame; `lids` and `lips` are the least that is
left of a blink's and of a plosive's peak speeds, means over 20 vertices (goal 95 %).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

import mien
from mien.datasets.performance import SyntheticTake

FRAMES, NOISE = 90, 0.01  # centimetres
FAST, PEAK = 0.02, 0.05  # centimetres a frame
ALIKE = 0.7  # width of the bumps that noise alike is made of, centimetres


def peaks_left(acted: SyntheticTake, shape: str, truth: np.ndarray, smoothed: np.ndarray) -> float:
    patch = np.argsort(np.abs(acted.head.rig.delta(shape)).max(axis=1))[-20:]
    real, kept = (
        np.linalg.norm(np.diff(x[:, patch].mean(axis=1), axis=0), axis=1) for x in (truth, smoothed)
    )
    peaks = [f for f in range(1, len(real) - 1) if real[f - 1] <= real[f] > real[f + 1] and real[f] > PEAK]
    assert peaks, "there must be something to lose"
    return min(kept[f - 1 : f + 2].max() / real[f] for f in peaks)


def alike(points: np.ndarray, seed: int) -> np.ndarray:
    """Return noise (F, V, 3) that neighbours share."""
    rng = np.random.default_rng(seed)
    centres = points[rng.permutation(len(points))[:800]]
    near = np.exp(-((np.linalg.norm(points[:, None] - centres, axis=2) / ALIKE) ** 2))
    near /= np.sqrt((near**2).sum(axis=1, keepdims=True))
    return np.asarray(np.einsum("vc,fcx->fvx", near, rng.normal(0, NOISE, (FRAMES, len(centres), 3))))


def cases(quick: bool) -> Iterator[tuple[str, SyntheticTake, np.ndarray]]:
    for resolution, seed in (("preview", 2), ("preview", 5), ("shot", 2), ("shot", 5))[: 2 if quick else 4]:
        acted = mien.datasets.performance(n_frames=FRAMES, seed=seed, resolution=resolution)
        own = np.random.default_rng(seed).normal(0, NOISE, acted.expression.shape)
        yield f"{len(acted.neutral)} vertices, take {seed}", acted, own
        if resolution == "preview":
            yield f"{len(acted.neutral)}, take {seed}, alike", acted, alike(acted.neutral, seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="the coarse face alone")
    arguments = parser.parse_args()
    print(f"{'':28}{'method':<13}{'down':>6}{'still':>7}{'fast':>7}{'lids':>7}{'lips':>7}")
    for name, acted, noise in cases(arguments.quick):
        truth = acted.expression.astype(np.float64)
        fast = np.linalg.norm(np.gradient(truth, axis=0), axis=2) > FAST
        for method in ("savgol", "bilateral", "variational"):
            smoothed = mien.smooth_frames(truth + noise, acted.take.topology, method=method)
            before, after = (np.sum(x**2, axis=2) for x in (noise, smoothed - truth))
            down = [
                1 - np.sqrt(after[where].mean() / before[where].mean())
                for where in (np.ones_like(fast), ~fast, fast)
            ]
            left = [peaks_left(acted, shape, truth, smoothed) for shape in ("eyeBlinkLeft", "mouthClose")]
            assert down[1] > 0.3, "noise must go where nothing moves, or this measures nothing"
            values = "".join(f"{100 * v:>6.0f}%" for v in (*down, *left))
            print(f"{name:28}{method:<12}{values}", flush=True)


if __name__ == "__main__":
    main()
