"""Curves of a performance: what somebody who talks, blinks, smiles and moves the head does with 51 weights.

Everything is a function of time in seconds, so that a seed gives the same performance at any frame rate.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien.datasets.curves import smoothstep
from mien.datasets.shapes import NAMES

__all__ = ["act", "head_angles", "stream"]

Floats = npt.NDArray[np.float64]

_INDEX = {name: k for k, name in enumerate(NAMES)}

# Mouth targets of sounds: jaw, then what the lips do.
_VOWELS: tuple[dict[str, float], ...] = (
    {"jawOpen": 0.52, "mouthStretch": 0.08, "mouthLowerDown": 0.22, "mouthUpperUp": 0.12},  # a
    {"jawOpen": 0.30, "mouthStretch": 0.20, "mouthLowerDown": 0.28, "mouthUpperUp": 0.14},  # e
    {"jawOpen": 0.14, "mouthStretch": 0.34, "mouthLowerDown": 0.24, "mouthSmile": 0.10},  # i
    {"jawOpen": 0.36, "mouthFunnel": 0.42, "mouthLowerDown": 0.10},  # o
    {"jawOpen": 0.16, "mouthPucker": 0.58, "mouthFunnel": 0.15},  # u
    {"jawOpen": 0.24, "mouthLowerDown": 0.12, "mouthUpperUp": 0.06},  # schwa
)
_CONSONANTS: tuple[dict[str, float], ...] = (
    {"jawOpen": 0.07, "mouthLowerDown": 0.16, "mouthStretch": 0.10, "mouthUpperUp": 0.06},  # t, d, s, n
    {"jawOpen": 0.10, "mouthRollLower": 0.45, "mouthUpperUp": 0.18},  # f, v
    {"jawOpen": 0.12, "mouthFunnel": 0.40, "mouthPucker": 0.12},  # sh, r
    {"jawOpen": 0.18, "mouthLowerDown": 0.10},  # k, g
)
_PLOSIVE: dict[str, float] = {
    "jawOpen": 0.10,
    "mouthPress": 0.22,
    "mouthRollLower": 0.16,
    "mouthRollUpper": 0.12,
}


def stream(seed: int, which: int) -> np.random.Generator:
    """Return one of a seed's independent streams of random numbers."""
    return np.random.default_rng(np.random.SeedSequence([seed, which]))


def _channels(name: str) -> tuple[int, ...]:
    if name in _INDEX:
        return (_INDEX[name],)
    return _INDEX[name + "Left"], _INDEX[name + "Right"]


def _bump(t: Floats, start: float, rise: float, hold: float, fall: float) -> Floats:
    """Return onset, apex and offset of an event: 0, up to 1, back to 0."""
    up = smoothstep(start, start + rise, t)
    return np.asarray(up * (1.0 - smoothstep(start + rise + hold, start + rise + hold + fall, t)))


def _speak(t: Floats, rng: np.random.Generator, out: Floats) -> None:
    """Add speech: syllables at four to five a second whose targets blend by dominance.

    References
    ----------
    M. M. Cohen, D. W. Massaro, Modeling Coarticulation in Synthetic Visual Speech, Models and Techniques in Computer
    Animation, Springer, 1993.
    """
    end = float(t[-1]) + 1.0
    total, mixed = np.full(len(t), 0.02), np.zeros_like(out)
    closed = np.zeros(len(t))
    now = float(rng.uniform(0.1, 0.3))

    def blend(target: dict[str, float], at: float, strength: float, width: float, gain: float) -> None:
        weight = strength * np.exp(-(((t - at) / width) ** 2))
        total[:] += weight
        for name, value in target.items():
            for k in _channels(name):
                mixed[:, k] += weight * value * gain

    while now < end:
        stop = now + float(rng.uniform(1.3, 2.8))
        loud = float(rng.uniform(0.8, 1.15))
        blend({}, now - 0.10, 0.8, 0.09, 1.0)
        while now < stop:
            length = float(rng.uniform(0.17, 0.27))
            kind = rng.uniform()
            if kind < 0.28:
                blend(_PLOSIVE, now, 1.6, 0.045, 1.0)
                closed = np.maximum(closed, _bump(t, now - 0.075, 0.06, 0.03, 0.06))
            else:
                blend(_CONSONANTS[rng.integers(len(_CONSONANTS))], now, 1.0, 0.055, loud)
            blend(
                _VOWELS[rng.integers(len(_VOWELS))],
                now + 0.5 * length,
                1.2,
                0.075,
                loud * float(rng.uniform(0.75, 1.1)),
            )
            now += length
        blend({}, now + 0.08, 0.8, 0.10, 1.0)
        pause = float(rng.uniform(0.35, 1.1))
        for k in np.arange(0.25, pause, 0.12):
            blend({}, now + float(k), 0.8, 0.10, 1.0)
        now += pause
    mixed /= total[:, None]
    mixed[:, _INDEX["mouthClose"]] += closed * mixed[:, _INDEX["jawOpen"]]
    for name in ("mouthLowerDown", "mouthUpperUp", "mouthFunnel"):
        for k in _channels(name):
            mixed[:, k] *= 1.0 - closed
    out += mixed


