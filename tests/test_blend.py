"""Blend, and Paste with times aligned: warping with the truth known, its slow twin, laws, files, messages."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oracles.editing import frame_weights, vertex_weights
from tests.performances import performance, sheet
from tests.test_edit_list import plain
from tests.test_editing import DONOR, FRAMES, VERTICES, bits, envelopes, other_topology, regions, weights

import mien
from mien._kernels import warping as kernels
from mien.editing import times as moments
from mien.geometry.temporal import speed_statistics

PERF = performance()
EXACT = performance(dtype=np.float64)
TOPOLOGY, REST = sheet()


def line(at: np.ndarray, seed: int = 1) -> mien.Performance:
    """The same line, said with what happens at times `at`: three bumps that come and go under another head."""
    n = len(at)
    expression = np.tile(REST, (n, 1, 1))
    for k, (peak, vertex) in enumerate([(8.0, 20), (20.0, 50), (31.0, 75)]):
        near = np.exp(-((REST - REST[vertex]) ** 2).sum(axis=1) / 12)
        expression[:, :, k] += (2 * np.exp(-(((at - peak) / 2.5) ** 2)))[:, None] * near
    head = performance(n_frames=n, seed=seed).head
    take = mien.MeshSequence(TOPOLOGY, head.apply(expression), fps=60.0, start_frame=1, name=f"take {seed}")
    return mien.Performance(take, head, REST, np.zeros(n), np.ones(n))


HERE = line(np.arange(40.0), 1)
BENT = np.linspace(0, 39, 36) + 2.5 * np.sin(np.linspace(0, 2 * np.pi, 36))
OTHER = line(BENT, 2)


def cheapest(cost: np.ndarray) -> float:
    """Try every way: steps (1, 1), (2, 1), (1, 2)."""

    def beyond(i: int, j: int) -> float:
        if (i, j) == (cost.shape[0] - 1, cost.shape[1] - 1):
            return 0.0
        ways = []
        for di, dj in ((1, 1), (2, 1), (1, 2)):
            a, b = i + di, j + dj
            if a < cost.shape[0] and b < cost.shape[1]:
                between = {(1, 1): cost[a, b], (2, 1): 2 * cost[a - 1, b], (1, 2): 2 * cost[a, b - 1]}[di, dj]
                ways.append(between + cost[a, b] + beyond(a, b))
        return min(ways, default=np.inf)

    return cost[0, 0] + beyond(0, 0)


def cost_of(cost: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    pairs = [(i, j) for i in range(len(low)) for j in range(low[i], high[i] + 1)]
    total = cost[0, 0]
    for (i, j), (a, b) in itertools.pairwise(pairs):
        # The first of two cells of a step is paid twice, a diagonal's own cell too.
        straight = a == i or b == j
        total += cost[a, b] if straight else 2 * cost[a, b]
    return total


@given(st.integers(2, 6), st.integers(2, 6), st.integers(0, 50))
@settings(max_examples=30)
def test_the_path_costs_least(n, m, seed):
    cost = np.random.default_rng(seed).random((n, m))
    low, high = np.zeros(n, np.int64), np.zeros(n, np.int64)
    found = kernels.warp(cost, low, high)
    assert found == np.isfinite(cheapest(cost))
    if found:
        assert cost_of(cost, low, high) == pytest.approx(cheapest(cost))
        assert (low[0], high[-1]) == (0, m - 1)


def test_warping_finds_what_happens_when():
    blend = mien.Blend(OTHER, source_frames=(0, 36), frames=(0, 40))
    found = blend.times(HERE)
    assert (np.diff(found) >= 0).all()
    assert (found[0], found[-1]) == (0, 35)
    happening = np.interp(found, np.arange(36), BENT)
    busy = np.array([6, 7, 8, 9, 10, 18, 19, 20, 21, 22, 29, 30, 31, 32, 33])
    assert abs(happening - np.arange(40))[busy].max() < 0.75  # frames
    even = dataclasses.replace(blend, align="linear").times(HERE)
    assert abs(np.interp(even, np.arange(36), BENT) - np.arange(40))[busy].max() > 1.5


def test_a_blend_lies_between_both_takes():
    whole = mien.Blend(OTHER, source_frames=(0, 36), frames=(0, 40), amount=1.0, blend=0)
    full = mien.recombine(HERE, [whole]).positions
    expected = moments.through_four_frames(lambda f: OTHER.expression[f], 36)
    at = whole.times(HERE)
    truth = HERE.head.apply(np.stack([expected(t) for t in at]))
    np.testing.assert_allclose(full, truth, atol=1e-9)
    curve = np.linspace(0, 1, 40)
    some = mien.recombine(HERE, [dataclasses.replace(whole, amount=curve)]).positions
    between = HERE.take.positions + curve[:, None, None] * (full - HERE.take.positions)
    np.testing.assert_allclose(some, between, atol=1e-9)


def test_a_paste_of_another_length_and_one_that_meets_what_is_there():
    stretched = mien.Paste(OTHER, source_frames=(0, 36), at=2, length=36, align="linear", blend=3)
    same = dataclasses.replace(stretched, align="none", length=None)
    np.testing.assert_allclose(*(mien.recombine(HERE, [e]).positions for e in (stretched, same)), atol=1e-9)
    warped = mien.Paste(OTHER, source_frames=(0, 36), at=0, length=40, align="dtw", blend=0)
    blend = mien.Blend(OTHER, source_frames=(0, 36), frames=(0, 40), amount=1.0, blend=0)
    assert (mien.recombine(HERE, [warped]).positions == mien.recombine(HERE, [blend]).positions).all()
    lips = dataclasses.replace(warped, features=[50, 51])
    assert not (mien.recombine(HERE, [lips]).positions == mien.recombine(HERE, [warped]).positions).all()


def test_joins_add_no_jump():
    own = speed_statistics(HERE.take.positions).jump_p99
    blend = mien.Blend(OTHER, source_frames=(0, 36), frames=(0, 40), amount=1.0, blend=8)
    jumps = speed_statistics(mien.recombine(HERE, [blend]).positions).jump
    assert jumps[[0, 1, -2, -1]].max() <= 1.05 * own


@st.composite
def blends(draw):
    n, m = draw(st.integers(1, 40)), draw(st.integers(1, 25))
    begin, at = draw(st.integers(0, 25 - m)), draw(st.integers(0, 40 - n))
    fits = (m - 1) * 2 >= n - 1 and (n - 1) * 2 >= m - 1
    return mien.Blend(
        DONOR,
        source_frames=(begin, begin + m),
        frames=(at, at + n),
        amount=draw(st.one_of(st.floats(0, 1), st.builds(weights, st.just(40), st.just(3), st.just(0.7)))),
        align=draw(st.sampled_from(["linear", "dtw"])) if fits else "linear",
        features=draw(st.sampled_from([None, (3, 50)])),
        region=draw(regions),
        envelope=draw(envelopes.filter(lambda e: e is None)),
        blend=draw(st.integers(0, min(4, n // 2))),
    )


@given(st.lists(blends(), max_size=2), st.sampled_from([1, 3, 1000]))
@settings(max_examples=20)
def test_laws(edits, block):
    whole = mien.recombine(PERF, edits).positions
    assert (bits(mien.recombine(PERF, edits, block_frames=block).positions) == bits(whole)).all()
    reached = np.zeros((FRAMES, VERTICES), bool)
    for edit in edits:
        inside = (np.arange(FRAMES) >= edit.frames[0]) & (np.arange(FRAMES) < edit.frames[1])
        reached |= (inside * frame_weights(edit, FRAMES))[:, None] * vertex_weights(edit, PERF) > 0
    assert (bits(whole) == bits(PERF.take.positions))[~reached].all()


@pytest.mark.parametrize("with_take", [True, False])
def test_files(tmp_path, with_take):
    edits = mien.EditList(
        [
            mien.Blend(DONOR, source_frames=(0, 20), frames=(3, 30), amount=np.linspace(0, 1, 40)),
            mien.Blend(DONOR, source_frames=(0, 20), frames=(3, 30), amount=0.25, features=[4, 9]),
            mien.Paste(DONOR, source_frames=(0, 20), at=4, length=25, align="dtw", features=[4]),
        ]
    )
    take = PERF if with_take else None
    edits.save(tmp_path / "edits.json", take)
    again = mien.EditList.load(tmp_path / "edits.json", take, sources={"donor": DONOR})
    assert [plain(e) for e in again] == [plain(e) for e in edits]


BOTH = {"source_frames": (0, 20), "frames": (0, 30)}


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: mien.Blend(None, **BOTH), TypeError, "`source` must be a Performance"),
        (
            lambda: mien.Blend(DONOR, **BOTH, amount=1.5),
            ValueError,
            "`amount` must be at least 0 and at most 1",
        ),
        (lambda: mien.Blend(DONOR, **BOTH, amount=[0, 2]), ValueError, r"`amount` must lie in \[0, 1\]"),
        (lambda: mien.Blend(DONOR, **BOTH, align="none"), ValueError, "'linear', 'dtw', got 'none'"),
        (lambda: mien.Blend(DONOR, **BOTH, features=[]), ValueError, "`features` must name at least one"),
        (lambda: mien.Blend(DONOR, **BOTH, blend=16), ValueError, "at most 15, got 16"),
        (
            lambda: mien.Paste(source_frames=(0, 20), at=0, length=30),
            ValueError,
            "`length` must be 20, as many as source_frames, unless they are aligned, got 30",
        ),
    ],
)
def test_what_an_edit_says_when_made(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (mien.Blend(DONOR, source_frames=(0, 20), frames=(20, 41)), "`frames`.*<= 40"),
        (mien.Blend(DONOR, source_frames=(0, 10), frames=(0, 40)), "half to twice as many .* got 10 for 40"),
        (mien.Blend(DONOR, **BOTH, amount=np.ones(39)), r"`amount` must have shape \(F,\) = \(40,\)"),
        (mien.Blend(DONOR, **BOTH, features=[99]), "`features` must name vertices below V = 99, got 99"),
        (mien.Blend(other_topology(), **BOTH), "topology of the performance"),
        (mien.Paste(source_frames=(0, 20), at=15, length=30, align="dtw"), "room for 30 frames"),
    ],
)
def test_what_does_not_fit_names_the_edit(edit, message):
    with pytest.raises(ValueError, match=rf"^edits\[0\] \({edit.kind}\): .*{message}"):
        mien.recombine(PERF, [edit])
