"""A procedural head with known truth, and takes performed by it."""

from __future__ import annotations

from mien.datasets.head import Head, head
from mien.datasets.performance import SyntheticTake, performance

__all__ = ["Head", "SyntheticTake", "head", "performance"]
