"""EditList: a sequence in memory, and JSON that round-trips, can be written by hand and says what is wrong with it."""

from __future__ import annotations

import dataclasses
import json
import pathlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.performances import performance
from tests.test_editing import DONOR, edit_lists

import mien
from mien.editing import EnvelopeRecipe, RegionRecipe
from mien.editing.edit_list import KINDS

PERF = performance()
REST = PERF.neutral


def bits(perf: mien.Performance, edits: mien.EditList) -> np.ndarray:
    return mien.recombine(perf, edits).positions.view(np.uint32)


def plain(edit) -> dict:
    """An edit's fields as values that compare."""
    fields = {f.name: getattr(edit, f.name) for f in dataclasses.fields(edit)}
    return {k: (v.tobytes(), v.shape) if isinstance(v, np.ndarray) else v for k, v in fields.items()}


def test_it_is_an_immutable_sequence():
    a, b, c = mien.Gain(0.1), mien.Gain(0.2), mien.Gain(0.3)
    edits = mien.EditList([a, b])
    assert (len(edits), edits[0], edits[-1], list(edits)) == (2, a, b, [a, b])
    longer = edits + [c]  # noqa: RUF005
    assert isinstance(longer, mien.EditList)
    assert (len(edits), list(longer), list(longer[1:])) == (2, [a, b, c], [b, c])
    assert isinstance(longer[1:], mien.EditList)
    assert a in edits
    assert c not in edits
    with pytest.raises(TypeError):
        edits[0] = c
    with pytest.raises(TypeError, match="an edit such as"):
        edits + ["smile"]  # noqa: RUF005
    assert repr(longer) == "EditList([Gain, Gain, Gain])"


