"""From pushes to displacements: sliding skin, jaw weights and lids of one head."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from mien.datasets.curves import monotone, smoothstep
from mien.datasets.head_parts import lid_rim, lip_line
from mien.datasets.head_shape import ROWS, HeadShape
from mien.datasets.proportions import Proportions
from mien.datasets.shapes import CORRECTIVES, NAMES, PUSHES, Push, sided

__all__ = ["Anatomy", "Lids", "Term", "jaw_weights", "lid_fields", "terms"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Anatomy:
    """Where each vertex of a head belongs; all arrays (V,) or (V, 3).

    Parameters
    ----------
    neutral : (V, 3) floats
        This head at rest.
    canonical : (V, 3) floats
        The average head at rest, same layout: pushes are placed on it, so that they meet the same part of every head.
    part : (V,) strings
        Name of the sheet.
    ring, column : (V,) floats
        Place on a ring sheet; NaN elsewhere.
    drive : (V,) integers
        The vertex whose motion a vertex takes: itself, or for the mouth's inside the rim in front of it.
    mirror : (V,) integers
        The vertex on the other side.
    """

    neutral: Floats
    canonical: Floats
    part: npt.NDArray[np.str_]
    ring: Floats
    column: Floats
    drive: Integers
    mirror: Integers

    def ring_of(self, part: str) -> Floats:
        """Return the row on the rings of one sheet, -1 for vertices of others."""
        return np.where(self.part == part, np.nan_to_num(self.ring, nan=-1.0), -1.0)

    def upper_side(self) -> Floats:
        """Return where around the mouth a vertex lies: 1 above its opening, -1 below, smooth beside its corners."""
        at = self.canonical[self.drive]
        p = Proportions()
        x = np.abs(at[:, 0])
        line = np.where(x < p.mouth_half_width, lip_line(p, x), 0.0)
        beside = monotone([p.mouth_half_width, 6.2], [float(lip_line(p, np.array([2.5]))[0]), -4.7], x)
        height = at[:, 1] - np.where(x < p.mouth_half_width, line, beside)
        on_ring = self.ring_of("mouth") >= 0
        side = np.where(on_ring, np.where(self.column <= 1.0, 1.0, -1.0), np.sign(height))
        inside = 0.55 * np.maximum(p.mouth_half_width - x, 0.0)
        soft = 1.5 + 1.3 * smoothstep(p.mouth_half_width, 6.0, x)
        signed = side * (np.abs(height) + inside)
        signed = np.where(on_ring & (np.abs(self.column - 1.0) < 1e-9), 0.0 * signed + height, signed)
        return np.asarray(2.0 * smoothstep(-1.0, 1.0, signed / soft) - 1.0)


def _hold(anatomy: Anatomy) -> Floats:
    """Return how far skin follows the pushes: not on lids, fading into the mouth, nowhere on ears, eyes and teeth."""
    skin = np.isin(anatomy.part, ("lattice", "crown", "eye", "mouth"))
    eye, mouth = anatomy.ring_of("eye"), anatomy.ring_of("mouth")
    hold = np.where(eye > 0, 1.0 - smoothstep(0.25, 0.92, eye), 1.0)
    hold *= 1.0 - 0.4 * smoothstep(2.0, 3.0, mouth) - 0.6 * smoothstep(3.0, 4.0, mouth)
    return hold * skin * smoothstep(0.5, 3.5, anatomy.canonical[anatomy.drive, 2])


def _pushed(push: Push, anatomy: Anatomy, hold: Floats, upper: Floats) -> Floats:
    """Return a push as moves (side to +x, up, out), (V, 3)."""
    at = anatomy.canonical[anatomy.drive]
    x = np.abs(at[:, 0]) if push.centred else at[:, 0]
    square = ((x - push.at[0]) / push.radius[0]) ** 2 + ((at[:, 1] - push.at[1]) / push.radius[1]) ** 2
    weight = np.maximum(1.0 - square, 0.0) ** 3 * hold
    mouth = anatomy.ring_of("mouth")
    if push.part in ("upper", "upper_red"):
        weight = weight * (0.5 + 0.5 * upper)
    elif push.part in ("lower", "lower_red"):
        weight = weight * (0.5 - 0.5 * upper)
    if push.part in ("upper_red", "lower_red", "lips"):
        weight = weight * smoothstep(0.45, 1.1, mouth) * (1.0 - 0.75 * smoothstep(1.5, 2.2, mouth))
    side, up, out = push.move
    # The midline has no side: moves outwards fade to nothing there.
    sign = np.tanh(at[:, 0] / 0.5) if push.centred else 1.0
    return np.stack([weight * (side * sign - push.gather * at[:, 0]), weight * up, weight * out], axis=1)


@dataclasses.dataclass(frozen=True)
class Term:
    """One summand of the skin's displacement: a product of weights times displacements of a few vertices.

    Parameters
    ----------
    drivers : tuple of int
        Weights to multiply; one twice is its square.
    vertices : (n,) integers
        Which vertices move.
    moves : (n, 3) floats
        By how much, centimetres.
    """

    drivers: tuple[int, ...]
    vertices: Integers
    moves: Floats


class _Slide:
    """Turns moves along and out of the skin into displacements that follow its curvature."""

    def __init__(self, anatomy: Anatomy, shape: HeadShape, angle: Floats, row: Floats) -> None:
        eps = 1e-4
        self._shape, self._angle, self._row = shape, angle, row
        self._base = shape.scaffold(angle, row)[1]
        by_angle = (shape.scaffold(angle + eps, row)[1] - shape.scaffold(angle - eps, row)[1]) / (2 * eps)
        by_row = (shape.scaffold(angle, row + eps)[1] - shape.scaffold(angle, row - eps)[1]) / (2 * eps)
        self._along = np.maximum(np.sqrt((by_angle**2).sum(-1)), 1.0)
        self._down = np.maximum(np.sqrt((by_row**2).sum(-1)), 0.5)
        normal = np.cross(by_row, by_angle)
        self._normal = normal / np.maximum(np.sqrt((normal**2).sum(-1, keepdims=True)), 1e-9)

    def __call__(self, moves: Floats, vertices: Integers, amount: float) -> Floats:
        m, v = moves[vertices] * amount, vertices
        row = np.clip(self._row[v] - m[:, 1] / self._down[v], 0.0, ROWS - 0.001)
        end = self._shape.scaffold(self._angle[v] + m[:, 0] / self._along[v], row)[1]
        return np.asarray(end - self._base[v] + m[:, 2:] * self._normal[v])


def _flipped(moves: Floats, mirror: Integers) -> Floats:
    return np.asarray(moves[mirror] * np.array([-1.0, 1.0, 1.0]))


def terms(anatomy: Anatomy, shape: HeadShape, angle: Floats, row: Floats) -> list[Term]:
    """Return every term of the skin's displacement: linear and square terms of shapes, then products of pairs.

    The square terms are what makes skin slide: along ``w d1 + w² d2`` it passes through the true place on the curved
    surface at half and at full weight.
    """
    index = {name: k for k, name in enumerate(NAMES)}
    slide = _Slide(anatomy, shape, angle[anatomy.drive], row[anatomy.drive])
    hold, upper = _hold(anatomy), anatomy.upper_side()
    out: list[Term] = []

    def add(drivers: tuple[int, ...], moves: Floats) -> None:
        vertices = np.flatnonzero(np.abs(moves).max(1) > 1e-9)
        if not len(vertices):
            return
        full = slide(moves, vertices, 1.0)
        if len(drivers) == 1:
            middle = slide(moves, vertices, 0.5)
            out.append(Term(drivers, vertices, 4 * middle - full))
            bent = 2 * full - 4 * middle
            strong = np.flatnonzero(np.abs(bent).max(1) > 1e-6)
            out.append(Term(drivers * 2, vertices[strong], bent[strong]))
        else:
            out.append(Term(drivers, vertices, full))

    def total(pushes: tuple[Push, ...]) -> Floats:
        moves = np.zeros((len(hold), 3))
        for push in pushes:
            moves += _pushed(push, anatomy, hold, upper)
        return moves

    for name, pushes in PUSHES.items():
        moves = total(pushes)
        add((index[name],), moves)
        if sided(name):
            add((index[name[:-4] + "Right"],), _flipped(moves, anatomy.mirror))
    for pair, pushes in CORRECTIVES.items():
        moves = total(pushes)
        add(tuple(index[n] for n in pair), moves)
        if any(sided(n) for n in pair):
            twins = tuple(index[n[:-4] + "Right" if sided(n) else n] for n in pair)
            add(twins, _flipped(moves, anatomy.mirror))
    return out


def jaw_weights(anatomy: Anatomy, angle: Floats, row: Floats) -> tuple[Floats, Floats]:
    """Return how far each vertex turns with the jaw, with lips open and with lips held closed, both (V,)."""
    upper = anatomy.upper_side()
    mouth = anatomy.ring_of("mouth")
    at = anatomy.canonical[anatomy.drive]
    around, down = np.abs(angle[anatomy.drive]), row[anatomy.drive]
    weight = 0.5 - 0.5 * upper
    weight = weight * (1.0 - smoothstep(0.72, 1.28 + 0.25 * smoothstep(11.0, 13.5, down), around))
    weight = weight * (1.0 - smoothstep(14.8, 19.0, down))
    # Inside, the mouth's floor goes with the lower teeth and its roof stays; both meet at the throat.
    floor = smoothstep(0.80, 1.20, np.nan_to_num(anatomy.column, nan=1.0))
    weight = weight + (floor - weight) * smoothstep(2.1, 3.0, mouth)
    weight = weight + (0.40 - weight) * smoothstep(3.3, 4.0, mouth)
    skin = np.isin(anatomy.part, ("lattice", "mouth", "eye"))
    weight = np.where(skin, weight, 0.0)
    weight[anatomy.part == "lower_teeth"] = 1.0
    # Closed lips share one weight along the line where they meet, so that they stay sealed while the jaw drops.
    aside = np.maximum(np.abs(at[:, 0]) - 2.3, 0.0)
    apart = np.maximum(np.abs(at[:, 1] - lip_line(Proportions(), at[:, 0])) - 0.35, 0.0)
    seal = 1.0 - smoothstep(0.0, 2.3, np.hypot(aside, apart))
    seal = np.where(mouth >= 1.9, 1.0 - smoothstep(3.0, 4.0, mouth), seal)
    seal = np.where(skin & (at[:, 2] > 0.0), seal, 0.0)
    return weight, weight + seal * (0.45 - weight)


@dataclasses.dataclass(frozen=True)
class Lids:
    """How the skin around one eye turns about the eyeball.

    Parameters
    ----------
    vertices : (n,) integers
        Skin and lids around the eye.
    upper : (n,) bool
        Whether a vertex follows the upper lid.
    turn : (n,) floats
        Rotation about the eye's x axis at full closure, radians.
    sink : (n,) floats
        Share of its distance from the axis that a vertex loses at full closure.
    floor : (n,) floats
        Least distance from the eye's centre, centimetres.
    centre : (3,) floats
        The eyeball's centre.
    """

    vertices: Integers
    upper: npt.NDArray[np.bool_]
    turn: Floats
    sink: Floats
    floor: Floats
    centre: Floats


def lid_fields(anatomy: Anatomy, p: Proportions, left: bool) -> Lids:
    """Return the lids of one eye."""
    sign = 1.0 if left else -1.0
    on = (anatomy.ring_of("eye") >= 0) & (anatomy.neutral[:, 0] * sign > 0)
    vertices = np.flatnonzero(on)
    ring, column = anatomy.ring[vertices], anatomy.column[vertices]
    upper = column <= 1.0
    along = np.where(upper, column, 2.0 - column)
    centre = np.array(p.eye_centre) * np.array([sign, 1.0, 1.0])
    top, low = lid_rim(p, along, upper=True), lid_rim(p, along, upper=False)
    top_turn, low_turn = np.arctan2(top[:, 1], top[:, 2]), np.arctan2(low[:, 1], low[:, 2])
    top_depth, low_depth = np.hypot(top[:, 1], top[:, 2]), np.hypot(low[:, 1], low[:, 2])
    # Where the lids meet: most of the way is the upper lid's.
    meet = low_turn + 0.20 * (top_turn - low_turn)
    meet_depth = 0.5 * (top_depth + low_depth)
    full = meet - np.where(upper, top_turn, low_turn)
    offset = anatomy.neutral[vertices] - centre
    aside = offset * np.array([sign, 1.0, 1.0])
    away = np.sqrt(((aside - np.where(upper[:, None], top, low)) ** 2).sum(-1))
    far, start = np.where(upper, 1.30, 0.90), np.where(upper, -0.25, -0.10)
    follow = 1.0 - smoothstep(0.0, 1.0, (away - start) / (far - start))
    at_rim = 1.0 - smoothstep(0.0, 1.0, -start / (far - start))
    follow = np.where(ring >= 1.0, 1.0, follow / at_rim)
    depth = np.where(upper, top_depth, low_depth)
    own = np.hypot(offset[:, 1], offset[:, 2])
    goal = np.where(ring >= 1.0, own * meet_depth / depth, np.minimum(own, np.maximum(meet_depth, 0.4)))
    blend = np.where(ring >= 1.0, 1.0, 0.75 * follow)
    sink = blend * (1.0 - goal / np.maximum(own, 1e-9))
    distance = np.sqrt((offset**2).sum(-1))
    floor = np.minimum(distance, p.eye_radius + 0.9 * p.lid_thickness)
    return Lids(vertices, upper, full * follow, sink, floor, centre)
