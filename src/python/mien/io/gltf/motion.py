"""Curves of a glTF animation, sampled at the frames of a take, and the transforms of nodes under them."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.io.gltf.document import Document, Json
from mien.io.gltf.scene import Mesh, Place, ancestry, composed, local_matrix, node_parts, parents

__all__ = ["Clip", "Timing", "clips", "find_timing", "mesh_matrices", "sample", "settings", "vertex_matrices"]

Float64 = npt.NDArray[np.float64]

# Keys this close to a frame, in frames, are taken as that frame's value: float32 seconds are not exact.
_SNAP = 0.02
_WIDTHS = {"translation": 3, "rotation": 4, "scale": 3}


@dataclasses.dataclass(frozen=True, eq=False)
class Channel:
    """One curve: keys at `times` (N,) in seconds, `values` (N, W); for cubic splines (N, 3, W)."""

    times: Float64
    values: Float64
    interpolation: str


@dataclasses.dataclass(frozen=True, eq=False)
class Clip:
    """The curves of one animation that act on a mesh: (node, path) -> channel."""

    name: str
    channels: dict[tuple[int, str], Channel]


@dataclasses.dataclass(frozen=True)
class Timing:
    """The frames of a take: frame f lies at ``(start_frame + f) / fps`` seconds plus `shift`."""

    n_frames: int
    fps: float
    start_frame: int
    shift: float = 0.0

    def times(self, first: int, last: int) -> Float64:
        """Return the seconds of a range of frames."""
        times: Float64 = (self.start_frame + np.arange(first, last)) / self.fps + self.shift
        return times


def _acting_nodes(document: Document, where: Place, mesh: Mesh) -> tuple[set[int], dict[int, int]]:
    """Return the nodes whose motion moves the mesh, and everyone's parent."""
    above = parents(document)
    if where.node is None:
        return set(), above
    found: set[int] = set()
    for root in [where.node] if mesh.skin is None else mesh.skin.joints:
        found.update(ancestry(document, root, above, found))
    return found, above


def clips(document: Document, where: Place, mesh: Mesh) -> list[Clip]:
    """Return the animations that move a mesh or drive its targets."""
    moving, _ = _acting_nodes(document, where, mesh)
    found = []
    for a, animation in enumerate(document.items("animations")):
        place = f"animations[{a}]."
        samplers = document.items("samplers", animation, place)
        channels: dict[tuple[int, str], Channel] = {}
        for c, channel in enumerate(document.items("channels", animation, place)):
            inside = f"{place}channels[{c}]"
            target = document.mapping(channel.get("target"), f"{inside}.target")
            node, path = target.get("node"), target.get("path")
            if not isinstance(node, int) or not isinstance(path, str):
                continue  # of an extension
            if path == "weights":
                acts = node == where.node and bool(where.n_targets)
            else:
                acts = node in moving and path in _WIDTHS
            if not acts:
                continue
            at = document.integer(channel.get("sampler"), f"{inside}.sampler", below=len(samplers))
            width = where.n_targets if path == "weights" else _WIDTHS[path]
            channels[node, path] = _channel(document, samplers[at], width, f"{place}samplers[{at}]")
        if channels:
            found.append(Clip(document.name(animation, f"animation{a}"), channels))
    return found


def _channel(document: Document, sampler: Json, width: int, place: str) -> Channel:
    interpolation = sampler.get("interpolation", "LINEAR")
    if interpolation not in ("LINEAR", "STEP", "CUBICSPLINE"):
        raise document.wrong(f"{place}.interpolation", "LINEAR, STEP or CUBICSPLINE", repr(interpolation))
    times = document.array(sampler.get("input"), f"{place}.input", "SCALAR", allow="f4").astype(np.float64)
    if times[0] < 0 or (np.diff(times) <= 0).any():
        raise document.wrong(f"{place}.input", "ascending times of at least 0 s", "others")
    each = 3 if interpolation == "CUBICSPLINE" else 1
    kind = {3: "VEC3", 4: "VEC4"}[width] if _is_vector(document, sampler, width) else "SCALAR"
    count = len(times) * each * (width if kind == "SCALAR" else 1)
    values = document.array(
        sampler.get("output"), f"{place}.output", kind, allow="f4 i1n u1n i2n u2n", count=count
    ).astype(np.float64)
    shape = (len(times), 3, width) if each == 3 else (len(times), width)
    return Channel(times, values.reshape(shape), interpolation)


