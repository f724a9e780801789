"""What makes one procedural head differ from another: some twenty lengths, drawn from a seed."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

__all__ = ["Proportions"]

Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Proportions:
    """One head, as ratios to the average and as lengths in centimetres.

    Parameters
    ----------
    cranium, face_width, face_length, neck : float
        Ratios: height of the head above the eyes, width, length of the face below the eyes, width of the neck.
    jaw : float
        Added half width of the jaw.
    chin_forward, nose_forward, nose_bridge, brow, cheekbone : float
        How far they stand out.
    eye_centre : (x, y, z)
        The left eyeball's centre.
    eye_radius, lid_thickness, lid_fold : float
        The eyeball, the lid over it, the depth of the fold above the upper lid.
    eye_width, eye_opening, nose_width, lip_fullness, ear_size : float
        Ratios.
    mouth_half_width, teeth_front : float
        From the midline to the corner; how far in front the upper incisors stand.
    """

    cranium: float = 1.0
    face_width: float = 1.0
    face_length: float = 1.0
    neck: float = 1.0
    jaw: float = 0.0
    chin_forward: float = 0.0
    nose_forward: float = 0.0
    nose_bridge: float = 0.0
    brow: float = 0.0
    cheekbone: float = 0.0
    eye_centre: tuple[float, float, float] = (3.15, 0.0, 6.72)
    eye_radius: float = 1.27
    lid_thickness: float = 0.13
    lid_fold: float = 0.10
    eye_width: float = 1.0
    eye_opening: float = 1.0
    nose_width: float = 1.0
    lip_fullness: float = 0.92
    ear_size: float = 0.95
    mouth_half_width: float = 2.5
    teeth_front: float = 9.0

    @classmethod
    def drawn(cls, seed: int) -> Proportions:
        """Draw somebody: every length normal about the average, never further than two deviations."""
        rng = np.random.default_rng(np.random.SeedSequence([seed, 7]))

        def about(mean: float, deviation: float) -> float:
            return mean + deviation * float(np.clip(rng.normal(), -2.0, 2.0))

        width = about(1.0, 0.035)
        return cls(
            cranium=about(1.0, 0.03),
            face_width=width,
            face_length=about(1.0, 0.035),
            neck=about(1.0, 0.06),
            jaw=about(0.0, 0.24),
            chin_forward=about(0.0, 0.24),
            nose_forward=about(0.0, 0.24),
            nose_bridge=about(0.0, 0.16),
            brow=about(0.0, 0.16),
            cheekbone=about(0.0, 0.18),
            eye_centre=(about(3.15, 0.06) * (0.5 + 0.5 * width), 0.0, about(6.72, 0.06)),
            lid_fold=about(0.10, 0.03),
            eye_width=about(1.0, 0.02),
            eye_opening=about(1.0, 0.08),
            nose_width=about(1.0, 0.09),
            lip_fullness=about(0.92, 0.11),
            ear_size=about(0.95, 0.05),
            mouth_half_width=about(2.5, 0.11),
        )

    @property
    def mouth_height(self) -> float:
        """Where the lips meet."""
        return -6.65 * self.face_length

    @property
    def chin(self) -> float:
        """Height of the chin's lower end."""
        return -11.2 * self.face_length

    @property
    def nose_tip(self) -> tuple[float, float, float]:
        """The foremost point of the nose."""
        return 0.0, -3.6 * self.face_length, 11.45 + self.nose_forward

    def place(self, x: float, y: float, z: float) -> tuple[float, float, float]:
        """Return where a point of the average head lies on this one."""
        return x * self.face_width, y * (self.face_length if y < 0 else self.cranium), z

    def shape_rings(self, rings: Floats) -> Floats:
        """Return the scaffold's rings of the average head fitted to this one; see `head_shape`."""
        out = rings.copy()
        heights, row = out[:, :3], np.arange(len(out), dtype=np.float64)
        # Below the chin the neck keeps its length.
        drop = self.chin + 11.2
        face = np.where(heights < 0, np.maximum(heights, -11.2) * (self.face_length - 1.0), 0.0)
        out[:, :3] += np.where(heights < -11.2, drop, face) + np.where(
            heights > 0, heights * (self.cranium - 1.0), 0.0
        )
        neck = np.clip((row - 14.0) / 3.0, 0.0, 1.0)
        lower = np.exp(-(((row - 13.0) / 2.5) ** 2))
        out[:, 6] = out[:, 6] * (self.face_width + neck * (self.neck - self.face_width)) + self.jaw * lower
        out[:, 3] += self.chin_forward * np.exp(-(((row - 14.5) / 1.2) ** 2))
        return out
