"""Contact: seals kept, nothing pushed through, what edits leave alone kept to the bit; files, messages."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.spatial import cKDTree
from tests.oracles import contact as oracle

import mien
from mien import _core
from mien.errors import FormatError

FRAMES = 20
TOLERANCE_MM = {"gap": 0.2, "depth": 0.05}


@pytest.fixture(scope="module")
def acted():
    """A face that smiles, blinks, and opens its mouth in the middle, with heads that turn; sides of lips and lids."""
    head = mien.datasets.head("preview")
    weights = np.zeros((FRAMES, len(head.names)))
    for name, values in {
        "eyeBlinkLeft": np.clip(np.linspace(0, 2, FRAMES), 0, 1),
        "mouthSmileLeft": np.linspace(0, 0.6, FRAMES),
        "mouthSmileRight": np.linspace(0, 0.6, FRAMES),
        "jawOpen": np.where((np.arange(FRAMES) >= 8) & (np.arange(FRAMES) < 14), 0.3, 0.0),
    }.items():
        weights[:, head.names.index(name)] = values
    angle = np.linspace(0, 0.5, FRAMES)
    zero, one = np.zeros(FRAMES), np.ones(FRAMES)
    turn = np.array(
        [[np.cos(angle), zero, np.sin(angle)], [zero, one, zero], [-np.sin(angle), zero, np.cos(angle)]]
    )
    motion = mien.RigidMotion(turn.transpose(2, 0, 1), np.stack([10 * angle, zero, zero], axis=1))
    take = mien.MeshSequence(head.topology, motion.apply(head.evaluate(weights).astype(np.float64)))
    perf = mien.Performance(take, motion, head.neutral, np.zeros(FRAMES), np.ones(FRAMES))

    def side(row: str, other: str) -> np.ndarray:
        near, far = (mien.geodesic_distance(head.topology, head.neutral, head.loops[r]) for r in (row, other))
        return np.flatnonzero((near < 1.0) & (near < far))

    sides = {
        part: (side(f"upper_{part}", f"lower_{part}"), side(f"lower_{part}", f"upper_{part}"))
        for part in ("lip", "lid_left")
    }
    return head, perf, sides


def gaps(head, sides, part: str, positions: np.ndarray) -> np.ndarray:
    """Millimetres from the vertices of the upper rim to the lower side, of which points are looked at, (F, n)."""
    lower = np.isin(head.topology.triangles, sides[part][1]).all(axis=1)
    steps = np.array([[i, j, 8 - i - j] for i in range(9) for j in range(9 - i)]) / 8
    out = []
    for shape in positions:
        points = np.einsum("sk,tkc->tsc", steps, shape[head.topology.triangles[lower]]).reshape(-1, 3)
        out.append(10 * cKDTree(points).query(shape[head.loops[f"upper_{part}"]])[0])
    return np.array(out)


def mouth_edits(head, perf) -> list[mien.editing.Edit]:
    middle = [int(head.loops["upper_lip"][17])]
    upper = mien.geodesic_distance(head.topology, head.neutral, head.loops["upper_lip"])
    lower = mien.geodesic_distance(head.topology, head.neutral, head.loops["lower_lip"])
    lift = np.clip(1 - upper / 1.5, 0, 1) * (upper < lower)
    gain = mien.Gain(1.7, region=mien.region(head.topology, head.neutral, middle, 5.0))
    raised = mien.recombine(perf, [gain]).positions[17]
    shape = perf.head[17].apply_inverse(raised)[0] + lift[:, None] * [0, 0.15, 0]
    return [
        gain,
        mien.Sculpt(17, shape, envelope=mien.envelope(FRAMES, 13, 17, 20), space="head"),
    ]


def crumpled(
    seed: int, yields: str
) -> tuple[_core.Contact, tuple[oracle.Side, oracle.Side], np.ndarray, np.ndarray]:
    """Two bent sheets of 7 by 6 points that touch here and there, before and after both have been pushed about."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(7.0), np.arange(6.0), indexing="ij")
    index = np.arange(42).reshape(7, 6)
    a, b, c, d = (i.ravel() for i in (index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]))
    up = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32)
    flat = np.stack([x, y, 0 * x], axis=-1).reshape(-1, 3)
    before = np.concatenate([flat, flat + np.array([0.3, 0.2, 0.2])]) + rng.normal(0, 0.1, (84, 3))
    now = before + rng.normal(0, 0.3, (84, 3)) * np.repeat([[1, 1, 1], [1, 1, 3]], 42, axis=0)
    solver = _core.Contact(up, 42, up[:, ::-1].copy(), 42, near=0.3, unit=1.0, second_yields=yields == "both")
    sides = (oracle.Side(np.arange(42), up), oracle.Side(np.arange(42, 84), up[:, ::-1]))
    return solver, sides, before, now


