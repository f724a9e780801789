"""Named ways to get the head wrong, each on the built-in face with its non-linear jaw and an exact truth."""

from __future__ import annotations

import numpy as np
import pytest

import mien
from regressions import (
    FRAMES,
    NAMES,
    Clip,
    check_closeness,
    check_knock,
    check_still_face,
    check_turns,
    clip,
)


@pytest.fixture(scope="module")
def face():
    """A mask from hairline to chin, ear to ear."""
    head = mien.datasets.head("preview", 3)
    keep = (head.regions["face"] > 0.2) | (head.regions["forehead"] > 0)
    number = np.cumsum(keep) - 1
    triangles = head.topology.triangles[keep[head.topology.triangles].all(axis=1)]
    topology = mien.Topology.from_polygons(number[triangles])

    def move(curves):
        weights = np.zeros((FRAMES, len(head.names)))
        for name, curve in curves.items():
            weights[:, head.names.index(name)] += curve
        return head.evaluate(weights)[:, keep]

    return topology, head.neutral[keep], move


@pytest.fixture(scope="module")
def separated(face):
    """Return clips with what the default method and Procrustes on the upper third make of them; each is made once."""
    made: dict[str, tuple[Clip, mien.Performance, mien.Performance]] = {}

    def get(name: str) -> tuple[Clip, mien.Performance, mien.Performance]:
        if name not in made:
            acted = clip(name, *face)
            found = mien.separate(acted.take, acted.neutral)
            mask = mien.separate(acted.take, acted.neutral, acted.upper_third(), method="procrustes")
            made[name] = acted, found, mask
        return made[name]

    return get


@pytest.mark.parametrize("name", NAMES)
def test_close_to_the_truth_and_no_worse_than_the_upper_third(separated, name):
    check_closeness(*separated(name))


@pytest.mark.parametrize("name", NAMES)
def test_no_false_turn(separated, name):
    """No nod by the jaw, no tilt by blink, brow or one side, no lip corners that hide in a tilt."""
    check_turns(*separated(name)[:2])


def test_a_knock_comes_through(separated):
    check_knock(*separated("knock")[:2])


def test_a_still_head_stays_still(separated):
    acted, found, _ = separated("still head, wild face")
    assert acted.errors(found).max() < 0.02


def test_a_still_face_has_a_still_expression(separated):
    check_still_face(*separated("wild head, still face")[:2])


def test_the_clips_pull_at_the_head(separated):
    """What the upper third makes of them, so that nobody mistakes easy clips for a good method."""
    for name, least in {
        "brow raise": 1.0,
        "frown": 0.5,
        "nose wrinkle": 0.1,
        "still head, wild face": 0.5,
    }.items():
        acted, _, mask = separated(name)
        assert acted.errors(mask).mean() > least