def _is_vector(document: Document, sampler: Json, width: int) -> bool:
    """Tell curves of vectors from curves of weights, which are stored as single numbers."""
    accessor = document.item("accessors", sampler.get("output"), "output of an animation sampler")
    return width in (3, 4) and accessor.get("type") in ("VEC3", "VEC4")


def sample(channel: Channel, times: Float64, fps: float, *, rotation: bool = False) -> Float64:
    """Return a curve at some times, (F, W): before the first key and after the last it stays."""
    keys, values = channel.times, channel.values
    nearest = np.clip(np.searchsorted(keys, times), 0, len(keys) - 1)
    before = np.maximum(nearest - 1, 0)
    nearest = np.where(np.abs(keys[before] - times) < np.abs(keys[nearest] - times), before, nearest)
    at = np.where(np.abs(keys[nearest] - times) <= _SNAP / fps, keys[nearest], times)
    low = np.clip(np.searchsorted(keys, at, side="right") - 1, 0, len(keys) - 1)
    high = np.minimum(low + 1, len(keys) - 1)
    step = keys[high] - keys[low]
    part = np.clip(np.divide(at - keys[low], step, out=np.zeros_like(at), where=step > 0), 0, 1)[:, None]
    if channel.interpolation == "CUBICSPLINE":
        return _cubic(values, low, high, part, step[:, None])
    if channel.interpolation == "STEP":
        return np.take(values, low, axis=0)
    if rotation:
        return _great_arc(values[low], values[high], part)
    # A key's own value comes out as it is: its part is 0.
    out: Float64 = np.where(part == 0, values[low], values[low] * (1 - part) + values[high] * part)
    return out


def _cubic(
    values: Float64, low: npt.NDArray[Any], high: npt.NDArray[Any], t: Float64, step: Float64
) -> Float64:
    """Hermite spline; each key holds in-tangent, value and out-tangent."""
    start, out, end, into = values[low, 1], values[low, 2] * step, values[high, 1], values[high, 0] * step
    curve: Float64 = (
        (2 * t**3 - 3 * t**2 + 1) * start + (t**3 - 2 * t**2 + t) * out + (3 * t**2 - 2 * t**3) * end
    )
    curve += (t**3 - t**2) * into
    return curve


def _great_arc(a: Float64, b: Float64, part: Float64) -> Float64:
    """Spherical interpolation of quaternions (Shoemake 1985), along the shorter arc."""
    cosine = np.sum(a * b, axis=1, keepdims=True)
    b, cosine = np.where(cosine < 0, -b, b), np.clip(np.abs(cosine), 0, 1)
    angle = np.arccos(cosine)
    sine = np.sin(angle)
    near = sine < 1e-6
    safe = np.where(near, 1.0, sine)
    first = np.where(near, 1 - part, np.sin((1 - part) * angle) / safe)
    second = np.where(near, part, np.sin(part * angle) / safe)
    out: Float64 = np.where(part == 0, a, first * a + second * b)
    return out


def settings(document: Document, where: Place) -> Json:
    """Return what our own writer noted about a node: unit, axis, rate."""
    if where.node is None:
        return {}
    extras = document.items("nodes")[where.node].get("extras")
    noted = extras.get("mien") if isinstance(extras, dict) else None
    return noted if isinstance(noted, dict) else {}


