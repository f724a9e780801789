"""How far separated heads are from the true ones, in millimetres: methods × takes, as a table.

    python benchmarks/quality_separation.py take.npz [take.npz …] [--vertices 9409] [--step 1] [--method robust …]
    python benchmarks/quality_separation.py --half development --half validation --data ../shared/data

A take is an .npz file with vertices (F, V, 3), rotations (F, 3, 3), translations (F, 3) and neutral (V, 3), in
centimetres unless --unit says otherwise; with `polygons` or `triangles`, -1 padded, method `joint` can look at the
surface (not with --step). `--vertices N` keeps the first N, for takes whose first vertices are the face:
a take with the back of the head, which does not move with the expression, is too easy. The error is the displacement
of the neutral's vertices under the estimated head against the true one. Without a neutral, heads are right up to one
constant motion, which is taken out first. Where a take has the shapes of its face there is a row with them as rig.

`--half` takes the takes of separation_takes.py; after each half there is the mean over its takes, and how well
confidence orders all its frames, which must reach 0.6 for `joint`. `--model` is another model of faces than the shipped
one, such as `tools/train_face_prior.py --no-ict-motion` makes: what a model has learned from must not be tested with.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import time
from typing import Any

import numpy as np

import mien
from mien.separation import face_model, methods, prior
from separation_takes import HALVES, takes

Data = dict[str, Any]
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


def measure(data: Data, method: str, given: bool, millimetres: float, rig: mien.Rig | None = None) -> Data:
    """Return the columns of a row, and `error` (F,) and `confidence` (F,)."""
    n, faces = len(data["neutral"]), data["faces"]
    topology = mien.Topology.from_polygons(faces, n) if len(faces) else mien.Topology([], [], n)
    take = mien.MeshSequence(topology, data["vertices"])
    true = mien.RigidMotion(data["rotations"], data["translations"])
    started = time.perf_counter()
    perf = mien.separate(take, data["neutral"] if given else None, method=method, rig=rig)
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
    return {
        **dict(zip(COLUMNS, values, strict=True)),
        "error": error.mean(axis=1),
        "confidence": perf.confidence,
    }


def rows(name: str, data: Data, wanted: list[str], millimetres: float) -> Data:
    """Print the rows of a take and return them by method and what was given."""
    out = {}
    for method in wanted:
        for label in ("given", "estimated", "rig") if method == "joint" else ("given", "estimated"):
            rig = None
            if label == "rig":
                if "shapes" not in data:
                    continue
                names, deltas = data["shapes"]
                rig = mien.Rig(
                    mien.Topology.from_polygons(data["faces"], len(data["neutral"])),
                    data["neutral"],
                    names,
                    deltas,
                )
            out[method, label] = row = measure(data, method, label != "estimated", millimetres, rig)
            print(
                f"{name:<20} {method:<12} {label:<10}" + "".join(f"{row[c]:>10.3f}" for c in COLUMNS),
                flush=True,
            )
    return out


def summary(half: str, found: list[Data]) -> None:
    """Print means over the takes of a half (`max` is the largest), and how confidence orders all frames."""
    for key in found[0]:
        some = [take[key] for take in found]
        values = [
            max(row[c] for row in some) if c == "max" else np.mean([row[c] for row in some]) for c in COLUMNS
        ]
        print(f"{half:<20} {key[0]:<12} {key[1]:<10}" + "".join(f"{value:>10.3f}" for value in values))
        if key != ("joint", "given"):
            continue
        error = np.concatenate([row["error"] for row in some])
        trust = np.concatenate([row["confidence"] for row in some])
        rank, good = rank_correlation(-trust, error), trust >= 0.5
        print(
            f"confidence over all frames of {half}: rank {rank:.2f}; {good.mean():.0%} are 0.5 or more, "
            f"these are off by {error[good].mean():.2f}, 95th percentile {np.percentile(error[good], 95):.2f}, worst "
            f"{error[good].max():.2f}; the others by {error[~good].mean() if not good.all() else 0:.2f}"
        )
        assert rank >= 0.6, "confidence must order frames by their error"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("takes", nargs="*", type=pathlib.Path)
    parser.add_argument("--vertices", type=int)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--unit", type=float, default=0.01, help="metres in a scene unit")
    parser.add_argument("--method", action="append", choices=methods())
    parser.add_argument("--half", action="append", default=[], choices=tuple(HALVES))
    parser.add_argument("--data", type=pathlib.Path, default=os.environ.get("MIEN_DATA", "../shared/data"))
    parser.add_argument("--model", type=pathlib.Path, help="a model of faces instead of the built-in one")
    arguments = parser.parse_args()
    if arguments.model is not None:
        model = face_model.read_face_model(arguments.model)
        prior.builtin_face_model = lambda: model
    wanted, millimetres = arguments.method or list(methods()), arguments.unit * 1000
    print(f"{'take':<20} {'method':<12} {'neutral':<10}" + "".join(f"{name:>10}" for name in COLUMNS))
    for path in arguments.takes:
        rows(path.stem, load(path, arguments.vertices, arguments.step), wanted, millimetres)
    for half in arguments.half:
        summary(
            half, [rows(name, data, wanted, 10.0) for name, data in takes(pathlib.Path(arguments.data), half)]
        )


if __name__ == "__main__":
    main()
