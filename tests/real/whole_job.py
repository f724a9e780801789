"""The whole job on real takes: every format there and back, separate, edit, recombine, write, and the laws as numbers.

    python tests/real/whole_job.py --out DIR [--data DIR] [--take NAME ...]

Prints one JSON object for each take and leaves the files in DIR. Ends with an error when a law does not hold.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import subprocess
import sys
import time
from typing import Any

import numpy as np

import mien

ROOT = pathlib.Path(__file__).resolve().parents[2]
TAKES = ("facecap_full", "rom_id_b_neck")
FACE_VERTICES = 9409  # the ICT model's region "face"
MOUTH_CORNERS = (48, 54)  # in its list of 68 landmarks
OBJ_FRAMES = 60  # text is large; this many frames show what there is to see
MM = 10.0  # the data is in centimetres

FORMATS = {
    "abc": "take.abc",
    "usdc": "take.usdc",
    "pc2": "take.pc2",
    "mdd": "take.mdd",
    "npz": "take.npz",
    "obj": "obj/take.####.obj",
}


def build_take(
    data: pathlib.Path, name: str, out: pathlib.Path
) -> tuple[mien.MeshSequence, dict[str, np.ndarray]]:
    """Build a take of sequences/recipes.json and return it with its truth."""
    path = out / f"{name}_truth.npz"
    script = data / "sequences/make_sequence.py"
    recipe = ["--recipe", str(script.with_name("recipes.json")), name]
    subprocess.run(
        [sys.executable, str(script), *recipe, "--out", str(path)], check=True, stdout=subprocess.DEVNULL
    )
    with np.load(path) as file:
        truth = {key: file[key] for key in file.files}
    n_vertices = truth["vertices"].shape[1]
    with np.load(data / "ict_face/ict_face.npz") as face:
        rows = (face["polygons"] < n_vertices).all(1)
        polygons, corners = face["polygons"][rows], face["polygon_uv"][rows]
        plain = mien.Topology.from_polygons(polygons, n_vertices)
        topology = mien.Topology(
            plain.face_counts,
            plain.face_indices,
            n_vertices,
            uvs=face["uv"],
            uv_indices=corners[polygons >= 0],
        )
    take = mien.MeshSequence(
        topology,
        truth["vertices"],
        fps=float(truth["fps"]),
        start_frame=1001,
        metres_per_unit=0.01,
        up_axis="y",
        name=name,
    )
    return take, truth


def round_trips(take: mien.MeshSequence, folder: pathlib.Path) -> dict[str, dict[str, Any]]:
    """Write the take in every format, read it back, and say what differs."""
    facts = {}
    for name, file in FORMATS.items():
        part = take[:OBJ_FRAMES] if name == "obj" else take
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        written = mien.write(path, part)
        wrote = time.perf_counter()
        back = mien.read(path, topology=part.topology if name in ("pc2", "mdd") else None)
        done = time.perf_counter()
        size = part.positions.nbytes / 1e6
        facts[name] = {
            "largest_difference": float(np.abs(back.positions - part.positions).max()),
            "polygons_kept": back.topology == part.topology,
            "uvs_kept": back.topology.uvs is not None
            and bool(
                (
                    back.topology.uvs[back.topology.uv_indices] == part.topology.uvs[part.topology.uv_indices]
                ).all()
            ),
            "fps": back.fps,
            "start_frame": back.start_frame,
            "metres_per_unit": back.metres_per_unit,
            "up_axis": back.up_axis,
            "write_mb_per_s": round(size / (wrote - started)),
            "read_mb_per_s": round(size / (done - wrote)),
            "not_kept": list(written.not_kept),
        }
    return facts


def head_error(perf: mien.Performance, truth: dict[str, np.ndarray]) -> dict[str, float]:
    """Compare the estimated head with the true one: rotation in degrees, displacement of face points in millimetres."""
    true = mien.RigidMotion(truth["rotations"], truth["translations"])
    turn = np.degrees(np.linalg.norm((true.inverse() @ perf.head).rotation_vectors, axis=1))
    points = truth["neutral"][: min(FACE_VERTICES, perf.take.n_vertices) : 3].astype(np.float64)
    moved = np.linalg.norm(perf.head.apply(points) - true.apply(points), axis=2) * MM
    return {
        "rotation_mean_degrees": round(float(turn.mean()), 4),
        "rotation_max_degrees": round(float(turn.max()), 4),
        "displacement_mean_mm": round(float(moved.mean()), 4),
        "displacement_p95_mm": round(float(np.percentile(moved, 95)), 4),
        "displacement_worst_mm": round(float(moved.max()), 4),
    }


def edit_list(
    perf: mien.Performance, truth: dict[str, np.ndarray]
) -> tuple[mien.EditList, np.ndarray, np.ndarray]:
    """Hold the mouth back in the first half, paste an early expression into the second; and say what that touches."""
    n = len(perf)
    corners = [int(truth["landmarks68"][i]) for i in MOUTH_CORNERS]
    mouth = mien.region(perf.take.topology, perf.neutral, seeds=corners, radius=4.0)
    hold = mien.envelope(n, start=n // 10, peak=n // 4, end=n // 2 - 2)
    length = n // 3
    paste = mien.Paste(
        source=None, source_frames=(0, length), at=n // 2 + 4, region=mouth, blend=2 * length // 5
    )
    edits = mien.EditList([mien.Gain(0.4, region=mouth, envelope=hold), paste])
    frames = hold > 0
    frames[n // 2 + 4 : n // 2 + 4 + length] = True
    return edits, frames, mouth > 0


def velocity_jump(positions: np.ndarray, frame: int) -> float:
    """Return the largest change of velocity of any vertex at a frame, scene units a frame."""
    return float(
        np.linalg.norm(positions[frame + 1] - 2 * positions[frame] + positions[frame - 1], axis=1).max()
    )


def laws(
    perf: mien.Performance, result: mien.MeshSequence, frames: np.ndarray, vertices: np.ndarray
) -> dict[str, Any]:
    """Measure the laws: largest differences that must be zero, and what the edit did."""
    take = perf.take.positions
    joins = np.flatnonzero(
        np.diff(frames.astype(int))
    )  # the last frame before an edited range, and its own last
    joins = np.unique(np.clip(np.concatenate([joins, joins + 1]), 1, len(take) - 2))
    own = np.percentile([velocity_jump(take, f) for f in range(1, len(take) - 1)], 99)
    jump = max(velocity_jump(result.positions, f) for f in joins)
    return {
        "no_op_differs": int((mien.recombine(perf).positions != take).sum()),
        "outside_frames_differ": int((result.positions[~frames] != take[~frames]).sum()),
        "outside_region_differs": int((result.positions[:, ~vertices] != take[:, ~vertices]).sum()),
        "largest_edit_mm": round(float(np.linalg.norm(result.positions - take, axis=2).max()) * MM, 3),
        "frames_edited": int((result.positions != take).any(axis=(1, 2)).sum()),
        "join_jump_over_p99": round(float(jump / own), 3),
    }


def moved_world(perf: mien.Performance, neutral: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """Law 4: separate the take after a rigid move of the world and compare."""
    turn = mien.RigidMotion.from_quaternions([[0.3, -0.5, 0.2, 0.7]], [[40.0, -15.0, 120.0]])
    n = len(perf)
    world = mien.RigidMotion(np.tile(turn.rotation, (n, 1, 1)), np.tile(turn.translation, (n, 1)))
    moved = mien.separate(
        perf.take.with_positions(world.apply(perf.take.positions)), neutral=neutral, weights=weights
    )
    expected = world @ perf.head
    gap = np.linalg.norm(moved.head.apply(neutral[::50]) - expected.apply(neutral[::50]), axis=2)
    return {"moved_world_differs_mm": float(gap.max() * MM)}


def whole_job(data: pathlib.Path, name: str, out: pathlib.Path) -> dict[str, Any]:
    """Do everything for one take, write the results below `out`, and return the facts."""
    out.mkdir(parents=True, exist_ok=True)
    take, truth = build_take(data, name, out)
    facts: dict[str, Any] = {"take": name, "frames": len(take), "vertices": take.n_vertices}
    facts["formats"] = round_trips(take, out / name)
    face = (np.arange(take.n_vertices) < FACE_VERTICES).astype(np.float64)
    started = time.perf_counter()
    perf = mien.separate(take, neutral=truth["neutral"], weights=face)
    facts["separate_ms_per_frame"] = round((time.perf_counter() - started) / len(take) * 1e3, 3)
    facts["head_given_neutral"] = head_error(perf, truth)
    facts["moved_world"] = moved_world(perf, truth["neutral"], face)
    edits, frames, vertices = edit_list(perf, truth)
    result = mien.recombine(perf, edits)
    facts["laws"] = laws(perf, result, frames, vertices)
    edits.save(out / name / "edits.json")
    mien.write(out / name / "edited.abc", result)
    again = mien.read(out / name / "edited.abc")
    facts["edited_file_differs"] = int((again.positions != result.positions).sum())
    return facts


def check(facts: dict[str, Any]) -> None:
    """Raise an AssertionError unless the laws hold."""
    found = facts["laws"]
    for law in ("no_op_differs", "outside_frames_differ", "outside_region_differs"):
        assert found[law] == 0, (facts["take"], law, found[law])
    assert found["frames_edited"] > facts["frames"] // 3, found
    assert found["largest_edit_mm"] > 0.5, found
    assert found["join_jump_over_p99"] <= 1.05, found
    assert facts["edited_file_differs"] == 0
    assert facts["moved_world"]["moved_world_differs_mm"] < 0.05, facts["moved_world"]
    assert facts["head_given_neutral"]["displacement_mean_mm"] < 1.1, facts["head_given_neutral"]
    for name, form in facts["formats"].items():
        assert form["largest_difference"] == 0, (name, form)
        assert form["polygons_kept"], (name, form)
        assert form["uvs_kept"] or name in ("pc2", "mdd"), (name, form)


def main() -> None:
    """Run the takes named on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, default=ROOT.parent / "shared/data")
    parser.add_argument("--take", action="append", choices=TAKES)
    arguments = parser.parse_args()
    for name in arguments.take or TAKES:
        facts = whole_job(arguments.data, name, arguments.out)
        print(json.dumps(facts, indent=2))
        check(facts)


if __name__ == "__main__":
    main()
