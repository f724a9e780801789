"""The procedural head: a face with known anatomy, blendshapes and non-linear truth."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.datasets.head_geometry import HalfHead, half_head
from mien.datasets.head_motion import Mover
from mien.datasets.head_shape import HeadShape
from mien.datasets.head_topology import Layout, half_layout
from mien.datasets.head_uv import half_uvs
from mien.datasets.proportions import Proportions
from mien.datasets.regions import colours, landmarks, neck_weight, regions, skull_mask
from mien.datasets.rigging import Anatomy, jaw_weights, lid_fields, terms
from mien.datasets.shapes import CORRECTIVES, NAMES, sided
from mien.values.rig import Rig
from mien.values.shapes import Corrective
from mien.values.topology import Topology

__all__ = ["RESOLUTIONS", "Head", "head"]

Floats = npt.NDArray[np.float64]

#: Edges per centimetre relative to the preview.
RESOLUTIONS = {"preview": 1.0, "shot": 2.12, "hero": 4.25}


@dataclasses.dataclass(frozen=True, eq=False)
class Head:
    """A human head at rest and what weights do to it. Centimetres; x to the subject's left, y up, z out of the face.

    Parameters
    ----------
    topology : Topology
        Quads with texture coordinates.
    neutral : (V, 3) float64
        The head at rest, in head space.
    names : tuple of str
        The K blendshapes, ARKit names.
    skull : (V,) bool
        Vertices that no expression moves: scalp, ears, upper teeth.
    regions : dict
        Weights (V,) in [0, 1] by name.
    landmarks : dict
        Vertices by name.
    loops : dict
        Rows of vertices by name: ``upper_lid_left`` and ``lower_lid_left`` from the nose outwards, ``upper_lip`` and
        ``lower_lip`` from the subject's right to left; each upper vertex meets the lower one at the same place.
    rigid_weight : (V,) float64
        1 where the head's motion is followed whole, falling to 0 at the base of the neck.
    colors : (V, 3) float32
        Colours in [0, 1] to draw it with.
    mirror : (V,) int64
        For each vertex the one on the other side.
    """

    resolution: str
    identity: int
    topology: Topology
    neutral: Floats
    names: tuple[str, ...]
    skull: npt.NDArray[np.bool_]
    regions: dict[str, Floats]
    landmarks: dict[str, int]
    loops: dict[str, npt.NDArray[np.int64]]
    rigid_weight: Floats
    colors: npt.NDArray[np.float32]
    mirror: npt.NDArray[np.int64]
    jaw_hinge: Floats
    eye_centres: Floats
    eye_radius: float
    _mover: Mover = dataclasses.field(repr=False)

    @property
    def n_vertices(self) -> int:
        """How many vertices there are."""
        return len(self.neutral)

    def weights(self, **values: float) -> Floats:
        """Return one frame of weights, (1, K), zero but for those named."""
        out = np.zeros((1, len(self.names)))
        for name, value in values.items():
            out[0, self.names.index(_validate.one_of("name", name, self.names))] = value
        return out

    def evaluate(self, weights: npt.ArrayLike) -> Floats:
        """Return the positions for weights: the non-linear truth.

        Parameters
        ----------
        weights : (F, K) floats
            In the order of `names`; meant for [0, 1].

        Returns
        -------
        (F, V, 3) float64
            Head space, centimetres.
        """
        values = _validate.floats("weights", weights, ("F", "K"), {"K": len(self.names)})
        out = np.empty((len(values), self.n_vertices, 3))
        self.evaluate_into(values, out)
        return out

    def evaluate_into(self, weights: Floats, out: Floats) -> None:
        """Write what `evaluate` returns to `out`, (F, V, 3) float64, in blocks that stay in the cache."""
        step = max(1, 400_000 // self.n_vertices)
        for start in range(0, len(weights), step):
            self._mover.move(weights[start : start + step], out[start : start + step])

    @functools.cached_property
    def linear_parts(self) -> tuple[Floats, dict[tuple[str, ...], Floats]]:
        """Deltas (K, V, 3) and correctives ``{names: (V, 3)}`` that come closest to the truth; what `rig` holds.

        A delta is the truth at weight 1 less the neutral; a corrective is what two shapes at weight 1 do beyond their
        sum.
        """
        n = len(self.names)
        deltas = _tidy(self.evaluate(np.eye(n)) - self.neutral)
        jaw, close = self.names.index("jawOpen"), self.names.index("mouthClose")
        both = np.zeros((1, n))
        both[0, [jaw, close]] = 1.0
        # As in ARKit, mouthClose is what closes the lips while the jaw is open.
        deltas[close] = _tidy(self.evaluate(both)[0] - self.neutral - deltas[jaw])
        pairs = {}
        for pair in self._pairs():
            at = [self.names.index(name) for name in pair]
            both[:] = 0.0
            both[0, at] = 1.0
            pairs[pair] = _tidy(self.evaluate(both)[0] - self.neutral - deltas[at].sum(0))
        return deltas, pairs

    @staticmethod
    def _pairs() -> list[tuple[str, ...]]:
        out: list[tuple[str, ...]] = []
        for pair in CORRECTIVES:
            out.append(pair)
            if any(sided(name) for name in pair):
                out.append(tuple(name[:-4] + "Right" if sided(name) else name for name in pair))
        return out

    @functools.cached_property
    def rig(self) -> Rig:
        """The nearest linear rig with correctives."""
        deltas, pairs = self.linear_parts
        correctives = [Corrective("_".join(pair), pair, delta) for pair, delta in pairs.items()]
        return Rig(self.topology, self.neutral, list(self.names), deltas, correctives=correctives)


def _tidy(offsets: Floats) -> Floats:
    """Return offsets with what is only rounding set to zero, so that sparse storage stays sparse."""
    offsets[np.abs(offsets).max(-1) < 1e-9] = 0.0
    return offsets


def _mirrored(layout: Layout) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return for a whole head the half's vertex of each vertex, and the vertex on the other side."""
    other = np.flatnonzero(~layout.seam)
    source = np.concatenate([np.arange(layout.n), other])
    mirror = np.arange(len(source))
    mirror[other] = layout.n + np.arange(len(other))
    mirror[layout.n :] = other
    return source, mirror


