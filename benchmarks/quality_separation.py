"""How far separated heads are from the true ones, in millimetres: methods × takes, as a table.

    python benchmarks/quality_separation.py take.npz [take.npz …] [--vertices 9409] [--step 1] [--method robust …]

A take is an .npz file with vertices (F, V, 3), rotations (F, 3, 3), translations (F, 3) and neutral (V, 3), in
centimetres unless --unit says otherwise; with `polygons` or `triangles`, -1 padded, method `joint` can look at the
surface (not with --step). `--vertices N` keeps the first N, for takes whose first vertices are the face:
a take with the back of the head, which does not move with the expression, is too easy. The error is the displacement
of the neutral's vertices under the estimated head against the true one. Without a neutral, heads are right up to one
constant motion, which is taken out first.
"""

from __future__ import annotations

import argparse
import pathlib
import time
from typing import Any

import numpy as np

import mien
from mien.separation import methods

COLUMNS = ("mean", "p95", "max", "rotation", "jitter", "trust", "rank", "ms/frame")


def load(path: pathlib.Path, vertices: int | None, step: int) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as data:
        out = {key: data[key] for key in ("vertices", "rotations", "translations", "neutral")}
        faces = next((data[key] for key in ("polygons", "triangles") if key in data), np.empty((0, 3), int))
    stop = out["vertices"].shape[1] if vertices is None else vertices
    for key in ("vertices", "neutral"):
        out[key] = np.ascontiguousarray(out[key][..., :stop:step, :])
    out["faces"] = faces[(faces < stop).all(axis=1)] if step == 1 else faces[:0]
    return out


def without_constant(head: mien.RigidMotion, true: mien.RigidMotion, points: np.ndarray) -> mien.RigidMotion:
    """Move head space by the one rigid motion that brings `head` nearest to `true`, by the median over frames."""
    local = head.apply_inverse(true.apply(points))
    fit = mien.align_frames(np.median(local, axis=0), points)
    return head @ mien.RigidMotion(fit.rotation, fit.translation)


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    ranks = [np.argsort(np.argsort(x)).astype(float) for x in (a, b)]
    return float(np.corrcoef(*ranks)[0, 1])


def measure(data: dict[str, np.ndarray], method: str, given: bool, millimetres: float) -> dict[str, Any]:
    n, faces = len(data["neutral"]), data["faces"]
    topology = mien.Topology.from_polygons(faces, n) if len(faces) else mien.Topology([], [], n)
    take = mien.MeshSequence(topology, data["vertices"])
    true = mien.RigidMotion(data["rotations"], data["translations"])
    started = time.perf_counter()
    perf = mien.separate(take, data["neutral"] if given else None, method=method)
    seconds = time.perf_counter() - started
    points = data["neutral"][:: max(1, len(data["neutral"]) // 1500)].astype(np.float64)
    head = perf.head if given else without_constant(perf.head, true, points)
    gap = (head.apply(points) - true.apply(points)) * millimetres
    error = np.linalg.norm(gap, axis=2)
    turn = np.degrees(np.linalg.norm((head.inverse() @ true).rotation_vectors, axis=1))
    jitter = np.linalg.norm(gap[2:] - 2 * gap[1:-1] + gap[:-2], axis=2)
    values = (
        *(error.mean(), np.percentile(error, 95), error.max(), turn.mean(), jitter.mean()),
        *(np.median(perf.confidence), rank_correlation(-perf.confidence, error.mean(axis=1))),
        seconds / len(take) * 1e3,
    )
    return dict(zip(COLUMNS, values, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("takes", nargs="+", type=pathlib.Path)
    parser.add_argument("--vertices", type=int)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--unit", type=float, default=0.01, help="metres in a scene unit")
    parser.add_argument("--method", action="append", choices=methods())
    arguments = parser.parse_args()
    print(f"{'take':<20} {'method':<12} {'neutral':<10}" + "".join(f"{name:>10}" for name in COLUMNS))
    for path in arguments.takes:
        data = load(path, arguments.vertices, arguments.step)
        for method in arguments.method or methods():
            for given in (True, False):
                row = measure(data, method, given, arguments.unit * 1000)
                label = "given" if given else "estimated"
                print(
                    f"{path.stem:<20} {method:<12} {label:<10}" + "".join(f"{v:>10.3f}" for v in row.values())
                )


if __name__ == "__main__":
    main()
