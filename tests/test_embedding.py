"""The C API's headers and the examples of docs/embedding.md.

What needs the built library runs where MIEN_C_PREFIX names an installed tree (`.ci/run` does so).
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

import mien

ROOT = pathlib.Path(__file__).resolve().parents[1]
INCLUDE = ROOT / "src" / "cpp" / "include"
HEADERS = sorted((INCLUDE / "mien" / "c").glob("*.h"))
CONSUMER = ROOT / "tests" / "consumer"
PAGE = ROOT / "docs" / "embedding.md"
STRICT = ["-Wall", "-Wextra", "-pedantic", "-Werror", f"-I{INCLUDE}"]
HOSTS = {"Maya": "maya.h", "Houdini": "houdini.h", "Unreal": "unreal.h"}

needs_compiler = pytest.mark.skipif(
    shutil.which("gcc") is None or shutil.which("g++") is None, reason="needs gcc and g++"
)


def snippets(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.M | re.S)


def compile_text(text: str, name: str, folder: pathlib.Path, *options: str) -> None:
    source = folder / name
    source.write_text(text, encoding="utf-8")
    compile_files([source], folder, *options)


def compile_files(sources: list[pathlib.Path], folder: pathlib.Path, *options: str) -> None:
    compiler = ["gcc", "-std=c99"] if sources[0].suffix == ".c" else ["g++", "-std=c++17"]
    command = [*compiler, *STRICT, *map(str, sources), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr


def installed() -> pathlib.Path:
    if "MIEN_C_PREFIX" not in os.environ:
        pytest.skip("MIEN_C_PREFIX names no installed tree")
    return pathlib.Path(os.environ["MIEN_C_PREFIX"])


def run(command: list[str]) -> str:
    environment = {**os.environ, "LD_LIBRARY_PATH": str(installed() / "lib")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@needs_compiler
@pytest.mark.parametrize("suffix", ["c", "cpp"])
def test_every_header_stands_alone(suffix, tmp_path):
    sources = []
    for header in [*HEADERS, INCLUDE / "mien" / "mien.h"]:
        include = f"#include <{header.relative_to(INCLUDE).as_posix()}>\n"
        sources.append(tmp_path / f"{header.stem}.{suffix}")
        sources[-1].write_text(f"{include}{include}int used_{header.stem};\n")
    assert len(sources) > 8
    compile_files(sources, tmp_path, "-fsyntax-only")


def test_the_whole_api_is_in_one_header():
    whole = (INCLUDE / "mien" / "mien.h").read_text()
    assert {f'#include "mien/c/{path.name}"' for path in HEADERS} == set(re.findall(r"#include .*", whole))


def test_versions_agree():
    base = (INCLUDE / "mien" / "c" / "base.h").read_text()
    macros = [re.search(rf"MIEN_VERSION_{part} (\d+)", base)[1] for part in ("MAJOR", "MINOR", "PATCH")]
    assert ".".join(macros) == mien.__version__
    consumer = (CONSUMER / "ctypes" / "consumer.py").read_text()
    abi = re.search(r"MIEN_ABI_VERSION (\d+)", base)[1]
    assert re.search(r"^ABI_VERSION = (\d+)$", consumer, flags=re.M)[1] == abi


def test_every_function_is_called_by_the_c_consumer():
    declared = set(
        re.findall(r"^MIEN_API [^;(]*?\b(mien_\w+)\(", "".join(p.read_text() for p in HEADERS), flags=re.M)
    )
    text = "".join(p.read_text() for p in (CONSUMER / "c").glob("*.c"))
    assert len(declared) > 40
    assert declared - set(re.findall(r"\b(mien_\w+)\(", text)) == set()


@needs_compiler
@pytest.mark.parametrize("host", HOSTS)
def test_the_examples_for_hosts_compile(host, tmp_path):
    page = PAGE.read_text(encoding="utf-8")
    section = re.search(rf"^## An? {host}.*?(?=^## )", page, flags=re.M | re.S)[0]
    (example,) = re.findall(r"^```cpp\n(.*?)^```", section, flags=re.M | re.S)
    text = f'#include "{HOSTS[host]}"\n{example}'
    compile_text(
        text, "example.cpp", tmp_path, "-fsyntax-only", f"-I{CONSUMER / 'stand_ins'}", "-Wno-unused-parameter"
    )
    assert page.count("```cpp") == len(HOSTS)


@needs_compiler
def test_the_c_example_compiles(tmp_path):
    (example,) = snippets("c")
    compile_text(example, "example.c", tmp_path, "-fsyntax-only")


@needs_compiler
def test_the_c_example_says_what_the_page_says(tmp_path):
    lib = installed() / "lib"
    (example,) = snippets("c")
    compile_text(example, "example.c", tmp_path, f"-L{lib}", "-lmien_c", "-o", "example")
    assert run([str(tmp_path / "example")]) == "the head has moved by 5"
    assert "/* 5 */" in example


def test_the_ctypes_example_says_what_the_page_says():
    (example,) = snippets("python")
    assert run([sys.executable, "-I", "-S", "-c", example]) == re.search(r"# (0 \[.*\])", example)[1]


def test_the_page_says_what_has_not_run():
    assert "have not run in the hosts" in PAGE.read_text(encoding="utf-8")
