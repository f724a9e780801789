"""How fast is one OBJ frame read? Rows: our core, trimesh, NumPy for positions alone. One thread.

    MIEN_NUM_THREADS=1 python -m pytest benchmarks/bench_obj.py --benchmark-columns=min,median,rounds

The mesh is the size of a captured face: 26,719 vertices, 26,384 quads, texture coordinates, no normals. The gate is
a ratio inside the run: at least five times trimesh.
"""

from __future__ import annotations

import io
import time

import numpy as np
import pytest

import mien
from mien import _core

N_ROWS, N_COLUMNS = 167, 160


@pytest.fixture(scope="module")
def mesh() -> tuple[mien.MeshSequence, bytes]:
    rng = np.random.default_rng(0)
    row, column = np.meshgrid(np.arange(N_ROWS - 1), np.arange(N_COLUMNS - 1), indexing="ij")
    corner = (row * N_COLUMNS + column).ravel()
    quads = np.stack([corner, corner + 1, corner + N_COLUMNS + 1, corner + N_COLUMNS], axis=1).ravel()
    n_vertices = N_ROWS * N_COLUMNS
    topology = mien.Topology(
        np.full(len(corner), 4),
        quads,
        n_vertices,
        uvs=rng.random((n_vertices, 2), np.float32),
        uv_indices=quads,
    )
    positions = rng.normal(scale=8, size=(1, n_vertices, 3)).astype(np.float32)
    lines = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in positions[0].tolist()]
    lines += [f"vt {u:.6f} {v:.6f}" for u, v in topology.uvs.tolist()]
    lines += ["f " + " ".join(f"{i + 1}/{i + 1}" for i in face) for face in quads.reshape(-1, 4).tolist()]
    return mien.MeshSequence(topology, positions), ("\n".join(lines) + "\n").encode()


@pytest.mark.benchmark(group="one OBJ frame of 26,720 vertices")
def test_mien(benchmark, mesh):
    take, text = mesh
    frame = benchmark(_core.parse_obj, text)
    assert np.abs(frame.positions - take.positions[0]).max() < 1e-6
    assert np.array_equal(frame.face_indices, take.topology.face_indices)
    assert np.array_equal(frame.uv_indices, take.topology.uv_indices)
    benchmark.extra_info["MB/s"] = round(len(text) / benchmark.stats["min"] / 1e6)


@pytest.mark.benchmark(group="one OBJ frame of 26,720 vertices")
def test_mien_later_frame(benchmark, mesh):
    take, text = mesh
    first, out = _core.parse_obj(text), np.empty_like(take.positions)
    assert benchmark(_core.parse_obj_frames, [text], first, out) is None
    assert np.array_equal(out[0], first.positions)
    benchmark.extra_info["MB/s"] = round(len(text) / benchmark.stats["min"] / 1e6)


@pytest.mark.benchmark(group="one OBJ frame of 26,720 vertices")
def test_numpy_positions_alone(benchmark, mesh):
    take, text = mesh

    def read() -> np.ndarray:
        lines = [line[2:] for line in text.split(b"\n") if line.startswith(b"v ")]
        return np.array(b" ".join(lines).split(), np.float32).reshape(-1, 3)

    assert np.abs(benchmark(read) - take.positions[0]).max() < 1e-6


@pytest.mark.benchmark(group="one OBJ frame of 26,720 vertices")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # its own, about texture coordinates
def test_trimesh(benchmark, mesh):
    trimesh = pytest.importorskip("trimesh")
    take, text = mesh
    settings = {"process": False, "maintain_order": True, "skip_materials": True}
    loaded = benchmark(lambda: trimesh.load(io.BytesIO(text), file_type="obj", **settings))
    loaded = loaded if isinstance(loaded, trimesh.Trimesh) else loaded.to_geometry()
    assert len(loaded.vertices) == take.n_vertices
    assert np.abs(loaded.vertices - take.positions[0]).max() < 1e-6
    benchmark.extra_info["MB/s"] = round(len(text) / benchmark.stats["min"] / 1e6)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_at_least_five_times_trimesh(mesh):
    trimesh = pytest.importorskip("trimesh")
    text = mesh[1]

    def best(work) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
        return min(times)

    ours = best(lambda: _core.parse_obj(text))
    theirs = best(lambda: trimesh.load(io.BytesIO(text), file_type="obj", process=False, skip_materials=True))
    assert theirs > 5 * ours
