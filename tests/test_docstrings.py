"""What a user asks `help` for: every public name says what it takes, what it gives and what it raises."""

from __future__ import annotations

import inspect

import pytest

import mien

PUBLIC = [
    name for name in dir(mien) if not name.startswith("_") and not inspect.ismodule(getattr(mien, name))
]


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_say_what_they_are(name: str) -> None:
    thing = getattr(mien, name)
    text = inspect.getdoc(thing)
    assert text
    if inspect.isclass(thing):
        members = {key: getattr(m, "__func__", m) for key, m in vars(thing).items() if key[0] != "_"}
        bare = [
            k for k, m in members.items() if isinstance(m, property) or inspect.isfunction(m) if not m.__doc__
        ]
        assert not bare, "methods without a word"
    elif inspect.isfunction(thing):
        signature = inspect.signature(thing)
        assert "Parameters\n---" in text or not signature.parameters
        assert "Returns\n---" in text or signature.return_annotation in ("None", None) or len(text) < 120
        checks = "raise " in inspect.getsource(thing) or "_validate." in inspect.getsource(thing)
        assert "raise" in text.lower() or "error" in text.lower() or not checks
