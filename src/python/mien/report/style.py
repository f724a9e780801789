"""The look of the pictures, handed to the page: numbers for the shader, colours for the style sheet."""

from __future__ import annotations

from typing import Any

import numpy as np

from mien.geometry import look
from mien.geometry.heat import heat_table

__all__ = ["style_sheet", "styled"]


def _hex(rgb: tuple[int, int, int]) -> str:
    return "#" + "".join(f"{channel:02x}" for channel in rgb)


def styled() -> dict[str, Any]:
    """Return what the shader needs, as in `mien.geometry.look`."""
    return {
        "clay": look.CLAY_SRGB,
        "backFace": look.BACK_FACE,
        "keyDirection": look.KEY_DIRECTION,
        "keyLight": look.KEY_LIGHT,
        "keyWrap": look.KEY_WRAP,
        "skyLight": look.SKY_LIGHT,
        "groundLight": look.GROUND_LIGHT,
        "rimDirection": look.RIM_DIRECTION,
        "rimLight": look.RIM_LIGHT,
        "gloss": look.GLOSS,
        "glossDirection": look.GLOSS_DIRECTION,
        "lens": look.LENS_MM,
        "wire": look.WIRE_SRGB,
        "wireOpacity": look.WIRE_OPACITY,
        "heat": np.rint(heat_table() * 255).astype(int).tolist(),
    }


def style_sheet(css: str) -> str:
    """Return the style sheet behind the colours that it shares with the pictures."""
    shared = {
        "look-stage": look.BACKGROUND_SRGB,
        "look-ink": look.INK_SRGB,
        "look-muted": look.MUTED_SRGB,
        "look-grid": look.GRID_SRGB,
        "look-accent": look.ACCENT_SRGB,
        **{f"look-curve-{i + 1}": color for i, color in enumerate(look.CURVES_SRGB)},
    }
    return ":root{" + "".join(f"--{name}:{_hex(color)};" for name, color in shared.items()) + "}\n" + css
