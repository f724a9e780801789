"""How long edits take against copying the take; and, with --accuracy, how far geodesic distances are off.

    python benchmarks/bench_editing.py [--frames 300] [--side 164] [--accuracy [--face ict_face.npz]]

Each row is the best of several runs that take turns with `np.copyto` of the same bytes to the same place. Every edited
result is checked against its equation on a few frames before it counts.
"""

from __future__ import annotations

import argparse
import importlib
import pathlib
import time
from collections.abc import Callable

import numpy as np

import mien
from interleave import interleaved

ROUNDS = 7


def performance(side: int, n_frames: int) -> mien.Performance:
    x, y = np.meshgrid(np.linspace(-8, 8, side), np.linspace(-8, 8, side), indexing="ij")
    neutral = np.stack([x, y, 5 * np.exp(-(x**2 + y**2) / 30)], axis=-1).reshape(-1, 3)
    index = np.arange(side * side).reshape(side, side)
    quads = np.stack([index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]], axis=-1).reshape(-1, 4)
    time_ = np.arange(n_frames) / 9.0
    turn = np.stack([np.sin(time_) * 0.1, np.cos(time_) * 0.05, 0 * time_, np.ones(n_frames)], axis=1)
    head = mien.RigidMotion.from_quaternions(turn, np.stack([np.sin(time_), np.cos(time_), time_], axis=1))
    smile = np.exp(-((neutral - [0, -3, 5]) ** 2).sum(axis=1) / 8)[:, None] * [0.5, 0.2, 1.0]
    positions = np.empty((n_frames, len(neutral), 3), np.float32)
    for f in range(n_frames):
        positions[f] = head[f].apply(neutral + np.sin(2 * time_[f]) * smile)[0]
    take = mien.MeshSequence(mien.Topology.from_polygons(quads), positions, fps=60.0)
    return mien.Performance(take, head, neutral, np.zeros(n_frames), np.ones(n_frames))


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def check(perf: mien.Performance, edit: mien.editing.Edit) -> None:
    result, n = mien.recombine(perf, [edit]).positions, len(perf)
    region = np.ones(perf.take.n_vertices) if edit.region is None else np.asarray(edit.region)
    for f in (0, n // 3, n - 1):
        current = perf.head[f].apply_inverse(perf.take.positions[f].astype(np.float64))[0]
        if isinstance(edit, mien.Gain):
            goal = perf.neutral + edit.gain * (current - perf.neutral)
        elif f < edit.at:
            goal = current
        else:
            source = perf if edit.source is None else edit.source
            k = edit.source_frames[0] + f - edit.at
            goal = source.head[k].apply_inverse(source.take.positions[k].astype(np.float64))[0]
            goal = goal - source.neutral + perf.neutral
        want = perf.head[f].apply(current + region[:, None] * (goal - current))[0]
        assert abs(result[f] - want).max() < 1e-5, (edit.kind, f)


def bench_speed(side: int, n_frames: int) -> None:
    perf = performance(side, n_frames)
    positions, n = perf.take.positions, len(perf)
    other = mien.Performance(perf.take, perf.head, perf.neutral + 1e-3, perf.residual, perf.confidence)
    mouth = mien.region(perf.take.topology, perf.neutral, [side * side // 2 + side // 3], 4.0)
    whole = {"source_frames": (0, n - 1), "at": 1, "blend": 0}  # over the frame after: there is much to move
    rows = {
        "gain": mien.Gain(0.4),
        "gain, mouth": mien.Gain(0.4, region=mouth),
        "paste": mien.Paste(**whole),
        "paste, mouth": mien.Paste(**whole, region=mouth),
        "paste, another performance": mien.Paste(other, **whole),
    }
    for edit in rows.values():
        check(perf, edit)
    print(
        f"{n} frames x {perf.take.n_vertices} vertices float32, {positions.nbytes / 1e6:.0f} MB; "
        f"{mien._core.instruction_set()}, {mien._core.thread_count()} threads; mouth: {(mouth > 0).sum()} vertices"
    )
    print(f"{'':28} {'ms':>7} {'x copy':>7}")
    out = np.empty_like(positions)
    calls: dict[str, Callable[[], object]] = {"np.copyto": lambda: np.copyto(out, positions)}
    for name, edit in rows.items():
        calls[name] = lambda edit=edit: mien.recombine(perf, [edit], out=out)
    times = interleaved(calls, ROUNDS)
    for name, timing in times.items():
        print(f"{name:28} {timing.min * 1e3:7.1f} {timing.min / times['np.copyto'].min:7.2f}")
    region = min(
        seconds(lambda: mien.region(perf.take.topology, perf.neutral, [side * side // 2], 4.0))
        for _ in range(ROUNDS)
    )
    print(f"{'region of radius 4':28} {region * 1e3:7.1f}")


def bench_accuracy() -> None:
    """Print largest errors in edge lengths on surfaces where the distance is known."""
    n = 61
    index = np.arange(n * n).reshape(n, n)
    x, y = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    points = np.stack([x.ravel(), y.ravel(), np.zeros(n * n)], axis=1).astype(float)
    quads = np.stack([index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]], axis=-1).reshape(-1, 4)
    topology = mien.Topology.from_polygons(quads)
    shear = np.array([[1, 1.7, 0], [0, 1, 0], [0, 0, 1.0]])
    for name, way, seeds in (
        ("plane", np.eye(3), [index[30, 30]]),
        ("slivers", np.diag([1, 0.15, 1]), [index[30, 30]]),
        ("sheared", shear, [index[30, 30]]),
        ("two seeds", np.eye(3), [index[10, 10], index[45, 40]]),
        ("diagonal of seeds", np.eye(3), [index[i, i] for i in range(20, 40)]),
    ):
        moved = points @ way.T
        truth = np.min([np.linalg.norm(moved - moved[s], axis=1) for s in seeds], axis=0)
        error = abs(mien.geodesic_distance(topology, moved, seeds) - truth).max()
        assert error < 0.05
        print(f"{name:28} {error:.2g} edges")


def bench_face(path: pathlib.Path) -> None:
    """Compare with exact distances (pygeodesic) on the skin of a real face, as relative errors."""
    exact = importlib.import_module("pygeodesic.geodesic")
    with np.load(path) as data:
        points = data["neutral"][:9409].astype(np.float64)
        triangles, landmarks = data["triangles"].astype(np.int32), data["landmarks68"]
    triangles = triangles[(triangles < len(points)).all(axis=1)]
    topology = mien.Topology.from_polygons(triangles, len(points))
    for name, seeds in (
        ("mouth corner", landmarks[[48]]),
        ("mouth corners", landmarks[[48, 54]]),
        ("upper lip, 7 seeds", landmarks[48:55]),
        ("tip of the nose", landmarks[[30]]),
        ("brow", landmarks[[19]]),
    ):
        truth, _ = exact.PyGeodesicAlgorithmExact(points, triangles).geodesicDistances(seeds, None)
        got = mien.geodesic_distance(topology, points, seeds)
        there = (truth > 0) & np.isfinite(truth)
        error = abs(got - truth)[there] / truth[there]
        assert np.percentile(error, 99) < 0.02
        took = min(
            seconds(lambda seeds=seeds: mien.geodesic_distance(topology, points, seeds))
            for _ in range(ROUNDS)
        )
        print(f"{name:28} p99 {np.percentile(error, 99):.2%}  max {error.max():.2%}  {took * 1e3:.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--side", type=int, default=164, help="vertices along one side of the sheet")
    parser.add_argument("--accuracy", action="store_true")
    parser.add_argument("--face", type=pathlib.Path, help="ict_face.npz; needs pygeodesic")
    arguments = parser.parse_args()
    if arguments.accuracy:
        bench_accuracy()
        if arguments.face:
            bench_face(arguments.face)
    else:
        bench_speed(arguments.side, arguments.frames)


if __name__ == "__main__":
    main()
