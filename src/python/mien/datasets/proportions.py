"""What makes one procedural head differ from another: a dozen lengths, drawn from a seed."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

__all__ = ["Proportions"]

Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Proportions:
    """Lengths of one head, centimetres."""

    eye_centre: tuple[float, float, float] = (3.15, 0.0, 6.72)
    eye_radius: float = 1.27
    lid_thickness: float = 0.13
    nose_tip: tuple[float, float, float] = (0.0, -3.6, 11.45)
    nose_width: float = 1.0
    nose_bridge: float = 0.0
    brow: float = 0.0
    cheekbone: float = 0.0
    mouth_height: float = -6.65
    chin: float = -11.2
    chin_forward: float = 0.0
    jaw: float = 0.0
    eye_width: float = 1.0
    eye_opening: float = 1.0
    lid_fold: float = 0.10
    mouth_half_width: float = 2.5
    lip_fullness: float = 0.92
    teeth_front: float = 9.0
    ear_size: float = 1.0

    @classmethod
    def drawn(cls, seed: int) -> Proportions:
        """Draw a head; 0 is the average."""
        return cls()

    def shape_rings(self, rings: Floats) -> Floats:
        return rings.copy()
