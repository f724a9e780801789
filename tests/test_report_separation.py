"""What the report shows of a separation: the right faces, numbers and frames."""

from __future__ import annotations

import dataclasses
import json
import struct
import zlib

import numpy as np
import pytest
from click.testing import CliRunner

import mien
from mien.cli.report import command
from mien.report import (
    difference,
    film,
    head_path,
    head_removed,
    mobility_map,
    residual_map,
    strays,
    worst_frames,
    write_report,
)
from mien.report.sheet import Stage
from mien.report.timeline import confidence_band

pytest.importorskip("matplotlib", reason="pictures with words need the extra `report`")


@pytest.fixture(scope="module")
def perf() -> mien.Performance:
    """A face that turns and speaks for 24 frames, its head known."""
    made = mien.datasets.performance(mien.datasets.head("preview"), n_frames=24, seed=3)
    return mien.Performance(
        made.take, made.head_motion, made.neutral, np.linspace(0, 0.02, 24), np.linspace(1, 0.2, 24)
    )


def still(perf: mien.Performance) -> mien.Performance:
    """Make a performance of the same head whose face stays at rest."""
    rest = perf.head.apply(np.broadcast_to(perf.neutral, perf.take.positions.shape))
    return dataclasses.replace(
        perf, take=perf.take.with_positions(rest.astype(perf.take.positions.dtype)), neutral=perf.neutral
    )


def test_a_face_at_rest_looks_the_same_in_every_frame_once_its_head_is_removed(perf, tmp_path):
    image = head_removed(still(perf), frames=[0, 12, 23], path=tmp_path / "strip.png")
    assert (tmp_path / "strip.png").is_file()
    width, height = 270, 320
    cells = [image[160 : 160 + height, 28 + c * width : 28 + (c + 1) * width].astype(int) for c in range(6)]
    captured, removed = cells[0::2], cells[1::2]
    for other in removed[1:]:
        assert np.mean(np.abs(other - removed[0]).max(-1) > 12) < 0.002
    assert np.mean(np.abs(captured[2] - captured[0]).max(-1) > 12) > 0.02


def test_the_stage_is_the_same_however_head_space_lies(perf):
    other = mien.RigidMotion.from_quaternions([[0.3, -0.2, 0.4, 0.8]], [[4.0, 5.0, -6.0]])
    turned = dataclasses.replace(
        perf,
        head=perf.head @ other.inverse(),
        neutral=other.apply(perf.neutral.astype(np.float64))[0],
    )
    one = Stage.of(perf, (60, 80)).drawn(perf, np.asarray(perf.neutral)[None])
    two = Stage.of(turned, (60, 80)).drawn(turned, np.asarray(turned.neutral)[None])
    assert np.mean(np.abs(one.astype(int) - two).max(-1) > 8) < 0.01


def test_frames_that_are_not_there_are_named(perf):
    with pytest.raises(ValueError, match="`frames` must lie in 0 to 23, got 0 to 24"):
        head_removed(perf, frames=[0, 24])


def test_strays_are_quantiles_of_the_way_from_the_median_place(perf):
    found = strays(perf)
    local = perf.expression.astype(np.float64)
    distance = np.linalg.norm(local - np.median(local, axis=0), axis=2)
    np.testing.assert_allclose(found.usual, np.quantile(distance, 0.5, axis=0), atol=1e-9)
    np.testing.assert_allclose(found.most, np.quantile(distance, 0.95, axis=0), atol=1e-9)


def test_strays_leave_out_what_is_missing(perf):
    positions = perf.take.positions.copy()
    positions[5, 7] = np.nan
    positions[:, 9] = np.nan
    take = dataclasses.replace(perf.take, positions=positions)
    found, whole = strays(dataclasses.replace(perf, take=take)), strays(perf)
    assert np.isnan(found.most[9])
    assert np.isfinite(found.most[7])
    others = np.delete(np.arange(len(found.most)), [7, 9])
    np.testing.assert_array_equal(found.most[others], whole.most[others])


