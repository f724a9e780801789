"""Performances that note what is looked at, so that what did not look need not be done again."""

from __future__ import annotations

from typing import Any

from mien.values.performance import Performance
from mien.values.sequence import MeshSequence

__all__ = ["CHANGING", "show", "watched"]

CHANGING = frozenset({"positions", "head", "residual", "confidence"})
"""What other edits can change of a performance; `expression` is made from these."""


def watched(performance: Performance, looks: set[str] | None) -> Performance:
    """Return the performance, sharing memory; names out of `CHANGING` are added to `looks` when it is asked for them.

    Frame and vertex counts, topology and neutral can be had unnoticed.
    """
    out = object.__new__(_WatchedPerformance)
    vars(out).update(take=object.__new__(_WatchedTake), _looks=looks)
    vars(vars(out)["take"])["_looks"] = looks
    show(out, performance)
    return out


def show(view: Performance, performance: Performance) -> None:
    """Have a watched performance show another one of as many frames, so that it does not keep the former's memory."""
    held = {name: vars(performance)[name] for name in Performance.__dataclass_fields__}
    take = held.pop("take")
    vars(view).update(held)
    vars(vars(view)["take"]).update({name: vars(take)[name] for name in MeshSequence.__dataclass_fields__})


def _note(watched: object, name: str) -> None:
    # What dataclasses.replace makes of a watched object holds values of its own, which were noted when taken out.
    looks = object.__getattribute__(watched, "__dict__").get("_looks")
    if looks is not None and name in CHANGING:
        looks.add(name)


class _WatchedTake(MeshSequence):
    def __getattribute__(self, name: str) -> Any:
        _note(self, name)
        return super().__getattribute__(name)

    @property
    def n_frames(self) -> int:
        return len(self)

    def __len__(self) -> int:
        return len(vars(self)["positions"])


class _WatchedPerformance(Performance):
    def __getattribute__(self, name: str) -> Any:
        _note(self, name)
        return super().__getattribute__(name)