@pytest.mark.parametrize("yields", ["both", "first"])
@pytest.mark.parametrize("seed", range(4))
def test_the_kernel_follows_its_slow_twin(seed, yields):
    solver, sides, before, now = crumpled(seed, yields)
    if seed == 3:  # a vertex missing on either side
        before[5] = now[5] = before[60] = now[60] = np.nan
    moves = solver.correct(before[None], now[None])[0]
    expected = oracle.corrections(sides, before, now, 0.3, 1.0, 2 if yields == "both" else 1)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(moves, expected, atol=1e-9)
    many = solver.correct(np.stack([before, now, before]), np.stack([now, now, before]))
    assert many[0].tobytes() == moves.tobytes()  # whatever frames are around
    assert not many[1:].any()


@pytest.mark.parametrize("part", ["lip", "lid_left"])
def test_what_was_sealed_stays_sealed(acted, part):
    head, perf, sides = acted
    if part == "lip":
        edits = mouth_edits(head, perf)
    else:
        edits = [
            mien.Gain(0.8, region=mien.region(head.topology, head.neutral, head.loops["upper_lid_left"], 2.0))
        ]
    source = gaps(head, sides, part, perf.take.positions)
    sealed = source < 0.15
    assert sealed.sum() > 200
    without = gaps(head, sides, part, mien.recombine(perf, edits).positions)
    assert without[sealed].max() > 1  # or there is nothing to mend
    result = mien.recombine(perf, [*edits, mien.Contact(*sides[part])]).positions
    assert gaps(head, sides, part, result)[sealed].max() <= TOLERANCE_MM["gap"]
    # Mouths and eyes that were wide open are left as the edits have them, away from their corners.
    middle = source.shape[1] // 2
    wide = source[:, middle] > 5
    assert wide.any()
    left = mien.recombine(perf, edits).positions
    for row in (f"upper_{part}", f"lower_{part}"):
        assert 10 * np.abs(result[wide] - left[wide])[:, head.loops[row][middle]].max() < 0.2


def sheets() -> tuple[mien.Performance, np.ndarray, np.ndarray]:
    """Two flat sheets that face each other, 2 mm apart, on a face's scale in millimetres, and far away a third."""
    x, y = np.meshgrid(np.arange(12.0) * 2, np.arange(10.0) * 2, indexing="ij")
    flat = np.stack([x, y, 0 * x], axis=-1).reshape(-1, 3)
    index = np.arange(120).reshape(12, 10)
    quads = np.stack([index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]], axis=-1).reshape(-1, 4)
    faces = np.concatenate([quads, quads[:, ::-1] + 120, quads + 240])
    points = np.concatenate([flat, flat + np.array([0.3, 0.3, 2]), flat + np.array([150, 120, 0])])
    topology = mien.Topology.from_polygons(faces)
    still = mien.RigidMotion(np.tile(np.eye(3), (5, 1, 1)), np.zeros((5, 3)))
    take = mien.MeshSequence(topology, np.tile(points, (5, 1, 1)))
    return mien.Performance(take, still, points, np.zeros(5), np.ones(5)), np.arange(120), np.arange(120, 240)


def pushed_through(perf: mien.Performance, shape: np.ndarray) -> float:
    """How far vertices of the lower sheet lie above the upper one."""
    most = -np.inf
    for corners in perf.take.topology.triangles:
        if (corners >= 120).all() and (corners < 240).all():
            a, b, c = shape[corners]
            share = np.linalg.solve(np.stack([b - a, c - a], axis=1)[:2], (shape[:120] - a)[:, :2].T).T
            over = (share >= 0).all(axis=1) & (share.sum(axis=1) <= 1)
            height = a[2] + share @ np.array([b[2] - a[2], c[2] - a[2]])
            most = max(most, *(shape[:120, 2] - height)[over], -np.inf)
    return most