def _topology(layout: Layout, half: HalfHead, mirror: npt.NDArray[np.int64]) -> Topology:
    uvs, corners = half_uvs(layout, half.angle, half.row)
    quads = np.concatenate([layout.quads, mirror[layout.quads][:, ::-1]])
    uv_quads = np.concatenate([corners, corners[:, ::-1] + len(uvs)])
    return Topology(
        np.full(len(quads), 4),
        quads.ravel(),
        len(mirror),
        uvs=np.concatenate([uvs, [1.0, 0.0] + uvs * [-1.0, 1.0]]),
        uv_indices=uv_quads.ravel(),
    )


def _sheet_values(layout: Layout) -> tuple[npt.NDArray[np.str_], Floats, Floats, npt.NDArray[np.int64]]:
    """Return for the half: sheet name, ring row, ring column, driving vertex."""
    part = np.full(layout.n, "lattice", dtype="<U12")
    ring, column = np.full(layout.n, np.nan), np.full(layout.n, np.nan)
    drive = np.arange(layout.n)
    for name, sheet in layout.sheets.items():
        if name == "lattice":
            continue
        own = sheet.ids[1:] if name in ("eye", "mouth", "ear") else sheet.ids
        if name == "crown":
            own = np.setdiff1d(sheet.ids, layout.sheets["lattice"].ids)
        part[own] = name
        if name in ("eye", "mouth", "ear"):
            ring[own] = np.broadcast_to(sheet.rows[1:, None], own.shape)
            # Written backwards, so that the column where a closed ring begins counts as 0.
            column[own[:, ::-1]] = np.broadcast_to(sheet.columns[::-1], own.shape)
    mouth = layout.sheets["mouth"]
    rim = int(np.searchsorted(mouth.rows, 2.0 - 1e-9))
    drive[mouth.ids[rim + 1 :]] = mouth.ids[rim]
    return part, ring, column, drive


