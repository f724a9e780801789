"""Names for parts of the head: regions, landmarks, what is skull, what follows the head, colours."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien.datasets.curves import smoothstep
from mien.datasets.rigging import Anatomy

__all__ = ["colours", "landmarks", "neck_weight", "regions", "skull_mask"]

Floats = npt.NDArray[np.float64]

_SKIN = ("lattice", "crown", "eye", "mouth", "ear", "ear_bowl")


def _soft(at: Floats, centre: tuple[float, float], radius: tuple[float, float]) -> Floats:
    """Return 1 inside half an ellipse's radii, 0 outside the ellipse."""
    distance = np.hypot((at[:, 0] - centre[0]) / radius[0], (at[:, 1] - centre[1]) / radius[1])
    return 1.0 - smoothstep(0.5, 1.0, distance)


def skull_mask(anatomy: Anatomy, row: Floats, angle: Floats) -> npt.NDArray[np.bool_]:
    """Return what no expression moves, (V,): scalp, ears, the back of the head, the upper teeth."""
    at = anatomy.canonical
    scalp = np.isin(anatomy.part, ("lattice", "crown")) & (
        (at[:, 1] > 7.0) | ((np.abs(angle) > 1.62) & (row < 10.0))
    )
    return scalp | np.isin(anatomy.part, ("ear", "ear_bowl", "upper_teeth"))


def neck_weight(anatomy: Anatomy, row: Floats) -> Floats:
    """Return how far each vertex follows the head's motion, (V,): 1 on the head, 0 at the base of the neck."""
    skin = np.isin(anatomy.part, _SKIN)
    return np.where(skin, 1.0 - smoothstep(15.6, 20.6, row), 1.0)


def regions(anatomy: Anatomy, row: Floats, angle: Floats, jaw: Floats) -> dict[str, Floats]:
    """Return named vertex weights, each (V,) in [0, 1]."""
    at, part = anatomy.canonical, anatomy.part
    mouth_ring, eye_ring = anatomy.ring_of("mouth"), anatomy.ring_of("eye")
    inside = np.maximum(mouth_ring > 2.0 + 1e-9, eye_ring > 1.0 + 1e-9)
    skin = (np.isin(part, _SKIN) & ~inside).astype(np.float64)
    outer = skin * ~np.isin(part, ("ear", "ear_bowl"))
    front = outer * smoothstep(1.0, 4.0, at[:, 2])
    left = at[:, 0] > 0
    out = {
        "skin": skin,
        "inside": inside.astype(np.float64),
        "face": front * (1.0 - smoothstep(6.2, 8.0, at[:, 1])) * (1.0 - smoothstep(15.2, 16.6, row)),
        "mouth": front * _soft(at, (0.0, -6.8), (4.4, 3.2)),
        "lips": smoothstep(0.8, 1.1, mouth_ring) * (mouth_ring <= 2.0 + 1e-9),
        "nose": front * _soft(np.stack([at[:, 0], at[:, 1] + 2.2], 1), (0.0, 0.0), (2.4, 3.6)),
        "forehead": front * smoothstep(2.4, 3.4, at[:, 1]) * (1.0 - smoothstep(6.5, 8.0, at[:, 1])),
        "jaw": np.where(part == "lower_teeth", 0.0, jaw),
        "neck": skin * smoothstep(15.4, 17.5, row),
        "scalp": skin
        * np.isin(part, ("lattice", "crown"))
        * np.where(at[:, 1] > 7.0, 1.0, (np.abs(angle) > 1.62) * (row < 10.0)),
        "ears": np.isin(part, ("ear", "ear_bowl")).astype(np.float64),
        "upper_teeth": (part == "upper_teeth").astype(np.float64),
        "lower_teeth": (part == "lower_teeth").astype(np.float64),
        "eyeballs": np.isin(part, ("eyeball", "pupil", "eyeball_back")).astype(np.float64),
    }
    out["skull"] = skull_mask(anatomy, row, angle).astype(np.float64)
    for name, side in (("left", left), ("right", ~left)):
        mirrored = at * np.where(name == "left", [1.0, 1.0, 1.0], [-1.0, 1.0, 1.0])
        out[f"eye_{name}"] = (
            skin * side * np.maximum(eye_ring > 0, _soft(mirrored, (3.15, 0.0), (2.6, 2.2))) * (at[:, 2] > 2)
        )
        out[f"brow_{name}"] = front * _soft(mirrored, (2.8, 2.3), (2.8, 1.4))
        out[f"cheek_{name}"] = front * _soft(mirrored, (4.2, -3.6), (2.8, 3.0))
    out["brows"] = np.maximum(out["brow_left"], out["brow_right"])
    out["cheeks"] = np.maximum(out["cheek_left"], out["cheek_right"])
    out["eyes"] = np.maximum(out["eye_left"], out["eye_right"])
    for value in out.values():
        value.flags.writeable = False
    return out


