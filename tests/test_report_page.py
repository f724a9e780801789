"""The page as a file: what it holds, that it loads nothing, that names cannot break out of it."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html.parser
import json
import pathlib
import re
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mien
from mien.report import strays, worst_frames, write_page, write_report
from mien.report.packing import MISSING, Grid, pack_frames, pack_integers
from mien.report.survey import subject_axes
from mien.report.timeline import confidence_band


def ball(n_frames: int = 40, *, rows: int = 9, fps: float = 25.0, **more: Any) -> mien.Performance:
    """Make a nodding ball of quads, 12 cm across, that bulges on one side: head and expression known."""
    u, v = np.meshgrid(np.linspace(0, np.pi, rows), np.linspace(0, 2 * np.pi, 2 * rows, endpoint=False))
    neutral = 6 * np.stack([np.sin(u) * np.cos(v), np.cos(u), np.sin(u) * np.sin(v)], -1).reshape(-1, 3)
    at = np.arange(len(neutral)).reshape(2 * rows, rows)
    following = np.roll(at, -1, axis=0)
    quads = np.stack([at[:, :-1], at[:, 1:], following[:, 1:], following[:, :-1]], -1).reshape(-1, 4)
    phase = np.linspace(0, 4, n_frames)
    bulge = np.clip(neutral[:, 2] - 2, 0, None)[:, None] * neutral / 60
    expression = neutral + np.sin(2 * phase)[:, None, None] * bulge
    vectors = np.stack([0.3 * np.sin(phase), 0.2 * np.cos(phase), 0 * phase], 1)
    half = np.concatenate([np.sin(vectors / 2), np.ones((n_frames, 1))], 1)
    head = mien.RigidMotion.from_quaternions(half, np.stack([phase, 150 + 0 * phase, -phase], 1))
    options = {"start_frame": 1001, "metres_per_unit": 0.01, "up_axis": "y", "name": "ball", **more}
    topology = mien.Topology.from_polygons(quads)
    take = mien.MeshSequence(topology, head.apply(expression).astype(np.float32), fps=fps, **options)
    residual = 0.01 + 0.005 * np.sin(phase)
    return mien.Performance(take, head, neutral, residual, 1 - residual, method="known")


def edited(perf: mien.Performance, start: int = 12, stop: int = 20, size: float = 0.8) -> mien.MeshSequence:
    """Push the front of some frames outwards; everything else stays bit for bit."""
    positions = perf.take.positions.copy()
    region = np.flatnonzero(np.asarray(perf.neutral)[:, 2] > 3)
    for f in range(start, stop):
        push = perf.head.rotation[f] @ [0, 0, size]
        positions[f, region] += push.astype(positions.dtype)
    return perf.take.with_positions(positions)


class Parsed(html.parser.HTMLParser):
    """What a browser sees: elements with their attributes, and the text of each script and style."""

    def __init__(self, path: pathlib.Path) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.inside = False
        self.feed(path.read_bytes().decode())
        self.close()
        blocks = [
            (tag, attributes, text) for (tag, attributes), text in zip(self.tags, self.texts, strict=True)
        ]
        self.blocks = {a["id"]: text for tag, a, text in blocks if tag == "script" and "id" in a}
        self.scripts = [text for tag, a, text in blocks if tag == "script" and "type" not in a]
        self.styles = [text for tag, _, text in blocks if tag == "style"]
        self.headings = [text for tag, _, text in blocks if tag in ("title", "h1")]
        self.data = json.loads(self.blocks["data"])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.texts.append("")
        self.inside = True

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.texts[-1] += data

    def inflated(self, name: str) -> bytes:
        return zlib.decompress(base64.b64decode(self.blocks[f"data-{name}"]))

    def frames(self, name: str, n_frames: int, n_vertices: int) -> np.ndarray:
        """Undo `pack_frames` one number at a time, as the format is described."""
        data = self.inflated(name)
        assert len(data) == n_frames * n_vertices * 6
        out = np.zeros((n_frames, n_vertices, 3), dtype=np.int64)
        for f in range(n_frames):
            for c in range(3):
                at = (f * 3 + c) * 2 * n_vertices
                low = np.frombuffer(data, np.uint8, n_vertices, at).astype(np.int64)
                high = np.frombuffer(data, np.uint8, n_vertices, at + n_vertices).astype(np.int64)
                out[f, :, c] = low + 256 * high + (out[f - 1, :, c] if f else 0)
        return (out + 32768) % 65536 - 32768

    def meshes(self) -> tuple[np.ndarray, np.ndarray]:
        """World positions before and after the edit, (K, V, 3) each."""
        data, n, k = self.data, self.data["nVertices"], len(self.data["frames"])
        before = self.frames("expression", k + 1, n)[1:]
        after = before.copy()
        if data["edited"]:
            vertices = np.cumsum(np.frombuffer(self.inflated("vertices"), "<i4"))
            changes = self.frames("edited", len(data["edited"]), len(vertices))
            for place, change in zip(data["edited"], changes, strict=True):
                after[place, vertices] += change
        pose = np.frombuffer(self.inflated("pose"), "<f4").reshape(k, 12).astype(np.float64)
        rotation, translation = pose[:, :9].reshape(-1, 3, 3), pose[:, 9:]

        def world(counts: np.ndarray) -> np.ndarray:
            points = np.array(data["offset"]) + data["step"] * counts
            points[(counts == MISSING).any(-1)] = np.nan
            return np.einsum("fij,fvj->fvi", rotation, points) + translation[:, None]

        return world(before), world((after + 32768) % 65536 - 32768)


@pytest.fixture
def page(tmp_path: pathlib.Path) -> Callable[..., Parsed]:
    def write(*args: Any, **options: Any) -> Parsed:
        return Parsed(write_page(tmp_path / "page.html", *args, **options).path)

    return write


# --- what it holds


def test_positions_are_within_the_precision_that_the_page_states(page: Callable[..., Parsed]) -> None:
    perf = ball()
    result = edited(perf)
    parsed = page(perf, result)
    before, after = parsed.meshes()
    millimetres = parsed.data["precision"]
    # Poses are float32 at 150 cm from the origin: 2 ulp of that come on top.
    bound = millimetres + 10 * 2 * np.spacing(np.float32(150))
    for drawn, meant in ((before, perf.take.positions), (after, result.positions)):
        error = 10 * np.linalg.norm(drawn - meant, axis=-1)
        assert error.max() <= bound
    assert millimetres < 0.01
    assert np.abs(after - before).max() > 0.5


def test_the_page_moves_only_what_the_edit_moves(page: Callable[..., Parsed]) -> None:
    perf = ball()
    result = edited(perf, 12, 20)
    parsed = page(perf, result)
    before, after = parsed.meshes()
    touched = (perf.take.positions != result.positions).any(-1)
    np.testing.assert_array_equal((before != after).any(-1), touched)
    assert parsed.data["edited"] == list(range(12, 20))


def test_polygons_come_back_as_they_are(page: Callable[..., Parsed]) -> None:
    perf = ball()
    parsed = page(perf)
    for name, meant in (
        ("counts", perf.take.topology.face_counts),
        ("indices", perf.take.topology.face_indices),
    ):
        got = np.cumsum(np.frombuffer(parsed.inflated(name), "<i4"))
        np.testing.assert_array_equal(got, meant)


def test_curves_are_of_all_frames_in_the_units_they_name(page: Callable[..., Parsed]) -> None:
    perf = ball(30)
    result = edited(perf, 5, 9, size=0.25)
    curves = {c["key"]: c for c in page(perf, result, max_frames=10).data["curves"]}
    assert list(curves) == [*("rotation", "translation", "residual", "confidence", "expression", "edit")]
    assert curves["residual"]["unit"] == curves["edit"]["unit"] == "mm"
    np.testing.assert_allclose(curves["residual"]["lines"][0]["values"], 10 * perf.residual, rtol=1e-4)
    edit = np.array(curves["edit"]["lines"][0]["values"])
    np.testing.assert_allclose(edit[5:9], 2.5, rtol=1e-4)
    assert not edit[:5].any()
    assert not edit[9:].any()
    mean = perf.head.scaled(0)[0]
    turned = np.array([line["values"] for line in curves["rotation"]["lines"]])
    angles = np.degrees(np.linalg.norm((mean.inverse() @ perf.head).rotation_vectors, axis=1))
    np.testing.assert_allclose(np.linalg.norm(turned, axis=0), angles, atol=1e-3)


@pytest.mark.parametrize("up_axis", ["y", "z"])
@pytest.mark.parametrize("facing", [0.0, 2.5])
def test_nod_turn_and_tilt_are_the_subjects(page: Callable[..., Parsed], up_axis: str, facing: float) -> None:
    perf = ball(up_axis=up_axis)
    up = np.array({"y": [0, 1, 0], "z": [0, 0, 1]}[up_axis], dtype=float)
    ahead = np.array({"y": [0, 0, 1], "z": [0, -1, 0]}[up_axis], dtype=float)
    away = mien.RigidMotion.from_quaternions([[*(np.sin(facing / 2) * up), np.cos(facing / 2)]], [[0, 0, 0]])
    ahead = away.rotation[0] @ ahead
    for name, axis in (("nod", np.cross(up, ahead)), ("turn", up), ("tilt", ahead)):
        half = np.radians(np.linspace(-8, 8, len(perf))) / 2
        swing = np.concatenate([np.sin(half)[:, None] * axis, np.cos(half)[:, None]], 1)
        head = mien.RigidMotion.from_quaternions(swing, np.zeros((len(perf), 3))) @ away
        moved = mien.Performance(perf.take, head, perf.neutral, perf.residual, perf.confidence)
        drawn = {line["name"]: line["values"] for line in page(moved).data["curves"][0]["lines"]}
        for other, values in drawn.items():
            expected = np.linspace(-8, 8, len(perf)) if other == name else 0
            np.testing.assert_allclose(values, expected, atol=1e-3)


def test_how_head_space_lies_in_the_head_does_not_matter(page: Callable[..., Parsed]) -> None:
    perf = ball()
    turn = mien.RigidMotion.from_quaternions([[0.4, 0, 0, 1]], [[3, -20, 8]])
    other = mien.Performance(
        perf.take, perf.head @ turn.inverse(), turn.apply(perf.neutral)[0], perf.residual, perf.confidence
    )
    one, two = page(perf).data, page(other).data
    turned = [np.array([line["values"] for line in d["curves"][0]["lines"]]) for d in (one, two)]
    np.testing.assert_allclose(*(np.linalg.norm(t, axis=0) for t in turned), atol=1e-3)
    np.testing.assert_allclose(*turned, atol=0.05)  # ahead differs a little when the mean head is tilted
    assert one["camera"]["yaw"] == pytest.approx(two["camera"]["yaw"], abs=0.01)
    for space in ("still", "world"):
        np.testing.assert_allclose(one["camera"][space]["half"], two["camera"][space]["half"], atol=1e-4)


def test_translation_is_the_way_of_the_face_and_bands_are_what_confidence_stands_for(
    page: Callable[..., Parsed],
) -> None:
    perf = ball()
    curves = {c["key"]: c for c in page(perf).data["curves"]}
    middle = np.asarray(perf.neutral).mean(0)
    way = perf.head.apply(middle[None])[:, 0]
    axes = subject_axes(perf)
    drawn = np.array([line["values"] for line in curves["translation"]["lines"]])
    np.testing.assert_allclose(drawn.T, 10 * (way - way.mean(0)) @ axes.T, atol=1e-3)
    band = confidence_band(perf)
    np.testing.assert_allclose(curves["translation"]["band"], 10 * band.distance, rtol=1e-2)
    np.testing.assert_allclose(curves["rotation"]["band"], band.angle, rtol=1e-2)


def test_a_second_method_is_a_pose_a_frame_and_a_curve(page: Callable[..., Parsed]) -> None:
    perf = ball()
    turn = mien.RigidMotion.from_quaternions([[0.05, 0, 0, 1]], [[0.3, 0, 0]])
    turned = perf.head @ turn
    late = np.arange(len(perf)) >= 20
    head = mien.RigidMotion(
        np.where(late[:, None, None], turned.rotation, perf.head.rotation),
        np.where(late[:, None], turned.translation, perf.head.translation),
    )
    other = dataclasses.replace(perf, head=head, method="second")
    parsed = page(perf, compare=other, max_frames=20)
    assert (parsed.data["method"], parsed.data["other"]) == ("known", "second")
    frames = parsed.data["frames"]
    numbers = np.frombuffer(parsed.inflated("relative"), "<f4").reshape(-1, 12).astype(np.float64)
    assert len(numbers) == len(frames) == 20
    moved = np.einsum("fij,vj->fvi", numbers[:, :9].reshape(-1, 3, 3), perf.neutral) + numbers[:, None, 9:]
    expected = head[np.array(frames)].apply_inverse(
        perf.head[np.array(frames)].apply(np.asarray(perf.neutral))
    )
    np.testing.assert_allclose(moved, expected, atol=1e-5)
    curve = next(c for c in parsed.data["curves"] if c["key"] == "difference")
    np.testing.assert_allclose(curve["lines"][0]["values"], 10 * perf.compare(other).distance, rtol=1e-4)
    assert parsed.data["heatRange"]["difference"] >= 10 * np.quantile(perf.compare(other).furthest, 0.9)
    assert parsed.data["worst"]["difference"][0] >= 20
    without = page(perf)
    assert without.data["other"] is None
    assert "data-relative" not in without.blocks


def test_mobility_is_what_strays_found(page: Callable[..., Parsed]) -> None:
    perf = ball()
    positions = perf.take.positions.copy()
    positions[:, 9] = np.nan
    perf = dataclasses.replace(perf, take=perf.take.with_positions(positions))
    parsed = page(perf)
    share = np.frombuffer(parsed.inflated("mobility"), np.uint8) / 255 * parsed.data["heatRange"]["mobility"]
    found = 10 * strays(perf).most
    assert share[9] == 0
    known = np.isfinite(found)
    top = parsed.data["heatRange"]["mobility"]
    np.testing.assert_allclose(share[known], np.minimum(found[known], top), atol=top / 500)
    assert parsed.data["worst"]["residual"] == worst_frames(perf).tolist()


def test_without_a_result_there_is_nothing_edited(page: Callable[..., Parsed]) -> None:
    parsed = page(ball())
    assert parsed.data["edited"] is None
    assert "data-edited" not in parsed.blocks
    assert set(parsed.data["heatRange"]) == {"expression", "residual", "mobility"}


def test_a_result_without_an_edit_is_fine(page: Callable[..., Parsed]) -> None:
    perf = ball()
    parsed = page(perf, perf.take)
    assert parsed.data["edited"] == []
    before, after = parsed.meshes()
    np.testing.assert_array_equal(before, after)


def test_facts_of_the_caller_come_last(page: Callable[..., Parsed]) -> None:
    facts = page(ball(), facts={"No-op": "bit for bit", "Leak": 0.0, "Skull": 1.25e-7}).data["facts"]
    assert facts[-3:] == [["No-op", "bit for bit"], ["Leak", "0"], ["Skull", "1.2e-07"]]
    assert ["Frames", "40 (1001–1040)"] in facts
    assert ["Scene unit", "centimetre"] in facts
    assert ["Separation", "known"] in facts


def test_missing_positions_stay_missing(page: Callable[..., Parsed]) -> None:
    perf = ball()
    positions = perf.take.positions.copy()
    positions[3, 5] = np.nan
    positions[4:6, 17] = np.nan
    whole = mien.Performance(
        perf.take.with_positions(positions), perf.head, perf.neutral, perf.residual, perf.confidence
    )
    result = edited(whole)
    parsed = page(whole, result)
    before, _ = parsed.meshes()
    np.testing.assert_array_equal(np.isnan(before), np.isnan(positions))
    assert any("3 positions are missing" in note for note in parsed.data["notes"])
    assert parsed.data["edited"] == list(range(12, 20))


def test_a_frame_without_any_position_has_no_displacement(page: Callable[..., Parsed]) -> None:
    perf = ball()
    positions = perf.take.positions.copy()
    positions[7] = np.nan
    whole = mien.Performance(
        perf.take.with_positions(positions), perf.head, perf.neutral, perf.residual, perf.confidence
    )
    values = page(whole).data["curves"][4]["lines"][0]["values"]
    assert values[7] is None
    assert None not in values[:7]


def test_one_outlier_does_not_take_the_precision_of_the_rest(page: Callable[..., Parsed]) -> None:
    perf = ball()
    positions = perf.take.positions.copy()
    positions[3, 5] += 1e5
    wild = mien.Performance(
        perf.take.with_positions(positions), perf.head, perf.neutral, perf.residual, perf.confidence
    )
    parsed = page(wild)
    assert parsed.data["precision"] < 0.02
    assert any("far from the face" in note for note in parsed.data["notes"])
    before, _ = parsed.meshes()
    error = np.linalg.norm(before - positions, axis=-1)
    error[3, 5] = 0
    assert 10 * error.max() < parsed.data["precision"] + 1e-3


def test_lengths_without_a_unit_are_called_units(page: Callable[..., Parsed]) -> None:
    parsed = page(ball(metres_per_unit=None))
    assert parsed.data["unit"] == "units"
    assert any("does not state its unit" in note for note in parsed.data["notes"])


# --- how large it is


def test_frames_are_skipped_to_stay_small_and_the_page_says_so(tmp_path: pathlib.Path) -> None:
    perf = ball(60)
    full = write_page(tmp_path / "full.html", perf)
    few = write_page(tmp_path / "few.html", perf, max_frames=20)
    np.testing.assert_array_equal(full.frames, np.arange(60))
    np.testing.assert_array_equal(few.frames, np.arange(0, 60, 3))
    assert any("one frame in 3 (20 of 60)" in note for note in Parsed(few.path).data["notes"])
    assert not Parsed(full.path).data["notes"]

    limit = full.n_bytes - 4000
    small = write_page(tmp_path / "small.html", perf, max_bytes=limit)
    assert 1 < len(small.frames) < 60
    assert small.n_bytes == small.path.stat().st_size <= limit
    before, _ = Parsed(small.path).meshes()
    assert 10 * np.abs(before - perf.take.positions[small.frames]).max() < 0.01


def test_an_impossible_size_still_gives_one_frame(tmp_path: pathlib.Path) -> None:
    written = write_page(tmp_path / "page.html", ball(10), max_bytes=1000)
    np.testing.assert_array_equal(written.frames, [0])


def test_a_take_needs_about_a_quarter_of_its_float32_size(tmp_path: pathlib.Path) -> None:
    empty = write_page(tmp_path / "one.html", ball(40, rows=40), max_frames=1)
    perf = ball(40, rows=40)
    whole = write_page(tmp_path / "all.html", perf)
    assert whole.n_bytes - empty.n_bytes < 0.27 * perf.take.positions.nbytes


# --- one file that loads nothing and cannot be broken into


HOSTILE = "</script><script>alert(1)</script><!-- \" ' & {{data}} \u2028 </title><img src=x onerror=alert(2)>"


def test_the_page_names_nothing_outside_itself(page: Callable[..., Parsed], tmp_path: pathlib.Path) -> None:
    parsed = page(ball(), edited(ball()))
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]
    for tag, attributes in parsed.tags:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "a", "form"), tag
        outside = set(attributes) & {"src", "href", "srcset", "action", "data", "style"}
        assert not outside, (tag, outside)
        assert not [name for name in attributes if name.startswith("on")]
    text = (tmp_path / "page.html").read_text()
    assert set(re.findall(r"https?://[\w./-]*", text)) == {"http://www.w3.org/2000/svg"}
    assert "url(" not in "".join(parsed.styles)
    assert "@import" not in "".join(parsed.styles)


def test_the_policy_allows_this_script_and_this_style_only(page: Callable[..., Parsed]) -> None:
    parsed = page(ball())
    policy = next(a["content"] for tag, a in parsed.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert len(parsed.scripts) == len(parsed.styles) == 1
    for text, kind in ((parsed.scripts[0], "script-src"), (parsed.styles[0], "style-src")):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in policy


@pytest.mark.parametrize("where", ["name", "title", "method", "other method", "fact", "fact name"])
def test_hostile_text_stays_text(page: Callable[..., Parsed], where: str) -> None:
    other = where == "other method"
    calm = page(ball(), facts={"a": "b"}, compare=ball() if other else None)
    perf = ball(name=HOSTILE) if where == "name" else ball()
    if where == "method":
        perf = mien.Performance(
            perf.take, perf.head, perf.neutral, perf.residual, perf.confidence, method=HOSTILE
        )
    title = HOSTILE if where == "title" else None
    facts = {HOSTILE if where == "fact name" else "a": HOSTILE if where == "fact" else "b"}
    compare = dataclasses.replace(perf, method=HOSTILE) if other else None
    parsed = page(perf, title=title, facts=facts, compare=compare)
    assert parsed.tags == calm.tags
    assert parsed.scripts == calm.scripts
    if where in ("name", "title"):
        assert parsed.data["title"] == HOSTILE
        assert parsed.headings == [f"{HOSTILE} · mien report", HOSTILE]
    elif other:
        assert parsed.data["other"] == HOSTILE
    else:
        assert any(HOSTILE in row for row in parsed.data["facts"])


def test_names_that_are_no_text_are_written(page: Callable[..., Parsed]) -> None:
    parsed = page(ball(name="take_\udcff.abc"))
    assert parsed.headings[0] == "take_?.abc · mien report"


# --- writing


def test_the_same_input_gives_the_same_bytes(tmp_path: pathlib.Path) -> None:
    for name in ("a.html", "b.html"):
        perf = ball()
        write_page(tmp_path / name, perf, edited(perf), facts={"x": 1.0, "y": "2"})
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_failed_write_leaves_the_old_page(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")

    def full(self: pathlib.Path, data: bytes) -> int:
        with open(self, "wb") as file:
            file.write(data[:100])
        raise OSError("the disk is full")

    monkeypatch.setattr(pathlib.Path, "write_bytes", full)
    with pytest.raises(OSError, match="disk is full"):
        write_page(path, ball())
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]


def test_progress_rises_to_its_total(tmp_path: pathlib.Path) -> None:
    seen: list[tuple[int, int]] = []
    write_page(tmp_path / "page.html", ball(50), progress=lambda done, total: seen.append((done, total)))
    done = [d for d, _ in seen]
    assert done == sorted(done)
    assert {total for _, total in seen} == {100}
    assert done[-1] == 100
    assert len(set(done)) > 4


def test_inputs_are_not_touched(tmp_path: pathlib.Path) -> None:
    perf = ball()
    result = edited(perf)
    kept = [perf.take.positions.copy(), result.positions.copy(), np.array(perf.neutral)]
    write_page(tmp_path / "page.html", perf, result)
    for before, after in zip(kept, (perf.take.positions, result.positions, perf.neutral), strict=True):
        np.testing.assert_array_equal(before, after)
    assert "expression" not in vars(perf), "the whole expression was computed and kept"


def test_a_report_is_a_folder_with_the_page(tmp_path: pathlib.Path) -> None:
    perf = ball(8)
    files = write_report(tmp_path / "new" / "folder", perf, edited(perf, 2, 5), facts={"a": "b"})
    assert files[0] == tmp_path / "new" / "folder" / "report.html"
    assert all(file.is_file() for file in files)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"perf": 3}, TypeError, "`perf` must be a Performance"),
        ({"perf": ball(1)[0:0]}, ValueError, "`perf` must have at least one frame"),
        ({"result": 3}, TypeError, "`result` must be a MeshSequence"),
        ({"result": ball(10).take}, ValueError, r"`result` must have F = 40 frames, got 10"),
        ({"result": ball(40, rows=5).take}, ValueError, "`result` must have the topology of the take"),
        ({"compare": 3}, TypeError, "`other` must be a Performance"),
        ({"compare": ball(10)}, ValueError, r"`other` must have F = 40 frames"),
        ({"title": 3}, TypeError, "`title` must be a str"),
        ({"facts": [1]}, TypeError, "`facts` must be a mapping"),
        ({"facts": {"a": None}}, TypeError, r"`facts\['a'\]` must be a number"),
        ({"facts": {"a": float("nan")}}, ValueError, r"`facts\['a'\]` must be a finite number"),
        ({"max_frames": 0}, ValueError, "`max_frames` must be at least 1"),
        ({"max_bytes": 0.5}, TypeError, "`max_bytes` must be an integer"),
    ],
)
def test_wrong_arguments_are_named(
    tmp_path: pathlib.Path, change: dict[str, Any], error: type[Exception], words: str
) -> None:
    arguments: dict[str, Any] = {"perf": ball(), "result": None, **change}
    with pytest.raises(error, match=words):
        write_page(tmp_path / "page.html", arguments.pop("perf"), arguments.pop("result"), **arguments)
    assert not list(tmp_path.iterdir())


# --- packing


@given(st.integers(1, 5), st.integers(1, 7), st.integers(0, 2**32 - 1))
def test_any_counts_survive_packing(n_frames: int, n_vertices: int, seed: int) -> None:
    counts = np.random.default_rng(seed).integers(-32768, 32767, (n_frames, n_vertices, 3), endpoint=True)
    parsed = object.__new__(Parsed)
    parsed.blocks = {"data-x": base64.b64encode(pack_frames(counts.astype(np.int16))).decode()}
    np.testing.assert_array_equal(parsed.frames("x", n_frames, n_vertices), counts)


def test_integers_survive_packing(rng: np.random.Generator) -> None:
    values = rng.integers(0, 2**31 - 1, 100)
    back = np.cumsum(np.frombuffer(zlib.decompress(pack_integers(values)), "<i4"), dtype=np.int32)
    np.testing.assert_array_equal(back, values)


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_a_grid_is_as_precise_as_it_says(rng: np.random.Generator, size: float) -> None:
    points = size * rng.normal(size=(200, 3)) + 50 * size
    grid = Grid.around(points, points.min(0), points.max(0))
    assert grid.holds(points.min(0), points.max(0))
    back = grid.positions(grid.counts(points))
    assert np.linalg.norm(back - points, axis=1).max() <= grid.precision * (1 + 1e-9)
    assert grid.precision < 1e-4 * np.ptp(points, axis=0).max()


def test_a_grid_around_one_point_is_a_grid() -> None:
    point = np.array([[3.0, -2.0, 7.0]])
    grid = Grid.around(point, point[0], point[0])
    np.testing.assert_array_equal(grid.positions(grid.counts(point)), point)
