"""Rigs: shapes are kept exactly, evaluated as their slow twin says, and checked."""

from __future__ import annotations

import numpy as np
import pytest

import mien
from mien.values.rig import Rig
from mien.values.shapes import Corrective
from oracles import rig as oracle


def grid(n_vertices: int) -> mien.Topology:
    rows = [[v, v + 1, v + 2] for v in range(n_vertices - 2)]
    return mien.Topology.from_polygons(np.array(rows, np.int32).reshape(-1, 3), n_vertices)


def make(rng, n_vertices=50, n_shapes=5, dtype=np.float32, density=0.3, correctives=True) -> Rig:
    deltas = rng.normal(size=(n_shapes, n_vertices, 3)).astype(dtype)
    deltas[rng.random((n_shapes, n_vertices)) > density] = 0
    neutral = rng.normal(size=(n_vertices, 3)).astype(dtype)
    names = [f"shape{k}" for k in range(n_shapes)]
    extra = []
    if correctives and n_shapes > 2:
        extra = [
            Corrective("0x1", ("shape0", "shape1"), rng.normal(size=(n_vertices, 3)).astype(dtype)),
            Corrective(
                "0x1x2", ("shape0", "shape1", "shape2"), (np.array([n_vertices - 1]), np.ones((1, 3), dtype))
            ),
        ]
    return Rig(
        grid(n_vertices), neutral, names, deltas, extra, metres_per_unit=0.01, up_axis="y", name="face"
    )


def twin(rig: Rig, weights, dtype=None):
    def dense(corrective):
        out = np.zeros((rig.n_vertices, 3))
        out[corrective.sparse.vertices] = corrective.sparse.offsets
        return out

    extra = [([rig.index(d) for d in c.drivers], dense(c)) for c in rig.correctives]
    return oracle.evaluate(rig.neutral, rig.deltas, weights, extra, dtype)


