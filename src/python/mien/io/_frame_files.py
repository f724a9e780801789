"""Sequences that are a file a frame: their names, and writing all of them or none."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mien.io._input import wrong

__all__ = ["FrameFiles", "atomic_files", "find_frames", "frame_names", "stale_frames"]

_HASHES = re.compile(r"#+")
_PERCENT = re.compile(r"%(?:0(\d{1,2}))?d")
# What ends a stem and is a frame number: digits behind a dot, an underscore or a dash.
_NUMBERED = re.compile(r"(?P<prefix>.*?(?:^|[._-]))(?P<number>\d+)$")
# In a folder any digits at the end will do; a minus counts where it cannot be a dash between words.
_TRAILING = re.compile(r"(?P<prefix>.*?)(?P<number>(?:(?<![^._])-)?\d+)$")


class FrameFiles(NamedTuple):
    """The files of a sequence in frame order, and the number of the first; None where its name has none."""

    paths: tuple[Path, ...]
    start: int | None


class _Pattern(NamedTuple):
    before: str
    padding: int
    after: str

    def name(self, number: int) -> str:
        return f"{self.before}{number:0{self.padding}d}{self.after}"

    def number(self, name: str) -> int | None:
        """Return the frame number in a file's name, None where the name does not fit."""
        digits = name[len(self.before) : len(name) - len(self.after)]
        if not re.fullmatch(r"-?\d{1,18}", digits, re.ASCII):
            return None
        return int(digits) if self.name(int(digits)) == name else None


def _pattern(name: str) -> _Pattern | None:
    found = [*_HASHES.finditer(name), *_PERCENT.finditer(name)]
    if not found:
        return None
    if len(found) > 1:
        raise ValueError(f"`path` must have one place for the frame number (#### or %04d), got {name!r}")
    match = found[0]
    padding = len(match[0]) if match[0].startswith("#") else int(match[1] or 0)
    return _Pattern(name[: match.start()], padding, name[match.end() :])


def _in_order(where: Path, numbered: dict[int, Path]) -> FrameFiles:
    """Sort by number and refuse holes."""
    numbers = sorted(numbered)
    for number, following in itertools.pairwise(numbers):
        if following != number + 1:
            last = f" to {following - 1}" if following > number + 2 else ""
            raise wrong(
                where,
                f"frame {number + 1}",
                f"a file for every frame from {numbers[0]} to {numbers[-1]}",
                f"none for {number + 1}{last}, after {numbered[number].name}",
            )
    return FrameFiles(tuple(numbered[number] for number in numbers), numbers[0])


def _in_folder(folder: Path, suffixes: Sequence[str]) -> FrameFiles:
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes)
    groups: dict[tuple[str, str], dict[int, Path]] = {}
    for path in files:
        match = _TRAILING.match(path.stem)
        if match is None or len(match["number"]) > 18:
            raise wrong(folder, path.name, "files with frame numbers at the end of their names", "none")
        group = groups.setdefault((match["prefix"], path.suffix), {})
        number = int(match["number"])
        if number in group:
            raise wrong(folder, f"frame {number}", "one file", f"two: {group[number].name} and {path.name}")
        group[number] = path
    if len(groups) != 1:
        names = ", ".join(f"{prefix}####{suffix}" for prefix, suffix in groups) or "none"
        raise wrong(folder, "folder", "the frames of one sequence; name a pattern to choose", names)
    return _in_order(folder, next(iter(groups.values())))


def find_frames(path: Path, suffixes: Sequence[str]) -> FrameFiles:
    """Find the files of a sequence by pattern, folder, or the name of a single file.

    Raises
    ------
    FileNotFoundError
        Nothing fits.
    FormatError
        A frame is missing, or a folder holds several sequences.
    """
    if path.is_dir():
        return _in_folder(path, suffixes)
    if path.is_file():
        match = _NUMBERED.match(path.stem)
        return FrameFiles((path,), int(match["number"]) if match and len(match["number"]) < 19 else None)
    pattern = _pattern(path.name)
    if pattern is None:
        raise FileNotFoundError(f"{path}: there is no such file")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: the folder {path.parent} does not exist")
    numbers = {pattern.number(file.name): file for file in path.parent.iterdir()}
    found = {number: file for number, file in numbers.items() if number is not None}
    if not found:
        raise FileNotFoundError(f"{path}: no file in {path.parent} is named so")
    return _in_order(path, found)


def frame_names(path: Path, start: int, n_frames: int) -> list[Path]:
    """Return the names of the files to write: those of a pattern, or one plain name for a single frame."""
    pattern = _pattern(path.name)
    if pattern is None:
        if n_frames != 1:
            suggestion = path.with_name(f"{path.stem}.####{path.suffix}")
            raise ValueError(
                f"`path` must be a pattern such as {suggestion} for {n_frames} frames, got {path}"
            )
        return [path]
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: the folder {path.parent} does not exist")
    return [path.with_name(pattern.name(start + f)) for f in range(n_frames)]


def stale_frames(path: Path, start: int, n_frames: int) -> tuple[str, ...]:
    """Say which files of the pattern were there already and do not belong to the frames just written."""
    pattern = _pattern(path.name)
    if pattern is None:
        match = _NUMBERED.match(path.stem)
        if start == 0 or (match and int(match["number"]) == start):
            return ()
        return (f"start_frame: the name {path.name} holds no frame number; {start} is not kept",)
    numbers = [pattern.number(file.name) for file in path.parent.iterdir()]
    others = sorted(n for n in numbers if n is not None and not start <= n < start + n_frames)
    if not others:
        return ()
    count = f"{len(others)} older file{'s' if len(others) > 1 else ''}"
    return (f"frames: {count} of this pattern remain beside the new ones ({others[0]} to {others[-1]})",)


@contextlib.contextmanager
def atomic_files(targets: Sequence[Path]) -> Iterator[Path]:
    """Give a temporary folder to write files into, and move them over `targets` when the block ends without error.

    The files must have the targets' names. If the block or a move raises, what was there before is put back.
    """
    folder = targets[0].parent
    if not folder.is_dir():
        raise FileNotFoundError(f"{targets[0]}: the folder {folder} does not exist")
    temporary = Path(tempfile.mkdtemp(prefix=".mien.", dir=folder))
    fresh, old = temporary / "new", temporary / "old"
    moved: list[Path] = []
    try:
        fresh.mkdir()
        old.mkdir()
        yield fresh
        for target in targets:
            moved.append(target)
            if target.exists():
                os.replace(target, old / target.name)
            os.replace(fresh / target.name, target)
    except BaseException:
        for target in moved:
            if (old / target.name).exists():
                os.replace(old / target.name, target)
            elif not (fresh / target.name).exists():
                target.unlink(missing_ok=True)
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
