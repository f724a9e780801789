"""When samples are: Alembic stores seconds, a take has a rate and the number of its first frame."""

from __future__ import annotations

import struct
import sys
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mien.io.alembic.ogawa import OgawaReader

__all__ = ["IDENTITY", "FrameRate", "TimeSampling", "frame_rate", "pack_sampling", "parse_samplings"]

Float64 = npt.NDArray[np.float64]

ACYCLIC = sys.float_info.max / 32  # time per cycle that says that every time is listed
LAST_FRAME = 2**31
UNEVEN = 1e-3  # frames by which a time may miss its frame
SNAP = 2e-7  # relative distance at which a rate is taken for a common one: float32 writers miss by 6e-8
# Rates that are not whole: those of NTSC.
NTSC = tuple(whole * 1000 / 1001 for whole in (24, 30, 48, 60, 120, 240))


class TimeSampling(NamedTuple):
    """Times of samples in seconds: `times` repeated every `cycle` seconds, or listed one by one."""

    cycle: float
    times: Float64

    @property
    def is_acyclic(self) -> bool:
        """Whether every time is listed."""
        return self.cycle >= ACYCLIC

    def at(self, n_samples: int) -> Float64 | None:
        """Return the times of the first samples, (n_samples,) seconds; None where fewer are listed."""
        if self.is_acyclic:
            return self.times[:n_samples] if n_samples <= len(self.times) else None
        n = len(self.times)
        i = np.arange(n_samples)
        with np.errstate(over="ignore"):
            return self.times[i % n] + self.cycle * (i // n)


IDENTITY = TimeSampling(1.0, np.zeros(1))


class FrameRate(NamedTuple):
    """Frames per second and the number of the first frame; where the times do not give them, what was wrong."""

    fps: float
    start_frame: int
    expected: str = ""
    found: str = ""


def parse_samplings(file: OgawaReader, data: memoryview) -> list[TimeSampling]:
    """Return the time samplings of an archive."""
    out: list[TimeSampling] = []
    at = 0
    while at < len(data):
        place = f"time sampling {len(out)}"
        if at + 16 > len(data):
            raise file.error(place, "16 bytes", f"{len(data) - at}")
        _, cycle, n = struct.unpack_from("<IdI", data, at)
        at += 16
        if not 0 < n <= (len(data) - at) // 8:
            raise file.error(place, f"1 to {(len(data) - at) // 8} times", n)
        times = np.frombuffer(data[at : at + 8 * n], "<f8").astype(np.float64)
        at += 8 * n
        if not (0 < cycle < np.inf and np.isfinite(times).all()):
            raise file.error(place, "finite times and a cycle above zero", f"a cycle of {cycle} s")
        out.append(TimeSampling(cycle, times))
    return out or [IDENTITY]


def pack_sampling(n_samples: int, cycle: float, start: float) -> bytes:
    """Return the bytes of a uniform time sampling."""
    return struct.pack("<IdId", n_samples, cycle, 1, start)


def _snapped(step: float, named: float | None) -> float:
    """Return the rate that was meant: what the archive names, a whole one or one of NTSC where the step agrees."""
    fps = 1.0 / step
    if named is not None and 1.0 / named == step:
        return named
    candidates = (float(round(fps)), *NTSC, named or fps)
    return next((c for c in candidates if abs(c - fps) <= SNAP * fps), fps)


def frame_rate(sampling: TimeSampling, n_frames: int, named: float | None, wanted: float | None) -> FrameRate:
    """Find rate and first frame of samples.

    Parameters
    ----------
    sampling : TimeSampling
        Times of the samples.
    n_frames : int
        How many there are, at least 1.
    named : float or None
        The rate that the archive's metadata names.
    wanted : float or None
        The rate the caller asks for; it is given back where the times do not give one.

    Returns
    -------
    FrameRate
        `expected` and `found` say why the times give no rate and frame; both are "" where they do.
    """
    times = sampling.at(n_frames)
    fallback = wanted or named or 24.0
    first = float(sampling.times[0])
    guess = FrameRate(fallback, round(first * fallback) if abs(first * fallback) < LAST_FRAME else 0)
    if times is None:
        return guess._replace(expected=f"{n_frames} times", found=str(len(sampling.times)))
    if n_frames == 1 and (sampling.is_acyclic or (sampling.cycle == 1.0 and first == 0)):
        fps = fallback  # one sample without a rate of its own
    else:
        with np.errstate(all="ignore"):
            uniform = len(sampling.times) == 1
            step = sampling.cycle if uniform or n_frames == 1 else float(times[-1] - first) / (n_frames - 1)
            misses = np.abs(times - (first + step * np.arange(n_frames))) / step
        if not 1e-9 < step < 1e9:
            return guess._replace(expected="growing times", found=f"steps of {step:g} s")
        if not misses.max() <= UNEVEN:
            f = int(np.argmax(~(misses <= UNEVEN)))
            return guess._replace(
                expected="evenly spaced times",
                found=f"{times[f]:.9g} s for sample {f}, {misses[f]:.3g} frames off; pass fps= to say the rate",
            )
        fps = _snapped(step, named)
    start = first * fps
    if abs(start) >= LAST_FRAME:
        return guess._replace(expected=f"a first frame below {LAST_FRAME}", found=f"{start:g}")
    if abs(start - round(start)) > UNEVEN:
        guess = FrameRate(wanted or fps, round(start) if wanted is None else guess.start_frame)
        return guess._replace(
            expected="a first sample on a whole frame",
            found=f"frame {start:.6g} at {fps:.6g} fps; pass fps= to round it",
        )
    return FrameRate(fps, round(start))
