"""Faces of four sizes to measure on: the real one where it is (see `data_folder`), else the built-in one."""

from __future__ import annotations

import functools
import os
import pathlib
from typing import Any, NamedTuple

import numpy as np

import mien

__all__ = ["Face", "data_folder", "face", "subdivided"]

ROOT = pathlib.Path(__file__).resolve().parents[1]


class Face(NamedTuple):
    """A face to measure on.

    Attributes
    ----------
    topology : mien.Topology
        Polygons as they are: mostly quads for preview and shot, triangles for hero and huge.
    positions : (V, 3) float64
        Centimetres.
    triangles : (T, 3) int32
    components : (V,) int32
        Which connected part a vertex belongs to; a Laplacian is singular unless every one has a handle.
    source : str
        "ICT" or "built-in".
    """

    topology: mien.Topology
    positions: np.ndarray
    triangles: np.ndarray
    components: np.ndarray
    source: str

    def handles(self, count: int, seed: int = 0) -> np.ndarray:
        """Return sorted vertices, one of each component and others at random, at least `count`."""
        _, first = np.unique(self.components, return_index=True)
        others = np.random.default_rng(seed).permutation(len(self.positions))[: max(0, count - len(first))]
        return np.union1d(first, others)


def data_folder() -> pathlib.Path | None:
    """Return where the real data is, or None."""
    named = os.environ.get("MIEN_DATA")
    places = (
        [pathlib.Path(named)] if named else [ROOT.parent / "shared/data", ROOT.parents[1] / "shared/data"]
    )
    return next((place for place in places if (place / "README.md").is_file()), None)


def subdivided(positions: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return every triangle as four, with new vertices in the middle of the edges."""
    edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    unique, place = np.unique(edges, axis=0, return_inverse=True)
    a, b, c = triangles.T
    ab, bc, ca = (len(positions) + place.reshape(-1, 3)).T
    four = np.stack([[a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]]).transpose(2, 0, 1).reshape(-1, 3)
    return np.concatenate([positions, positions[unique].mean(axis=1)]), four.astype(np.int32)


def component_labels(n_vertices: int, triangles: np.ndarray) -> np.ndarray:
    """Return for each vertex the smallest vertex that it is connected to."""
    label = np.arange(n_vertices, dtype=np.int32)
    while True:
        least = label[triangles].min(axis=1)
        new = label.copy()
        for corner in range(3):
            np.minimum.at(new, triangles[:, corner], least)
        new = new[new]
        if np.array_equal(new, label):
            return label
        label = new


def _polygons(topology: mien.Topology) -> np.ndarray:
    ends = np.cumsum(topology.face_counts)
    out = np.full((len(ends), 4), -1, np.int32)
    for corner in range(4):
        there = topology.face_counts > corner
        out[there, corner] = topology.face_indices[(ends - topology.face_counts)[there] + corner]
    return out


def _triangles(polygons: np.ndarray) -> np.ndarray:
    fans = np.stack([polygons[:, :3], polygons[:, [0, 2, 3]]], axis=1).reshape(-1, 3)
    return np.ascontiguousarray(fans[fans[:, 2] >= 0])


def _real(folder: pathlib.Path, size: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(folder / "ict_face/ict_face.npz", allow_pickle=False) as data:
        positions, polygons = data["neutral"].astype(np.float64), data["polygons"]
        if size == "preview":  # the narrow face alone, the model's own first vertices
            n = len(data["region_narrow_face"])
            return positions[:n], polygons[(polygons < n).all(axis=1)]
    return positions, polygons


@functools.cache
def face(size: str) -> Face:
    """Return the face of a size: preview (5k to 7k vertices), shot (27k), hero (100k) or huge (400k)."""
    folder, finer = data_folder(), {"preview": 0, "shot": 0, "hero": 1, "huge": 2}[size]
    if folder is not None:
        positions, polygons = _real(folder, size)
    else:
        rig = mien.datasets.head("preview" if size == "preview" else "shot").rig
        positions, polygons = rig.neutral.astype(np.float64), _polygons(rig.topology)
    triangles = _triangles(polygons)
    for _ in range(finer):
        positions, triangles = subdivided(positions, triangles)
        polygons = triangles
    topology = mien.Topology.from_polygons(polygons, len(positions))
    labels = np.unique(component_labels(len(positions), triangles), return_inverse=True)[1]
    arrays: list[Any] = [positions, triangles, labels.astype(np.int32)]
    for array in arrays:
        array.flags.writeable = False
    return Face(topology, *arrays, "ICT" if folder is not None else "built-in")
