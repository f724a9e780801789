"""A sheet of pixels with meshes, rules and words on it, set by matplotlib without its global state."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien.geometry import look

__all__ = ["DPI", "FONT", "Canvas", "figure", "hexadecimal", "points", "rendered"]

DPI = 100
FONT = "DejaVu Sans"  # comes with matplotlib, so that every machine sets the same words

Bytes = npt.NDArray[np.uint8]


def points(pixels: float) -> float:
    """Return a font size in points for a height in pixels."""
    return pixels * 72 / DPI


def hexadecimal(color: look.Rgb) -> str:
    """Return a colour as ``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*color)


def figure(width: int, height: int) -> Any:
    """Return an empty matplotlib figure of that many pixels, with a canvas that needs no screen.

    Raises
    ------
    ImportError
        Matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            'pictures with words need the extra `report`: pip install "mien[report]"'
        ) from error
    made = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor=hexadecimal(look.BACKGROUND_SRGB))
    FigureCanvasAgg(made)
    return made


def rendered(made: Any) -> Bytes:
    """Return the pixels of a figure, (H, W, 3) uint8."""
    made.canvas.draw()
    pixels: Bytes = np.asarray(made.canvas.buffer_rgba())[..., :3].copy()
    return pixels


class Canvas:
    """Pixels first, words after: coordinates are pixels from the left and from the top."""

    def __init__(self, width: int, height: int) -> None:
        self._figure = figure(width, height)  # first, so that a missing matplotlib is named before any work
        self.pixels: Bytes = np.full((height, width, 3), look.BACKGROUND_SRGB, np.uint8)

    def paste(self, left: int, top: int, image: Bytes) -> None:
        """Put a picture with its upper left corner at (left, top)."""
        self.pixels[top : top + image.shape[0], left : left + image.shape[1]] = image

    def fill(self, left: int, top: int, width: int, height: int, color: look.Rgb) -> None:
        """Fill a rectangle."""
        self.pixels[top : top + height, left : left + width] = color

    def text(
        self,
        left: float,
        top: float,
        words: str,
        *,
        size: float = 16,
        color: look.Rgb = look.INK_SRGB,
        bold: bool = False,
        align: str = "left",
    ) -> None:
        """Set words whose first line begins at `top`; `size` is the font's height in pixels."""
        height, width = self.pixels.shape[:2]
        self._figure.text(
            left / width,
            1 - top / height,
            words,
            fontsize=points(size),
            color=hexadecimal(color),
            fontweight="bold" if bold else "normal",
            fontfamily=FONT,
            ha=align,
            va="top",
            linespacing=1.35,
        )

    def render(self) -> Bytes:
        """Return everything as one picture, (H, W, 3) uint8."""
        self._figure.figimage(self.pixels, 0, 0, origin="upper")
        return rendered(self._figure)
