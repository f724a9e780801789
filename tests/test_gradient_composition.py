"""compose="gradients" of Gain, Mirror, Blend and Offset: the head does not matter, and what is meant comes out."""

from __future__ import annotations

import dataclasses
import functools
import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from tests.performances import performance, sheet

import mien

TOPOLOGY, REST = sheet()
KINDS = ("gain", "mirror", "blend", "offset", "offset curves")


@functools.cache
def perf() -> mien.Performance:
    return performance(dtype=np.float64)


@functools.cache
def donor() -> mien.Performance:
    return performance(n_frames=25, seed=31, dtype=np.float64, start_frame=1, name="donor")


@functools.cache
def rig() -> mien.Rig:
    bump = mien.region(TOPOLOGY, REST, [50], radius=5.0)[:, None]
    return mien.Rig(TOPOLOGY, REST, ["up", "out"], np.stack([bump * [0, 1.0, 0.3], bump**2 * [0.5, 0, 1.0]]))


def region(radius: float = 5.0) -> np.ndarray:
    return mien.region(TOPOLOGY, REST, [50], radius=radius)


def edit(kind: str, compose: str = "gradients") -> mien.editing.Edit:
    ease = mien.envelope(40, 4, (14, 20), 32)
    return {
        "gain": lambda: mien.Gain(0.3, region=region(), envelope=ease, compose=compose),
        "mirror": lambda: mien.Mirror(region=region(), envelope=ease, compose=compose),
        "blend": lambda: mien.Blend(
            donor(), source_frames=(2, 20), frames=(8, 26), align="linear", region=region(), compose=compose
        ),
        "offset": lambda: mien.Offset(rig(), {"up": 0.5, "out": 0.3}, envelope=ease, compose=compose),
        "offset curves": lambda: mien.Offset(
            rig(), {"up": ease, "out": 0.3 * ease**2}, region=region(), envelope=ease, compose=compose
        ),
    }[kind]()


def with_head(given: mien.Performance, size: float) -> mien.Performance:
    """The same take, with heads that are wrong by some degrees and centimetres."""
    rng = np.random.default_rng(1)
    n = len(given)
    wrong = mien.RigidMotion(
        Rotation.from_rotvec(rng.normal(0, 0.1 * size, (n, 3))).as_matrix(), rng.normal(0, size, (n, 3))
    )
    return dataclasses.replace(given, head=given.head @ wrong)


def acting(expression: np.ndarray) -> mien.Performance:
    take = perf().take.with_positions(perf().head.apply(expression))
    return dataclasses.replace(perf(), take=take)


def in_head(given: mien.Performance, positions: np.ndarray) -> np.ndarray:
    return given.head.apply_inverse(positions)


@pytest.mark.parametrize("kind", KINDS)
def test_the_head_does_not_matter(kind):
    right = mien.recombine(perf(), [edit(kind)]).positions
    wrong = mien.recombine(with_head(perf(), 1.0), [edit(kind)]).positions
    moved = np.abs(right - perf().take.positions).max()
    assert moved > 0.05
    np.testing.assert_allclose(wrong, right, atol=1e-8)
    # In head space it does: this test can fail.
    by_head = [mien.recombine(p, [edit(kind, "head")]).positions for p in (perf(), with_head(perf(), 1.0))]
    assert np.abs(by_head[0] - by_head[1]).max() > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_untouched_bits_blocks_and_files(kind, tmp_path):
    edits = mien.EditList([mien.Gain(0.9), edit(kind)])
    only = mien.EditList([edit(kind)])
    take = perf().take.positions
    result = mien.recombine(perf(), only).positions
    still = (
        region() == 0 if kind != "offset" else ~np.any([rig().delta(k) for k in ("up", "out")], axis=(0, 2))
    )
    assert (result[:, still] == take[:, still]).all()
    assert (result[[0, 4, 32, 39]] == take[[0, 4, 32, 39]]).all()
    whole = mien.recombine(perf(), edits).positions
    for block in (1, 7):
        assert (mien.recombine(perf(), edits, block_frames=block).positions == whole).all()
    sources = {"donor": donor()} if kind == "blend" else {"hero": rig()} if "offset" in kind else {}
    edits.save(tmp_path / "fix.json", perf(), sources=sources)
    assert json.loads((tmp_path / "fix.json").read_text())["edits"][1]["compose"] == "gradients"
    loaded = mien.EditList.load(tmp_path / "fix.json", perf(), sources=sources)
    assert (mien.recombine(perf(), loaded).positions == whole).all()