@given(edit_lists, st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_saving_and_loading_gives_the_same_edits(tmp_path, edits, with_take):
    path = tmp_path / "edits.json"
    edits.save(path, PERF if with_take else None)
    again = mien.EditList.load(path, PERF if with_take else None, sources={"donor": DONOR})
    assert [type(e) for e in again] == [type(e) for e in edits]
    for one, two in zip(edits, again, strict=True):
        assert plain(one) == plain(two)
    assert (bits(PERF, again) == bits(PERF, edits)).all()
    again.save(tmp_path / "again.json", PERF if with_take else None)
    assert (tmp_path / "again.json").read_text() == path.read_text()


def write(path: pathlib.Path, document: object) -> pathlib.Path:
    path.write_text(json.dumps(document))
    return path


def by_hand(*edits: object, **fields: object) -> dict:
    return {"schema": "mien.edits", "version": 1, "edits": list(edits), **fields}


GAIN = {
    "edit": "gain",
    "gain": 0.4,
    "region": {"seeds": [40, 41], "radius": 5.5, "hold": 1.0},
    "envelope": {"start": 1005, "peak": [1010, 1012], "end": 1020},
}


def test_a_person_can_write_it(tmp_path):
    paste = {
        "edit": "paste",
        "source": "laugh",
        "source_frames": [4, 20],
        "at": 1011,
        "region": {"indices": [3, 1], "weights": [0.5, 1]},
    }
    path = write(tmp_path / "fix.json", by_hand(GAIN, paste))
    laugh = performance(n_frames=30, seed=5, start_frame=2)
    edits = mien.EditList.load(path, PERF, sources={"laugh": laugh})
    region = np.zeros(99)
    region[[3, 1]] = 0.5, 1
    expected = [
        mien.Gain(0.4, region=RegionRecipe([40, 41], 5.5, hold=1.0), envelope=EnvelopeRecipe(4, (9, 11), 19)),
        mien.Paste(laugh, source_frames=(2, 18), at=10, region=region),
    ]
    assert [plain(e) for e in edits] == [plain(e) for e in expected]
    mouth = mien.region(PERF.take.topology, REST, [40, 41], 5.5, hold=1.0)
    arrays = mien.Gain(0.4, region=mouth, envelope=mien.envelope(40, 4, (9, 11), 19))
    assert (bits(PERF, edits[:1]) == bits(PERF, mien.EditList([arrays]))).all()


def test_frames_in_a_file_are_the_shots_own(tmp_path):
    edits = mien.EditList(
        [
            mien.Gain(0.4, envelope=EnvelopeRecipe(4, 9, 19)),
            mien.Gain(0.4, envelope=mien.envelope(40, 4, 9, 19)),
            mien.Paste(DONOR, source_frames=(0, 20), at=10),
            mien.Paste(source_frames=(3, 20), at=10),
            mien.Sculpt(12, REST),
        ]
    )
    edits.save(tmp_path / "shot.json", PERF.take)
    document = json.loads((tmp_path / "shot.json").read_text())
    recipe, array, donor, own, sculpt = document["edits"]
    assert recipe["envelope"] == {"start": 1005, "peak": 1010, "end": 1020}
    assert array["envelope"]["first"] == 1006
    assert donor["source_frames"] == [1, 21]
    assert (own["source_frames"], own["at"], sculpt["frame"]) == ([1004, 1021], 1011, 1013)
    assert document["take"] == {
        "name": "take",
        "start_frame": 1001,
        "frames": 40,
        "vertices": 99,
        "topology": PERF.take.topology.hash,
    }
    edits.save(tmp_path / "plain.json")
    plain_document = json.loads((tmp_path / "plain.json").read_text())
    assert plain_document["frame_numbers"] == "zero_based"
    assert plain_document["edits"][0]["envelope"]["peak"] == 9

    # The same shot, delivered again without its first 3 frames: the numbers still mean the same frames.
    trimmed = PERF[3:]
    moved = mien.EditList.load(tmp_path / "shot.json", trimmed, sources={"donor": DONOR})
    before, after = (
        mien.recombine(PERF, edits[:4]).positions[3:],
        mien.recombine(trimmed, moved[:4]).positions,
    )
    assert moved[4].frame == 9
    assert (after == before).all()


def test_it_reads_like_text(tmp_path):
    edits = mien.EditList([mien.Gain(0.4, region=RegionRecipe([3, 4], 2.0)), mien.Sculpt(2, REST)])
    edits.save(tmp_path / "a.json", PERF)
    lines = (tmp_path / "a.json").read_text().splitlines()
    assert '      "region": {"seeds": [3, 4], "radius": 2.0}' in lines
    assert len(lines) < 99 + 30
    assert max(map(len, lines)) < 120


def fails(path: pathlib.Path, *words: str, **arguments: object) -> None:
    with pytest.raises(mien.FormatError) as caught:
        mien.EditList.load(path, **{"take": PERF, **arguments})
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    for word in words:
        assert word in message, message


def changed(edit: dict, /, **fields: object) -> dict:
    return {k: v for k, v in {**edit, **fields}.items() if v is not None}


PASTE = {"edit": "paste", "source_frames": [1001, 1021], "at": 1010}
SCULPT = {"edit": "sculpt", "frame": 1005, "shape": [[0.0, 0.0, 0.0]] * 99}


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (changed(GAIN, gain=None), "(gain): field 'gain' is missing"),
        (changed(GAIN, gain="much"), "`gain` must be a number"),
        (
            changed(GAIN, gian=1),
            "field 'gian' is not known here; known are edit, gain, region, envelope, component",
        ),
        (
            changed(GAIN, edit="gian"),
            f"must be one of {', '.join(map(repr, KINDS))}, got 'gian'",
        ),
        (changed(GAIN, edit=None), "'edit' is missing"),
        (changed(GAIN, region=7), "(gain).region: expected an object"),
        (changed(GAIN, region={"seeds": [3]}), "(gain).region: field 'radius' is missing"),
        (changed(GAIN, region={"seeds": [], "radius": 2}), "`seeds` must name at least one vertex"),
        (changed(GAIN, region={"seeds": [1.5], "radius": 2}), "`seeds` must hold integers"),
        (changed(GAIN, region={"seeds": [[1, 2], [3]], "radius": 2}), "'seeds' must be a regular list"),
        (changed(GAIN, region={"seeds": ["a"], "radius": 2}), "'seeds' must hold numbers"),
        (changed(GAIN, region={"seeds": [1], "radius": 2, "hold": 3}), "`hold` must be below"),
        (changed(GAIN, region={"seeds": [1], "radius": 2, "size": 3}), "'size' is not known here"),
        (
            changed(GAIN, region={"indices": [1, 1], "weights": [1, 1]}),
            "'indices' must name different vertices",
        ),
        (changed(GAIN, region={"indices": [99], "weights": [1]}), "from 0 to 98"),
        (changed(GAIN, region={"indices": [1], "weights": [1, 1]}), "one number for each index"),
        (changed(GAIN, region={"indices": [1], "weights": [2]}), "must lie in [0, 1]"),
        (changed(GAIN, region={"indices": [], "weights": []}), "weight above 0"),
        (
            changed(GAIN, region={"indices": [1], "weights": [1], "size": 12}),
            "must be 99 as in the take, got 12",
        ),
        (changed(GAIN, envelope={"start": 1001, "peak": 1000, "end": 1020}), "must be in order"),
        (changed(GAIN, envelope={"start": 1001, "peak": 1.5, "end": 1020}), "'peak' must be a whole number"),
        (changed(GAIN, envelope={"start": 1001, "peak": [1, 2, 3], "end": 1020}), "a pair of frames"),
        (changed(GAIN, envelope={"start": 1001, "end": 1020}), "(gain).envelope: field 'peak' is missing"),
        (changed(GAIN, envelope={"first": 1039, "weights": [1, 1, 1]}), "outside a take of 40 frames"),
        (
            changed(PASTE, source="laugh"),
            "names 'laugh', which was not given; performance sources are 'self'",
        ),
        (changed(PASTE, source_frames=[1001]), "'source_frames' must be a pair"),
        (changed(PASTE, source_frames=[1001, "x"]), "'source_frames' must be a whole number"),
        (changed(PASTE, at=None), "'at' is missing"),
        (changed(PASTE, at=900), "`at` must be at least 0"),
        (changed(PASTE, blend=11), "`blend` must leave room"),
        (changed(PASTE, blend=1.5), "`blend` must be an integer"),
        (changed(SCULPT, shape=[[0, 0]]), "`shape` must have shape (V, 3)"),
        (changed(SCULPT, shape="face.obj"), "'shape' must be a list of numbers"),
        (changed(SCULPT, space="moon"), "`space` must be one of"),
        (7, "expected an object with fields, got 7"),
        ([], "expected an object"),
    ],
)
def test_a_bad_edit_is_named(tmp_path, edit, words):
    fails(write(tmp_path / "x.json", by_hand(GAIN, edit)), "edits[1]", words)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"version": 1, "edits": []}, "'schema' is missing"),
        (by_hand(schema="other"), "'schema' must be 'mien.edits'"),
        (by_hand(version=2), "'version' must be 1, which is what this mien reads, got 2"),
        (by_hand(author="me"), "'author' is not known here"),
        (by_hand(frame_numbers="feet"), "'frame_numbers' must be"),
        (by_hand(take={"vertices": 7}), "'vertices' is 7, but the take given has 99"),
        (by_hand(take={"topology": "abc"}), "'topology' is that of another take"),
        (by_hand(take={"frame": 7}), "x.json.take: field 'frame' is not known"),
        (by_hand(take={"start_frame": 1.5}), "'start_frame' must be a whole number"),
        ({**by_hand(), "edits": {}}, "'edits' must be a list"),
        ([], "expected an object"),
    ],
)
def test_a_bad_document_is_named(tmp_path, document, words):
    fails(write(tmp_path / "x.json", document), words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected a JSON text"),
        ('{"schema": "mien.edits", ', "expected a JSON text"),
        ('{"schema": "mien.edits", "schema": "x"}', "'schema' is there twice"),
        ('{"schema": NaN}', "expected finite numbers, got NaN"),
        ("[" * 100_000, "expected a JSON text"),
    ],
)
def test_what_is_no_json_is_named(tmp_path, text, words):
    path = tmp_path / "x.json"
    path.write_text(text)
    fails(path, words)
    path.write_bytes(b"\xff\xfe\x00" + text.encode())
    fails(path, "expected a JSON text")