@pytest.mark.parametrize("yields", ["both", "first"])
def test_what_was_apart_is_not_pushed_through(yields):
    perf, below, above = sheets()
    push = np.zeros((360, 3))
    middle = perf.neutral[below] - [11, 9, 0]
    push[below, 2] = 3.2 * np.exp(-(middle**2).sum(axis=1) / 30)  # up to 1 mm through the sheet above
    edit = mien.Sculpt(2, perf.neutral + push, envelope=mien.envelope(5, 0, 2, 4))

    assert pushed_through(perf, mien.recombine(perf, [edit]).positions[2]) > 0.9
    result = mien.recombine(perf, [edit, mien.Contact(below, above, yields=yields, distance=0.1)]).positions
    assert pushed_through(perf, result[2]) <= TOLERANCE_MM["depth"]
    assert (result[2, above, 2] != 2).any() == (yields == "both")
    assert result[[0, 4]].tobytes() == perf.take.positions[[0, 4]].tobytes()
    assert result[:, 240:].tobytes() == perf.take.positions[:, 240:].tobytes()


def test_nothing_to_mend_changes_nothing(acted):
    head, perf, sides = acted
    contact = mien.Contact(*sides["lip"])
    assert mien.recombine(perf, [contact]).positions.tobytes() == perf.take.positions.tobytes()
    brow = mien.Gain(1.5, region=mien.region(head.topology, head.neutral, [head.landmarks["glabella"]], 3.0))
    alone, both = (mien.recombine(perf, e).positions for e in ([brow], [brow, contact]))
    assert alone.tobytes() == both.tobytes()


def test_blocks_threads_and_the_envelope(acted):
    head, perf, sides = acted
    edits = mouth_edits(head, perf)
    window = mien.envelope(FRAMES, 2, (4, 17), 19)
    listed = [*edits, mien.Contact(*sides["lip"], envelope=window)]
    one = mien.recombine(perf, listed).positions
    for size in (1, 3, 7):
        assert mien.recombine(perf, listed, block_frames=size).positions.tobytes() == one.tobytes()
    left = mien.recombine(perf, edits).positions
    assert one[window == 0].tobytes() == left[window == 0].tobytes()
    assert (one[6] != left[6]).any()


def test_missing_vertices_are_left_out(acted):
    head, perf, sides = acted
    spoilt = perf.take.positions.copy()
    spoilt[:, sides["lip"][0][::17]] = np.nan
    edits = [*mouth_edits(head, perf), mien.Contact(*sides["lip"])]
    perf = dataclasses.replace(perf, take=perf.take.with_positions(spoilt))
    result = mien.recombine(perf, edits).positions
    assert np.array_equal(np.isnan(result), np.isnan(spoilt))


def test_files(acted, tmp_path):
    _, perf, sides = acted
    listed = mien.EditList(
        [
            mien.Contact(*sides["lip"]),
            mien.Contact(
                *sides["lid_left"],
                yields="first",
                distance=0.02,
                reach=1.0,
                envelope=mien.envelope(20, 2, 5, 9),
            ),
        ]
    )
    listed.save(tmp_path / "edits.json", perf)
    again = mien.EditList.load(tmp_path / "edits.json", perf)
    for a, b in zip(listed, again, strict=True):
        assert isinstance(b, mien.Contact)
        assert np.array_equal(a.first, b.first)
        assert np.array_equal(a.second, b.second)
        assert (a.yields, a.distance, a.reach) == (b.yields, b.distance, b.reach)
    text = (tmp_path / "edits.json").read_text().replace('"yields"', '"gives"')
    (tmp_path / "edits.json").write_text(text)
    with pytest.raises(FormatError, match="gives"):
        mien.EditList.load(tmp_path / "edits.json", perf)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([], [4]), {}, "`first` must name at least one vertex"),
        (([1, 1], [4]), {}, "`first` must name every vertex once, got vertex 1 twice"),
        (([1, 2], [2, 4]), {}, "`second` must share no vertex with `first`, got vertex 2 in both"),
        (([-1], [4]), {}, "`first` must name vertices from 0 on, got -1"),
        (([1], [4]), {"yields": "second"}, "`yields` must be one of"),
        (([1], [4]), {"distance": 0.0}, "`distance` must be above 0"),
        (([1], [4]), {"reach": np.nan}, "`reach` must be"),
    ],
)
def test_messages(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        mien.Contact(*arguments, **options)


def test_messages_of_a_performance():
    perf, below, above = sheets()
    for contact, message in [
        (
            mien.Contact(below, [999]),
            r"edits\[0\] \(contact\): `second` must name vertices below V = 360, got 999",
        ),
        (
            mien.Contact([0, 1], above),
            r"edits\[0\] \(contact\): `first` must hold the corners of at least one face",
        ),
    ]:
        with pytest.raises(ValueError, match=message):
            mien.recombine(perf, [contact])
