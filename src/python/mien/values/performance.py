"""A take with its head and neutral: everything needed to look at head and expression apart."""

from __future__ import annotations

import dataclasses
import functools
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien._archive import load_npz
from mien._atomic import atomic_path
from mien.errors import FormatError
from mien.values.comparison import Comparison, compare_heads
from mien.values.rigid import RigidMotion
from mien.values.sequence import MeshSequence

__all__ = ["Performance"]


@dataclasses.dataclass(frozen=True, eq=False)
class Performance:
    """What `separate` returns: the take, untouched, beside its head motion and neutral.

    Parameters
    ----------
    take : MeshSequence
        The take in world space, kept as it is.
    head : RigidMotion
        F frames, head → world.
    neutral : (V, 3) floats
        The face at rest, in head space.
    residual : (F,) floats
        Robust root-mean-square distance of each frame's stable vertices from the neutral, scene units.
    confidence : (F,) floats
        How far to trust each frame's head, in [0, 1].
    method : str
        The method that separated them.
    """

    take: MeshSequence
    head: RigidMotion
    neutral: npt.NDArray[Any]
    residual: npt.NDArray[np.float64]
    confidence: npt.NDArray[np.float64]
    method: str = "given"

    def __post_init__(self) -> None:
        _validate.instance("take", self.take, MeshSequence, "a MeshSequence")
        _validate.instance("head", self.head, RigidMotion, "a RigidMotion")
        n = len(self.take)
        if len(self.head) != n:
            raise ValueError(f"`head` must have F = {n} frames, got {len(self.head)}")
        neutral = _validate.points("neutral", self.neutral, ("V", 3), {"V": self.take.n_vertices})
        residual = _validate.floats("residual", self.residual, ("F",), {"F": n})
        confidence = _validate.unit_weights("confidence", self.confidence, "F", n)
        for key, value in (("neutral", neutral), ("residual", residual), ("confidence", confidence)):
            view = value.view()
            view.flags.writeable = False
            object.__setattr__(self, key, view)

    @functools.cached_property
    def expression(self) -> npt.NDArray[Any]:
        """Positions with the head taken out, (F, V, 3), head space, dtype of the take.

        Computed when first asked for and kept: as large as the take. Slice the performance first when that is too
        much: ``perf[100:200].expression``.
        """
        out = self.head.apply_inverse(self.take.positions)
        out.flags.writeable = False
        return out

    def __len__(self) -> int:
        return len(self.take)

    def __getitem__(self, frames: slice) -> Performance:
        """Return a range of frames that shares memory with this performance."""
        return dataclasses.replace(
            self,
            take=self.take[frames],
            head=self.head[frames],
            residual=self.residual[frames],
            confidence=self.confidence[frames],
        )

    def compare(self, other: Performance) -> Comparison:
        """Show where this separation and another one of the same take differ.

        Parameters
        ----------
        other : Performance
            As many frames and vertices. When its head space is another one (both neutrals were estimated, say), that
            constant difference is part of what is shown; compare against a separation with this one's neutral instead.

        Returns
        -------
        Comparison
        """
        _validate.instance("other", other, Performance, "a Performance")
        if len(other) != len(self) or other.take.n_vertices != self.take.n_vertices:
            raise ValueError(
                f"`other` must have F = {len(self)} frames and V = {self.take.n_vertices} vertices, "
                f"got {len(other)} and {other.take.n_vertices}"
            )
        return compare_heads(self.head, other.head, self.neutral)

    def save(self, path: str | PathLike[str], *, expression: bool = False) -> None:
        """Write head, neutral, residual and confidence to an uncompressed .npz file; the take stays in its own.

        Parameters
        ----------
        path : path
            Appears whole or not at all.
        expression : bool
            Write the expression, too, for programs that read arrays; as large as the take. `load` does not need it.
        """
        extra: dict[str, Any] = {"expression": self.expression} if expression else {}
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.savez(
                file,
                kind=np.array("mien.Performance"),
                rotation=self.head.rotation,
                translation=self.head.translation,
                neutral=self.neutral,
                residual=self.residual,
                confidence=self.confidence,
                method=np.array(self.method),
                start_frame=np.array(self.take.start_frame),
                fps=np.array(self.take.fps),
                topology_hash=np.array(self.take.topology.hash),
                **extra,
            )

    @classmethod
    def load(cls, path: str | PathLike[str], take: MeshSequence) -> Performance:
        """Read what `save` wrote, and join it to its take.

        Raises
        ------
        FormatError
            The file does not hold a performance.
        ValueError
            The performance belongs to a take of another length or topology.
        """
        keys = ("rotation", "translation", "neutral", "residual", "confidence", "method", "topology_hash")
        data = load_npz(path, "a saved performance", keys)
        if str(data["topology_hash"]) != take.topology.hash:
            raise ValueError(f"`take` must have the topology that {path} was made from, got another one")
        try:
            head = RigidMotion(data["rotation"], data["translation"])
            arrays = {key: data[key] for key in ("neutral", "residual", "confidence")}
            return cls(take, head, method=str(data["method"]), **arrays)
        except (TypeError, ValueError) as error:
            raise FormatError(f"{path}: expected a saved performance of this take, got: {error}") from error

    def __repr__(self) -> str:
        return f"Performance({len(self)} frames, {self.take.n_vertices} vertices, method {self.method!r})"
