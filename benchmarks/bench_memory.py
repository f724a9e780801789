"""Peak memory of separating a whole memory-mapped take, in a process of its own, beside the size of the take.

    pytest benchmarks/bench_memory.py
    python benchmarks/bench_memory.py take.npy neutral.npy heads.npz     # the process that is measured

Counted is memory that the process owns (RssAnon, looked at every few milliseconds), above what it had when the take was
open: pages of the file itself are the system's to drop. The head found must be the true one.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import threading
from typing import Any

import numpy as np

import mien

LIMIT = 256  # MB
TAKES = {"preview": (250, 1000, 4000), "shot": (250, 1000)}


def owned() -> float:
    """Return the memory that this process owns, MB."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1024


class Peak:
    """The most memory that is owned while it is open."""

    def __enter__(self) -> Peak:
        self.start = self.most = owned()
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.look)
        self.thread.start()
        return self

    def look(self) -> None:
        while not self.done.wait(2e-3):
            self.most = max(self.most, owned())

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()
        self.most = max(self.most, owned())


def measured(take_path: str, neutral_path: str, truth_path: str, method: str) -> dict[str, float]:
    """Separate once a few frames, so that what is only loaded is not counted, then the take."""
    positions = np.load(take_path, mmap_mode="r")
    neutral, truth = np.load(neutral_path), np.load(truth_path)
    topology = mien.Topology(truth["face_counts"], truth["face_indices"], len(neutral))
    mien.separate(mien.MeshSequence(topology, positions[:8], fps=60.0), neutral=neutral, method=method)
    take = mien.MeshSequence(topology, positions, fps=60.0)
    with Peak() as peak:
        head = mien.separate(take, neutral=neutral, method=method).head
    turned = np.einsum("fji,fjk->fik", head.rotation, truth["rotation"])
    return {
        "megabytes": peak.most - peak.start,
        "degrees": float(
            np.degrees(np.arccos(np.clip((np.trace(turned, axis1=1, axis2=2) - 1) / 2, -1, 1))).max()
        ),
    }


def written(folder: pathlib.Path, mesh: Any, n_frames: int) -> list[str]:
    """Write a take whose lower third opens and closes under a turning head; a few frames at a time."""
    rng, neutral = np.random.default_rng(0), np.asarray(mesh.positions)
    angle = 0.4 * np.sin(np.arange(n_frames)[:, None] * [0.05, 0.071, 0.033])
    head = mien.RigidMotion.from_quaternions(
        np.concatenate([np.sin(angle / 2) / np.sqrt(3), np.ones((n_frames, 1))], axis=1), 10 * np.sin(angle)
    )
    low, high = neutral[:, 1].min(), neutral[:, 1].max()
    share = np.clip(1 - 3 * (neutral[:, 1] - low) / (high - low), 0, 1)[:, None] * [0, -1.0, 0]
    paths = [str(folder / name) for name in ("take.npy", "neutral.npy", "heads.npz")]
    take = np.lib.format.open_memmap(paths[0], "w+", np.float32, (n_frames, *neutral.shape))
    for f in range(n_frames):
        local = neutral + np.sin(f / 9) ** 2 * share + rng.normal(0, 0.002, neutral.shape)
        take[f] = head[f].apply(local[None])[0]
    take.flush()
    np.save(paths[1], neutral)
    faces = {"face_counts": mesh.topology.face_counts, "face_indices": mesh.topology.face_indices}
    np.savez(paths[2], rotation=head.rotation, **faces)
    return paths


def in_a_process(paths: list[str], method: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, *paths, method], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


try:
    import pytest
except ImportError:  # the process that is measured needs no pytest
    pass
else:

    @pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
    @pytest.mark.sizes("preview", "shot")
    @pytest.mark.parametrize("method", ["joint", "sequence", "procrustes"])
    def test_separation(
        benchmark: Any, face: Any, size: str, method: str, quick: bool, tmp_path: Any
    ) -> None:
        mesh, rows = face(size), []
        if quick and method != "joint":
            pytest.skip("the default method is the one that is guarded")
        for n_frames in TAKES[size][: 1 if quick else None]:
            paths = written(tmp_path, mesh, n_frames)
            found = in_a_process(paths, method)
            take = os.path.getsize(paths[0]) / 2**20
            rows.append({"frames": n_frames, "take": take, **found})
            assert found["degrees"] < (0.2 if method == "joint" else 10), rows
            assert found["megabytes"] <= LIMIT, rows
        record = {
            "question": f"separate, {method}",
            "size": size,
            "vertices": len(mesh.positions),
            "rows": rows,
        }
        benchmark.extra_info["memory"] = record
        benchmark.pedantic(lambda: None, rounds=1, iterations=1)


if __name__ == "__main__":
    print(json.dumps(measured(*sys.argv[1:])))
