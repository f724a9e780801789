"""One look for every picture: `mien.draw`, the contact sheets and the page all take their constants from here.

Colours named ``*_SRGB`` are what a screen is sent, 0 to 255. Lights are linear. Directions are unit vectors in camera
axes: x to the right of the picture, y up, z towards the viewer, so the light moves with the camera.

In linear RGB, the light that leaves a surface point with unit normal ``n`` (negated on back faces) is::

    key    = KEY_LIGHT * max(0, (n·KEY_DIRECTION + KEY_WRAP) / (1 + KEY_WRAP))
    hemi   = GROUND_LIGHT + (SKY_LIGHT - GROUND_LIGHT) * (n.y + 1) / 2
    rim    = RIM_LIGHT * max(0, n·RIM_DIRECTION) * (1 - max(0, n.z)) ** 3
    gloss  = GLOSS * max(0, n·GLOSS_DIRECTION) ** 16
    colour = side * (albedo * (key + hemi + rim) + gloss)      side = 1 in front, BACK_FACE behind

and is clamped to [0, 1] and encoded as sRGB. The albedo is `CLAY_SRGB` decoded, or a vertex colour, texture or heat
colour in its place.
"""

from __future__ import annotations

__all__ = [
    "ACCENT_SRGB",
    "BACKGROUND_SRGB",
    "BACK_FACE",
    "CLAY_SRGB",
    "CURVES_SRGB",
    "DIVERGING_OKLCH",
    "GLOSS",
    "GLOSS_DIRECTION",
    "GRID_SRGB",
    "GROUND_LIGHT",
    "HEAT_OKLCH",
    "INK_SRGB",
    "KEY_DIRECTION",
    "KEY_LIGHT",
    "KEY_WRAP",
    "LENS_MM",
    "MUTED_SRGB",
    "RIM_DIRECTION",
    "RIM_LIGHT",
    "SKY_LIGHT",
    "WIRE_OPACITY",
    "WIRE_SRGB",
    "WIRE_WIDTH",
]

Rgb = tuple[int, int, int]
Vector = tuple[float, float, float]

# The stage: a calm light grey, and clay a little warmer and darker than it.
BACKGROUND_SRGB: Rgb = (242, 243, 245)
CLAY_SRGB: Rgb = (204, 186, 174)
BACK_FACE = 0.45  # how much of their light the insides of open meshes keep

# Lights, linear RGB. Their sum on a surface that faces the viewer is close to 1, so that legends match.
KEY_DIRECTION: Vector = (-0.42, 0.56, 0.714142843)  # from the viewer's upper left
KEY_LIGHT: Vector = (0.97, 0.94, 0.89)
KEY_WRAP = 0.12  # light reaches this far round the terminator, as it does on skin
SKY_LIGHT: Vector = (0.24, 0.26, 0.30)
GROUND_LIGHT: Vector = (0.055, 0.05, 0.048)
RIM_DIRECTION: Vector = (0.8, 0.36, -0.48)  # from behind, on the side away from the key
RIM_LIGHT: Vector = (0.50, 0.53, 0.58)
GLOSS = 0.065
GLOSS_DIRECTION: Vector = (-0.226835377, 0.302447169, 0.925781519)  # half way between key and viewer

# Lens of the pictures: millimetres on a 36 mm wide film gate. A portrait lens, as on set.
LENS_MM = 85.0

# Polygon edges drawn over the surface.
WIRE_SRGB: Rgb = (52, 48, 56)
WIRE_WIDTH = 0.9  # pixels
WIRE_OPACITY = 0.55

# Heat: stops (lightness, chroma, hue in degrees) in OKLCh after the clay itself, which is the colour of zero. Lightness
# falls all the way, so the map can be read without seeing hue.
HEAT_OKLCH: tuple[Vector, ...] = (
    (0.765, 0.125, 70.0),
    (0.630, 0.178, 32.0),
    (0.470, 0.168, 350.0),
    (0.300, 0.115, 300.0),
)
# Diverging: from the negative end to the positive end; clay lies in the middle. Blue against orange, safe for all eyes.
DIVERGING_OKLCH: tuple[Vector, ...] = (
    (0.36, 0.130, 265.0),
    (0.58, 0.130, 248.0),
    (0.62, 0.160, 48.0),
    (0.38, 0.120, 32.0),
)

# Words and curves around the pictures.
INK_SRGB: Rgb = (38, 40, 46)
MUTED_SRGB: Rgb = (118, 122, 130)
GRID_SRGB: Rgb = (216, 218, 222)
ACCENT_SRGB: Rgb = (196, 82, 38)  # what was edited
CURVES_SRGB: tuple[Rgb, ...] = ((28, 98, 172), (208, 110, 22), (22, 138, 112), (142, 70, 140))