@pytest.mark.parametrize("kind", ["gain", "mirror", "blend"])
def test_where_the_surface_around_rests_it_is_what_head_space_gives(kind):
    """Around the region nothing moves in either take: there is nothing to bend."""
    inside = region(4.0)[None, :, None]
    quiet = acting(REST + inside * (in_head(perf(), perf().take.positions) - REST))
    other = donor()
    still = other.head.apply(REST + inside * (in_head(other, other.take.positions) - REST))
    calm = dataclasses.replace(other, take=other.take.with_positions(still))
    made = {compose: edit(kind, compose) for compose in ("head", "gradients")}
    if kind == "blend":
        made = {compose: dataclasses.replace(e, source=calm) for compose, e in made.items()}
    results = {compose: mien.recombine(quiet, [e]).positions for compose, e in made.items()}
    close = 1e-9 if kind != "mirror" else 0.02
    assert np.abs(results["head"] - quiet.take.positions).max() > 0.05
    np.testing.assert_allclose(results["gradients"], results["head"], atol=close)


@pytest.mark.parametrize("kind", ["offset", "offset curves"])
def test_what_is_added_turns_with_the_skin(kind):
    """A face at rest that turns as a whole, as expression: shapes turn along, in head space they do not."""
    turn = mien.RigidMotion(
        Rotation.from_rotvec(np.linspace(0, 1.0, 40)[:, None] * [0.3, 0.8, 0.1]).as_matrix(),
        np.zeros((40, 3)),
    )
    turning = acting(turn.apply(REST))
    flat = acting(np.tile(REST, (40, 1, 1)))
    added = in_head(flat, mien.recombine(flat, [edit(kind, "head")]).positions) - REST
    got = in_head(turning, mien.recombine(turning, [edit(kind)]).positions) - turn.apply(REST)
    wanted = np.einsum("fij,fvj->fvi", turn.rotation, added)
    np.testing.assert_allclose(got, wanted, atol=1e-8)


@pytest.mark.parametrize("kind", ["gain", "mirror", "blend"])
def test_there_is_no_step_where_it_meets_the_rest(kind):
    """The difference goes to nothing at the border, as the region does."""
    change = np.linalg.norm(mien.recombine(perf(), [edit(kind)]).positions - perf().take.positions, axis=2)
    border = (region() > 0) & (region() < 0.05)
    assert border.any()
    assert change[:, border].max() < 0.1 * change.max()


def test_they_say_what_is_wrong():
    everywhere = "`region` must leave a part of the face alone for gradients"
    for made in (
        mien.Gain(0.5, compose="gradients"),
        mien.Mirror(compose="gradients"),
        mien.Blend(donor(), source_frames=(0, 9), frames=(0, 9), blend=2, compose="gradients"),
    ):
        with pytest.raises(ValueError, match=rf"edits\[0\] \({made.kind}\): {everywhere}"):
            mien.recombine(perf(), [made])
    for make in (
        lambda: mien.Gain(0.5, compose="both"),
        lambda: mien.Mirror(compose="both"),
        lambda: mien.Offset(rig(), {"up": 1.0}, compose="both"),
        lambda: mien.Blend(donor(), source_frames=(0, 9), frames=(0, 9), blend=2, compose="both"),
    ):
        with pytest.raises(ValueError, match="`compose` must be one of 'head', 'gradients', got 'both'"):
            make()
    with pytest.raises(ValueError, match="`compose` must be 'head' along a component, got 'gradients'"):
        mien.Gain(0.5, component=0, compose="gradients")
    holed = performance(dtype=np.float64, missing=0.02)
    with pytest.raises(ValueError, match=r"`take` must be finite for gradients, got .* at frame"):
        mien.recombine(holed, [edit("gain")])