def test_sizes_in_a_file_allocate_nothing_large(tmp_path):
    region = {"size": 2**30, "indices": [1], "weights": [1]}
    path = write(tmp_path / "x.json", by_hand(changed(GAIN, region=region), frame_numbers="zero_based"))
    fails(path, "'size' must be from 1 to", take=None)
    huge = changed(GAIN, envelope={"start": 10**400, "peak": 10**401, "end": 10**402})
    fails(write(tmp_path / "y.json", by_hand(huge)), "edits[0]", "whole number below")
    (tmp_path / "z.json").write_text('{"version": 1' + "0" * 10_000 + "}")
    fails(tmp_path / "z.json", "expected a JSON text")


def test_frame_numbers_need_a_start(tmp_path):
    fails(write(tmp_path / "x.json", by_hand(GAIN)), "'take' is missing", take=None)
    known = mien.EditList.load(write(tmp_path / "y.json", by_hand(GAIN, take={"start_frame": 1001})))
    assert known[0].envelope == EnvelopeRecipe(4, (9, 11), 19)


def test_sources_need_names(tmp_path):
    first, second = performance(seed=1), performance(seed=2)
    pastes = [mien.Paste(p, source_frames=(0, 20), at=0) for p in (first, second, first)]
    with pytest.raises(ValueError, match=r"edits\[1\] \(paste\): the name 'take' of its source is taken"):
        mien.EditList(pastes).save(tmp_path / "x.json", PERF)
    assert not (tmp_path / "x.json").exists()
    mien.EditList(pastes).save(tmp_path / "x.json", PERF, sources={"sad": first, "glad": second})
    document = json.loads((tmp_path / "x.json").read_text())
    assert sorted(document["sources"]) == ["glad", "sad"]
    again = mien.EditList.load(tmp_path / "x.json", PERF, sources={"sad": first, "glad": second})
    assert [e.source for e in again] == [first, second, first]
    fails(tmp_path / "x.json", "edits[0] (paste)", "names 'sad', which was not given")
    with pytest.raises(TypeError, match="a Performance"):
        mien.EditList.load(tmp_path / "x.json", PERF, sources={"sad": "sad.abc"})