def landmarks(anatomy: Anatomy) -> dict[str, int]:
    """Return named vertices, the same points at every resolution (to the spacing of vertices)."""
    at, part = anatomy.canonical, anatomy.part
    mouth, eye = anatomy.ring_of("mouth"), anatomy.ring_of("eye")
    skin = np.isin(part, ("lattice", "mouth", "eye"))
    left = at[:, 0] > -1e-9

    def nearest(mask: npt.NDArray[np.bool_], *target: float) -> int:
        candidates = np.flatnonzero(mask)
        return int(candidates[np.argmin(((at[candidates] - target) ** 2).sum(-1))])

    def on(ring: Floats, row: float, column: float) -> int:
        candidates = np.flatnonzero(left & (np.abs(ring - row) < 1e-6))
        return int(candidates[np.argmin(np.abs(anatomy.column[candidates] - column))])

    midline = skin & (np.abs(at[:, 0]) < 1e-9) & (at[:, 2] > 0)
    outer = midline & (mouth <= 0)

    def profile(height: float) -> int:
        candidates = np.flatnonzero(outer)
        return int(candidates[np.argmin(np.abs(at[candidates, 1] - height))])

    nose = np.flatnonzero(outer)
    out = {
        "nose_tip": int(nose[np.argmax(at[nose, 2])]),
        "nasion": profile(0.6),
        "glabella": profile(2.1),
        "forehead": profile(5.0),
        "chin": profile(-10.0),
        "menton": int(nose[np.argmin(np.abs(at[nose, 1] + 11.2) + 10.0 * (at[nose, 2] < 7.0))]),
        "upper_lip": on(mouth, 1.0, 0.0),
        "lower_lip": on(mouth, 1.0, 2.0),
        "upper_lip_rim": on(mouth, 2.0, 0.0),
        "lower_lip_rim": on(mouth, 2.0, 2.0),
    }
    sided = {
        "mouth_corner": on(mouth, 2.0, 1.0),
        "eye_inner": on(eye, 1.0, 0.0),
        "eye_outer": on(eye, 1.0, 1.0),
        "upper_lid": on(eye, 1.0, 0.5),
        "lower_lid": on(eye, 1.0, 1.5),
        "brow_inner": nearest(skin & left, 1.1, 2.1, 8.9),
        "brow_middle": nearest(skin & left, 2.9, 2.5, 8.3),
        "brow_outer": nearest(skin & left, 4.7, 2.2, 6.6),
        "nose_wing": nearest(skin & left, 1.7, -3.9, 9.0),
        "cheek": nearest(skin & left, 4.6, -2.8, 7.0),
        "jaw_angle": nearest(skin & left, 5.6, -7.6, 1.5),
    }
    for name, vertex in sided.items():
        out[f"{name}_left"], out[f"{name}_right"] = vertex, int(anatomy.mirror[vertex])
    return out


def colours(anatomy: Anatomy, spacing: float) -> npt.NDArray[np.float32]:
    """Return colours to draw the head with, (V, 3) in [0, 1]: skin, lips, brows, eyes, teeth.

    `spacing` is the distance between vertices relative to the preview's: coarse meshes get softer brows.
    """
    at, part = anatomy.canonical, anatomy.part
    mouth, eye = anatomy.ring_of("mouth"), anatomy.ring_of("eye")
    x, y = np.abs(at[:, 0]), at[:, 1]
    out = np.tile(np.array([0.82, 0.67, 0.58]), (len(at), 1))

    def tint(colour: tuple[float, float, float], amount: Floats) -> None:
        out[:] += amount[:, None] * (np.array(colour) - out)

    front = smoothstep(2.0, 5.0, at[:, 2])
    tint((0.83, 0.55, 0.48), 0.30 * front * (np.exp(-(((x - 4.2) / 1.6) ** 2) - ((y + 3.2) / 1.6) ** 2)))
    tint((0.83, 0.55, 0.48), 0.22 * front * np.exp(-((x / 1.4) ** 2) - ((y + 3.8) / 1.0) ** 2))
    arch = 2.02 + 0.55 * np.sin(np.clip((x - 0.9) / 4.2, 0, 1) ** 1.3 * np.pi) - 0.12 * np.clip(x - 3.5, 0, 3)
    width = (0.28 + 0.20 * spacing) * (1.0 - 0.50 * smoothstep(2.0, 5.0, x))
    brow = (
        np.exp(-(((y - arch) / width) ** 2)) * smoothstep(0.5, 1.4, x) * (1 - smoothstep(4.3, 5.2, x)) * front
    )
    tint((0.26, 0.18, 0.13), (0.85 - 0.25 * spacing) * brow * (1.0 - smoothstep(0.4, 0.8, eye)))
    tint((0.70, 0.40, 0.38), 0.75 * smoothstep(0.85, 1.08, mouth))
    tint((0.45, 0.16, 0.16), smoothstep(2.0, 2.8, mouth))
    tint((0.78, 0.50, 0.46), 0.6 * smoothstep(0.99, 1.5, eye))
    tint((0.92, 0.90, 0.84), np.isin(part, ("upper_teeth", "lower_teeth")).astype(np.float64))
    ball = np.isin(part, ("eyeball", "pupil", "eyeball_back"))
    tint((0.93, 0.92, 0.91), ball.astype(np.float64))
    centre = np.array([3.15, 0.0])
    off = np.hypot(x - centre[0], y - centre[1]) / 1.27
    iris = ball & (at[:, 2] > 7.0)
    tint((0.30, 0.21, 0.14), iris * (off < 0.482))
    tint((0.05, 0.04, 0.04), iris * (off < 0.215))
    return out.astype(np.float32)
