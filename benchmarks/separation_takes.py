"""Takes with a known head, in two halves: settings are chosen on the first, and the second is only reported.

A face model (ict_face) of random identities moves as recorded performances and as acted ones do, under head motion of
its own, partly with noise, skin that is not linear, a neck that follows half. No identity, segment or seed is in both
halves. Lengths in centimetres.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

from mien.datasets.acting import act
from mien.datasets.head import head

FPS = 30.0
PIVOT = np.array([0.0, -3.0, 0.0])
REGIONS = {"face": 9409, "mask": 6706}
ANGER = {
    "browDown": 0.85, "noseSneer": 0.65, "eyeSquint": 0.5, "mouthPress": 0.35, "mouthFrown": 0.4, "cheekSquint": 0.4,
    "mouthUpperUp": 0.3,
}  # fmt: skip
CALM, WIDE = (8.0, 12.0, 6.0), (15.0, 25.0, 10.0)  # standard deviations of turns, degrees


class Recipe(NamedTuple):
    """How one take is made: a source, its first frame or seed, frames, the identity's seed, what is hard."""

    source: str
    start: int
    frames: int
    identity: int
    region: str = "face"
    noise: float = 0.0
    turns: tuple[float, float, float] = CALM
    neck: bool = False
    bent: bool = False


DEVELOPMENT = {
    "rom_0": Recipe("alex_rom_3", 0, 400, 1),
    "rom_400_mask": Recipe("alex_rom_3", 400, 300, 2, "mask", 0.01),
    "rom_1200_wide": Recipe("alex_rom_3", 1200, 400, 3, noise=0.02, turns=WIDE),
    "rom_2000_bent": Recipe("alex_rom_3", 2000, 350, 4, bent=True),
    "facecap_0_mask": Recipe("facecap", 0, 170, 5, "mask", 0.01),
    "speech_a": Recipe("speech", 11, 360, 6, noise=0.005),
    "anger_a": Recipe("anger", 12, 300, 7, noise=0.01),
    "anger_mask_bent": Recipe("anger", 13, 300, 8, "mask", 0.02, WIDE, bent=True),
    "rom_2700_neck": Recipe("alex_rom_3", 2700, 300, 9, noise=0.005, neck=True),
}
VALIDATION = {
    "rom_800": Recipe("alex_rom_3", 800, 400, 21, noise=0.01),
    "rom_1600_wide": Recipe("alex_rom_3", 1600, 400, 22, noise=0.02, turns=WIDE),
    "rom_3000_mask": Recipe("alex_rom_3", 3000, 300, 23, "mask", 0.01),
    "rom_3400_neck": Recipe("alex_rom_3", 3400, 600, 24, neck=True),
    "facecap_165_mask": Recipe("facecap", 165, 170, 25, "mask", 0.01),
    "speech_b": Recipe("speech", 31, 360, 26, noise=0.01),
    "anger_b": Recipe("anger", 32, 300, 27, noise=0.02),
    "anger_mask_wide": Recipe("anger", 33, 300, 28, "mask", 0.01, WIDE, bent=True),
    "rom_3700_bent": Recipe("alex_rom_3", 3700, 330, 29, noise=0.01, bent=True),
}
HALVES = {"development": DEVELOPMENT, "validation": VALIDATION}


