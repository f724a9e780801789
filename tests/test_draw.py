"""Pictures: exact coverage, the right surface in front, light as written, and the same bytes everywhere."""

from __future__ import annotations

import pathlib
import struct
import zlib

import numpy as np
import pytest
from tests.conftest import instruction_sets
from tests.oracles import draw as oracle

import mien
from mien.geometry import look
from mien.geometry.draw import diverging_colors, heat_colors
from mien.geometry.heat import heat_table, srgb_to_oklab

BACKGROUND = np.array(look.BACKGROUND_SRGB)


def ball(rings: int = 10, around: int = 16, bump: float = 0.15) -> tuple[mien.Topology, np.ndarray]:
    """A bumpy ball of quads with triangles at its poles, wound outwards, radius about 1."""
    u, v = np.meshgrid(np.arange(around) / around * 2 * np.pi, np.arange(1, rings) / rings * np.pi)
    r = 1 + bump * np.sin(3 * u) * np.sin(2 * v)
    points = np.stack([r * np.sin(v) * np.sin(u), r * np.cos(v), r * np.sin(v) * np.cos(u)], -1).reshape(
        -1, 3
    )
    points = np.concatenate([points, [[0, 1, 0], [0, -1, 0]]])
    index = np.arange((rings - 1) * around).reshape(rings - 1, around)
    right = np.roll(index, -1, 1)
    quads = np.stack([index[1:], right[1:], right[:-1], index[:-1]], -1).reshape(-1, 4)
    none = np.full(around, -1)
    top = np.stack([np.full(around, len(points) - 2), index[0], right[0], none], 1)
    bottom = np.stack([np.full(around, len(points) - 1), right[-1], index[-1], none], 1)
    return mien.Topology.from_polygons(np.concatenate([quads, top, bottom])), points


def square(z: float = 0.0, half: float = 1.0) -> np.ndarray:
    return np.array([[-half, -half, z], [half, -half, z], [half, half, z], [-half, half, z]])


QUAD = mien.Topology.from_polygons([[0, 1, 2, 3]])
FRONT = mien.Camera((0, 0, 10), (0, 0, 0), extent=4.0)
LENS = mien.Camera((0.3, 0.4, 5.0), (0.1, 0, 0), lens=50.0)


def covered(image: np.ndarray) -> np.ndarray:
    return (image != BACKGROUND).any(-1)


@pytest.mark.parametrize(
    "camera", [LENS, mien.Camera((3, 2, 4), (0, 0, 0), extent=2.8)], ids=["lens", "orthographic"]
)
@pytest.mark.parametrize("shading", ["smooth", "flat"])
@pytest.mark.parametrize(("size", "samples"), [((64, 48), 1), ((37, 41), 1), ((24, 19), 2), ((13, 9), 3)])
def test_pictures_are_those_of_the_oracle(camera, shading, size, samples, rng):
    topology, points = ball()
    colors = rng.random(points.shape)
    for given in (None, colors):
        image = mien.draw(
            topology, points, size=size, camera=camera, shading=shading, colors=given, samples=samples
        )
        wanted, owner = oracle.picture(
            topology, points, camera, size, flat=shading == "flat", colors=given, samples=samples
        )
        assert (owner >= 0).mean() > 0.2
        assert np.array_equal(covered(image), covered(wanted))
        assert np.abs(image.astype(int) - wanted).max() <= 1


