"""Types of the compiled core; every array is borrowed as it is, never converted."""

from typing import Any

import numpy as np
import numpy.typing as npt

_Points = npt.NDArray[np.floating[Any]]
_Float64 = npt.NDArray[np.float64]

version: str

def instruction_set() -> str: ...
def thread_count() -> int: ...
def apply_rigid(points: _Points, rotation: _Float64, translation: _Float64, out: _Points) -> None: ...
def apply_rigid_inverse(points: _Points, rotation: _Float64, translation: _Float64, out: _Points) -> None: ...
def evaluate_shapes(
    neutral: _Points,
    starts: npt.NDArray[np.int64],
    indices: npt.NDArray[np.int32],
    offsets: _Points,
    weights: _Float64,
    out: _Points,
) -> None: ...
def first_non_finite(points: _Points) -> tuple[int, int] | None: ...
