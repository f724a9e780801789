"""recombine, Gain, Paste, Sculpt: the laws over random edit lists, the slow twin, known truth, messages, contracts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import performances
from tests.oracles import editing as oracle
from tests.performances import performance

import mien
from mien import _core
from mien.editing import EnvelopeRecipe, RegionRecipe
from mien.editing.edits import Block, Scene

FRAMES, VERTICES = 40, 99
PERFORMANCES = {
    "float32": performance(),
    "float64": performance(dtype=np.float64),
    "missing": performance(missing=0.05),
}
_, REST = performances.sheet()
# Another actor's take: other length, dtype, identity and head space.
DONOR = performance(
    n_frames=25,
    seed=31,
    dtype=np.float64,
    neutral=REST * [1.1, 0.95, 1.0] + [0, 0, 0.5],
    gauge=mien.RigidMotion.from_quaternions([[0.1, 0.2, -0.1, 1.0]], [[3.0, -2.0, 1.0]]),
    start_frame=1,
    name="donor",
)


def bits(positions: np.ndarray) -> np.ndarray:
    return positions.view(np.uint32 if positions.dtype == np.float32 else np.uint64)


def weights(size: int, seed: int, share: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    out = np.where(rng.random(size) < share, rng.random(size), 0.0)
    out[rng.integers(size)] = 1.0
    return out


regions = st.one_of(
    st.none(),
    st.builds(weights, st.just(VERTICES), st.integers(0, 99), st.sampled_from([0.02, 0.4, 1.0])),
    st.builds(
        RegionRecipe, st.lists(st.integers(0, VERTICES - 1), min_size=1, max_size=3), st.floats(0.5, 9.0)
    ),
)
envelopes = st.one_of(
    st.none(),
    st.builds(weights, st.just(FRAMES), st.integers(0, 99), st.sampled_from([0.05, 0.6])),
    st.builds(
        lambda peak, rise, fall: EnvelopeRecipe(peak - rise, peak, peak + fall),
        st.integers(0, FRAMES - 1),
        st.integers(1, 12),
        st.integers(1, 12),
    ),
)
gains = st.builds(mien.Gain, st.floats(-1, 2), region=regions, envelope=envelopes)


@st.composite
def pastes(draw):
    source = draw(st.sampled_from([None, DONOR]))
    available = FRAMES if source is None else len(source)
    length = draw(st.integers(1, available))
    first = draw(st.integers(0, available - length))
    return mien.Paste(
        source,
        source_frames=(first, first + length),
        at=draw(st.integers(0, FRAMES - length)),
        region=draw(regions),
        blend=draw(st.integers(0, min(5, length // 2))),
    )


@st.composite
def sculpts(draw):
    frame = draw(st.integers(0, FRAMES - 1))
    shape = REST + np.random.default_rng(draw(st.integers(0, 99))).normal(0, 0.5, REST.shape)
    envelope = draw(st.sampled_from([None, EnvelopeRecipe(frame - 3, frame, frame + 5)]))
    space = draw(st.sampled_from(["world", "head"]))
    return mien.Sculpt(frame, shape, envelope=envelope, region=draw(regions), space=space)


mirrors = st.builds(
    mien.Mirror,
    st.sampled_from([None, 3, 40]),
    region=regions,
    envelope=envelopes,
    seam=st.sampled_from([None, 0.0, 2.0]),
)


@st.composite
def retimes(draw):
    count = draw(st.integers(2, 5))
    frames = sorted(draw(st.lists(st.integers(0, FRAMES - 1), min_size=count, max_size=count, unique=True)))
    inner = sorted(
        draw(st.lists(st.floats(frames[0], frames[-1]), min_size=count, max_size=count, unique=True))
    )[1:-1]
    sources = np.array([frames[0], *inner, frames[-1]])
    if (np.diff(sources) < 1e-3).any():
        sources = np.array(frames, float)
    return mien.Retime(list(zip(frames, sources, strict=True)), region=draw(regions))


@st.composite
def drags(draw):
    """One frame or a path; handles below 70, where the region is."""
    region = draw(regions)
    reached = np.arange(70)
    if region is not None:
        given = region.weights(PERFORMANCES["float32"]) if isinstance(region, RegionRecipe) else region
        reached = np.flatnonzero(given[:70])
        region, reached = (region, reached) if len(reached) else (None, np.arange(70))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    handles = rng.permutation(reached)[: draw(st.integers(1, 4))]
    others = np.setdiff1d(np.arange(VERTICES), handles)
    frames = sorted(draw(st.lists(st.integers(0, FRAMES - 1), min_size=1, max_size=4, unique=True)))
    space = draw(st.sampled_from(["offset", "head", "world"]))
    targets = rng.normal(0, 0.5, (len(frames), len(handles), 3)) + (space != "offset") * REST[handles]
    if space == "world":
        head = PERFORMANCES["float32"].head
        targets = np.stack([head[f].apply(goal)[0] for f, goal in zip(frames, targets, strict=True)])
    single = len(frames) == 1 and draw(st.booleans())
    return mien.Drag(
        frames[0] if single else frames,
        handles,
        targets[0] if single else targets,
        anchors=draw(st.sampled_from([None, rng.choice(others, 3, replace=False)])),
        region=region,
        envelope=draw(
            st.sampled_from([None, EnvelopeRecipe(frames[0] - 2, (frames[0], frames[-1]), frames[-1] + 3)])
        ),
        solver=draw(st.sampled_from(["laplacian", "biharmonic"])),
        space=space,
    )


edit_lists = st.lists(st.one_of(gains, pastes(), sculpts(), mirrors, retimes(), drags()), max_size=4).map(
    mien.EditList
)
whose = st.sampled_from(sorted(PERFORMANCES))


@pytest.mark.parametrize("name", sorted(PERFORMANCES))
def test_without_edits_nothing_changes(name):
    perf = PERFORMANCES[name]
    for edits in (None, [], mien.EditList()):
        result = mien.recombine(perf, edits)
        assert (bits(result.positions) == bits(perf.take.positions)).all()
        assert np.shares_memory(result.positions, perf.take.positions)
    for edit in (mien.Gain(1.0), mien.Gain(1.0, region=weights(VERTICES, 0, 1))):
        assert (bits(mien.recombine(perf, [edit]).positions) == bits(perf.take.positions)).all()


@given(whose, edit_lists)
def test_edits_act_where_they_should_and_nowhere_else(name, edits):
    perf = PERFORMANCES[name]
    before = perf.take.positions.copy()
    result = mien.recombine(perf, edits).positions
    expected, reached = oracle.recombine(perf, edits)
    same = bits(result) == bits(perf.take.positions)
    assert same[~reached].all()
    assert result.dtype == perf.take.positions.dtype
    close = 1e-10 if name == "float64" else 1e-4
    np.testing.assert_allclose(result, expected, atol=close * 10, rtol=0)
    assert (bits(perf.take.positions) == bits(before)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("missing", [0.0, 0.01])
def test_one_edit_in_one_pass_has_the_bits_of_the_general_path(dtype, missing):
    """Enough vertices for several tiles and enough frames for streaming; in blocks of one frame nothing streams."""
    n, sides = 130, (107, 100)
    x, y = np.meshgrid(np.arange(sides[0]), np.arange(sides[1]), indexing="ij")
    rest = np.stack([x, y, np.sin(x + y)], axis=-1).reshape(-1, 3).astype(float)
    rng = np.random.default_rng(5)
    positions = (rest + rng.normal(0, 0.3, (n, 1, 3)) * np.sin(rest)).astype(dtype)
    positions[:, 40] = rest[40]
    positions[rng.random((n, len(rest))) < missing] = np.nan
    head = performances.head_motion(n, 3)
    for f in range(n):
        positions[f] = head[f].apply(positions[f].astype(float))[0]
    take = mien.MeshSequence(mien.Topology([], [], len(rest)), positions)
    perf = mien.Performance(take, head, rest, np.zeros(n), np.ones(n))
    other = dataclasses.replace(perf, neutral=rest * 1.01)
    region = np.where(rest[:, 0] < 60, 0.0, np.where(rest[:, 0] < 80, 0.5, 1.0))
    region[17] = 1.0
    half = {"source_frames": (0, n // 2), "at": n // 2, "blend": 0}
    for edit in (
        mien.Gain(0.4),
        mien.Gain(1.7, region=region),
        mien.Paste(**half),
        mien.Paste(other, **half, region=region),
        mien.Sculpt(9, rest * 1.02, region=region, space="head", envelope=np.ones(n)),
    ):
        result = mien.recombine(perf, [edit]).positions
        general = general_path(perf, edit)
        assert (bits(result) == bits(general)).all(), edit
        assert (bits(mien.recombine(perf, [edit], block_frames=1).positions) == bits(general)).all(), edit
        assert (
            bits(result)[:, region == 0] == bits(take.positions)[:, region == 0]
        ).all() or edit.region is None


def general_path(perf: mien.Performance, edit) -> np.ndarray:
    """All displacements of the take first, then one write: by the kernels that edits of other kinds go through."""
    application = edit.apply_to(Scene(perf, lambda frame: expression_at(perf, frame)))
    out, planes = perf.take.positions.copy(), np.zeros((len(perf), 3, perf.take.n_vertices))
    block = Block.of(perf, application.start, application.stop, planes)
    application.add(block)
    where = slice(application.start, application.stop)
    _core.write_edited(block.take, block.rotation, block.translation, None, block.planes, out[where])
    assert not planes.any()
    return out


def expression_at(perf: mien.Performance, frame: int) -> np.ndarray:
    return Block.of(perf, frame, frame + 1, np.zeros((1, 3, perf.take.n_vertices))).current()[0]


def test_untouched_bits_include_negative_zeros():
    perf = PERFORMANCES["float32"]
    positions = perf.take.positions.copy()
    positions[:, 10] = -0.0
    perf = dataclasses.replace(perf, take=perf.take.with_positions(positions))
    region = np.ones(VERTICES)
    region[10] = 0
    result = mien.recombine(perf, [mien.Gain(0.5, region=region)]).positions
    assert np.signbit(result[:, 10]).all()


@given(whose, edit_lists, st.sampled_from([1, 2, 3, 7, FRAMES, 1000]))
def test_the_block_size_does_not_matter(name, edits, block):
    perf = PERFORMANCES[name]
    whole = mien.recombine(perf, edits).positions
    assert (bits(mien.recombine(perf, edits, block_frames=block).positions) == bits(whole)).all()


@given(edit_lists, gains)
def test_undo_is_exact(edits, last):
    perf = PERFORMANCES["float32"]
    before = mien.recombine(perf, edits).positions
    mien.recombine(perf, [*edits, last])
    assert (bits(mien.recombine(perf, (edits + mien.EditList([last]))[:-1]).positions) == bits(before)).all()


@given(edit_lists)
def test_float32_follows_float64(edits):
    perf = PERFORMANCES["float32"]
    take = perf.take.with_positions(perf.take.positions.astype(np.float64))
    exact = mien.recombine(dataclasses.replace(perf, take=take), edits).positions
    rounded = mien.recombine(perf, edits).positions
    # One rounding of the sum, and that of the shape in Sculpt when it is met from float32 positions.
    assert abs(rounded - exact).max() <= 2 * np.spacing(np.float32(abs(exact).max()))


@given(edit_lists)
@settings(max_examples=15)
def test_the_head_is_untouched(edits):
    perf = PERFORMANCES["float32"]
    rotation, translation = perf.head.rotation.copy(), perf.head.translation.copy()
    skull = np.zeros(VERTICES, bool)
    skull[70:] = True
    held = [dataclasses.replace(edit, region=np.where(skull, 0.0, 1.0)) for edit in edits]
    result = mien.recombine(perf, held).positions
    assert (perf.head.rotation == rotation).all()
    assert (perf.head.translation == translation).all()
    assert (bits(result[:, skull]) == bits(perf.take.positions[:, skull])).all()


def in_turned_world(edit, turn: mien.RigidMotion):
    if isinstance(edit, mien.Drag):
        points = turn.apply(np.reshape(edit.targets, (-1, 3)))[0]
        return edit.with_targets(points.reshape(np.shape(edit.targets)))
    return dataclasses.replace(edit, shape=turn.apply(edit.shape)[0])


@given(edit_lists.filter(len))
@settings(max_examples=20)
def test_turning_the_world_turns_the_result(edits):
    """Law 4 for edits: they live in head space."""
    perf = PERFORMANCES["float64"]
    turn = mien.RigidMotion.from_quaternions([[0.4, -0.1, 0.3, 0.8]], [[-20.0, 7.0, 90.0]])
    take = perf.take.with_positions(np.stack([turn.apply(frame)[0] for frame in perf.take.positions]))
    moved = dataclasses.replace(perf, take=take, head=turn @ perf.head)
    turned = [in_turned_world(e, turn) if getattr(e, "space", None) == "world" else e for e in edits]
    here, there = mien.recombine(perf, edits).positions, mien.recombine(moved, turned).positions
    expected = np.stack([turn.apply(frame)[0] for frame in here])
    np.testing.assert_allclose(there, expected, atol=1e-9)


ONE_ANSWER = """
import hashlib, mien, numpy as np, sys
sys.path.insert(0, {root!r})
from tests.performances import performance
donor = performance(n_frames=25, seed=31, dtype=np.float64)
donor = mien.Performance(donor.take, donor.head, donor.neutral + 0.01, donor.residual, donor.confidence)
digest = hashlib.sha256()
for dtype in (np.float32, np.float64):
    perf = performance(dtype=dtype, missing=0.02)
    mouth = mien.region(perf.take.topology, perf.neutral, [40], 5.0)
    edits = [mien.Gain(0.3, region=mouth), mien.Paste(source_frames=(0, 20), at=15, region=mouth),
             mien.Paste(donor, source_frames=(0, 20), at=5), mien.Sculpt(20, perf.neutral, space="head")]
    digest.update(mien.recombine(perf, edits).positions.tobytes())
