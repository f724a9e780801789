"""The head removed, as a picture that moves: an animated PNG, which browsers and picture viewers play by themselves."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien._atomic import atomic_path
from mien.geometry import look
from mien.geometry.camera import Camera
from mien.geometry.draw import draw
from mien.report import measures
from mien.report.canvas import Canvas
from mien.report.sheet import Stage
from mien.values.performance import Performance

__all__ = ["film"]

Bytes = npt.NDArray[np.uint8]

# Pixels.
_SIZE, _MARGIN, _HEADER, _DIGIT = (270, 320), 14, 44, (12, 22)
_BLOCK = 8  # frames drawn together
_STEP = 4  # colours are rounded to multiples: half the bytes, and nobody sees it


def film(
    perf: Performance,
    path: str | PathLike[str],
    *,
    compare: Performance | None = None,
    view: str = "front",
    max_frames: int = 150,
    progress: Callable[[int, int], None] | None = None,
) -> npt.NDArray[np.int64]:
    """Write an animated PNG of the take as captured and, beside it, with its head removed, at the rate of the take.

    Parameters
    ----------
    perf : Performance
        F ≥ 1 frames.
    path : path
        The file, ``.png`` or ``.apng``; it appears whole or not at all.
    compare : Performance, optional
        Another separation of the same take: a third face beside the two.
    view : str
        As in `Camera.fit`.
    max_frames : int
        Of longer takes every second, third, ... frame is shown, for as much longer.
    progress : callable, optional
        Called with frames drawn and frames in all.

    Returns
    -------
    (K,) int64
        The zero-based frames that are shown.

    Raises
    ------
    ImportError
        Matplotlib is not installed.
    ValueError
        The performance has no frame, `compare` has others, or the file has another ending.

    Notes
    -----
    About 40 kB a frame, whatever the mesh; memory is that of a few frames. What still moves on the right is expression,
    or an error of the head.
    """
    measures.check_result(perf, None)
    if compare is not None:
        perf.compare(compare)  # says what is wrong with it
    if Path(path).suffix.lower() not in (".png", ".apng"):
        raise ValueError(f"`path` must end in .png or .apng, got {Path(path).name!r}")
    stride = -(-len(perf) // _validate.index("max_frames", max_frames, least=1))
    frames = np.arange(0, len(perf), stride, dtype=np.int64)
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        delay = Fraction(stride / perf.take.fps).limit_denominator(1000)
        animation = _Animation(file, len(frames), delay)
        for done, picture in enumerate(_pictures(perf, compare, frames, view), 1):
            animation.add(picture)
            if progress is not None:
                progress(done, len(frames))
        animation.close()
    return frames


def _pictures(
    perf: Performance, compare: Performance | None, frames: npt.NDArray[np.int64], view: str
) -> Iterator[Bytes]:
    """Draw the frames, words above them."""
    width, height = _SIZE
    shown = [perf] if compare is None else [perf, compare]
    words = ["as captured", *(f"head removed: {p.method[:16]}" for p in shown)]
    canvas = Canvas(2 * _MARGIN + len(words) * width, _HEADER + height + _MARGIN)
    for c, said in enumerate(words):
        canvas.text(_MARGIN + c * width, 14, said, size=15, bold=True)
    blank, digits = canvas.render(), _digits()
    stages = [Stage.of(p, _SIZE, view) for p in shown]
    around = Camera.fit(
        perf.head[frames].apply(perf.neutral), view, up_axis=perf.take.up_axis, size=_SIZE, margin=0.07
    )
    for start in range(0, len(frames), _BLOCK):
        block = frames[start : start + _BLOCK]
        world = perf.take.positions[block]
        rows = [draw(perf.take.topology, world, camera=around, size=_SIZE, samples=2)]
        for p, stage in zip(shown, stages, strict=True):
            rows.append(stage.drawn(p, p.head[block].apply_inverse(world)))
        for k, f in enumerate(block):
            picture = blank.copy()
            for c, row in enumerate(rows):
                left = _MARGIN + c * width
                picture[_HEADER : _HEADER + height, left : left + width] = row[k]
            number = [digits["-0123456789".index(c)] for c in str(perf.take.start_frame + int(f))]
            label = np.concatenate(number, axis=1)
            right = _MARGIN + width - 24
            picture[12 : 12 + label.shape[0], right - label.shape[1] : right] = label
            yield np.minimum((picture.astype(np.int64) + _STEP // 2) // _STEP * _STEP, 255).astype(np.uint8)


def _digits() -> list[Bytes]:
    """Draw the minus sign and the digits once, all of one width."""
    width, height = _DIGIT
    canvas = Canvas(11 * width, height)
    for k, digit in enumerate("−0123456789"):
        canvas.text((k + 0.5) * width, 2, digit, size=15, color=look.MUTED_SRGB, align="center")
    return list(np.split(canvas.render(), 11, axis=1))


class _Animation:
    """Writes an animated PNG frame by frame; of each only the rectangle that differs from the frame before."""

    def __init__(self, file: BinaryIO, n_frames: int, delay: Fraction) -> None:
        self._file, self._n_frames, self._delay = file, n_frames, delay
        self._sequence = 0
        self._last: Bytes | None = None

    def add(self, picture: Bytes) -> None:
        """Append a picture (H, W, 3); all of one size."""
        height, width = picture.shape[:2]
        if self._last is None:
            self._file.write(b"\x89PNG\r\n\x1a\n")
            self._chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            self._chunk(b"sRGB", b"\0")
            self._chunk(b"acTL", struct.pack(">II", self._n_frames, 0))
            top, left, part = 0, 0, picture
        else:
            top, left, part = _changed(self._last, picture)
        place = struct.pack(">IIII", part.shape[1], part.shape[0], left, top)
        timing = struct.pack(">HHBB", self._delay.numerator, self._delay.denominator, 0, 0)
        self._chunk(b"fcTL", self._next() + place + timing)
        packed = zlib.compress(_filtered(part), 6)
        if self._last is None:
            self._chunk(b"IDAT", packed)
        else:
            self._chunk(b"fdAT", self._next() + packed)
        self._last = picture

    def close(self) -> None:
        """Write the end; the file stays open."""
        self._chunk(b"IEND", b"")

    def _next(self) -> bytes:
        self._sequence += 1
        return struct.pack(">I", self._sequence - 1)

    def _chunk(self, kind: bytes, data: bytes) -> None:
        self._file.write(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )


def _changed(before: Bytes, after: Bytes) -> tuple[int, int, Bytes]:
    """Return top, left and pixels of the smallest rectangle that holds every change; one pixel where there is none."""
    changed = (before != after).any(axis=2)
    if not changed.any():
        return 0, 0, after[:1, :1]
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    return int(rows[0]), int(columns[0]), after[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _filtered(picture: Bytes) -> bytes:
    """Return rows as their differences from the rows above (PNG filter 2)."""
    rows = picture.reshape(picture.shape[0], -1)
    out = np.empty((rows.shape[0], rows.shape[1] + 1), np.uint8)
    out[:, 0] = 2
    out[0, 1:] = rows[0]
    out[1:, 1:] = rows[1:] - rows[:-1]
    return out.tobytes()
