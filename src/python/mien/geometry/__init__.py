"""Thin doors to the kernels: arrays in, arrays out."""