def _loops(layout: Layout, mirror: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[np.int64]]:
    eye, mouth = layout.sheets["eye"], layout.sheets["mouth"]
    rim = eye.ids[int(np.searchsorted(eye.rows, 1.0 - 1e-9))]
    half = len(rim) // 2
    lips = mouth.ids[int(np.searchsorted(mouth.rows, 2.0 - 1e-9))]
    middle = len(lips) // 2
    left = {"upper": (rim[: half + 1], lips[: middle + 1]), "lower": (rim[half:][::-1], lips[middle:][::-1])}
    out = {}
    for name, (lid, lip) in left.items():
        out[f"{name}_lid_left"], out[f"{name}_lid_right"] = lid, mirror[lid]
        out[f"{name}_lip"] = np.concatenate([mirror[lip][:0:-1], lip])
    for value in out.values():
        value.flags.writeable = False
    return out


def head(resolution: str = "preview", identity: int = 0) -> Head:
    """Build the procedural head.

    Parameters
    ----------
    resolution : {"preview", "shot", "hero"}
        About 5,000, 25,000 or 100,000 vertices of the same surface with the same layout.
    identity : int
        0 is the average head; other numbers are seeds of other people.

    Returns
    -------
    Head

    Notes
    -----
    Takes about 0.2 s (preview) to 3 s (hero); nothing is kept, so hold on to what is returned.
    """
    density = RESOLUTIONS[_validate.one_of("resolution", resolution, tuple(RESOLUTIONS))]
    seed = _validate.index("identity", identity, least=0)
    layout = half_layout(density)
    average = HeadShape(Proportions())
    shape = average if seed == 0 else HeadShape(Proportions.drawn(seed))
    canonical = half_head(layout, average)
    half = canonical if seed == 0 else half_head(layout, shape)
    source, mirror = _mirrored(layout)
    sign = np.where(np.arange(len(source)) < layout.n, 1.0, -1.0)
    flip = np.stack([sign, np.ones_like(sign), np.ones_like(sign)], axis=1)
    neutral = half.positions[source] * flip
    part, ring, column, drive = _sheet_values(layout)
    whole_drive = np.where(sign > 0, drive[source], mirror[drive[source]])
    anatomy = Anatomy(
        neutral,
        canonical.positions[source] * flip,
        part[source],
        ring[source],
        column[source],
        whole_drive,
        mirror,
    )
    angle, row = half.angle[source] * sign, half.row[source]
    angle, row = np.nan_to_num(angle), np.nan_to_num(row, nan=5.0)
    p = shape.proportions
    eyeballs = [
        np.flatnonzero(np.isin(anatomy.part, ("eyeball", "pupil", "eyeball_back")) & (neutral[:, 0] * s > 0))
        for s in (1.0, -1.0)
    ]
    hinge = np.array([0.0, -2.0, 0.8])
    skin_terms = terms(anatomy, shape, angle, row)
    jaw = jaw_weights(anatomy, angle, row)
    lids = (lid_fields(anatomy, p, True), lid_fields(anatomy, p, False))
    mover = Mover(neutral, skin_terms, jaw, hinge, lids, (eyeballs[0], eyeballs[1]))
    arrays: dict[str, Any] = {
        "neutral": neutral,
        "skull": skull_mask(anatomy, row, angle),
        "rigid_weight": neck_weight(anatomy, row),
        "colors": colours(anatomy, 1.0 / density),
        "mirror": mirror,
        "jaw_hinge": hinge,
        "eye_centres": np.array(p.eye_centre) * [[1.0, 1.0, 1.0], [-1.0, 1.0, 1.0]],
    }
    for value in arrays.values():
        value.flags.writeable = False
    return Head(
        resolution=resolution,
        identity=seed,
        topology=_topology(layout, half, mirror),
        names=NAMES,
        regions=regions(anatomy, row, angle, jaw[0]),
        landmarks=landmarks(anatomy),
        loops=_loops(layout, mirror),
        eye_radius=p.eye_radius,
        _mover=mover,
        **arrays,
    )