def test_the_mobility_map_colours_what_moves_and_shows_what_was_expected(perf):
    plain = mobility_map(still(perf))
    moving = mobility_map(perf)
    beside = mobility_map(perf, carried=np.ones(perf.take.n_vertices))
    face = np.s_[170:620, 28:868]
    assert np.mean(np.abs(plain[face].astype(int) - moving[face]).max(-1) > 12) > 0.02
    assert beside.shape[1] == moving.shape[1] + 416
    with pytest.raises(ValueError, match="`carried` must have shape"):
        mobility_map(perf, carried=np.ones(3))


def test_the_worst_frames_are_the_largest_residuals_apart_in_time(perf):
    residual = np.zeros(24)
    residual[[3, 4, 20]] = 2.0, 3.0, 1.0
    found = worst_frames(dataclasses.replace(perf, residual=residual), 2)
    assert found.tolist() == [4, 20]
    assert residual_map(dataclasses.replace(perf, residual=residual)).ndim == 3


def test_the_band_is_the_error_that_confidence_stands_for(perf):
    trust = np.full(24, 0.5)
    trust[:2] = 1.0, 0.0
    band = confidence_band(dataclasses.replace(perf, confidence=trust))
    spread = perf.neutral.astype(np.float64) - perf.neutral.mean(0, dtype=np.float64)
    radius = np.sqrt((spread**2).sum(1).mean())
    assert band.distance[0] == band.angle[0] == 0
    assert band.distance[2] == pytest.approx(0.3 / 250 * np.sqrt(12) * radius)
    assert band.angle[2] == pytest.approx(np.degrees(band.distance[2] / radius))
    assert np.isfinite(band.distance[1])
    assert band.distance[1] == pytest.approx(np.sqrt(99) * band.distance[2])


def test_wider_bands_fill_more_of_the_picture(perf, tmp_path):
    def tinted(trust):
        image = head_path(dataclasses.replace(perf, confidence=np.full(24, trust)), tmp_path / "path.png")
        background = np.array([242, 243, 245])
        return np.mean(np.abs(image[150:560].astype(int) - background).max(-1) > 12)

    assert tinted(0.05) > tinted(1.0) + 0.02


def shifted(perf: mien.Performance, frame: int, way: float) -> mien.Performance:
    translation = perf.head.translation.copy()
    translation[frame, 0] += way
    head = mien.RigidMotion(perf.head.rotation, translation)
    return dataclasses.replace(perf, head=head, method="shifted")


def test_a_report_that_compares_says_when_and_how_far(perf, tmp_path):
    files = write_report(tmp_path, perf, compare=shifted(perf, 17, 0.2))
    assert {file.name for file in files} >= {
        "difference.png",
        "separation.json",
        "mobility.png",
        "head_path.png",
    }
    assert all(file.is_file() for file in files)
    summary = json.loads((tmp_path / "separation.json").read_text())
    assert summary["unit"] == "mm"
    assert summary["difference"]["worst_frames"][0] == perf.take.start_frame + 17
    assert summary["difference"]["largest"] == pytest.approx(2.0, rel=1e-6)
    assert summary["difference"]["mean"] == pytest.approx(2.0 / 24, rel=1e-6)
    assert summary["residual"]["worst_frames"][0] == perf.take.start_frame + 23


def test_equal_separations_differ_nowhere(perf):
    same, other = difference(perf, perf), difference(perf, shifted(perf, 17, 0.2))
    face = np.s_[160:600, 28:408]
    clay = mobility_map(still(perf))
    assert clay.ndim == same.ndim
    assert np.mean(np.abs(same[face].astype(int) - other[face]).max(-1) > 3) > 0.05
    with pytest.raises(ValueError, match="`other` must have F = 24 frames"):
        difference(perf, perf[:5])


