"""Types of the compiled core; every array is borrowed as it is, never converted."""

from typing import Any

import numpy as np
import numpy.typing as npt

_Points = npt.NDArray[np.floating[Any]]
_Float64 = npt.NDArray[np.float64]
_Int32 = npt.NDArray[np.int32]

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

class NearestPoints:
    def __init__(self, points: _Float64) -> None: ...
    def find(self, queries: _Float64, neighbours: int) -> tuple[_Int32, _Float64]: ...

class Contact:
    def __init__(
        self,
        first: _Int32,
        first_vertices: int,
        second: _Int32,
        second_vertices: int,
        *,
        near: float,
        unit: float,
        second_yields: bool,
    ) -> None: ...
    def correct(self, before: _Float64, now: _Float64) -> _Float64: ...

def multiply_matrices(left: _Float64, right: _Float64) -> _Float64: ...
def solve_positive(matrix: _Float64, rhs: _Float64) -> _Float64 | None: ...
def steady_path(
    places: _Float64, weights: _Float64, least: float, most: float
) -> tuple[_Float64, float, float]: ...

class JointSolver:
    def __init__(
        self,
        points: _Float64,
        weights: _Float64,
        fields: _Float64,
        precision: _Float64,
        scale: _Float64,
        signs: _Float64,
        centre: _Float64,
        radius: float,
        freedom: float,
        lost: float,
    ) -> None: ...
    @property
    def spread(self) -> _Float64: ...
    def solve(
        self,
        positions: _Points,
        index: npt.NDArray[np.int64],
        rotation: _Float64,
        translation: _Float64,
        steps: int,
        rounds: int,
        relaxation: float,
        details: bool,
    ) -> tuple[
        _Float64,
        _Float64,
        npt.NDArray[np.bool_],
        _Float64,
        _Float64,
        _Float64 | None,
        _Float64 | None,
    ]: ...

class ObjFrame:
    @property
    def positions(self) -> npt.NDArray[np.float32]: ...
    @property
    def uvs(self) -> npt.NDArray[np.float32]: ...
    @property
    def face_counts(self) -> _Int32: ...
    @property
    def face_indices(self) -> _Int32: ...
    @property
    def uv_indices(self) -> _Int32: ...
    @property
    def names(self) -> list[bytes]: ...

def parse_obj(text: bytes | memoryview) -> ObjFrame: ...
def parse_obj_frames(
    texts: list[bytes], first: ObjFrame, out: npt.NDArray[np.float32]
) -> tuple[int, str] | None: ...
def format_obj_frames(points: _Points) -> list[bytes]: ...
def format_obj_faces(
    face_counts: _Int32,
    face_indices: _Int32,
    uvs: npt.NDArray[np.float32] | None,
    uv_indices: _Int32 | None,
) -> bytes: ...
def parse_numbers(text: bytes | memoryview, out: _Float64) -> tuple[int, int]: ...
def align_frames(
    positions: _Points,
    reference: _Points,
    weights: _Float64 | None,
    robust: bool,
    scale: bool,
    missing: bool,
    *,
    out: _Points | None = ...,
    loss: int = ...,
    sigma: float = ...,
    quantile: float = ...,
    factor: float = ...,
    floor: float = ...,
    shrink: float = ...,
    tolerance: float = ...,
    max_iterations: int = ...,
) -> tuple[
    str,
    int,
    tuple[_Float64, _Float64, _Float64, _Float64, _Float64, _Float64, _Float64, npt.NDArray[np.int32]],
]: ...
def draw(
    points: _Points,
    triangles: npt.NDArray[np.int32],
    edges: npt.NDArray[np.uint8],
    colors: npt.NDArray[np.float32] | None,
    heat: npt.NDArray[np.float32] | None,
    heat_table: npt.NDArray[np.float32],
    texture: npt.NDArray[np.uint8] | None,
    uvs: npt.NDArray[np.float32] | None,
    uv_triangles: npt.NDArray[np.int32] | None,
    camera: _Float64,
    perspective: bool,
    look: npt.NDArray[np.float32],
    samples: int,
    flat: bool,
    wireframe: bool,
    out: npt.NDArray[np.uint8],
) -> None: ...
def geodesic_distance(
    positions: _Points, triangles: _Int32, seeds: _Int32, limit: float, out: _Float64
) -> None: ...

class EditStep:
    @staticmethod
    def towards_shape(shape: _Float64, weights: _Float64 | None, factors: _Float64) -> EditStep: ...
    @staticmethod
    def towards_source(
        source: _Points,
        matrix: _Float64,
        offset: _Float64,
        rest: _Float64 | None,
        weights: _Float64 | None,
        factors: _Float64,
    ) -> EditStep: ...
    @staticmethod
    def displacement(field: _Float64, weights: _Float64 | None, factors: _Float64) -> EditStep: ...