print(digest.hexdigest())
"""


def test_one_answer_on_every_instruction_set_and_thread_count(run_python, request):
    from tests.conftest import instruction_sets

    program = ONE_ANSWER.format(root=str(request.config.rootpath))
    answers = {
        run_python(program, MIEN_ISA=isa, MIEN_NUM_THREADS=threads)
        for isa in instruction_sets()
        for threads in ("1", "3")
    }
    assert len(answers) == 1


def test_gain_scales_the_departure_from_the_neutral():
    perf = PERFORMANCES["float64"]
    for gain in (0.0, 0.4, 1.5):
        result = mien.recombine(perf, [mien.Gain(gain)]).positions
        expected = perf.head.apply(perf.neutral + gain * (perf.expression - perf.neutral))
        np.testing.assert_allclose(result, expected, atol=1e-11)


def test_edits_see_what_came_before():
    perf = PERFORMANCES["float64"]
    twice = mien.recombine(perf, [mien.Gain(0.5), mien.Gain(0.5)]).positions
    np.testing.assert_allclose(twice, mien.recombine(perf, [mien.Gain(0.25)]).positions, atol=1e-11)
    paste = mien.Paste(source_frames=(0, 10), at=20, blend=0)
    after, before = (
        mien.recombine(perf, e).positions for e in ([paste, mien.Gain(0.0)], [mien.Gain(0.0), paste])
    )
    np.testing.assert_allclose(
        after[20:30], perf.head.apply(np.tile(perf.neutral, (40, 1, 1)))[20:30], atol=1e-11
    )
    np.testing.assert_allclose(before[20:30], perf.head[20:30].apply(perf.expression[:10]), atol=1e-11)


def test_paste_puts_another_expression_under_this_head():
    """The transplant test: expression j on head i, with known truth."""
    perf = PERFORMANCES["float32"]
    acted = performances.expressions(REST, FRAMES, 7)
    result = mien.recombine(perf, [mien.Paste(source_frames=(2, 18), at=20, blend=4)]).positions
    truth = performances.head_motion(FRAMES, 7)[20:36].apply(acted[2:18])
    assert abs(result[24:32] - truth[4:12]).max() < 1e-4
    inner = np.abs(result - perf.take.positions).max(axis=(1, 2)) > 0
    assert inner[20:36].all()
    assert not inner[:20].any()
    assert not inner[36:].any()


def test_paste_from_another_actor_brings_neither_gauge_nor_identity():
    perf = PERFORMANCES["float64"]
    acted = performances.expressions(DONOR_REST, 25, 31) - DONOR_REST
    result = mien.recombine(perf, [mien.Paste(DONOR, source_frames=(0, 25), at=10, blend=0)]).positions
    expression = perf.head[10:35].apply_inverse(result[10:35])
    # The neutrals differ in proportion, symmetrically: the best alignment undoes the gauge.
    assert abs(expression - (REST + acted)).max() < 1e-3 * abs(acted).max()
    still = mien.recombine(
        perf, [mien.Paste(same_face_elsewhere(), source_frames=(0, 25), at=10, blend=0)]
    ).positions
    truth = perf.head[10:35].apply(performances.expressions(REST, 25, 31))
    np.testing.assert_allclose(still[10:35], truth, atol=1e-8)


DONOR_REST = REST * [1.1, 0.95, 1.0] + [0, 0, 0.5]


def same_face_elsewhere() -> mien.Performance:
    gauge = mien.RigidMotion.from_quaternions([[0.3, 0.1, -0.2, 0.9]], [[5.0, 1.0, -4.0]])
    return performance(n_frames=25, seed=31, dtype=np.float64, gauge=gauge)


def share_pasted(perf: mien.Performance, edit: mien.Paste) -> np.ndarray:
    """How much of the way to its source each frame has gone."""
    first, end = edit.source_frames
    pasted = slice(edit.at, edit.at + end - first)
    way = perf.expression[first:end] - perf.expression[pasted]
    gone = mien.recombine(perf, [edit]).positions.astype(np.float64) - perf.take.positions
    assert not np.delete(gone, pasted, axis=0).any()
    turned = np.einsum("fij,fvj->fvi", perf.head.rotation[pasted], way)
    return np.einsum("fvi,fvi->f", gone[pasted], turned) / (turned**2).sum(axis=(1, 2))


def test_paste_eases_inside_its_ends():
    perf = performance(dtype=np.float64)
    edit = mien.Paste(source_frames=(0, 10), at=15, blend=3)
    factors = share_pasted(perf, edit)
    np.testing.assert_allclose(factors[3:7], 1, atol=1e-9)
    assert (np.diff(factors[:4]) > 0.01).all()
    assert factors[0] > 0.01
    np.testing.assert_allclose(factors, factors[::-1], atol=1e-9)
    hard = mien.Paste(source_frames=(0, 10), at=15, blend=0)
    np.testing.assert_allclose(share_pasted(perf, hard), 1, atol=1e-9)
    envelope = mien.envelope(FRAMES, 10, (17, 18), 22)
    limited = share_pasted(perf, dataclasses.replace(edit, envelope=envelope))
    np.testing.assert_allclose(limited, factors * envelope[15:25], atol=1e-9)


@pytest.mark.parametrize("space", ["world", "head"])
@pytest.mark.parametrize("name", ["float32", "float64"])
def test_sculpt_is_met_at_its_frame(name, space, rng):
    perf = PERFORMANCES[name]
    shape = perf.expression[12] + rng.normal(0, 0.4, (VERTICES, 3))
    wanted = perf.head[12].apply(shape)[0]
    sculpt = mien.Sculpt(12, wanted if space == "world" else shape, space=space)
    edits = [mien.Gain(0.3), mien.Paste(source_frames=(20, 30), at=7, blend=2), sculpt]
    result = mien.recombine(perf, edits).positions
    scale = abs(wanted).max() * np.finfo(perf.take.positions.dtype).eps
    assert abs(result[12] - wanted).max() <= 2 * scale
    without = mien.recombine(perf, edits[:-1]).positions
    assert (bits(result[20:]) == bits(without[20:])).all()
    assert not (result[16] == without[16]).any()


def test_a_sculpt_rides_on_the_head():
    perf = PERFORMANCES["float64"]
    push = np.array([0.0, 0.5, 0.2])
    sculpt = mien.Sculpt(
        15, perf.expression[15] + push, space="head", envelope=EnvelopeRecipe(5, (10, 20), 25)
    )
    moved = mien.recombine(perf, [sculpt]).positions - perf.take.positions
    in_head = np.einsum("fji,fvj->fvi", perf.head.rotation, moved)
    np.testing.assert_allclose(in_head[10:21], np.broadcast_to(push, (11, VERTICES, 3)), atol=1e-11)


def test_missing_vertices_stay_missing_and_harm_nobody():
    perf, whole = PERFORMANCES["missing"], PERFORMANCES["float32"]
    gone = np.isnan(perf.take.positions)
    edits = [
        mien.Gain(0.4),
        mien.Paste(DONOR, source_frames=(0, 20), at=15),
        mien.Sculpt(12, whole.neutral, space="head"),
    ]
    result = mien.recombine(perf, edits).positions
    assert (np.isnan(result) == gone).all()
    expected = mien.recombine(whole, edits).positions
    sculpted = np.isnan(perf.take.positions[12]).any(axis=1)  # no displacement is known for them
    compare = ~gone & ~sculpted[:, None]
    assert abs(result - expected)[compare].max() < 1e-5


def test_what_the_source_misses_keeps_the_expression():
    perf, source = PERFORMANCES["float32"], PERFORMANCES["missing"]
    result = mien.recombine(perf, [mien.Paste(source, source_frames=(0, 10), at=20, blend=0)]).positions
    gone = np.isnan(source.take.positions[:10])
    assert (bits(result[20:30])[gone] == bits(perf.take.positions[20:30])[gone]).all()
    assert np.isfinite(result).all()


def velocity_jumps(positions: np.ndarray) -> np.ndarray:
    """The largest change of velocity of any vertex at every inner frame."""
    return np.linalg.norm(np.diff(positions, 2, axis=0), axis=2).max(axis=1)


def test_joins_add_no_jump():
    perf = performance(n_frames=160, seed=3)
    own = np.percentile(velocity_jumps(perf.take.positions), 99)
    edits = {
        "gain": (mien.Gain(0.3, envelope=mien.envelope(160, 40, 60, 90)), (40, 90)),
        "paste": (mien.Paste(source_frames=(0, 50), at=70, blend=20), (69, 120)),
        "sculpt": (
            mien.Sculpt(80, perf.expression[80] * 1.02, space="head", envelope=EnvelopeRecipe(60, 80, 100)),
            (60, 100),
        ),
    }
    for name, (edit, ends) in edits.items():
        jumps = velocity_jumps(mien.recombine(perf, [edit]).positions)
        for end in ends:
            assert jumps[end - 2 : end + 1].max() <= 1.05 * own, (name, end)
    hard = mien.recombine(perf, [mien.Paste(source_frames=(0, 50), at=70, blend=0)]).positions
    assert velocity_jumps(hard)[68:70].max() > 1.05 * own


def test_results_keep_what_a_take_is_and_share_nothing():
    perf = PERFORMANCES["float32"]
    result = mien.recombine(perf, [mien.Gain(0.5, envelope=EnvelopeRecipe(3, 5, 7))])
    assert (result.fps, result.start_frame, result.name) == (60.0, 1001, "take")
    assert result.topology is perf.take.topology
    assert not np.shares_memory(result.positions, perf.take.positions)
    assert not result.positions.flags.writeable


def test_takes_may_be_slices_and_memory_maps(tmp_path):
    perf = PERFORMANCES["float32"]
    np.save(tmp_path / "take.npy", perf.take.positions)
    mapped = np.load(tmp_path / "take.npy", mmap_mode="r")
    edits = [mien.Gain(0.4), mien.Paste(source_frames=(0, 10), at=5, blend=2)]
    expected = mien.recombine(perf, edits).positions
    from_map = dataclasses.replace(perf, take=perf.take.with_positions(mapped))
    assert (bits(mien.recombine(from_map, edits).positions) == bits(expected)).all()
    out = np.lib.format.open_memmap(tmp_path / "out.npy", mode="w+", dtype=np.float32, shape=expected.shape)
    done = []
    result = mien.recombine(from_map, edits, out=out, block_frames=16, progress=lambda *p: done.append(p))
    assert np.shares_memory(result.positions, out)
    assert (bits(np.asarray(out)) == bits(expected)).all()
    assert done[-1] == (FRAMES, FRAMES)
    assert [d for d, _ in done] == sorted({d for d, _ in done})
    part = mien.recombine(perf[10:30:2], [mien.Gain(0.4)]).positions
    assert (bits(part) == bits(mien.recombine(perf, [mien.Gain(0.4)]).positions[10:30:2])).all()
    copied = mien.recombine(perf, out=np.empty_like(expected))
    assert (bits(copied.positions) == bits(perf.take.positions)).all()


def test_edits_keep_copies_that_nobody_can_change():
    region, shape = np.ones(VERTICES), REST.copy()
    gain, sculpt = mien.Gain(0.5, region=region), mien.Sculpt(3, shape)
    region[:], shape[:] = 0, 0
    assert (gain.region == 1).all()
    assert (sculpt.shape == REST).all()
    with pytest.raises(ValueError, match="read-only"):
        gain.region[0] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        gain.gain = 2


def other_topology() -> mien.Performance:
    take = mien.MeshSequence(mien.Topology([], [], VERTICES), np.zeros((30, VERTICES, 3)))
    return mien.Performance(take, mien.RigidMotion.identity(30), REST, np.zeros(30), np.ones(30))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: mien.Gain("much"), TypeError, "`gain` must be a number, got str"),
        (lambda: mien.Gain(np.inf), ValueError, "`gain` must be a finite number"),
        (
            lambda: mien.Gain(0.5, region=np.zeros(VERTICES)),
            ValueError,
            "`region` must have a weight above 0",
        ),
        (
            lambda: mien.Gain(0.5, envelope=np.zeros(FRAMES)),
            ValueError,
            "`envelope` must have a weight above 0",
        ),
        (lambda: mien.Gain(0.5, region=np.full(VERTICES, 1.1)), ValueError, r"in \[0, 1\]"),
        (lambda: mien.Gain(0.5, envelope=[0, -0.1, 1]), ValueError, r"in \[0, 1\]"),
        (lambda: mien.Gain(0.5, region=[0, np.nan]), ValueError, "must be finite"),
        (lambda: mien.Gain(0.5, region=np.ones((3, 3))), ValueError, r"\(V,\)"),
        (lambda: mien.Gain(0.5, region="mouth"), TypeError, "numbers"),
        (lambda: mien.Paste(source_frames=(5, 5), at=0, blend=0), ValueError, "start < stop"),
        (lambda: mien.Paste(source_frames=(0, 10), at=0, blend=6), ValueError, "at most 5, got 6"),
        (lambda: mien.Paste(source_frames=(0, 20), at=-1), ValueError, "`at`"),
        (lambda: mien.Paste(DONOR, source_frames=(20, 30), at=0), ValueError, "<= 25"),
        (lambda: mien.Paste("donor", source_frames=(0, 30), at=0), TypeError, "a Performance or None"),
        (lambda: mien.Paste(source_frames=7, at=0), TypeError, "a pair"),
        (lambda: mien.Sculpt(0, REST * np.nan), ValueError, "`shape` must be finite"),
        (lambda: mien.Sculpt(0, REST[:, :2]), ValueError, r"\(V, 3\)"),
        (lambda: mien.Sculpt(0, REST, space="object"), ValueError, "'world', 'head'"),
        (lambda: mien.Sculpt(-1, REST), ValueError, "`frame`"),
        (lambda: RegionRecipe([], 1.0), ValueError, "at least one vertex"),
        (lambda: RegionRecipe([1], 0.0), ValueError, "above 0"),
        (lambda: EnvelopeRecipe(5, 4, 9), ValueError, "in order"),
        (lambda: EnvelopeRecipe(1.5, 4, 9), TypeError, "integer"),
        (lambda: mien.EditList([0.4]), TypeError, r"edits\[0\]"),
    ],
)
def test_edits_say_what_is_wrong(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (mien.Gain(0.5, region=np.ones(98)), r"`region` must have shape \(V,\) = \(99,\), got \(98,\)"),
        (mien.Gain(0.5, envelope=np.ones(41)), r"`envelope` must have shape \(F,\) = \(40,\)"),
        (mien.Gain(0.5, region=RegionRecipe([200], 2.0)), "below V = 99, got 200"),
        (mien.Gain(0.5, envelope=EnvelopeRecipe(50, 60, 70)), "in the take, from 0 to 39, got 60"),
        (mien.Paste(source_frames=(30, 50), at=0), "`source_frames`.*<= 40"),
        (mien.Paste(source_frames=(0, 20), at=25), "room for 20 frames in a take of 40, got 25"),
        (mien.Paste(other_topology(), source_frames=(0, 20), at=0), "topology of the performance"),
        (
            mien.Paste(source_frames=(0, 20), at=0, envelope=mien.envelope(40, 25, 30, 35)),
            "above 0 in frames 0 to 19",
        ),
        (mien.Sculpt(40, REST), "`frame`.*below 40"),
        (mien.Sculpt(4, REST[:50]), r"`shape` must have shape \(V, 3\) = \(99, 3\)"),
        (mien.Sculpt(4, REST, envelope=EnvelopeRecipe(4, 8, 12)), "must be 1 at frame 4, .*got 0"),
    ],
)
def test_what_does_not_fit_names_the_edit_and_writes_nothing(edit, words):
    perf = PERFORMANCES["float32"]
    out = np.full_like(perf.take.positions, 7)
    with pytest.raises(ValueError, match=rf"^edits\[1\] \({edit.kind}\): .*{words}"):
        mien.recombine(perf, [mien.Gain(0.5), edit], out=out)
    assert (out == 7).all()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"performance": "perf"}, TypeError, "a Performance"),
        ({"edits": mien.Gain(0.5)}, TypeError, "iterable"),
        ({"block_frames": 0}, ValueError, "at least 1"),
        ({"out": np.zeros((40, 99, 3))}, ValueError, "float32"),
        ({"out": np.zeros((39, 99, 3), np.float32)}, ValueError, r"\(40, 99, 3\)"),
        ({"out": np.zeros((80, 99, 3), np.float32)[::2]}, ValueError, "C-contiguous"),
    ],
)
def test_recombine_says_what_is_wrong(arguments, error, words):
    arguments = {"performance": PERFORMANCES["float32"], "edits": [mien.Gain(0.5)], **arguments}
    with pytest.raises(error, match=words):
        mien.recombine(**arguments)
