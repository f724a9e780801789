"""Drag the corner of a mouth at one frame, and along a path; draw what the three solvers make of it.

python examples/drag.py drag.png
"""

from __future__ import annotations

import argparse

import numpy as np

import mien

FRAME = 30


def pictures(take: mien.MeshSequence, results: list[mien.MeshSequence]) -> np.ndarray:
    """Return the take and each result at the frame, side by side."""
    camera = mien.Camera.fit(take.positions[FRAME], size=(360, 480))
    shapes = [take, *results]
    return np.concatenate(
        [mien.draw(s.topology, s.positions[FRAME], size=(360, 480), camera=camera) for s in shapes], axis=1
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", help="PNG to write")
    arguments = parser.parse_args()

    acted = mien.datasets.performance(n_frames=60, seed=5, motion=0.2)
    perf = mien.separate(acted.take, neutral=acted.neutral, method="robust")
    marks = acted.head.landmarks
    handles = [marks["mouth_corner_left"]]

    # At frame 30 up and outwards, eased in and out over eight frames; the tip of the nose and the chin stay.
    anchors = [marks["nose_tip"], marks["chin"]]
    results = [
        mien.recombine(
            perf, [mien.Drag(FRAME, handles, [[0.8, 1.0, 0.0]], anchors=anchors, region=mouth, solver=s)]
        )
        for mouth in [mien.region(acted.take.topology, perf.neutral, handles, radius=5.0)]
        for s in ("biharmonic", "laplacian", "arap")
    ]
    mien.write_png(arguments.picture, pictures(acted.take, results))

    # The same corner along a path: up by frame 20, outwards by 30, back by 45.
    path = [[[0.0, 0.6, 0.0]], [[0.8, 1.0, 0.0]], [[0.0, 0.0, 0.0]]]
    edits = mien.EditList([mien.Drag([20, FRAME, 45], handles, path)])
    mien.recombine(perf, edits)
    edits.save(arguments.picture + ".edits.json", perf)


if __name__ == "__main__":
    main()