@pytest.mark.parametrize(("cells", "pixels"), [(7, 60), (2, 300), (16, 40)])
def test_neighbours_share_no_sample_and_leave_none(cells, pixels, rng):
    # Vertices are put on sample centres and between them, so that many edges go through samples exactly.
    steps = np.linspace(-1, 1, cells + 1)
    x, y = np.meshgrid(steps, steps)
    grid = np.stack([x, y], -1)
    grid[1:-1, 1:-1] += rng.uniform(-0.3, 0.3, (cells - 1, cells - 1, 2)) / cells
    grid = np.rint(grid * pixels) / pixels + 1 / pixels * 0.5 * (cells % 2)
    points = np.concatenate([grid.reshape(-1, 2), np.zeros(((cells + 1) ** 2, 1))], 1)
    index = np.arange((cells + 1) ** 2).reshape(cells + 1, cells + 1)
    quads = np.stack([index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]], -1).reshape(-1, 4)
    topology = mien.Topology.from_polygons(quads)
    size = (2 * pixels + 6, 2 * pixels + 6)
    camera = mien.Camera((0, 0, 3), (0, 0, 0), extent=size[0] / pixels)
    options = {"size": size, "camera": camera, "samples": 1}
    whole = covered(mien.draw(topology, points, **options))
    count = np.zeros(whole.shape, int)
    for triangle in topology.triangles:
        count += covered(mien.draw(mien.Topology.from_polygons([triangle], len(points)), points, **options))
    assert count.max() == 1
    assert np.array_equal(count == 1, whole)
    assert whole.sum() == (2 * pixels) ** 2  # the outline lies on whole pixels


@pytest.mark.parametrize("swap", [False, True])
def test_nearer_surfaces_hide_farther_ones(swap):
    near, far = square(1.0, 0.6), square(-1.0)
    points = np.concatenate([far, near] if swap else [near, far])
    colors = np.repeat(np.array([[1.0, 0, 0], [0, 0, 1.0]])[:: -1 if swap else 1], 4, axis=0)
    topology = mien.Topology.from_polygons([[0, 1, 2, 3], [4, 5, 6, 7]])
    image = mien.draw(topology, points, camera=FRONT, size=(40, 40), colors=colors).astype(int)
    red = image[..., 0] > image[..., 2] + 50
    blue = image[..., 2] > image[..., 0] + 50
    assert red.sum() == 12 * 12
    assert red[14:26, 14:26].all()
    assert blue.sum() == 20 * 20 - 12 * 12


def test_surfaces_meet_where_they_cross():
    tilted = np.array([[-1, -1, -1], [1, -1, 1], [1, 1, 1], [-1, 1, -1.0]])
    topology = mien.Topology.from_polygons([[0, 1, 2, 3], [4, 5, 6, 7]])
    colors = np.repeat(np.array([[1.0, 0, 0], [0, 0, 1.0]]), 4, axis=0)
    image = mien.draw(
        topology, np.concatenate([square(), tilted]), camera=FRONT, size=(80, 80), colors=colors, samples=1
    )
    blue = image[..., 2] > image[..., 0]
    assert blue[20:60, 41:60].all()
    assert not blue[20:60, 20:39].any()


def test_of_equal_depths_the_lower_triangle_wins():
    topology = mien.Topology.from_polygons([[0, 1, 2, 3], [4, 5, 6, 7]])
    points = np.concatenate([square(), square()])
    colors = np.repeat(np.array([[1.0, 0, 0], [0, 0, 1.0]]), 4, axis=0)
    for order in (colors, colors[::-1]):
        image = mien.draw(topology, points, camera=LENS, size=(50, 50), colors=order)
        assert np.array_equal(
            image, mien.draw(QUAD, points[:4], camera=LENS, size=(50, 50), colors=order[:4])
        )


@pytest.mark.parametrize("camera", [LENS, mien.Camera((1, -2, 3), (0, 0, 0.5), up=(0, 0, 1), extent=3.0)])
def test_points_appear_where_the_camera_projects_them(camera, rng):
    size = (301, 200)
    for point in rng.uniform(-0.5, 0.5, (5, 3)):
        x, y, depth = camera.project(point, size)
        right, up = camera.rotation[:2]
        corners = point + 0.01 * np.array([-right - up, right - up, right + up, -right + up])
        rows, columns = np.nonzero(covered(mien.draw(QUAD, corners, camera=camera, size=size)))
        assert abs(columns.mean() + 0.5 - x) < 0.6
        assert abs(rows.mean() + 0.5 - y) < 0.6
        assert depth == pytest.approx(np.dot(np.subtract(camera.position, point), camera.rotation[2]))


