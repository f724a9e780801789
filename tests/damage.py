"""Damaging files, and what reading a damaged file may do."""

from __future__ import annotations

import pathlib
import tracemalloc

from hypothesis import strategies as st

import mien

HUGE = (0, 1, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**60, 2**63, 2**64 - 1)


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """Cut, overwrite with huge or random numbers, insert or remove."""
    out = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(len(out) - 1, 0)))
        kind = draw(st.sampled_from(["cut", "number", "bytes", "insert", "remove"]))
        if kind == "cut":
            del out[place:]
        elif kind == "number":
            width, order = draw(st.sampled_from([2, 4, 8])), draw(st.sampled_from(["little", "big"]))
            out[place : place + width] = (draw(st.sampled_from(HUGE)) % 256**width).to_bytes(width, order)
        elif kind == "bytes":
            new = draw(st.binary(min_size=1, max_size=4))
            out[place : place + len(new)] = new
        elif kind == "insert":
            out[place:place] = draw(st.binary(min_size=1, max_size=16))
        else:
            del out[place : place + draw(st.integers(1, 16))]
    return bytes(out)


def read_or_refuse(path: pathlib.Path, data: bytes, limit: int = 16 << 20) -> None:
    """Read what may be damaged: a take or one FormatError that names the file, with bounded memory."""
    path.write_bytes(data)
    tracemalloc.start()
    try:
        for door in (mien.file_info, mien.read):
            refusal = None
            try:
                door(path)
            except mien.FormatError as error:
                refusal = str(error)
            assert refusal is None or (refusal.startswith(str(path)) and "expected" in refusal)
        assert tracemalloc.get_traced_memory()[1] < limit + 64 * len(data)
    finally:
        tracemalloc.stop()
