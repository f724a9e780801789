"""Correct the corner of a smile at two frames, and let a solve over time carry both through the take.

python examples/propagate.py propagate.png
"""

from __future__ import annotations

import argparse

import numpy as np
from acting import performance, strongest

import mien
from mien.report.canvas import figure, rendered

SIZE = (220, 270)


def strip(perf: mien.Performance, result: np.ndarray, frames: list[int]) -> np.ndarray:
    """Return two rows of frames: the take, and the result coloured by how far it is from the take."""
    own = perf.head.apply_inverse(perf.take.positions)
    camera = mien.Camera.fit(perf.neutral, size=SIZE)
    shapes = perf.head.apply_inverse(result)[frames]
    moved = np.linalg.norm(shapes - own[frames], axis=2)
    topology = perf.take.topology
    rows = (
        mien.draw(topology, own[frames], camera=camera, size=SIZE),
        mien.draw(topology, shapes, camera=camera, size=SIZE, heat=moved),
    )
    return np.concatenate([np.concatenate(list(row), axis=1) for row in rows])


def chart(curves: dict[str, np.ndarray], keys: list[int], width: int) -> np.ndarray:
    """Return a picture of curves over the frames."""
    made = figure(width, 260)
    axes = made.add_axes((0.06, 0.17, 0.92, 0.76))
    for name, curve in curves.items():
        axes.plot(curve, label=name)
    for key in keys:
        axes.axvline(key, color="0.8", zorder=0)
    axes.set(xlabel="frame", ylabel="moved, cm", xlim=(0, len(next(iter(curves.values()))) - 1))
    axes.legend(frameon=False)
    return rendered(made)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", help="PNG to write")
    arguments = parser.parse_args()

    acted, perf = performance()
    peak = strongest(acted, "mouthSmileLeft", margin=24)
    corner = acted.head.landmarks["mouth_corner_left"]
    keys = {  # two fixes by hand, of different size; any edits may stand here, Sculpt above all
        peak - 6: mien.Drag(peak - 6, [corner], [[0.3, 0.6, 0.0]]),
        peak + 6: mien.Drag(peak + 6, [corner], [[0.1, 0.3, 0.0]]),
    }
    first, last = peak - 20, peak + 20
    edits = {
        "carried": mien.Propagate(keys, start=first, end=last),
        "carried, hidden in movement": mien.Propagate(keys, start=first, end=last, hide=10.0),
    }
    results = {name: mien.recombine(perf, [edit]).positions for name, edit in edits.items()}
    frames = [first, peak - 13, peak - 6, peak, peak + 6, peak + 13]
    film = strip(perf, results["carried"], frames)
    own = perf.head.apply_inverse(perf.take.positions)[:, corner]
    curves = {
        name: np.linalg.norm(perf.head.apply_inverse(r)[:, corner] - own, axis=1)
        for name, r in results.items()
    }
    curves["speed of the take there, cm a frame"] = np.linalg.norm(
        np.diff(own, axis=0, prepend=own[:1]), axis=1
    )
    mien.write_png(arguments.picture, np.concatenate([film, chart(curves, list(keys), film.shape[1])]))


if __name__ == "__main__":
    main()
