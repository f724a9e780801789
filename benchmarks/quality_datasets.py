"""How far the built-in head's linear rig with correctives is from the head's own non-linear truth, in millimetres.

    python benchmarks/quality_datasets.py [--resolution preview] [--frames 120]

Checks that the rig is exact where it must be: at weight 1 of every shape alone.
"""

from __future__ import annotations

import argparse

import numpy as np

import mien

MM = 10.0  # the head is in centimetres


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--resolution", default="preview", choices=["preview", "shot", "hero"])
    parser.add_argument("--frames", type=int, default=120)
    arguments = parser.parse_args()
    head = mien.datasets.head(arguments.resolution)
    rig, one = head.rig, np.eye(len(head.names))
    alone = [name != "mouthClose" for name in head.names]  # which means nothing without jawOpen

    def off(weights: np.ndarray) -> np.ndarray:
        gap = rig.evaluate(weights, dtype=np.float64).positions - head.evaluate(weights)
        return np.linalg.norm(gap, axis=2) * MM

    assert off(one[alone]).max() < 1e-6
    half = off(0.5 * one).max(1)
    for k in np.argsort(-half)[:8]:
        print(f"half of {head.names[k]:<20} {half[k]:.2f} mm at most")
    acted = mien.datasets.performance(head, n_frames=arguments.frames, seed=1)
    face = off(acted.weights)[:, head.regions["face"] > 0.5]
    p95 = np.percentile(face, 95)
    print(f"acting, {len(face)} frames: mean {face.mean():.2f}, p95 {p95:.2f}, worst {face.max():.2f} mm")


if __name__ == "__main__":
    main()
