"""How many pictures of a hero-sized face a second does one core draw?

Run: ``MIEN_NUM_THREADS=1 pytest benchmarks/bench_draw.py --benchmark-only``. A row's time is that of 8 frames of 24,962
vertices at 800 x 800; the goal is 100 frames a second (80 ms) for smooth shading with one sample a pixel.
"""

from __future__ import annotations

import numpy as np
import pytest

import mien

FRAMES, RINGS, AROUND = 8, 131, 192
BACKGROUND = np.array([242, 243, 245])


def egg() -> tuple[mien.Topology, np.ndarray]:
    """A closed surface of quads about as tall and wide in the picture as a head, with bumps that move."""
    u, v = np.meshgrid(
        np.arange(AROUND) / AROUND * 2 * np.pi, (np.arange(RINGS - 1) + 0.5) / (RINGS - 1) * np.pi
    )
    index = np.arange(u.size).reshape(u.shape)
    right = np.roll(index, -1, 1)
    quads = np.stack([index[1:], right[1:], right[:-1], index[:-1]], -1).reshape(-1, 4)
    frames = []
    for f in range(FRAMES):
        r = 10 + 0.4 * np.sin(9 * u + 0.2 * f) * np.sin(7 * v)
        frames.append(
            np.stack([r * np.sin(v) * np.sin(u), 1.35 * r * np.cos(v), r * np.sin(v) * np.cos(u)], -1)
        )
    positions = np.stack(frames).reshape(FRAMES, -1, 3).astype(np.float32)
    return mien.Topology.from_polygons(quads), positions


CASES = {
    "smooth": {},
    "flat": {"shading": "flat"},
    "wireframe": {"wireframe": True},
    "heat": {"heat": True},
    "smooth, 2 x 2 samples": {"samples": 2},
}


@pytest.mark.benchmark(group="draw 8 frames, 24,960 vertices, 800 x 800")
@pytest.mark.parametrize("case", CASES)
def test_draw(benchmark, case):
    topology, positions = egg()
    assert topology.n_vertices == 24_960
    camera = mien.Camera.fit(positions)
    options = {"samples": 1, "camera": camera, **CASES[case]}
    if "heat" in options:
        options["heat"] = positions[..., 1] - positions[..., 1].min()
    pictures = benchmark(mien.draw, topology, positions, **options)
    benchmark.extra_info["frames_per_second"] = FRAMES / benchmark.stats.stats.min
    seen = (pictures != BACKGROUND).any(-1)
    # The egg's outline, an ellipse to within its bumps, fills this share of the picture.
    width, height = seen.any((0, 1)).sum(), seen.any((0, 2)).sum()
    assert height > 690
    assert seen.mean() == pytest.approx(np.pi / 4 * width * height / 800**2, rel=0.05)
