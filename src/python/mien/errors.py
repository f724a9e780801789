"""What can go wrong, as types. Every message names the argument or place, what was expected and what came."""

from __future__ import annotations

__all__ = ["FormatError", "MienError", "NumericalError"]


class MienError(Exception):
    """Base of the errors that are mien's own."""


class NumericalError(MienError, ArithmeticError):
    """Raise when the mathematics failed; the message names the frame or vertex."""


class FormatError(MienError, ValueError):
    """Raise when a file is not what it says; the message names the path and the place in it."""