@pytest.mark.parametrize("n_vertices", [1, 2, 3, 257, 1025])
@pytest.mark.parametrize("n_frames", [1, 3, 9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_evaluates_as_its_slow_twin(rng, n_vertices, n_frames, dtype):
    rig = make(rng, n_vertices, 4 if n_vertices < 1000 else 3, dtype)
    weights = rng.normal(size=(n_frames, rig.n_shapes))
    weights[rng.random(weights.shape) < 0.3] = 0
    take = rig.evaluate(weights)
    assert take.positions.dtype == dtype
    np.testing.assert_array_equal(take.positions, twin(rig, weights))
    assert (take.fps, take.start_frame, take.metres_per_unit, take.up_axis, take.name) == (
        24,
        0,
        0.01,
        "y",
        "face",
    )


@pytest.mark.parametrize(("inside", "outside"), [(np.float32, np.float64), (np.float64, np.float32)])
def test_the_output_dtype_may_be_chosen(rng, inside, outside):
    rig = make(rng, 40, 3, inside)
    weights = rng.normal(size=(2, 3))
    np.testing.assert_array_equal(rig.evaluate(weights, dtype=outside).positions, twin(rig, weights, outside))


def test_a_float32_neutral_takes_float64_shapes(rng):
    rig = make(rng, 30, 3, np.float64, correctives=False)
    mixed = Rig(rig.topology, rig.neutral.astype(np.float32), rig.names, rig.deltas)
    weights = rng.normal(size=(2, 3))
    assert mixed.evaluate(weights).positions.dtype == np.float32
    np.testing.assert_array_equal(mixed.evaluate(weights).positions, twin(mixed, weights))


def test_no_weight_gives_the_neutral_bit_for_bit(rng):
    rig = make(rng)
    assert rig.evaluate(np.zeros(5)).positions[0].tobytes() == rig.neutral.tobytes()


def test_a_shape_moves_only_its_own_vertices(rng):
    rig = make(rng, 3000, 5)
    still = np.ones(3000, bool)
    still[rig.sparse(3).vertices] = False
    assert 0 < still.sum() < 3000
    moved = rig.evaluate({"shape3": [0.1, 0.7]}).positions
    assert moved[:, still].tobytes() == np.tile(rig.neutral[still], (2, 1, 1)).tobytes()
    assert (moved[:, ~still] != rig.neutral[~still]).any(axis=2).all()


def test_correctives_act_by_the_product_of_their_drivers(rng):
    rig = make(rng)
    one = rig.evaluate({"shape0": 1.0}).positions[0] - rig.neutral
    np.testing.assert_allclose(one, rig.delta("shape0"), atol=1e-6)
    half = rig.evaluate({"shape0": 0.5, "shape1": 0.5}, dtype=np.float64).positions[0]
    expected = rig.neutral + 0.5 * rig.delta(0) + 0.5 * rig.delta(1)
    dense = np.zeros((50, 3))
    dense[rig.correctives[0].sparse.vertices] = rig.correctives[0].sparse.offsets
    np.testing.assert_allclose(half, expected + 0.25 * dense, atol=1e-6)


@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_instruction_sets_and_threads_do_not_change_a_bit(run_python, instruction_set, threads):
    code = """
import hashlib, numpy as np, mien
rng = np.random.default_rng(1)
deltas = rng.normal(size=(6, 2500, 3)).astype(np.float32); deltas[rng.random((6, 2500)) < .5] = 0
rig = mien.Rig(mien.Topology([], [], 2500), rng.normal(size=(2500, 3)), list("abcdef"), deltas)
print(hashlib.sha256(rig.evaluate(rng.normal(size=(19, 6))).positions.tobytes()).hexdigest())
"""
    got = run_python(code, MIEN_ISA=instruction_set, MIEN_NUM_THREADS=threads)
    assert got == run_python(code, MIEN_ISA="base", MIEN_NUM_THREADS="1")


def test_dense_and_sparse_input_are_the_same_rig(rng):
    rig = make(rng)
    pairs = []
    for k in range(rig.n_shapes):
        vertices, offsets = rig.sparse(k)
        order = rng.permutation(len(vertices))
        pairs.append((vertices[order], offsets[order]))
    again = Rig(rig.topology, rig.neutral, rig.names, pairs, rig.correctives)
    np.testing.assert_array_equal(again.deltas, rig.deltas)
    weights = rng.normal(size=(3, 5))
    assert again.evaluate(weights).positions.tobytes() == rig.evaluate(weights).positions.tobytes()


def test_zeros_are_dropped_and_nothing_else():
    deltas = np.zeros((2, 4, 3), np.float32)
    deltas[0, 2, 1] = 1e-45  # the smallest float32 is still a movement
    deltas[1, 0, 0] = -0.0
    rig = Rig(mien.Topology([], [], 4), np.zeros((4, 3), np.float32), ["a", "b"], deltas)
    assert rig.sparse("a").vertices.tolist() == [2]
    assert rig.sparse("b").vertices.tolist() == []
    np.testing.assert_array_equal(rig.deltas, deltas)
    np.testing.assert_array_equal(rig.delta(-2), deltas[0])


def test_curves_by_name_become_weights(rng):
    rig = make(rng)
    got = rig.weights({"shape3": [0.0, 0.5, 1.0], "shape1": 0.25})
    np.testing.assert_array_equal(got[:, 3], [0, 0.5, 1])
    np.testing.assert_array_equal(got[:, 1], 0.25)
    assert not got[:, [0, 2, 4]].any()
    assert rig.weights({}).shape == (1, 5)
    np.testing.assert_array_equal(
        rig.evaluate({"shape1": 0.25}).positions, rig.evaluate([0, 0.25, 0, 0, 0]).positions
    )


def test_subset_keeps_order_and_correctives_that_can_act(rng):
    rig = make(rng)
    some = rig.subset(["shape1", "shape4", "shape0"])
    assert some.names == ("shape1", "shape4", "shape0")
    assert [c.name for c in some.correctives] == ["0x1"]
    curves = {"shape0": 0.3, "shape1": 0.9}
    np.testing.assert_allclose(some.evaluate(curves).positions, rig.evaluate(curves).positions, atol=1e-6)


def test_another_neutral_keeps_the_shapes(rng):
    rig = make(rng)
    moved = rig.with_neutral(rig.neutral + np.float32(10))
    np.testing.assert_array_equal(moved.deltas, rig.deltas)
    assert moved.correctives == rig.correctives
    assert (moved.metres_per_unit, moved.up_axis, moved.name) == (0.01, "y", "face")


def test_what_is_saved_is_what_is_loaded(rng, tmp_path):
    quads = mien.Topology(
        [4, 3], [0, 1, 2, 3, 1, 2, 4], 5, uvs=np.eye(5, 2), uv_indices=[0, 1, 2, 3, 1, 2, 4]
    )
    made = make(rng, 5, 3)
    rig = Rig(
        quads, made.neutral, ["ä", "b", "c"], made.deltas, [Corrective("x", ("ä", "ä", "c"), made.delta(0))]
    )
    for original in (made, rig, rig.subset([])):
        original.save(tmp_path / "rig.npz")
        back = Rig.load(tmp_path / "rig.npz")
        assert (back.names, back.name) == (original.names, original.name)
        assert (back.metres_per_unit, back.up_axis) == (original.metres_per_unit, original.up_axis)
        assert back.topology == original.topology
        assert [(c.name, c.drivers) for c in back.correctives] == [
            (c.name, c.drivers) for c in original.correctives
        ]
        assert (back.topology.uvs is None) == (original.topology.uvs is None)
        weights = rng.normal(size=(2, original.n_shapes))
        assert back.evaluate(weights).positions.tobytes() == original.evaluate(weights).positions.tobytes()
    assert [path.name for path in tmp_path.iterdir()] == ["rig.npz"]


def test_a_rig_cannot_be_written_to(rng):
    rig = make(rng)
    for array in (
        rig.neutral,
        rig.sparse(0).vertices,
        rig.sparse(0).offsets,
        rig.correctives[0].sparse.offsets,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    with pytest.raises(AttributeError):
        rig.names = ()


def test_inputs_are_not_written_to_and_the_neutral_is_shared(rng):
    neutral = rng.normal(size=(4, 3))
    neutral.flags.writeable = False
    deltas = rng.normal(size=(1, 4, 3))
    deltas.flags.writeable = False
    rig = Rig(mien.Topology([], [], 4), neutral, ["a"], deltas)
    assert np.shares_memory(rig.neutral, neutral)
    assert rig.sparse(0).offsets.base is not None


TOPOLOGY = mien.Topology([], [], 3)
REST = np.zeros((3, 3))
ONE = np.ones((1, 3, 3))
BAD = np.ones((1, 3, 3))
BAD[0, 1, 2] = np.nan


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((None, REST, ["a"], ONE), TypeError, "`topology` must be a Topology"),
        (
            (TOPOLOGY, REST[:2], ["a"], ONE),
            ValueError,
            r"`neutral` must have shape \(V, 3\) = \(3, 3\), got \(2, 3\)",
        ),
        ((TOPOLOGY, BAD[0], ["a"], ONE), ValueError, "`neutral` must be finite.* vertex 1"),
        ((TOPOLOGY, REST, "a", ONE), TypeError, "`names` must be a sequence"),
        ((TOPOLOGY, REST, [1], ONE), TypeError, r"`names\[0\]` must be text, got int"),
        ((TOPOLOGY, REST, ["a", "a"], np.ones((2, 3, 3))), ValueError, "`names` must differ, got 'a' twice"),
        ((TOPOLOGY, REST, ["a", "b"], ONE), ValueError, "`deltas` must have K = 2 shapes, got 1"),
        ((TOPOLOGY, REST, ["a"], ONE[0]), ValueError, r"`deltas` must have shape \(K, V, 3\), got \(3, 3\)"),
        ((TOPOLOGY, REST, ["a"], ONE[:, :2]), ValueError, r"`deltas\[0\]` must have shape .* got \(2, 3\)"),
        ((TOPOLOGY, REST, ["a"], ONE.astype(int)), TypeError, r"`deltas\[0\]` must be float32 or float64"),
        ((TOPOLOGY, REST, ["a"], BAD), ValueError, r"`deltas\[0\]` must be finite.* vertex 1"),
        ((TOPOLOGY, REST, ["a"], [([3], ONE[0, :1])]), ValueError, r"must name vertices below V = 3, got 3"),
        (
            (TOPOLOGY, REST, ["a"], [([-1], ONE[0, :1])]),
            ValueError,
            r"must name vertices below V = 3, got -1",
        ),
        ((TOPOLOGY, REST, ["a"], [([1, 1], ONE[0, :2])]), ValueError, "each vertex once, got 1 twice"),
        (
            (TOPOLOGY, REST, ["a"], [([1, 2], ONE[0, :1])]),
            ValueError,
            r"offsets` must have shape .* \(2, 3\)",
        ),
        (
            (TOPOLOGY, REST, ["a"], ONE, ["x"]),
            TypeError,
            "`correctives` must be a sequence of Corrective, got str",
        ),
        (
            (TOPOLOGY, REST, ["a"], ONE, [Corrective("x", ["a", "b"], ONE[0])]),
            ValueError,
            "`drivers` of corrective 'x' must be shapes of the rig, got 'b'",
        ),
        (
            (TOPOLOGY, REST, ["a"], ONE, [Corrective("x", ["a"], ([5], ONE[0, :1]))]),
            ValueError,
            "corrective 'x' must move vertices below V = 3, got 5",
        ),
    ],
)
def test_wrong_rigs_are_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        Rig(*arguments)


def test_wrong_units_are_refused():
    with pytest.raises(ValueError, match="`metres_per_unit` must be above 0"):
        Rig(TOPOLOGY, REST, ["a"], ONE, metres_per_unit=0)
    with pytest.raises(ValueError, match="`up_axis` must be one of 'y', 'z', got 'x'"):
        Rig(TOPOLOGY, REST, ["a"], ONE, up_axis="x")


def test_correctives_need_drivers():
    with pytest.raises(ValueError, match="`drivers` of corrective 'x' must name at least one shape"):
        Corrective("x", [], ONE[0])
    with pytest.raises(TypeError, match="`drivers` must be a sequence of names"):
        Corrective("x", "ab", ONE[0])
    with pytest.raises(ValueError, match="`delta` must be finite"):
        Corrective("x", ["a"], BAD[0])


def test_wrong_weights_are_refused(rng):
    rig = make(rng)
    with pytest.raises(ValueError, match=r"`weights` must have shape \(F, K\), got \(2, 4\)"):
        rig.evaluate(np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"`weights` must have shape \(K,\) = \(5,\), got \(4,\)"):
        rig.evaluate(np.zeros(4))
    with pytest.raises(ValueError, match=r"`weights` must be finite, got inf at \(1, 2\)"):
        rig.evaluate(np.where(np.arange(10).reshape(2, 5) == 7, np.inf, 0))
    with pytest.raises(ValueError, match="`name` must be a shape of the rig, got 'nose'"):
        rig.weights({"nose": 1})
    with pytest.raises(ValueError, match=r"`curves\['shape1'\]` must have shape \(F,\) = \(2,\), got \(3,\)"):
        rig.weights({"shape0": [0, 1], "shape1": [0, 1, 2]})
    with pytest.raises(ValueError, match="`shape` must be at least -5 and below 5, got 5"):
        rig.delta(5)
    with pytest.raises(TypeError, match="`dtype` must be float32 or float64, got float16"):
        rig.evaluate(np.zeros(5), dtype=np.float16)


def test_files_that_are_not_rigs_are_refused(rng, tmp_path):
    path = tmp_path / "rig.npz"
    make(rng).save(path)
    whole = path.read_bytes()
    with np.load(path) as data:
        parts = {key: data[key] for key in data.files}
    for change, words in (
        ({"starts": parts["starts"] + 1}, "`starts` must ascend"),
        ({"vertices": parts["vertices"] + 40}, "must name vertices below V = 50"),
        ({"names": parts["names"][:-1]}, "rig.npz: expected a saved rig"),
        ({"driver_counts": parts["driver_counts"] - 5}, "rig.npz: expected a saved rig"),
        ({"neutral": np.full((50, 3), np.nan)}, "must be finite"),
        ({"face_indices": parts["face_indices"] + 90}, "must name vertices"),
    ):
        np.savez(path, **{**parts, **change})
        with pytest.raises(mien.FormatError, match=words):
            Rig.load(path)
    for broken in (b"", b"PK\x03\x04", whole[:-30], whole[: len(whole) // 2], b"\x93NUMPY" + whole):
        path.write_bytes(broken)
        with pytest.raises(mien.FormatError, match=r"rig\.npz"):
            Rig.load(path)
    np.savez(path, a=np.zeros(3))
    with pytest.raises(mien.FormatError, match="expected a saved rig"):
        Rig.load(path)