def _blink(t: Floats, rng: np.random.Generator, out: Floats) -> None:
    """Add blinks: shut in 50 ms, open in 83 ms, shut for one frame at least."""
    end, step = float(t[-1]) + 1.0, float(t[1] - t[0]) if len(t) > 1 else 1.0
    now = float(rng.uniform(0.7, 1.3))
    left, right = _INDEX["eyeBlinkLeft"], _INDEX["eyeBlinkRight"]
    while now < end:
        # On the nearest frame, so that no rate steps over the moment when the eye is shut.
        shut = round(now / step) * step
        lag = float(rng.uniform(0.0, 0.004))
        for k, late in ((left, 0.0), (right, lag)):
            curve = np.where(
                t < shut,
                np.clip(1.0 - (shut - t) / 0.050, 0, 1),
                np.clip(1.0 - np.maximum(t - shut - late - 0.012, 0.0) / 0.083, 0, 1),
            )
            curve = curve * curve * (3 - 2 * curve)
            out[:, k] = np.maximum(out[:, k], curve)
        now += float(np.clip(rng.lognormal(0.9, 0.5), 0.6, 6.0))


def _emote(t: Floats, rng: np.random.Generator, out: Floats) -> None:
    """Add smiles, raised and lowered brows, sneers, with different strength left and right."""
    end = float(t[-1]) + 1.0

    def event(names: dict[str, float], at: float, rise: float, hold: float, fall: float, lean: float) -> None:
        curve = _bump(t, at, rise, hold, fall)
        for name, value in names.items():
            channels = _channels(name)
            for k, scale in zip(
                channels, (1.0 + lean, 1.0 - lean) if len(channels) == 2 else (1.0,), strict=True
            ):
                out[:, k] += curve * value * scale

    now = float(rng.uniform(1.2, 1.8))
    while now < end:
        size, hold = float(rng.uniform(0.55, 0.95)), float(rng.uniform(0.5, 1.4))
        joy = float(rng.uniform(0.3, 0.8))
        event(
            {
                "mouthSmile": size,
                "cheekSquint": joy * size,
                "eyeSquint": 0.35 * joy * size,
                "mouthDimple": 0.2 * size,
            },
            now,
            float(rng.uniform(0.35, 0.6)),
            hold,
            float(rng.uniform(0.5, 0.9)),
            float(rng.uniform(-0.16, 0.16)),
        )
        now += hold + float(rng.uniform(2.8, 5.0))
    now = float(rng.uniform(0.2, 0.6))
    while now < end:
        kind, size, lean = rng.uniform(), float(rng.uniform(0.35, 0.9)), float(rng.uniform(-0.3, 0.3))
        rise, hold, fall = (float(rng.uniform(*r)) for r in ((0.18, 0.3), (0.1, 0.7), (0.3, 0.5)))
        if kind < 0.45:
            event(
                {"browInnerUp": size, "browOuterUp": 0.8 * size, "eyeWide": 0.35 * size},
                now,
                rise,
                hold,
                fall,
                lean,
            )
        elif kind < 0.65:
            event({"browInnerUp": size}, now, rise, hold, fall, lean)
        elif kind < 0.90:
            event({"browDown": 0.9 * size, "eyeSquint": 0.4 * size}, now, rise, hold, fall, 0.5 * lean)
        else:
            event({"noseSneer": 0.7 * size, "mouthUpperUp": 0.3 * size}, now, rise, hold, fall, lean)
        now += rise + hold + fall + float(rng.uniform(0.3, 1.6))


