"""Edits as JSON: what a field may hold, where frame numbers turn into indices, and messages that name the place.

Frames in a file are the shot's own numbers (or zero-based, where no take was named); arrays are written as the numbers
that are not zero.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien.editing.recipes import EnvelopeRecipe, RegionRecipe, SimilarRecipe
from mien.errors import FormatError
from mien.values.performance import Performance
from mien.values.rig import Rig

__all__ = ["EditWriter", "Facts", "Fields", "dump", "parse"]

# What a file may claim for its arrays when no take says better: no face has more, and memory stays bounded.
_LARGEST = 10_000_000
_LARGEST_INTEGER = 2**31 - 1
_REQUIRED: Any = object()
_SHORT = 90  # characters of an object that is written on one line


class Facts(NamedTuple):
    """What is known about a take: the number of its first frame, and its sizes where they are known."""

    start_frame: int = 0
    frames: int | None = None
    vertices: int | None = None


_UNKNOWN = Facts()


class EditWriter:
    """Turns the parts of an edit into JSON values.

    Parameters
    ----------
    start_frame : int or None
        The number of the take's first frame; None keeps zero-based indices, for the take and for sources.
    names : mapping of int to str
        Name of every source by its ``id``.
    """

    def __init__(self, start_frame: int | None, names: Mapping[int, str]) -> None:
        self._start_frame = start_frame
        self._names = names

    def frame(self, frame: int) -> int:
        """Return a frame of the take as it is written."""
        return frame + (self._start_frame or 0)

    def source_frame(self, source: Performance | None, frame: int) -> int:
        """Return a frame of a source as it is written: in the source's own numbers."""
        if source is None or self._start_frame is None:
            return self.frame(frame)
        return frame + source.take.start_frame

    def source(self, source: Performance | Rig | None) -> str:
        """Return the name of a source."""
        return "self" if source is None else self._names[id(source)]

    def places(self, region: Any, envelope: Any) -> dict[str, Any]:
        """Return region and envelope; what is not limited is left out."""
        fields = {}
        if region is not None:
            fields["region"] = self._region(region)
        if envelope is not None:
            fields["envelope"] = self._envelope(envelope)
        return fields

    def curve(self, curve: Any) -> Any:
        """Return a curve over the take's frames: a number, or the values from the first that is not zero."""
        if np.ndim(curve) == 0:
            return float(curve)
        used = np.flatnonzero(curve)
        first, last = (int(used[0]), int(used[-1])) if used.size else (0, 0)
        return {"size": len(curve), "first": self.frame(first), "values": curve[first : last + 1].tolist()}

    def _region(self, region: npt.NDArray[np.float64] | RegionRecipe) -> dict[str, Any]:
        if isinstance(region, RegionRecipe):
            fields: dict[str, Any] = {"seeds": list(region.seeds), "radius": region.radius}
            if region.falloff != "smooth":
                fields["falloff"] = region.falloff
            if region.hold:
                fields["hold"] = region.hold
            return fields
        indices = np.flatnonzero(region)
        return {"size": len(region), "indices": indices.tolist(), "weights": region[indices].tolist()}

    def _envelope(self, envelope: npt.NDArray[np.float64] | EnvelopeRecipe | SimilarRecipe) -> dict[str, Any]:
        if isinstance(envelope, EnvelopeRecipe):
            peak = envelope.peak
            return {
                "start": self.frame(envelope.start),
                "peak": self.frame(peak) if isinstance(peak, int) else [self.frame(f) for f in peak],
                "end": self.frame(envelope.end),
            }
        if isinstance(envelope, SimilarRecipe):
            source = envelope.source
            out: dict[str, Any] = {
                "similar_to": self.source_frame(source, envelope.frame),
                "radius": envelope.radius,
            }
            out |= {} if envelope.ease == 8 else {"ease": envelope.ease}
            return out if source is None else out | {"source": self.source(source)}
        used = np.flatnonzero(envelope)
        first, last = int(used[0]), int(used[-1])
        return {
            "size": len(envelope),
            "first": self.frame(first),
            "weights": envelope[first : last + 1].tolist(),
        }