@pytest.mark.parametrize("lens", [None, 35.0, 85.0])
@pytest.mark.parametrize(
    "view", ["front", "left", "right", "back", "top", "bottom", "three_quarter", "three_quarter_right"]
)
def test_a_fitted_camera_sees_everything_and_wastes_nothing(view, lens, rng):
    points = rng.normal(size=(3, 200, 3)) * [1, 3, 2] + [10, -20, 5]
    points[1, 7] = np.nan
    size, margin = (640, 400), 0.1
    for axis in ("y", "z"):
        camera = mien.Camera.fit(points, view, up_axis=axis, lens=lens, margin=margin, size=size)
        seen = camera.project(points, size)
        low, high = np.nanmin(seen, (0, 1)), np.nanmax(seen, (0, 1))
        free = np.array([low[0] / size[0], 1 - high[0] / size[0], low[1] / size[1], 1 - high[1] / size[1]])
        assert free.min() == pytest.approx(margin, abs=1e-6)
        assert free[0] == pytest.approx(free[1], abs=0.1 if lens else 1e-9)
        assert low[2] > camera.near


def test_views_face_the_face_in_both_up_axes():
    topology, points = ball(bump=0.3)
    points = points * [1, 1.4, 0.8]
    turned = np.stack([points[:, 0], -points[:, 2], points[:, 1]], 1)  # y up to z up, as hosts do it
    left, nose = np.array([[1.0, 0, 0], [0, 0, 1.0]])
    for view in ("front", "left", "top", "three_quarter"):
        pictures = []
        for shape, axis in ((points, "y"), (turned, "z")):
            camera = mien.Camera.fit(shape, view, up_axis=axis, size=(60, 60))
            pictures.append(mien.draw(topology, shape, camera=camera, size=(60, 60)).astype(int))
        assert np.abs(pictures[0] - pictures[1]).max() <= 2
    front, side = mien.Camera.fit(points, "front"), mien.Camera.fit(points, "left")
    assert front.project(left)[0] > 400  # the subject's left is at the right of the picture
    assert side.project(nose)[0] < 400  # seen from the subject's left, the nose points to the picture's left


def test_textures_lie_as_their_coordinates_say():
    colors = np.array([[[250, 40, 40], [40, 250, 40]], [[40, 40, 250], [240, 240, 40]]], np.uint8)
    texture = np.repeat(np.repeat(colors, 8, 0), 8, 1)
    topology = mien.Topology(
        [4], [0, 1, 2, 3], 4, uvs=[[0, 0], [1, 0], [1, 1], [0, 1]], uv_indices=[0, 1, 2, 3]
    )
    for camera in (FRONT, mien.Camera((1, 1, 3), (0, 0, 0), lens=60.0)):
        image = mien.draw(topology, square(), camera=camera, texture=texture).astype(int)
        for row, y in enumerate((0.5, -0.5)):
            for column, x in enumerate((-0.5, 0.5)):
                plain = np.tile(colors[row, column] / 255, (4, 1))
                wanted = mien.draw(topology, square(), camera=camera, colors=plain)
                px, py, _ = camera.project((x, y, 0)).astype(int)
                assert np.abs(image[py, px] - wanted[py, px]).max() <= 1
    # Half-way between two texels is half of each, in linear light; a face may use other coordinates than its neighbour.
    two = mien.draw(topology, square(), camera=FRONT, size=(400, 400), texture=colors)
    half = oracle.encode(oracle.decode(colors[0] / 255).mean(0))
    wanted = mien.draw(topology, square(), camera=FRONT, size=(400, 400), colors=np.tile(half, (4, 1)))
    assert np.abs(two[150, 200].astype(int) - wanted[150, 200]).max() <= 2


