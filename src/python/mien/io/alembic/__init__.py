"""Alembic archives (.abc) of the Ogawa kind, read and written without any library.

`ogawa` knows groups and blocks, `properties` headers and samples, `times` when samples are, `archive` the tree of
objects, `xform` and `mesh` what a take needs of it; `reader` and `writer` put them together.
"""

from __future__ import annotations

from mien.io.alembic.reader import info, read
from mien.io.alembic.writer import write
from mien.io.registry import Format

__all__ = ["FORMAT"]

FORMAT = Format(
    name="alembic",
    suffixes=(".abc",),
    holds=frozenset({"polygons", "uvs", "fps", "start_frame", "name"}),
    read=read,
    write=write,
    info=info,
    magic=(b"Ogawa",),
    uneven_times=True,
)