def accumulate(
    take: _Points, rotation: _Float64, translation: _Float64, step: EditStep, delta: _Float64
) -> None: ...
def accumulate_displacement(
    displacement: _Float64,
    weights: _Float64 | None,
    factors: _Float64,
    delta: _Float64,
) -> None: ...
def write_steps(
    take: _Points,
    rotation: _Float64,
    translation: _Float64,
    steps: list[EditStep],
    weights: _Float64 | None,
    out: _Points,
) -> None: ...
def write_edited(
    take: _Points,
    rotation: _Float64,
    translation: _Float64,
    weights: _Float64 | None,
    delta: _Float64,
    out: _Points,
) -> None: ...
def copy_frames(take: _Points, out: _Points) -> None: ...

class SparseFactor:
    def __init__(
        self,
        values: _Float64,
        rows: _Int32,
        starts: npt.NDArray[np.int64],
        positions: _Float64 | None,
        pattern: SparseFactor | None,
        single: bool,
        ordering: str,
    ) -> None: ...
    def refactor(self, values: _Float64, rows: _Int32, starts: npt.NDArray[np.int64]) -> None: ...
    def solve(
        self, rhs: _Points, out: _Points, refine: int, tolerance: float, measure: bool
    ) -> tuple[float, int, bool]: ...
    @property
    def size(self) -> int: ...
    @property
    def non_zeros(self) -> int: ...
    @property
    def stored_values(self) -> int: ...
    @property
    def flops(self) -> float: ...
    @property
    def memory(self) -> int: ...
    @property
    def permutation(self) -> _Int32: ...

class LaplacianPattern:
    def __init__(self, triangles: _Int32, vertex_count: int) -> None: ...
    @property
    def indptr(self) -> npt.NDArray[np.int64]: ...
    @property
    def indices(self) -> _Int32: ...
    def cotangent(self, positions: _Points, out: _Float64) -> None: ...
    def uniform(self, out: _Float64) -> None: ...
    def mass(self, positions: _Points, voronoi: bool, out: _Float64) -> None: ...
    def cotangent_from_lengths(self, lengths: _Float64, out: _Float64) -> None: ...
    def mass_from_lengths(self, lengths: _Float64, voronoi: bool, out: _Float64) -> None: ...
    def gradient_pattern(self) -> tuple[npt.NDArray[np.int64], _Int32]: ...
    def gradient(self, positions: _Points, out: _Float64) -> None: ...

def intrinsic_delaunay(positions: _Points, triangles: _Int32) -> tuple[_Int32, _Float64, int, bool]: ...
def bounded_least_squares(
    gram: _Float64, rhs: _Float64, lower: _Float64, upper: _Float64, smoothness: float
) -> tuple[_Float64, _Float64, npt.NDArray[np.int32], float]: ...
def project_shapes(
    neutral: _Points,
    starts: npt.NDArray[np.int64],
    indices: npt.NDArray[np.int32],
    offsets: _Points,
    weights: _Float64 | None,
    positions: _Points,
) -> tuple[_Float64, _Float64, tuple[int, int] | None]: ...

class LaplacianDeformer:
    def __init__(
        self,
        triangles: _Int32,
        neutral: _Points,
        handles: _Int32,
        weights: _Float64,
        held: npt.NDArray[np.uint8],
        bilaplacian: bool,
        intrinsic: bool,
        rotation_passes: int,
        method: str,
        single: bool,
    ) -> None: ...
    def solve(self, targets: _Points, base: _Points, out: _Points) -> None: ...
    @property
    def free_count(self) -> int: ...
    @property
    def method(self) -> str: ...
    @property
    def response_cost(self) -> float: ...
    @property
    def solve_cost(self) -> float: ...
    @property
    def memory(self) -> int: ...

class ArapDeformer:
    def __init__(
        self,
        neutral: _Points,
        triangles: _Int32,
        handles: _Int32,
        anchors: _Int32,
        rims: bool,
        clamp: bool,
        is_double: bool,
    ) -> None: ...
    def solve(
        self,
        targets: _Points,
        start: _Points | None,
        iterations: int,
        warm_iterations: int,
        out: _Points,
        energy: _Float64 | None,
    ) -> None: ...
    def energy(self, positions: _Points) -> _Float64: ...
    @property
    def free_vertices(self) -> int: ...

class DeformationTransfer:
    def __init__(
        self,
        source_neutral: _Points,
        source_triangles: _Int32,
        target_neutral: _Points,
        target_triangles: _Int32,
        correspondence: _Int32 | None,
        anchors: _Int32,
        is_double: bool,
    ) -> None: ...
    def apply(self, expression: _Points, out: _Points) -> None: ...

def deformation_gradients(neutral: _Points, triangles: _Int32, positions: _Points, out: _Points) -> None: ...
def skin_frames(
    neutral: _Points,
    start: npt.NDArray[np.int64],
    joints: _Int32,
    weights: _Float64,
    dual_quaternion: bool,
    matrix: _Float64,
    offset: _Float64,
    out: _Points,
) -> None: ...
def surface_points(positions: _Points, corners: _Int32, coordinates: _Float64, out: _Points) -> None: ...
def split_gradients(matrices: _Float64, rotation: _Float64, stretch: _Float64 | None) -> None: ...