def test_heat_is_coloured_as_its_legend(rng):
    topology, points = ball()
    for number in (0.0, 1.3, 2.0, 5.0):
        level = np.full(len(points), number)
        by_heat = mien.draw(topology, points, size=(50, 50), heat=level, heat_range=(0, 2))
        by_color = mien.draw(topology, points, size=(50, 50), colors=heat_colors(level, (0, 2)))
        assert np.abs(by_heat.astype(int) - by_color).max() <= 1
    assert np.array_equal(
        mien.draw(topology, points, heat=np.full(len(points), np.nan)),
        mien.draw(topology, points, heat=np.zeros(len(points))),
    )
    clay = mien.draw(topology, points).astype(int)
    assert np.abs(mien.draw(topology, points, heat=np.zeros(len(points))) - clay).max() <= 1


def test_heat_maps_are_even_and_safe_without_hue():
    for kind in ("heat", "diverging"):
        lab = srgb_to_oklab(heat_table(kind))
        steps = np.linalg.norm(np.diff(lab, axis=0), axis=1)
        inner = np.delete(steps, 127) if kind == "diverging" else steps
        assert inner.max() < 1.6 * inner.min(), kind
        lightness = lab[:, 0] if kind == "heat" else -np.abs(np.arange(256) - 127.5)
        if kind == "heat":
            assert (np.diff(lightness) < 0).all()
    assert np.allclose(heat_colors(0.0, (0, 1)), np.array(look.CLAY_SRGB) / 255, atol=1e-6)
    assert np.allclose(diverging_colors([0.0], 1.0), np.array(look.CLAY_SRGB) / 255, atol=0.02)
    assert diverging_colors([-1.0])[0, 2] > diverging_colors([-1.0])[0, 0]  # blue below zero
    assert heat_colors([[1, 2], [3, 4]]).shape == (2, 2, 3)


def test_missing_vertices_take_only_their_triangles_along():
    topology, points = ball()
    topology = mien.Topology.from_polygons(topology.triangles)
    broken = points.copy()
    broken[64] = np.nan
    rest = mien.Topology.from_polygons(topology.triangles[(topology.triangles != 64).all(1)], len(points))
    for shading in ("smooth", "flat"):
        image = mien.draw(topology, broken, camera=LENS, size=(90, 90), shading=shading)
        assert np.array_equal(image, mien.draw(rest, points, camera=LENS, size=(90, 90), shading=shading))
        assert not np.array_equal(
            image, mien.draw(topology, points, camera=LENS, size=(90, 90), shading=shading)
        )
    assert not covered(mien.draw(topology, np.full_like(points, np.nan), camera=LENS, size=(20, 20))).any()
    assert not covered(mien.draw(topology, np.full_like(points, np.inf), camera=LENS, size=(20, 20))).any()


def test_what_is_behind_the_eye_is_cut_off_and_the_rest_stays():
    # A floor from far in front to far behind the camera fills the picture below the horizon.
    camera = mien.Camera((0, 1, 0), (0, 1, -1), lens=18.0, near=0.01)
    size = (64, 64)

    def floor(near_z: float) -> np.ndarray:
        return np.array([[-1e4, 0, near_z], [1e4, 0, near_z], [1e4, 0, -1e4], [-1e4, 0, -1e4]])

    heat = np.array([0, 0, 1.0, 1.0])
    for extra in ({}, {"shading": "flat"}, {"wireframe": True}):
        image = mien.draw(QUAD, floor(1e4), camera=camera, size=size, samples=1, **extra)
        assert covered(image)[33:].all()
        assert not covered(image)[:32].any()
    cut = mien.draw(QUAD, floor(1e4), camera=camera, size=size, heat=heat)
    half = mien.draw(
        QUAD, floor(0.0), camera=camera, size=size, heat=np.array([0.5, 0.5, 1.0, 1.0]), heat_range=(0, 1)
    )
    assert np.abs(cut.astype(int) - half)[34:].max() <= 3
    behind = square(5.0)
    assert not covered(mien.draw(QUAD, behind, camera=mien.Camera((0, 0, 3), (0, 0, 0), lens=50.0))).any()
    assert not covered(mien.draw(QUAD, behind, camera=mien.Camera((0, 0, 3), (0, 0, 0), extent=5.0))).any()