def takes(data: pathlib.Path, half: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield names and takes with the arrays of a take's .npz file, one at a time."""
    with np.load(data / "ict_face/ict_face.npz") as file:
        model = {key: file[key] for key in ("neutral", "triangles", "expression_names", "expression_deltas")}
    with np.load(data / "ict_face/ict_identity.npz") as file:
        identities = file["identity_deltas"]
    names = [str(name) for name in model["expression_names"]]
    for name, recipe in HALVES[half].items():
        yield name, _made(recipe, model, identities, names, _curves(data, recipe, names))


def _columns(name: str, names: list[str]) -> list[int]:
    """Return the model's shapes of an ARKit name: sided ones are called _L and _R there, two are split."""
    for side in ("Left", "Right"):
        if name.endswith(side) and name.removesuffix(side) + "_" + side[0] in names:
            return [names.index(name.removesuffix(side) + "_" + side[0])]
    return [names.index(n) for n in (name, f"{name}_L", f"{name}_R") if n in names]


def _curves(data: pathlib.Path, recipe: Recipe, names: list[str]) -> np.ndarray:
    out = np.zeros((recipe.frames, len(names)))
    if recipe.source in ("speech", "anger"):
        channels = head("preview").names
        values = act(np.arange(recipe.frames) / (2 * FPS), recipe.start)
    else:
        with np.load(data / f"captures/{recipe.source}.npz") as file:
            channels = [str(name) for name in file["channels"]]
            times = file["times"] - file["times"][0]
            at = (recipe.start + np.arange(recipe.frames)) / FPS
            values = np.stack([np.interp(at, times, curve) for curve in file["weights"].T], axis=1)
    for k, channel in enumerate(channels):
        out[:, _columns(str(channel), names)] += values[:, [k]]
    if recipe.source == "anger":  # tonic, slowly breathing
        t = np.arange(recipe.frames) / (2 * FPS)
        held = 0.55 + 0.3 * np.sin(0.9 * t + recipe.start) + 0.12 * np.sin(2.3 * t)
        for shape, size in ANGER.items():
            for column in _columns(shape, names):
                out[:, column] = np.clip(out[:, column] + size * held, 0, 1)
    return out


def _motion(recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(recipe.identity)
    t = np.arange(recipe.frames) / FPS

    def curve(size: float) -> np.ndarray:
        out = np.zeros(recipe.frames)
        for speed, share in ((0.25, 0.8), (0.7, 0.45), (1.6, 0.15)):
            knots = rng.normal(size=int(t[-1] * speed) + 6)
            out += share * CubicSpline(np.arange(len(knots)), knots)(t * speed + rng.uniform())
        return out * size

    turns = np.stack([curve(size) for size in recipe.turns], axis=1)
    path = np.stack([curve(2.0) for _ in range(3)], axis=1)
    rotations = Rotation.from_rotvec(np.radians(turns)).as_matrix()
    return rotations, path + PIVOT - rotations @ PIVOT


def _made(
    recipe: Recipe, model: dict[str, np.ndarray], identities: np.ndarray, names: list[str], curves: np.ndarray
) -> dict[str, Any]:
    n = REGIONS[recipe.region]
    rng = np.random.default_rng(1000 + recipe.identity)
    neutral = model["neutral"][:n] + np.tensordot(rng.normal(size=len(identities)), identities[:, :n], 1)
    deltas = model["expression_deltas"][:, :n].astype(np.float64)
    used = np.flatnonzero(curves.any(axis=0))
    moved = np.tensordot(curves[:, used], deltas[used], 1)
    if recipe.bent:
        moved += _correctives(curves, deltas, rng)
        moved[..., 2] -= np.sum(moved**2, axis=2) / 8.0  # skin slides round the skull
    rotations, translations = _motion(recipe)
    local = neutral + moved
    vertices = np.einsum("fij,fvj->fvi", rotations, local) + translations[:, None]
    if recipe.neck:
        y = neutral[:, 1] + 0.35 * (neutral[:, 2] - 4)
        u = np.clip((y + 15.5) / 5.5, 0, 1)[:, None]
        follows = u * u * (3 - 2 * u)
        vertices = follows * vertices + (1 - follows) * local
    vertices += rng.normal(0, 1, vertices.shape) * recipe.noise
    triangles = model["triangles"]
    return {
        "vertices": vertices.astype(np.float32),
        "rotations": rotations,
        "translations": translations,
        "neutral": neutral.astype(np.float32),
        "faces": triangles[(triangles < n).all(axis=1)],
        "shapes": (names, deltas.astype(np.float32)),
    }


def _correctives(curves: np.ndarray, deltas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return what forty products of pairs of curves add (F, V, 3), each where both shapes move."""
    used = np.flatnonzero(curves.max(axis=0) > 0.15)
    out = np.zeros((len(curves), *deltas.shape[1:]))
    for _ in range(40):
        a, b = rng.choice(used, 2, replace=False)
        size = np.sqrt(np.linalg.norm(deltas[a], axis=1) * np.linalg.norm(deltas[b], axis=1))
        direction = rng.normal(size=3)
        field = 0.5 * size[:, None] * direction / np.linalg.norm(direction)
        out += (curves[:, a] * curves[:, b])[:, None, None] * field
    return out
