"""The instruction-set dispatch and the thread pool: one answer everywhere, and no trouble for the host process."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from mien import _core

HASHED = """
import hashlib, numpy as np, mien
rng = np.random.default_rng(5)
digest = hashlib.sha256()
for dtype in (np.float32, np.float64):
    for n in (1, 2, 3, 31, 32, 33, 10_007):
        motion = mien.RigidMotion.from_quaternions(rng.normal(size=(19, 4)), rng.normal(size=(19, 3)) * 400)
        points = rng.normal(size=(19, n, 3)).astype(dtype)
        digest.update(motion.apply(points).tobytes())
        digest.update(motion.apply_inverse(points).tobytes())
print(digest.hexdigest())
"""


def test_every_path_gives_the_same_bits(run_python, instruction_set):
    one = run_python(HASHED, MIEN_ISA="base", MIEN_NUM_THREADS="1")
    assert run_python(HASHED, MIEN_ISA=instruction_set, MIEN_NUM_THREADS="1") == one
    assert run_python(HASHED, MIEN_ISA=instruction_set, MIEN_NUM_THREADS="3") == one


def test_isa_override_is_obeyed(run_python, instruction_set):
    code = "from mien import _core; print(_core.instruction_set())"
    assert run_python(code, MIEN_ISA=instruction_set) == instruction_set


def test_unknown_isa_is_one_sentence(run_python):
    code = """
from mien import _core
try:
    _core.instruction_set()
except ValueError as error:
    print(error)
"""
    assert "MIEN_ISA must name an instruction set" in run_python(code, MIEN_ISA="sse9")


@pytest.mark.parametrize(("text", "expected"), [("1", 1), ("3", 3)])
def test_thread_count_is_obeyed(run_python, text, expected):
    code = "from mien import _core; print(_core.thread_count())"
    assert int(run_python(code, MIEN_NUM_THREADS=text)) == expected


@pytest.mark.parametrize("text", ["", "0", "-2", "many"])
def test_nonsense_thread_count_means_the_usable_processors(run_python, text):
    code = "import os; from mien import _core; print(_core.thread_count(), len(os.sched_getaffinity(0)))"
    threads, processors = run_python(code, MIEN_NUM_THREADS=text).split()
    assert threads == processors


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_works_after_the_parent_used_threads(run_python):
    code = """
import os, warnings, numpy as np, mien
warnings.simplefilter("ignore", DeprecationWarning)
points = np.ones((64, 5000, 3), np.float32)
motion = mien.RigidMotion.identity(64)
motion.apply(points)
child = os.fork()
if child == 0:
    os._exit(0 if (motion.apply(points) == points).all() else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run_python(code, MIEN_NUM_THREADS="4") == "0"


def test_many_python_threads_share_the_pool(run_python):
    code = """
import threading, numpy as np, mien
points = np.random.default_rng(0).normal(size=(64, 5000, 3))
motion = mien.RigidMotion.identity(64)
wrong = []
def work():
    for _ in range(20):
        if not (motion.apply(points) == points).all():
            wrong.append(1)
threads = [threading.Thread(target=work) for _ in range(6)]
[t.start() for t in threads]; [t.join() for t in threads]
print(len(wrong))
"""
    assert run_python(code, MIEN_NUM_THREADS="4") == "0"


def test_the_process_keeps_its_floating_point_mode(run_python):
    # A fast-math flag in any object would set flush-to-zero for the whole host process when the module loads.
    code = "import mien._core; tiny = 5e-324; print(tiny / 1 > 0 and 2.5e-308 / 4 > 0)"
    assert run_python(code) == "True"


def test_the_core_refuses_what_it_would_have_to_convert():
    points = np.zeros((2, 5, 3), np.float16)
    eye, zero = np.tile(np.eye(3), (2, 1, 1)), np.zeros((2, 3))
    with pytest.raises(TypeError, match="float32 or float64"):
        _core.apply_rigid(points, eye, zero, points)
    with pytest.raises(TypeError):
        _core.apply_rigid(np.zeros((2, 5, 3)), eye.astype(np.float32), zero, np.zeros((2, 5, 3)))
    with pytest.raises(ValueError, match="rotation"):
        _core.apply_rigid(np.zeros((2, 5, 3)), eye[:1], zero, np.zeros((2, 5, 3)))


def test_nothing_writes_into_read_only_memory():
    out = np.zeros((1, 5, 3))
    out.flags.writeable = False
    with pytest.raises(ValueError, match=r"read-only|writeable"):
        _core.apply_rigid(np.zeros((1, 5, 3)), np.eye(3)[None], np.zeros((1, 3)), out)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the symbol table of an ELF file")
def test_kernels_carry_no_shared_inline_functions(request):
    # An inline function that both a raised-instruction-set file and the rest emit may be linked in its AVX-512 copy.
    objects = list(request.config.rootpath.glob("build/*/CMakeFiles/mien.dir/kernels_*.o"))
    if not objects:
        pytest.skip("no build folder beside the tests")
    import shutil
    import subprocess

    if not shutil.which("nm"):
        pytest.skip("binutils is not installed")
    for path in objects:
        symbols = subprocess.run(["nm", "-C", str(path)], capture_output=True, text=True, check=True).stdout
        weak = [line for line in symbols.splitlines() if " W " in line or " V " in line or " u " in line]
        assert not weak, f"{path.name}: {weak}"