def test_huge_triangles_fill_the_picture():
    for half in (1e3, 1e6, 1e9):
        for camera in (FRONT, LENS):
            image = mien.draw(QUAD, square(0.0, half), camera=camera, size=(65, 33), samples=1)
            assert covered(image).all()


def test_both_sides_are_drawn_and_the_inside_is_darker():
    turned = mien.Topology.from_polygons([[3, 2, 1, 0]])
    front = mien.draw(QUAD, square(), camera=FRONT, size=(40, 40))[20, 20].astype(int)
    inside = mien.draw(turned, square(), camera=FRONT, size=(40, 40))[20, 20].astype(int)
    assert (inside < front - 30).all()
    assert np.allclose(oracle.decode(inside / 255), look.BACK_FACE * oracle.decode(front / 255), atol=0.01)


def test_wires_are_the_edges_of_polygons_not_of_triangles():
    plain = mien.draw(QUAD, square(), camera=FRONT, size=(200, 200)).astype(int)
    wired = mien.draw(QUAD, square(), camera=FRONT, size=(200, 200), wireframe=True).astype(int)
    changed = (plain != wired).any(-1)
    assert changed[50, 60:140].all()
    assert changed[60:140, 149].all()
    assert not changed[55:145, 55:145].any()  # the diagonal is no edge
    pentagon = mien.Topology.from_polygons([[0, 1, 2, 3, 4]])
    angles = np.arange(5) / 5 * 2 * np.pi
    points = np.stack([np.cos(angles), np.sin(angles), 0 * angles], 1)
    plain, wired = (
        mien.draw(pentagon, points, camera=FRONT, size=(200, 200), wireframe=w, samples=1).astype(int)
        for w in (False, True)
    )
    rows, columns = np.nonzero((plain != wired).any(-1))
    x, y = (columns + 0.5 - 100) / 50, (100 - rows - 0.5) / 50
    ring = np.concatenate([points, points[:1]])[:, :2]
    a, b = ring[:-1, None], ring[1:, None]
    p = np.stack([x, y], -1)[None]
    s = np.clip(((p - a) * (b - a)).sum(-1) / ((b - a) ** 2).sum(-1), 0, 1)[..., None]
    assert np.linalg.norm(p - a - s * (b - a), axis=-1).min(0).max() < 1.2 / 50
    assert len(x) > 200


def test_more_samples_are_the_mean_light_of_a_finer_picture():
    topology, points = ball()
    for n in (2, 3, 4):
        fine = mien.draw(topology, points, camera=LENS, size=(30 * n, 20 * n), samples=1)
        mean = oracle.decode(fine / 255).reshape(20, n, 30, n, 3).mean((1, 3))
        image = mien.draw(topology, points, camera=LENS, size=(30, 20), samples=n)
        assert np.abs(image - np.rint(oracle.encode(mean) * 255)).max() <= 1


CODE = """
import hashlib, numpy as np, mien
from tests.test_draw import LENS, ball
topology, points = ball(24, 40)
takes = points + 0.05 * np.sin(np.arange(5))[:, None, None] * points[::-1]
takes[2, 100] = np.nan
heat = np.linspace(0, 1, takes.shape[0] * takes.shape[1]).reshape(takes.shape[:2])
digest = hashlib.sha256()
for dtype in (np.float32, np.float64):
    for options in ({}, {"shading": "flat"}, {"wireframe": True, "samples": 1}, {"heat": heat}):
        for camera in (LENS, mien.Camera((0, 0.2, 1.02), (0, 0, 0), lens=20.0)):
            digest.update(mien.draw(topology, takes.astype(dtype), camera=camera, size=(83, 61), **options).tobytes())
print(digest.hexdigest())
"""


