"""Numba kernels: plain loops that can be read and changed without a compiler. Imported when first used."""
