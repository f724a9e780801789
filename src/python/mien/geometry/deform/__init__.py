"""Shapes that follow handles, and how surfaces are stretched."""
