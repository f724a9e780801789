"""Carry expressions to other faces and to the weights of a rig."""

from mien.retarget.transfer import DeformationTransfer
from mien.retarget.weights import WeightFit, fit_weights, solve_weights

__all__ = ["DeformationTransfer", "WeightFit", "fit_weights", "solve_weights"]
