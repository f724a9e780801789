"""Slow twins: the plainest code that gives the right answer, one file for each kernel."""