def animation(path):
    """Read what an animated PNG shows: (K, H, W, 3) pixels, and seconds a frame."""
    data, at, chunks = path.read_bytes(), 8, []
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0]
        chunks.append((kind, body))
        at += 12 + length
    assert [kind for kind, _ in chunks[:3]] == [b"IHDR", b"sRGB", b"acTL"]
    assert chunks[-1] == (b"IEND", b"")
    width, height = struct.unpack(">II", chunks[0][1][:8])
    shown, delays, canvas, numbers = [], [], np.zeros((height, width, 3), np.uint8), []
    for kind, body in chunks[3:-1]:
        if kind == b"fcTL":
            number, w, h, x, y, num, den, dispose, blend = struct.unpack(">IIIIIHHBB", body)
            assert (dispose, blend) == (0, 0)
            delays.append(num / den)
        else:
            if kind == b"fdAT":
                numbers.append(number)
                number, body = struct.unpack(">I", body[:4])[0], body[4:]
            rows = np.frombuffer(zlib.decompress(body), np.uint8).reshape(h, 1 + 3 * w)
            assert (rows[:, 0] == 2).all()
            canvas[y : y + h, x : x + w] = np.cumsum(rows[:, 1:], axis=0, dtype=np.uint8).reshape(h, w, 3)
            shown.append(canvas.copy())
            numbers.append(number)
    assert numbers == list(range(len(numbers)))
    assert struct.unpack(">II", chunks[2][1]) == (len(shown), 0)
    return np.stack(shown), delays


def test_the_film_shows_the_take_and_beside_it_the_face_without_its_head(perf, tmp_path):
    frames = film(still(perf), tmp_path / "film.png", max_frames=8)
    assert frames.tolist() == list(range(0, 24, 3))
    pictures, delays = animation(tmp_path / "film.png")
    assert pictures.shape == (8, 378, 568, 3)
    np.testing.assert_allclose(delays, 3 / perf.take.fps)
    faces = pictures[:, 44:].astype(int)
    captured, removed = faces[..., :284, :], faces[..., 284:, :]
    assert np.mean(np.abs(captured[4] - captured[0]).max(-1) > 12) > 0.02
    for other in removed[1:]:
        assert np.mean(np.abs(other - removed[0]).max(-1) > 12) < 0.004
    alone = head_removed(still(perf), frames=[0])[160:480, 28:298].astype(int)  # drawn with finer edges
    assert np.mean(np.abs(faces[0, :320, 14:284] - alone).max(-1) > 24) < 0.03


def test_the_film_of_two_methods_has_a_third_face(perf, tmp_path):
    film(perf, tmp_path / "film.apng", compare=shifted(perf, 16, 0.5), max_frames=6)
    pictures, _ = animation(tmp_path / "film.apng")
    assert pictures.shape == (6, 378, 838, 3)
    first, second = pictures[:, 44:, 284:554].astype(int), pictures[:, 44:, 554:824].astype(int)
    apart = np.mean(np.abs(first - second).max(-1) > 12, axis=(1, 2))
    assert int(apart.argmax()) == 4
    assert apart[4] > 4 * np.median(apart)


def test_films_that_cannot_be_written_leave_nothing(perf, tmp_path):
    with pytest.raises(ValueError, match=r"`path` must end in .png or .apng, got 'film.mp4'"):
        film(perf, tmp_path / "film.mp4")
    with pytest.raises(ValueError, match="`max_frames` must be at least 1"):
        film(perf, tmp_path / "film.png", max_frames=0)
    with pytest.raises(ValueError, match="`other` must have F = 24 frames"):
        film(perf, tmp_path / "film.png", compare=perf[:5])
    assert not list(tmp_path.iterdir())


def test_the_command_compares_two_methods(perf, tmp_path):
    mien.write(tmp_path / "take.npz", perf.take)
    arguments = [str(tmp_path / "take.npz"), "--method", "robust", "--compare", "procrustes"]
    more = ["-o", str(tmp_path / "out"), "--film", str(tmp_path / "film.png")]
    done = CliRunner().invoke(command, [*arguments, *more])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "difference.png").is_file()
    assert json.loads((tmp_path / "out" / "separation.json").read_text())["difference"]["mean"] > 0
    assert "procrustes" in (tmp_path / "out" / "report.html").read_text()
    assert animation(tmp_path / "film.png")[0].shape == (24, 378, 838, 3)