class Fields:
    """The fields of one JSON object, taken out one by one; what is left at the end is unknown.

    Parameters
    ----------
    place : str
        Path of the file and of the object in it, for messages.
    values : any
        What should be an object.
    facts : Facts
        About the take.
    sources : mapping of str to (Performance, Rig or None, Facts)
        Sources by name; "self" is None with the facts of the take.
    """

    def __init__(
        self,
        place: str,
        values: Any,
        facts: Facts = _UNKNOWN,
        sources: Mapping[str, tuple[Performance | Rig | None, Facts]] | None = None,
    ) -> None:
        if not isinstance(values, dict):
            raise FormatError(f"{place}: expected an object with fields, got {_described(values)}")
        self.place = place
        self._left = dict(values)
        self._known: list[str] = []
        self.edit: Callable[[str, Any], Any]  # reads an edit in this one; set by `EditList.load`
        self._facts = facts
        self._sources = sources or {}

    def fail(self, name: str, message: str) -> FormatError:
        """Return an error that names the place and the field."""
        return FormatError(f"{self.place}: field {name!r} {message}")

    def take(self, name: str, default: Any = _REQUIRED) -> Any:
        """Take a field out."""
        self._known.append(name)
        if name in self._left:
            return self._left.pop(name)
        if default is _REQUIRED:
            raise self.fail(name, "is missing")
        return default

    def names(self) -> list[str]:
        """Return the names of the fields that are left."""
        return list(self._left)

    def integer(self, name: str, default: Any = _REQUIRED) -> Any:
        """Take out a whole number (or the default as it is)."""
        value = self.take(name, default)
        return value if value is default else self._integer(name, value)

    def _integer(self, name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.fail(name, f"must be a whole number, got {_described(value)}")
        if abs(value) > _LARGEST_INTEGER:
            raise self.fail(name, f"must be a whole number below {_LARGEST_INTEGER}")
        return value

    def object(self, name: str, default: Any = _REQUIRED) -> Fields | None:
        """Take out an object; None where it is absent and the default is None."""
        value = self.take(name, default)
        return None if value is None else Fields(f"{self.place}.{name}", value, self._facts, self._sources)

    def numbers(self, name: str, default: Any = _REQUIRED) -> Any:
        """Take out a list of numbers, or of lists of numbers of one length (or the default as it is)."""
        value = self.take(name, default)
        if value is default:
            return value
        if not isinstance(value, list):
            raise self.fail(name, f"must be a list of numbers, got {_described(value)}")
        try:
            out = np.array(value)
        except ValueError:
            raise self.fail(
                name, "must be a regular list of numbers, got rows of different lengths"
            ) from None
        if out.size and out.dtype.kind not in "if":
            raise self.fail(name, "must hold numbers only")
        return out

    def done(self) -> None:
        """Raise a FormatError if a field is left."""
        if self._left:
            unknown = next(iter(self._left))
            known = ", ".join(dict.fromkeys(self._known))
            raise self.fail(unknown, f"is not known here; known are {known}")

    def frame(self, name: str) -> int:
        """Take out a frame of the take; returns its index."""
        return int(self.integer(name)) - self._facts.start_frame

    def frames(self, name: str) -> int | tuple[int, ...]:
        """Take out a frame of the take, or a list of frames; returns indices."""
        value, begin = self.take(name), self._facts.start_frame
        if isinstance(value, list):
            return tuple(self._integer(name, frame) - begin for frame in value)
        return self._integer(name, value) - begin

    def frame_zero(self) -> int:
        """Return the number that the take's first frame has in the file."""
        return self._facts.start_frame

    def source(self, name: str) -> tuple[str, Performance | None]:
        """Take out the name of a source that is a performance."""
        value = self.take(name, "self")
        source = self._source(name, value, Rig, "a performance")
        assert not isinstance(source, Rig)
        return value, source

    def rig(self, name: str) -> Rig:
        """Take out the name of a source that is a rig."""
        source = self._source(name, self.take(name), (Performance, type(None)), "a rig")
        assert isinstance(source, Rig)
        return source

    def _source(self, name: str, value: Any, wrong: Any, wanted: str) -> Performance | Rig | None:
        fitting = [known for known, (source, _) in self._sources.items() if not isinstance(source, wrong)]
        if not isinstance(value, str) or value not in fitting:
            known = ", ".join(map(repr, fitting)) or "none"
            problem = f"is not {wanted}" if value in self._sources else "was not given"
            raise self.fail(
                name, f"names {value!r}, which {problem}; {wanted.split()[1]} sources are {known}"
            )
        return self._sources[value][0]

    def curves(self, name: str) -> dict[str, Any]:
        """Take out an object of names with a number each, or with numbers from a first frame on."""
        fields = self.object(name)
        assert fields is not None
        out: dict[str, Any] = {}
        for key in fields.names():
            out[key] = fields.curve(key)
        return out

    def curve(self, name: str) -> Any:
        """Take out a number, or numbers from a first frame on: (F,)."""
        if not isinstance(self._left.get(name), dict):
            return self.take(name)
        inner = self.object(name)
        assert inner is not None
        first, values = inner.frame("first"), inner.numbers("values")
        size = inner._size("size", self._facts.frames, must_match=False)
        if values.ndim != 1 or first < 0 or first + len(values) > size:
            raise inner.fail("first", f"puts {len(values)} values outside a take of {size} frames")
        curve = np.zeros(size)
        curve[first : first + len(values)] = values
        inner.done()
        return curve

    def source_frames(self, name: str, source: str) -> tuple[int, int]:
        """Take out a half-open range of frames of a source; returns indices."""
        value = self.take(name)
        if not isinstance(value, list) or len(value) != 2:
            raise self.fail(name, f"must be a pair of frames [first, stop], got {_described(value)}")
        begin = self._sources[source][1].start_frame
        return self._integer(name, value[0]) - begin, self._integer(name, value[1]) - begin

    def region(self) -> npt.NDArray[np.float64] | RegionRecipe | None:
        """Take out the field "region": a recipe, or indices and weights."""
        fields = self.object("region", None)
        if fields is None:
            return None
        region: npt.NDArray[np.float64] | RegionRecipe
        if "seeds" in fields._left:
            region = RegionRecipe(
                fields.numbers("seeds").tolist(),
                fields.take("radius"),
                falloff=fields.take("falloff", "smooth"),
                hold=fields.take("hold", 0.0),
            )
        else:
            indices, weights = fields.numbers("indices"), fields.numbers("weights")
            size = fields._size("size", self._facts.vertices, must_match=True)
            region = fields._scattered(indices, weights, size)
        fields.done()
        return region

    def envelope(self) -> npt.NDArray[np.float64] | EnvelopeRecipe | SimilarRecipe | None:
        """Take out the field "envelope": a recipe, a likeness, or weights from a first frame on."""
        fields = self.object("envelope", None)
        if fields is None:
            return None
        envelope: npt.NDArray[np.float64] | EnvelopeRecipe | SimilarRecipe
        if "similar_to" in fields._left:
            name, source = fields.source("source")
            frame = fields.integer("similar_to") - self._sources[name][1].start_frame
            envelope = SimilarRecipe(frame, fields.take("radius"), source, fields.take("ease", 8))
        elif "start" in fields._left:
            start, peak, end = fields.frame("start"), fields._peak(), fields.frame("end")
            envelope = EnvelopeRecipe(start, peak, end)
        else:
            first, weights = fields.frame("first"), fields.numbers("weights")
            size = fields._size("size", self._facts.frames, must_match=False)
            if first < 0 or first + len(weights) > size:
                raise fields.fail("first", f"puts {len(weights)} weights outside a take of {size} frames")
            envelope = fields._scattered(np.arange(first, first + len(weights)), weights, size)
        fields.done()
        return envelope

    def _peak(self) -> int | tuple[int, int]:
        peak = self.frames("peak")
        if isinstance(peak, int):
            return peak
        if len(peak) != 2:
            raise self.fail("peak", f"must be a frame or a pair of frames, got {len(peak)} frames")
        return peak[0], peak[1]

    def _size(self, name: str, known: int | None, *, must_match: bool) -> int:
        size = self.integer(name, known)
        if size is None:
            raise self.fail(name, "is missing, and no take says how many there are")
        if not 1 <= size <= _LARGEST:
            raise self.fail(name, f"must be from 1 to {_LARGEST}, got {size}")
        if known is not None and must_match and size != known:
            raise self.fail(name, f"must be {known} as in the take, got {size}")
        return int(size if known is None else known)

    def _scattered(
        self, indices: npt.NDArray[Any], weights: npt.NDArray[Any], size: int
    ) -> npt.NDArray[np.float64]:
        if indices.ndim != 1 or weights.shape != indices.shape:
            raise self.fail("weights", f"must have one number for each index, got {weights.shape}")
        if indices.size and (
            indices.dtype.kind != "i"
            or indices.min() < 0
            or indices.max() >= size
            or len(np.unique(indices)) < len(indices)
        ):
            raise self.fail("indices", f"must name different vertices from 0 to {size - 1}")
        out = np.zeros(size)
        out[indices.astype(np.int64)] = weights
        return out


def parse(path: str | PathLike[str]) -> Any:
    """Read a JSON file; duplicate fields and numbers that are not finite are refused."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        out = dict(items)
        if len(out) < len(items):
            names = [name for name, _ in items]
            raise FormatError(f"{path}: field {max(names, key=names.count)!r} is there twice in one object")
        return out

    def constant(text: str) -> Any:
        raise FormatError(f"{path}: expected finite numbers, got {text}")

    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file, object_pairs_hook=pairs, parse_constant=constant)
    except FormatError:
        raise
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: expected a JSON text, got: {error}") from error


def dump(value: Any, indent: int = 0) -> str:
    """Return JSON with short objects and lists of numbers on one line, and what is longer on lines of its own."""
    if isinstance(value, dict) and not any(isinstance(v, dict) for v in value.values()):
        line = json.dumps(value, allow_nan=False, ensure_ascii=False)
        if len(line) <= _SHORT:
            return line
    inner, outer = "  " * (indent + 1), "  " * indent
    if isinstance(value, dict) and value:
        lines = [f"{inner}{json.dumps(k)}: {dump(v, indent + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{outer}}}"
    if isinstance(value, list) and value and isinstance(value[0], (dict, list)):
        return "[\n" + ",\n".join(inner + dump(v, indent + 1) for v in value) + f"\n{outer}]"
    return json.dumps(value, allow_nan=False, ensure_ascii=False)


def _described(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."
