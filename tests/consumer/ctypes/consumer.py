"""Use the C library from a Python that has no package at all, as a host's own Python may be.

    python consumer.py libmien_c.so         blender -b --python consumer.py -- libmien_c.so

Checks known answers and error paths; prints one line and exits with 0 if all is well.
"""

from __future__ import annotations

import ctypes
import math
import os
import sys

OK, INVALID_ARGUMENT, NUMERICAL_FAILURE = 0, 1, 2
FLOAT32, FLOAT64 = 0, 1
ABI_VERSION = 1


class Error(ctypes.Structure):
    _fields_ = [
        ("status", ctypes.c_int32),
        ("frame", ctypes.c_int64),
        ("vertex", ctypes.c_int64),
        ("message", ctypes.c_char * 240),
    ]


class Points(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("scalar", ctypes.c_int32),
        ("frames", ctypes.c_int64),
        ("vertices", ctypes.c_int64),
        ("frame_stride", ctypes.c_int64),
        ("vertex_stride", ctypes.c_int64),
    ]


class Alignment(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_void_p)
        for name in (
            "rotation",
            "translation",
            "scale",
            "residual",
            "support",
            "spread",
            "sigma",
            "iterations",
        )
    ]


class Matrix(ctypes.Structure):
    _fields_ = [("size", ctypes.c_int64)] + [(n, ctypes.c_void_p) for n in ("column_start", "rows", "values")]


class Columns(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("scalar", ctypes.c_int32)] + [
        (n, ctypes.c_int64)
        for n in ("frames", "rows", "columns", "frame_stride", "row_stride", "column_stride")
    ]


Task = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)
ParallelFor = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, Task, ctypes.c_void_p)


class Scheduler(ctypes.Structure):
    _fields_ = [("context", ctypes.c_void_p), ("threads", ctypes.c_int32), ("parallel_for", ParallelFor)]


def load(path: str) -> ctypes.CDLL:
    """Load the library; ctypes passes pointers in full only to functions whose arguments it knows."""
    library = ctypes.CDLL(os.path.abspath(path))
    pointer, count = ctypes.c_void_p, ctypes.c_int64
    signatures = {
        "mien_align_frames": [pointer] * 8,
        "mien_apply_rigid": [pointer] * 6,
        "mien_factor_create": [pointer] * 6,
        "mien_factor_solve": [pointer] * 7,
        "mien_laplacian_create": [pointer, count, count, pointer, pointer, pointer],
    }
    for name, arguments in signatures.items():
        getattr(library, name).argtypes = arguments
    library.mien_version.restype = ctypes.c_char_p
    library.mien_status_name.restype = ctypes.c_char_p
    library.mien_factor_destroy.argtypes = [pointer]
    library.mien_factor_destroy.restype = None
    library.mien_instruction_set.restype = ctypes.c_char_p
    library.mien_instruction_set.argtypes = [pointer]
    return library


class Failures:
    """What did not hold."""

    count = 0

    def check(self, holds: bool, what: str) -> None:
        if not holds:
            self.count += 1
            print("does not hold:", what, file=sys.stderr)


def points(values: list[list[float]], frames: int = 1) -> tuple[Points, ctypes.Array]:
    """Return points padded to four floats, and the memory they borrow."""
    memory = (ctypes.c_float * (4 * len(values)))(*(c for p in values for c in (*p, 7.0)))
    vertices = len(values) // frames
    return Points(ctypes.addressof(memory), FLOAT32, frames, vertices, 16 * vertices, 16), memory