def test_every_instruction_set_and_thread_count_gives_the_same_bytes(run_python):
    repository = str(pathlib.Path(__file__).parents[1])
    answers = {
        run_python(CODE, MIEN_ISA=path, MIEN_NUM_THREADS=threads, PYTHONPATH=repository)
        for path in instruction_sets()
        for threads in (("1", "3") if path == "base" else ("2",))
    }
    assert len(answers) == 1


def test_frames_are_drawn_as_if_alone_and_from_where_they_lie():
    topology, points = ball()
    take = np.stack([points, 1.1 * points, 0.8 * points, points + 0.1])
    take.flags.writeable = False
    colors = np.clip(np.abs(take) / 2, 0, 1)
    together = mien.draw(topology, take, camera=LENS, size=(40, 40), colors=colors)
    assert together.shape == (4, 40, 40, 3)
    for f in range(4):
        assert np.array_equal(
            together[f], mien.draw(topology, take[f], camera=LENS, size=(40, 40), colors=colors[f])
        )
    assert np.array_equal(
        together[::2], mien.draw(topology, take[::2], camera=LENS, size=(40, 40), colors=colors[::2])
    )
    heat = np.linspace(0, 1, 4 * len(points)).reshape(4, -1)
    assert np.array_equal(
        mien.draw(topology, take, camera=LENS, heat=heat)[2],
        mien.draw(topology, take[2], camera=LENS, heat=heat[2], heat_range=(0, 1)),
    )
    single = take.astype(np.float32)
    assert np.array_equal(
        mien.draw(topology, single, camera=LENS), mien.draw(topology, single.astype(np.float64), camera=LENS)
    )
    assert mien.draw(topology, take[:0], camera=LENS, size=(5, 4)).shape == (0, 4, 5, 3)


def test_nothing_to_draw_is_background():
    empty = mien.Topology([], [], 2)
    assert not covered(mien.draw(empty, np.zeros((2, 3)), size=(3, 2), camera=FRONT)).any()
    dark = mien.draw(empty, np.zeros((2, 3)), size=(3, 2), camera=FRONT, background=(1, 2, 3))
    assert (dark == [1, 2, 3]).all()
    line = np.array([[0, 0, 0], [1, 1, 0], [0.5, 0.5, 0], [0, 0, 0.0]])
    assert not covered(mien.draw(QUAD, line, camera=FRONT)).any()


def decode_png(data: bytes) -> np.ndarray:
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + body)
        chunks[kind] = body
        at += 12 + length
    width, height, depth, color = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    channels = {0: 1, 2: 3, 6: 4}[color]
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + channels * width)
    assert depth == 8
    assert (rows[:, 0] == 2).all()
    image = np.add.accumulate(rows[:, 1:], axis=0, dtype=np.uint8).reshape(height, width, channels)
    return image[..., 0] if channels == 1 else image


