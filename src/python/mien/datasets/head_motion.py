"""The non-linear truth: what weights do to a head, block by block of frames."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from mien.datasets.rigging import Lids, Term
from mien.datasets.shapes import NAMES

__all__ = ["Mover"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

JAW_OPEN, JAW_SIDE, JAW_FORWARD = np.radians(21.0), np.radians(5.5), 0.75
GAZE_SIDE, GAZE_UP, GAZE_DOWN = np.radians(32.0), np.radians(24.0), np.radians(28.0)
_INDEX = {name: k for k, name in enumerate(NAMES)}


@dataclasses.dataclass(frozen=True)
class Group:
    """Terms that move the same part of the face, as one dense matrix."""

    drivers: tuple[tuple[int, ...], ...]
    vertices: Integers
    moves: Floats  # (terms, 3 n)

    @classmethod
    def of(cls, terms: list[Term]) -> Group:
        """Pack terms over the vertices that any of them moves."""
        vertices = np.unique(np.concatenate([t.vertices for t in terms]))
        moves = np.zeros((len(terms), len(vertices), 3))
        for k, term in enumerate(terms):
            moves[k, np.searchsorted(vertices, term.vertices)] = term.moves
        return cls(tuple(t.drivers for t in terms), vertices, moves.reshape(len(terms), -1))

    def displacement(self, weights: Floats) -> Floats:
        """Return the displacement of the group's vertices, (F, n, 3)."""
        factors = np.stack([np.prod(weights[:, d], axis=1) for d in self.drivers], axis=1)
        used = np.flatnonzero(np.abs(factors).max(0) > 0)
        return (factors[:, used] @ self.moves[used]).reshape(len(weights), -1, 3)


class Mover:
    """Moves one head.

    Parameters
    ----------
    neutral : (V, 3) floats
        The head at rest.
    terms : list of Term
        What the skin does.
    jaw : (V,), (V,) floats
        Jaw weights with lips open and with lips closed.
    hinge : (3,) floats
        The middle of the jaw's axis, which runs along x.
    lids : pair of Lids
        Left and right.
    eyeballs : pair of (n,) integers
        Left and right.
    """

    def __init__(
        self,
        neutral: Floats,
        terms: list[Term],
        jaw: tuple[Floats, Floats],
        hinge: Floats,
        lids: tuple[Lids, Lids],
        eyeballs: tuple[Integers, Integers],
    ) -> None:
        brow = [t for t in terms if all(NAMES[d].startswith(("brow", "eye")) for d in t.drivers)]
        rest = [t for t in terms if not any(t is b for b in brow)]
        self._neutral, self._hinge = neutral, hinge
        self._groups = (Group.of(brow), Group.of(rest))
        self._jaw = np.flatnonzero((jaw[0] > 0) | (jaw[1] > 0))
        self._open, self._closed = jaw[0][self._jaw], jaw[1][self._jaw] - jaw[0][self._jaw]
        self._lids, self._eyeballs = lids, eyeballs

    def move(self, weights: Floats, out: Floats) -> None:
        """Write positions of the frames of `weights` (F, K) to `out` (F, V, 3)."""
        out[:] = self._neutral
        for group in self._groups:
            out[:, group.vertices] += group.displacement(weights)
        self._turn_jaw(weights, out)
        for side, lids, eyeball in zip(("Left", "Right"), self._lids, self._eyeballs, strict=True):
            self._turn_lids(weights, side, lids, out)
            self._turn_eyeball(weights, side, lids.centre, eyeball, out)

    def _turn_jaw(self, weights: Floats, out: Floats) -> None:
        opening, closing = weights[:, _INDEX["jawOpen"]], weights[:, _INDEX["mouthClose"]]
        yaw = JAW_SIDE * (weights[:, _INDEX["jawLeft"]] - weights[:, _INDEX["jawRight"]])
        forward = JAW_FORWARD * weights[:, _INDEX["jawForward"]]
        if not (opening.any() or yaw.any() or forward.any()):
            return
        sealed = np.minimum(closing, opening)
        pitch = JAW_OPEN * (opening[:, None] * self._open + sealed[:, None] * self._closed)
        sine, cosine = np.sin(pitch), np.cos(pitch)
        at = out[:, self._jaw] - self._hinge
        y = cosine * at[..., 1] - sine * at[..., 2]
        z = sine * at[..., 1] + cosine * at[..., 2]
        x = at[..., 0]
        if yaw.any() or forward.any():
            turn = yaw[:, None] * self._open
            sine, cosine = np.sin(turn), np.cos(turn)
            x, z = cosine * x + sine * z, cosine * z - sine * x + forward[:, None] * self._open
        out[:, self._jaw] = np.stack([x, y, z], axis=-1) + self._hinge

    @staticmethod
    def _closure(weights: Floats, side: str) -> tuple[Floats, Floats]:
        """Return how far the upper and the lower lid have gone towards each other, (F,) each; 1 is shut."""

        def w(name: str) -> Floats:
            return np.asarray(weights[:, _INDEX[name + side]])

        blink = np.clip(w("eyeBlink"), 0.0, 1.0)
        down, up = w("eyeLookDown"), w("eyeLookUp")
        squint = np.clip(w("eyeSquint") + 0.35 * w("cheekSquint") + 0.10 * w("mouthSmile"), 0.0, 1.0)
        brow = 0.12 * w("browDown")
        top = 0.34 * w("eyeWide") - 0.50 * down + 0.24 * up - 0.24 * squint - brow
        low = 0.25 * w("eyeWide") + 0.55 * down - 0.10 * up - 0.95 * squint
        return 1.0 - (1.0 - blink) * np.maximum(1.0 + top, 0.0), 1.0 - (1.0 - blink) * np.maximum(
            1.0 + low, 0.0
        )

    def _turn_lids(self, weights: Floats, side: str, lids: Lids, out: Floats) -> None:
        top, low = self._closure(weights, side)
        closure = np.where(lids.upper, top[:, None], low[:, None])
        turn = closure * lids.turn
        shrink = 1.0 - np.clip(closure, 0.0, 1.0) * lids.sink
        at = out[:, lids.vertices] - lids.centre
        sine, cosine = np.sin(turn) * shrink, np.cos(turn) * shrink
        y = cosine * at[..., 1] + sine * at[..., 2]
        z = cosine * at[..., 2] - sine * at[..., 1]
        moved = np.stack([at[..., 0], y, z], axis=-1)
        distance = np.sqrt((moved**2).sum(-1))
        moved *= np.maximum(1.0, lids.floor / distance)[..., None]
        out[:, lids.vertices] = moved + lids.centre

    @staticmethod
    def _turn_eyeball(weights: Floats, side: str, centre: Floats, eyeball: Integers, out: Floats) -> None:
        def w(name: str) -> Floats:
            return np.asarray(weights[:, _INDEX[name + side]])

        outward = GAZE_SIDE * (w("eyeLookOut") - w("eyeLookIn")) * (1.0 if side == "Left" else -1.0)
        upward = GAZE_UP * w("eyeLookUp") - GAZE_DOWN * w("eyeLookDown")
        if not (outward.any() or upward.any()):
            return
        at = out[:, eyeball] - centre
        sine, cosine = np.sin(upward)[:, None], np.cos(upward)[:, None]
        y, z = cosine * at[..., 1] + sine * at[..., 2], cosine * at[..., 2] - sine * at[..., 1]
        sine, cosine = np.sin(outward)[:, None], np.cos(outward)[:, None]
        out[:, eyeball] = (
            np.stack([cosine * at[..., 0] + sine * z, y, cosine * z - sine * at[..., 0]], axis=-1) + centre
        )