def check_alignment(library: ctypes.CDLL, failures: Failures) -> None:
    shape = [[math.cos(v), math.sin(1.7 * v), 0.1 * v] for v in range(30)]
    c, s = math.cos(0.5), math.sin(0.5)
    turned = [[c * x - s * y + 3, s * x + c * y, z - 1] for x, y, z in shape]
    reference, kept_reference = points(shape)
    take, memory = points(turned + shape, frames=2)
    rotation, translation = (ctypes.c_double * 18)(), (ctypes.c_double * 6)()
    result = Alignment(rotation=ctypes.addressof(rotation), translation=ctypes.addressof(translation))
    error = Error()

    @ParallelFor
    def serial(_context, count, task, data):
        for index in range(count):
            task(data, index)

    scheduler = Scheduler(None, 2, serial)

    def align(host=None):
        return library.mien_align_frames(
            ctypes.byref(take),
            ctypes.byref(reference),
            None,
            None,
            ctypes.byref(result),
            None,
            ctypes.byref(host) if host else None,
            ctypes.byref(error),
        )

    failures.check(align() == OK and error.message == b"", "alignment works")
    expected = [c, -s, 0, s, c, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1]
    failures.check(all(abs(a - b) < 1e-6 for a, b in zip(rotation, expected, strict=True)), "rotation")
    failures.check(abs(translation[0] - 3) < 1e-5 and abs(translation[2] + 1) < 1e-5, "translation")
    first = list(rotation)
    failures.check(align(scheduler) == OK and list(rotation) == first, "the same bits on Python's schedule")

    moved = Points(take.data, FLOAT32, 2, 30, 16 * 30, 16)
    status = library.mien_apply_rigid(
        ctypes.byref(take), rotation, translation, ctypes.byref(moved), None, ctypes.byref(error)
    )
    failures.check(status == OK and memory[3] == 7.0 and memory[4 * 59 + 3] == 7.0, "padding is left alone")
    failures.check(list(kept_reference)[3] == 7.0, "the reference is not written")

    memory[4 * 33 + 1] = math.nan
    failures.check(align() == INVALID_ARGUMENT, "NaN is refused")
    failures.check(
        (error.frame, error.vertex) == (1, 3) and b"frame 1, vertex 3" in error.message, "where it is"
    )
    take.vertex_stride = 6
    failures.check(
        align() == INVALID_ARGUMENT and b"multiples of 4" in error.message, "a bad stride is refused"
    )
    take.data = None
    failures.check(align() == INVALID_ARGUMENT, "no data is refused")


def check_factor(library: ctypes.CDLL, failures: Failures) -> None:
    """[4 1; 1 3] x = [9 5] is solved by x = (2, 1)."""
    start, rows = (ctypes.c_int64 * 3)(0, 2, 3), (ctypes.c_int32 * 3)(0, 1, 1)
    values, x = (ctypes.c_double * 3)(4, 1, 3), (ctypes.c_double * 2)(9, 5)
    matrix = Matrix(2, *(ctypes.addressof(each) for each in (start, rows, values)))
    column = Columns(ctypes.addressof(x), FLOAT64, 1, 2, 1, 0, 0, 0)
    factor, error = ctypes.c_void_p(), Error()
    made = (ctypes.byref(matrix), None, None, ctypes.byref(factor), None, ctypes.byref(error))
    failures.check(library.mien_factor_create(*made) == OK, "the matrix is factored")
    solve = (factor, ctypes.byref(column), ctypes.byref(column), None, None, None, ctypes.byref(error))
    failures.check(library.mien_factor_solve(*solve) == OK, "the factor solves")
    failures.check(abs(x[0] - 2) < 1e-15 and abs(x[1] - 1) < 1e-15, "the right answer")
    library.mien_factor_destroy(factor)
    values[0] = -4
    failures.check(library.mien_factor_create(*made) == NUMERICAL_FAILURE, "not positive definite")
    failures.check(b"row 0" in error.message and not factor.value, "which row, and no handle")


def main(path: str) -> int:
    tiny = 5e-324
    library = load(path)
    failures = Failures()
    failures.check(tiny / 1 > 0 and 1e-308 / 4 > 0, "denormal numbers live after loading")
    failures.check(library.mien_abi_version() == ABI_VERSION, "the ABI version")
    failures.check(library.mien_status_name(2) == b"numerical failure", "the names of status")
    check_alignment(library, failures)
    check_factor(library, failures)
    failures.check(1e-308 / 4 > 0, "denormal numbers live after calls")
    print(
        f"ctypes consumer: Python {sys.version.split()[0]}, mien {library.mien_version().decode()}, "
        f"{library.mien_instruction_set(None).decode()} path, {failures.count} failures"
    )
    return 1 if failures.count else 0


if __name__ == "__main__":
    code = main(sys.argv[-1])
    sys.stdout.flush()
    if "bpy" in sys.modules:  # Blender ignores the exit status of a script
        os._exit(code)
    sys.exit(code)
