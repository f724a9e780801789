"""Edits in the order in which they are applied, in memory and in files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any, overload

from mien import _validate
from mien._atomic import atomic_path
from mien.editing.blend import Blend
from mien.editing.contact import Contact
from mien.editing.documents import EditWriter, Facts, Fields, dump, parse
from mien.editing.drag import Drag
from mien.editing.edits import Edit
from mien.editing.gain import Gain
from mien.editing.mirror import Mirror
from mien.editing.neutral import Neutral
from mien.editing.offset import Offset
from mien.editing.paste import Paste
from mien.editing.propagate import Propagate
from mien.editing.recipes import SimilarRecipe
from mien.editing.retime import Retime
from mien.editing.sculpt import Sculpt
from mien.editing.smooth import Smooth
from mien.editing.timeline import Insert, Remove, TimelineEdit
from mien.errors import FormatError
from mien.values.performance import Performance
from mien.values.rig import Rig
from mien.values.sequence import MeshSequence

__all__ = ["KINDS", "EditList"]

SCHEMA, VERSION = "mien.edits", 1

# What an edit is called in files -> its class.
KINDS: dict[str, type[Edit]] = {
    kind.kind: kind
    for kind in (
        Blend,
        Contact,
        Drag,
        Gain,
        Insert,
        Mirror,
        Neutral,
        Offset,
        Paste,
        Propagate,
        Remove,
        Retime,
        Sculpt,
        Smooth,
    )
}


class EditList(Sequence[Edit]):
    """An immutable list of edits; each sees the expression as those before it left it.

    Parameters
    ----------
    edits : iterable of Edit
        In the order in which they are applied.

    Raises
    ------
    TypeError
        Something in it is not an edit.
    """

    __slots__ = ("_edits",)

    def __init__(self, edits: Iterable[Edit] = ()) -> None:
        self._edits = tuple(edits)
        for i, edit in enumerate(self._edits):
            _validate.instance(f"edits[{i}]", edit, Edit, "an edit such as Gain, Paste or Sculpt")

    def __len__(self) -> int:
        return len(self._edits)

    @overload
    def __getitem__(self, index: int) -> Edit: ...
    @overload
    def __getitem__(self, index: slice) -> EditList: ...
    def __getitem__(self, index: int | slice) -> Edit | EditList:
        return EditList(self._edits[index]) if isinstance(index, slice) else self._edits[index]

    def __iter__(self) -> Iterator[Edit]:
        return iter(self._edits)

    def __add__(self, other: Iterable[Edit]) -> EditList:
        """Return this list followed by another."""
        return EditList((*self._edits, *other))

    def __repr__(self) -> str:
        return f"EditList([{', '.join(type(edit).__name__ for edit in self._edits)}])"

    def save(
        self,
        path: str | PathLike[str],
        take: MeshSequence | Performance | None = None,
        *,
        sources: Mapping[str, Performance | Rig] | None = None,
    ) -> None:
        """Write the edits to a JSON file that a person can read, change and compare.

        Parameters
        ----------
        path : path
            Appears whole or not at all.
        take : MeshSequence or Performance, optional
            What the edits are for. With it the file holds the shot's own frame numbers and knows the topology;
            without it frames stay zero-based.
        sources : mapping of str to Performance or Rig, optional
            Names for the performances and rigs that edits use; the default is the name of the take, or of the rig. They
            are not written themselves.

        Raises
        ------
        ValueError
            Two sources have the same name.
        """
        names = _source_names(self, sources or {})
        sequence = _sequence(take)
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "version": VERSION,
            "frame_numbers": "zero_based" if sequence is None else "shot",
        }
        if sequence is not None:
            document["take"] = _described(sequence)
        if names:
            document["sources"] = {name: _described(source) for name, source in names.items()}
        writer = EditWriter(
            None if sequence is None else sequence.start_frame, {id(s): name for name, s in names.items()}
        )
        document["edits"] = [{"edit": edit.kind, **edit.to_fields(writer)} for edit in self._edits]
        text = dump(document) + "\n"
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")

    @classmethod
    def load(
        cls,
        path: str | PathLike[str],
        take: MeshSequence | Performance | None = None,
        *,
        sources: Mapping[str, Performance | Rig] | None = None,
    ) -> EditList:
        """Read a file that `save` or a person wrote.

        Parameters
        ----------
        path : path
            A JSON file, described in docs/editing.md.
        take : MeshSequence or Performance, optional
            What the edits will be applied to: checks the topology, and says which index a frame number is when the take
            was delivered anew with other handles. Needed when the file does not describe its take.
        sources : mapping of str to Performance or Rig, optional
            The performances and rigs that the file names as sources.

        Raises
        ------
        FormatError
            The file is not an edit list, or is for another topology; the message names edit and field.
        """
        document = Fields(str(path), parse(path))
        _check_schema(document)
        shot = document.take("frame_numbers", "shot")
        if shot not in ("shot", "zero_based"):
            raise document.fail("frame_numbers", f"must be 'shot' or 'zero_based', got {shot!r}")
        facts = _take_facts(document, _sequence(take), shot == "shot")
        known = _sources(document, sources or {}, facts, shot == "shot")
        listed = document.take("edits")
        if not isinstance(listed, list):
            raise document.fail("edits", "must be a list")
        document.done()
        edits: list[Edit] = []
        for i, fields in enumerate(listed):
            edits.append(_read_edit(f"{path}: edits[{i}]", fields, facts, known))
            facts = _facts_after(edits[-1], facts)
        return cls(edits)


def _sequence(take: MeshSequence | Performance | None) -> MeshSequence | None:
    if take is None or isinstance(take, MeshSequence):
        return take
    _validate.instance("take", take, Performance, "a MeshSequence or a Performance")
    return take.take


def _described(source: MeshSequence | Performance | Rig) -> dict[str, Any]:
    if isinstance(source, Rig):
        return {"name": source.name, "vertices": source.n_vertices, "topology": source.topology.hash}
    take = source.take if isinstance(source, Performance) else source
    return {
        "name": take.name,
        "start_frame": take.start_frame,
        "frames": len(take),
        "vertices": take.n_vertices,
        "topology": take.topology.hash,
    }


def _source_names(
    edits: Iterable[Edit], given: Mapping[str, Performance | Rig]
) -> dict[str, Performance | Rig]:
    """Every source of the edits by the name under which it is written."""
    chosen = {id(source): name for name, source in given.items()}
    names: dict[str, Performance | Rig] = {}
    for i, edit in enumerate(edits):
        likeness = getattr(edit, "envelope", None)
        others = (likeness.source,) if isinstance(likeness, SimilarRecipe) and likeness.source else ()
        for source in (*edit.sources, *others):
            own = source.name if isinstance(source, Rig) else source.take.name
            name = chosen.get(id(source), own)
            if name == "self" or names.setdefault(name, source) is not source:
                raise ValueError(
                    f"edits[{i}] ({edit.kind}): the name {name!r} of its source is taken; name it in `sources`"
                )
    return names


def _check_schema(document: Fields) -> None:
    schema, version = document.take("schema"), document.take("version")
    if schema != SCHEMA:
        raise document.fail("schema", f"must be {SCHEMA!r}, got {schema!r}")
    if version != VERSION:
        raise document.fail("version", f"must be {VERSION}, which is what this mien reads, got {version!r}")


def _described_facts(fields: Fields, sequence: MeshSequence | Rig | None, shot: bool) -> Facts:
    """Read what a file says about a take, checked against the take itself where that is given."""
    fields.take("name", None)
    start, frames = fields.integer("start_frame", 0), fields.integer("frames", None)
    vertices, topology = fields.integer("vertices", None), fields.take("topology", None)
    fields.done()
    if sequence is None:
        return Facts(start if shot else 0, frames, vertices)
    if vertices not in (None, sequence.n_vertices):
        raise fields.fail(
            "vertices", f"is {vertices}, but the take given has {sequence.n_vertices}: it is another one"
        )
    if topology not in (None, sequence.topology.hash):
        raise fields.fail("topology", "is that of another take: the polygons differ")
    return _facts(sequence, shot)


def _facts(sequence: MeshSequence | Rig, shot: bool) -> Facts:
    if isinstance(sequence, Rig):
        return Facts(vertices=sequence.n_vertices)
    return Facts(sequence.start_frame if shot else 0, len(sequence), sequence.n_vertices)


def _take_facts(document: Fields, sequence: MeshSequence | None, shot: bool) -> Facts:
    fields = document.object("take", None)
    if fields is not None:
        return _described_facts(fields, sequence, shot)
    if sequence is not None:
        return _facts(sequence, shot)
    if shot:
        raise document.fail(
            "take", "is missing: say which frame the shot starts with there, or give the take"
        )
    return Facts()


def _facts_after(edit: Edit, facts: Facts) -> Facts:
    """Return what is known about the take once an edit has been made: it may be longer or shorter."""
    if not isinstance(edit, TimelineEdit) or facts.frames is None:
        return facts
    return facts._replace(frames=max(facts.frames + edit.added_frames, 0))


def _sources(
    document: Fields, given: Mapping[str, Performance | Rig], take: Facts, shot: bool
) -> dict[str, tuple[Performance | Rig | None, Facts]]:
    """Return every source an edit may name, with what is known about it."""
    known: dict[str, tuple[Performance | Rig | None, Facts]] = {"self": (None, take)}
    for name, source in given.items():
        _validate.instance(f"sources[{name!r}]", source, (Performance, Rig), "a Performance or a Rig")
        known[name] = source, _facts(_sized(source), shot)
    fields = document.object("sources", None)
    if fields is None:
        return known
    for name in fields.names():
        described = fields.object(name)
        assert described is not None
        if name in given:
            known[name] = given[name], _described_facts(described, _sized(given[name]), shot)
    return known


def _sized(source: Performance | Rig) -> MeshSequence | Rig:
    return source if isinstance(source, Rig) else source.take


def _read_edit(
    place: str, values: Any, facts: Facts, sources: Mapping[str, tuple[Performance | Rig | None, Facts]]
) -> Edit:
    fields = Fields(place, values, facts, sources)
    kind = fields.take("edit")
    if not isinstance(kind, str) or kind not in KINDS:
        raise fields.fail("edit", f"must be one of {', '.join(map(repr, KINDS))}, got {kind!r}")
    fields.place = f"{place} ({kind})"
    fields.edit = lambda where, inner: _read_edit(f"{fields.place}.{where}", inner, facts, sources)
    try:
        edit = KINDS[kind].from_fields(fields)
    except FormatError:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        raise FormatError(f"{fields.place}: {error}") from error
    fields.done()
    return edit