def find_timing(document: Document, where: Place, clip: Clip | None, fps: float | None) -> Timing:
    """Return the frames at which a clip is to be sampled.

    The rate is that of the keys, where all of them lie on whole frames of the curve with most keys; otherwise it has
    to be given.
    """
    noted = settings(document, where)
    stated: Any = noted.get("fps")
    number = isinstance(stated, (int, float)) and not isinstance(stated, bool)
    rate = fps or (float(stated) if number and 0 < stated < 1e6 else None)
    if clip is None:
        return Timing(1, rate or 24.0, 0)
    channels = list(clip.channels.values())
    place = f"animation {clip.name!r}"
    begin = min(float(channel.times[0]) for channel in channels)
    end = max(float(channel.times[-1]) for channel in channels)
    if rate is None:
        rate = _even_rate(document, max(channels, key=lambda c: len(c.times)).times, place)
        for channel in channels:
            frames = (channel.times - begin) * rate
            if (np.abs(frames - np.rint(frames)) > 0.1).any():
                raise _uneven(document, place)
    # The first frame is the first key, which need not lie on a whole frame of the shot.
    start = math.floor(begin * rate + 0.5)
    phase = begin * rate - start
    n_frames = math.floor((end - begin) * rate + _SNAP) + 1
    most = max(len(channel.times) for channel in channels)
    if fps is None and n_frames > 16 * most + 1000:
        raise document.wrong(
            place, f"keys that fill its length; {most} keys", f"{n_frames} frames; give fps="
        )
    offset = noted.get("frame_offset", 0)
    first = offset if isinstance(offset, int) and abs(offset) < 2**31 else 0
    shift = (phase if abs(phase) > _SNAP else 0.0) - first
    return Timing(n_frames, rate, start + first, shift / rate)


def _uneven(document: Document, place: str) -> Exception:
    return document.wrong(place, "keys at even times, or fps= to sample them at", "uneven times")


def _even_rate(document: Document, times: Float64, place: str) -> float:
    if len(times) == 1:
        return 24.0
    rate = (len(times) - 1) / float(times[-1] - times[0])
    grid = times[0] + np.arange(len(times)) / rate
    if not math.isfinite(rate) or (np.abs(times - grid) * rate > 0.05).any():
        raise _uneven(document, place)
    # Rates are whole, or whole by 1.001, as far as float32 seconds can tell.
    for known in (round(rate), round(rate * 1.001) / 1.001):
        if known > 0 and abs(known - rate) < 1e-4 * rate:
            return float(known)
    return rate


def _node_matrices(document: Document, node: int, clip: Clip | None, times: Float64, fps: float) -> Float64:
    """Return a node's transform to its parent's space at some times, (F, 4, 4) or (1, 4, 4) where it rests."""
    moved = {} if clip is None else {path: c for (n, path), c in clip.channels.items() if n == node}
    moved.pop("weights", None)
    if not moved:
        return local_matrix(document, node)[None]
    if "matrix" in document.items("nodes")[node]:
        raise document.wrong(f"nodes[{node}]", "no matrix on an animated node", "one")
    parts = {
        key: np.broadcast_to(value, (len(times), len(value)))
        for key, value in node_parts(document, node).items()
    }
    for path, channel in moved.items():
        parts[path] = sample(channel, times, fps, rotation=path == "rotation")
    if (np.linalg.norm(parts["rotation"], axis=1) < 1e-6).any():
        raise document.wrong(f"animated rotation of nodes[{node}]", "unit quaternions", "zeros")
    return composed(parts["translation"], parts["rotation"], parts["scale"])


def mesh_matrices(
    document: Document, where: Place, mesh: Mesh, clip: Clip | None, times: Float64, fps: float
) -> Float64:
    """Return what takes a mesh from its own space to the world: (F, 4, 4), or (F, J, 4, 4) for the joints of a skin.

    F is 1 where nothing moves. The transform of a skinned mesh's own node does not count, as glTF says.
    """
    _, above = _acting_nodes(document, where, mesh)
    known: dict[int, Float64] = {}

    def world(node: int) -> Float64:
        for each in reversed(ancestry(document, node, above, known)):
            local = _node_matrices(document, each, clip, times, fps)
            known[each] = known[above[each]] @ local if each in above else local
        return known[node]

    if where.node is None:
        return np.eye(4)[None]
    if mesh.skin is None:
        return world(where.node)
    joints = np.broadcast_arrays(*(world(joint) for joint in mesh.skin.joints))
    return np.stack(joints, axis=1) @ mesh.skin.inverse_bind


def vertex_matrices(mesh: Mesh, joints: Float64) -> Float64:
    """Return one matrix for each vertex, (V, 4, 4), of a skin's joints at one frame (J, 4, 4)."""
    assert mesh.skin is not None
    out = np.zeros((len(mesh.positions), 4, 4))
    for slot in range(mesh.skin.indices.shape[1]):
        out += mesh.skin.weights[:, slot, None, None] * joints[mesh.skin.indices[:, slot]]
    return out