def _look(t: Floats, rng: np.random.Generator, out: Floats) -> None:
    """Add gaze: it rests, then jumps within 40 ms, both eyes together."""
    end, now = float(t[-1]) + 1.0, 0.0
    side, up = np.zeros(len(t)), np.zeros(len(t))
    last = np.zeros(2)
    while now < end:
        now += float(rng.uniform(0.5, 1.9))
        goal = rng.normal(0.0, [0.22, 0.12]) if rng.uniform() < 0.65 else np.zeros(2)
        goal = np.clip(goal, -0.6, 0.6)
        jump = smoothstep(now, now + 0.04, t)
        side += jump * (goal[0] - last[0])
        up += jump * (goal[1] - last[1])
        last = goal
    out[:, _INDEX["eyeLookOutLeft"]] += np.maximum(side, 0)
    out[:, _INDEX["eyeLookInRight"]] += np.maximum(side, 0)
    out[:, _INDEX["eyeLookInLeft"]] += np.maximum(-side, 0)
    out[:, _INDEX["eyeLookOutRight"]] += np.maximum(-side, 0)
    for k in _channels("eyeLookUp"):
        out[:, k] += np.maximum(up, 0)
    for k in _channels("eyeLookDown"):
        out[:, k] += np.maximum(-up, 0)


def act(times: Floats, seed: int) -> Floats:
    """Return weights (F, K) in [0, 1] of a performance.

    Parameters
    ----------
    times : (F,) floats
        Seconds, evenly spaced, from 0.
    seed : int
        Which performance.
    """
    out = np.zeros((len(times), len(NAMES)))
    _speak(times, stream(seed, 0), out)
    _emote(times, stream(seed, 1), out)
    _look(times, stream(seed, 2), out)
    out[:, _INDEX["jawLeft"]] += 0.06 * np.maximum(np.sin(2 * np.pi * 0.7 * times + seed), 0)
    # A smile and rounded lips share the mouth.
    smile = 0.5 * (out[:, _INDEX["mouthSmileLeft"]] + out[:, _INDEX["mouthSmileRight"]])
    for name in ("mouthPucker", "mouthFunnel"):
        out[:, _INDEX[name]] *= 1.0 - 0.6 * np.clip(smile, 0, 1)
    _blink(times, stream(seed, 3), out)
    np.clip(out, 0.0, 1.0, out=out)
    close, jaw = _INDEX["mouthClose"], _INDEX["jawOpen"]
    out[:, close] = np.minimum(out[:, close], out[:, jaw])
    return out


def head_angles(times: Floats, seed: int) -> tuple[Floats, Floats]:
    """Return yaw, pitch and roll (F, 3) in radians and the neck's sway (F, 3) in centimetres.

    Slow drift everywhere; nods and turns on top. Pitch is positive when the head nods down.
    """
    rng = stream(seed, 4)
    angles, sway = np.zeros((len(times), 3)), np.zeros((len(times), 3))

    def drift(scale: float, low: float, high: float) -> Floats:
        curve = np.zeros(len(times))
        for _ in range(5):
            rate = np.exp(rng.uniform(np.log(low), np.log(high)))
            curve += np.sin(2 * np.pi * rate * times + rng.uniform(0, 2 * np.pi)) * (low / rate) ** 0.5
        return curve * scale / 1.6

    for k, degrees in enumerate((4.0, 2.6, 1.8)):
        angles[:, k] += drift(np.radians(degrees), 0.10, 0.9)
        sway[:, k] += drift((0.9, 0.4, 0.8)[k], 0.08, 0.6)
    end, now = float(times[-1]) + 1.0, float(rng.uniform(0.3, 0.9))
    while now < end:
        if rng.uniform() < 0.5:
            length, size = float(rng.uniform(0.5, 0.8)), np.radians(rng.uniform(5.0, 12.0))
            count = int(rng.integers(1, 4))
            window = _bump(times, now, 0.25, length * (count - 0.5), 0.35)
            angles[:, 1] += size * window * 0.5 * (1 - np.cos(2 * np.pi * (times - now) / length))
            now += length * count + 0.6
        else:
            size = np.radians(rng.uniform(8.0, 20.0)) * rng.choice([-1.0, 1.0])
            rise, hold = float(rng.uniform(0.4, 0.8)), float(rng.uniform(0.2, 1.0))
            curve = _bump(times, now, rise, hold, rise)
            angles[:, 0] += size * curve
            angles[:, 2] += -0.18 * size * curve
            now += 2 * rise + hold
        now += float(rng.uniform(0.4, 1.6))
    limits = np.radians([25.0, 18.0, 12.0])
    return limits * np.tanh(angles / limits), sway