@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 5, 3), (4, 9, 4), (6, 3)])
def test_png_keeps_every_byte(shape, rng, tmp_path):
    image = rng.integers(0, 256, shape).astype(np.uint8)
    mien.write_png(tmp_path / "a.png", image)
    assert np.array_equal(decode_png((tmp_path / "a.png").read_bytes()), image)
    with pytest.raises(ValueError, match=r"`image` must have shape"):
        mien.write_png(tmp_path / "a.png", image[..., :2, None] if image.ndim == 2 else image[..., :2])
    with pytest.raises(TypeError, match="must be uint8"):
        mien.write_png(tmp_path / "a.png", image / 255)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (
            {"positions": np.zeros((3, 3))},
            ValueError,
            r"`positions` must have shape \(V, 3\) = \(4, 3\), got \(3, 3\)",
        ),
        ({"positions": np.zeros((4, 3), int)}, TypeError, "`positions` must be float32 or float64"),
        ({"topology": 3}, TypeError, "`topology` must be a Topology, got int"),
        ({"size": 800}, TypeError, r"`size` must be a pair \(width, height\)"),
        ({"size": (0, 5)}, ValueError, r"`size\[0\]` must be at least 1 and below 8193, got 0"),
        ({"camera": "front"}, TypeError, "`camera` must be a Camera, got str"),
        ({"shading": "toon"}, ValueError, "`shading` must be one of 'smooth', 'flat', got 'toon'"),
        ({"colors": np.zeros((4, 2))}, ValueError, r"`colors` must have shape \(V, 3\)"),
        (
            {"colors": np.full((4, 3), 255.0)},
            ValueError,
            r"`colors` must lie in \[0, 1\], got values from 255",
        ),
        ({"colors": np.full((4, 3), np.nan)}, ValueError, r"`colors` must lie in \[0, 1\]"),
        ({"heat": np.zeros(5)}, ValueError, r"`heat` must have shape \(V,\) = \(4,\), got \(5,\)"),
        ({"heat": np.zeros(4), "heat_range": (1, 1)}, ValueError, "`heat_range` must have low below high"),
        ({"heat": np.zeros(4), "heat_range": 3}, TypeError, r"`heat_range` must be a pair \(low, high\)"),
        (
            {"heat": np.zeros(4), "colors": np.zeros((4, 3))},
            ValueError,
            "at most one of .* got `?colors`? and `?heat`?",
        ),
        ({"texture": np.zeros((2, 2, 3), np.uint8)}, ValueError, "`texture` needs texture coordinates"),
        ({"background": (0, 0, 300)}, ValueError, "`background` must lie in 0 to 255"),
        ({"samples": 5}, ValueError, "`samples` must be at least 1 and below 5, got 5"),
    ],
)
def test_wrong_arguments_are_named(change, error, words):
    arguments = {"topology": QUAD, "positions": square(), **change}
    topology, positions = arguments.pop("topology"), arguments.pop("positions")
    with pytest.raises(error, match=words):
        mien.draw(topology, positions, **arguments)


def test_wrong_textures_and_cameras_are_named():
    mapped = mien.Topology([4], [0, 1, 2, 3], 4, uvs=[[0, 0]], uv_indices=[0, 0, 0, 0])
    with pytest.raises(TypeError, match="`texture` must be uint8, got float64"):
        mien.draw(mapped, square(), texture=np.zeros((2, 2, 3)))
    with pytest.raises(ValueError, match=r"`texture` must have shape \(height, width, 3\)"):
        mien.draw(mapped, square(), texture=np.zeros((2, 2), np.uint8))
    with pytest.raises(ValueError, match="one of `lens` and `extent` must be given"):
        mien.Camera((0, 0, 1), (0, 0, 0))
    with pytest.raises(ValueError, match="`up` must not point along the view"):
        mien.Camera((0, 1, 0), (0, 0, 0), lens=50)
    with pytest.raises(ValueError, match="`target` must differ from `position`"):
        mien.Camera((0, 0, 0), (0, 0, 0), lens=50)
    with pytest.raises(ValueError, match="`lens` must be above 0"):
        mien.Camera((0, 0, 1), (0, 0, 0), lens=-1)
    with pytest.raises(ValueError, match="`view` must be one of 'front'"):
        mien.Camera.fit(square(), "sideways")
    with pytest.raises(ValueError, match="`positions` must have a finite point"):
        mien.Camera.fit(np.full((4, 3), np.nan))
    with pytest.raises(ValueError, match=r"`positions` must be numbers \(V, 3\) or \(F, V, 3\)"):
        mien.Camera.fit(np.zeros((4, 2)))
