"""A look at a binary USD file before USD sees it: counts that the file cannot hold.

USD's library allocates what a damaged table of contents asks for, gigabytes for a file of a kilobyte, before it
notices. Only the outermost counts are checked here; a value inside that claims to be huge is the library's to judge,
which has been seen to take minutes and gigabytes over it.
"""

from __future__ import annotations

import struct
from pathlib import Path

from mien.io._input import wrong

__all__ = ["check_crate"]

_MAGIC = b"PXR-USDC"
_BOOTSTRAP = struct.Struct("<8s8sq")
_SECTION = struct.Struct("<16sqq")
# A compressed byte stands for at most 255 (LZ4), and a number for at least two bits of that.
_MOST_BYTES, _MOST_NUMBERS = 256, 1024


def check_crate(path: Path) -> None:
    """Raise a FormatError when sections or their counts do not fit the file; pass over files of other kinds."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        start = file.read(_BOOTSTRAP.size)
        if not start.startswith(_MAGIC):
            return
        if len(start) < _BOOTSTRAP.size:
            raise wrong(path, "header", f"{_BOOTSTRAP.size} bytes", len(start))
        contents = _BOOTSTRAP.unpack(start)[2]
        if not _BOOTSTRAP.size <= contents <= size - 8:
            raise wrong(path, "header", f"a table of contents inside {size} bytes", f"one at {contents}")
        file.seek(contents)
        count = int.from_bytes(file.read(8), "little")
        if count > (size - contents - 8) // _SECTION.size:
            raise wrong(path, "table of contents", f"sections that fit {size} bytes", count)
        sections = [_SECTION.unpack(file.read(_SECTION.size)) for _ in range(count)]
        for raw, begin, length in sections:
            name = raw.rstrip(b"\0").decode("ascii", errors="replace")
            if begin < 0 or length < 0 or begin + length > size:
                raise wrong(path, f"section {name}", f"its place inside {size} bytes", f"{begin} + {length}")
            file.seek(begin)
            _check_counts(path, name, length, file.read(min(length, 24)))


def _check_counts(path: Path, name: str, length: int, start: bytes) -> None:
    numbers = struct.unpack(f"<{len(start) // 8}Q", start[: len(start) // 8 * 8])
    if name == "TOKENS" and len(numbers) == 3:
        _, text, packed = numbers
        if packed > length or text > _MOST_BYTES * packed + 64:
            raise wrong(path, "section TOKENS", f"text that fits {length} bytes", f"a claim of {text}")
    if numbers and numbers[0] > _MOST_NUMBERS * length:
        raise wrong(path, f"section {name}", f"a count that fits {length} bytes", numbers[0])
