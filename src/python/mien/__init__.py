"""mien: edit 4D face takes under their untouched head motion.

Read a take, separate head from expression, edit the expression, recombine, write::

    take = mien.read("shot.abc")
    perf = mien.separate(take)
    result = mien.recombine(perf, mien.EditList([mien.Gain(0.4, region=mouth, envelope=smile)]))
    mien.write("shot_v2.abc", result)

Names are loaded when first used, so that ``import mien`` costs little and imports no extra.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.editing.apply import recombine as recombine
    from mien.editing.blend import Blend as Blend
    from mien.editing.checks import check_edits as check_edits
    from mien.editing.contact import Contact as Contact
    from mien.editing.drag import Drag as Drag
    from mien.editing.edit_list import EditList as EditList
    from mien.editing.gain import Gain as Gain
    from mien.editing.mirror import Mirror as Mirror
    from mien.editing.neutral import Neutral as Neutral
    from mien.editing.offset import Offset as Offset
    from mien.editing.paste import Paste as Paste
    from mien.editing.propagate import Propagate as Propagate
    from mien.editing.recombiner import Recombiner as Recombiner
    from mien.editing.retime import Retime as Retime
    from mien.editing.sculpt import Sculpt as Sculpt
    from mien.editing.similarity import similar_expressions as similar_expressions
    from mien.editing.smooth import Smooth as Smooth
    from mien.editing.timeline import Insert as Insert
    from mien.editing.timeline import Remove as Remove
    from mien.errors import FormatError as FormatError
    from mien.errors import MienError as MienError
    from mien.errors import NumericalError as NumericalError
    from mien.geometry.alignment import Alignment as Alignment
    from mien.geometry.alignment import Stabilised as Stabilised
    from mien.geometry.alignment import align_frames as align_frames
    from mien.geometry.alignment import stabilise_frames as stabilise_frames
    from mien.geometry.barycentric import surface_points as surface_points
    from mien.geometry.blending import blend as blend
    from mien.geometry.blending import resample as resample
    from mien.geometry.bounded_least_squares import BoundedFit as BoundedFit
    from mien.geometry.bounded_least_squares import bounded_least_squares as bounded_least_squares
    from mien.geometry.camera import Camera as Camera
    from mien.geometry.deform.arap import ArapDeformer as ArapDeformer
    from mien.geometry.deform.gradients import deformation_gradients as deformation_gradients
    from mien.geometry.deform.gradients import nearest_rotations as nearest_rotations
    from mien.geometry.deform.gradients import split_gradients as split_gradients
    from mien.geometry.deform.laplacian import LaplacianDeformer as LaplacianDeformer
    from mien.geometry.deform.skinning import Skin as Skin
    from mien.geometry.draw import draw as draw
    from mien.geometry.draw import write_png as write_png
    from mien.geometry.filters import bilateral as bilateral
    from mien.geometry.filters import savitzky_golay as savitzky_golay
    from mien.geometry.keys import carry_keys as carry_keys
    from mien.geometry.laplacian import LaplacianPattern as LaplacianPattern
    from mien.geometry.laplacian import SparseMatrix as SparseMatrix
    from mien.geometry.laplacian import gradient as gradient
    from mien.geometry.laplacian import laplacian as laplacian
    from mien.geometry.laplacian import mass as mass
    from mien.geometry.regions import envelope as envelope
    from mien.geometry.regions import geodesic_distance as geodesic_distance
    from mien.geometry.regions import region as region
    from mien.geometry.robust import align_frames_by as align_frames_by
    from mien.geometry.robust import robust_weights as robust_weights
    from mien.geometry.smoothing import smooth_frames as smooth_frames
    from mien.geometry.sparse import SolveResult as SolveResult
    from mien.geometry.sparse import SparseFactor as SparseFactor
    from mien.geometry.statistics import VertexMedian as VertexMedian
    from mien.geometry.statistics import vertex_median as vertex_median
    from mien.geometry.statistics import vertex_quantiles as vertex_quantiles
    from mien.geometry.symmetry import Symmetry as Symmetry
    from mien.geometry.symmetry import symmetry as symmetry
    from mien.io.registry import FileInfo as FileInfo
    from mien.io.registry import Format as Format
    from mien.io.registry import WriteReport as WriteReport
    from mien.io.registry import file_info as file_info
    from mien.io.registry import formats as formats
    from mien.io.registry import read as read
    from mien.io.registry import write as write
    from mien.io.rigs import read_curves as read_curves
    from mien.io.rigs import read_rig as read_rig
    from mien.io.rigs import write_rig as write_rig
    from mien.separation import separate as separate
    from mien.separation.prior import FacePrior as FacePrior
    from mien.separation.prior import carry_prior as carry_prior
    from mien.values.comparison import Comparison as Comparison
    from mien.values.performance import Performance as Performance
    from mien.values.rig import Rig as Rig
    from mien.values.rigid import RigidMotion as RigidMotion
    from mien.values.sequence import MeshSequence as MeshSequence
    from mien.values.shapes import Corrective as Corrective
    from mien.values.topology import Topology as Topology

# Public name -> module that has it.
_HOMES = {
    "FormatError": "mien.errors",
    "MienError": "mien.errors",
    "NumericalError": "mien.errors",
    "Topology": "mien.values.topology",
    "Comparison": "mien.values.comparison",
    "RigidMotion": "mien.values.rigid",
    "MeshSequence": "mien.values.sequence",
    "Alignment": "mien.geometry.alignment",
    "Stabilised": "mien.geometry.alignment",
    "align_frames": "mien.geometry.alignment",
    "SolveResult": "mien.geometry.sparse",
    "carry_keys": "mien.geometry.keys",
    "SparseFactor": "mien.geometry.sparse",
    "LaplacianDeformer": "mien.geometry.deform.laplacian",
    "LaplacianPattern": "mien.geometry.laplacian",
    "SparseMatrix": "mien.geometry.laplacian",
    "gradient": "mien.geometry.laplacian",
    "laplacian": "mien.geometry.laplacian",
    "mass": "mien.geometry.laplacian",
    "stabilise_frames": "mien.geometry.alignment",
    "Performance": "mien.values.performance",
    "separate": "mien.separation",
    "FacePrior": "mien.separation.prior",
    "carry_prior": "mien.separation.prior",
    "FileInfo": "mien.io.registry",
    "Format": "mien.io.registry",
    "WriteReport": "mien.io.registry",
    "file_info": "mien.io.registry",
    "formats": "mien.io.registry",
    "read": "mien.io.registry",
    "write": "mien.io.registry",
    "read_curves": "mien.io.rigs",
    "read_rig": "mien.io.rigs",
    "write_rig": "mien.io.rigs",
    "Corrective": "mien.values.shapes",
    "Rig": "mien.values.rig",
    "BoundedFit": "mien.geometry.bounded_least_squares",
    "bounded_least_squares": "mien.geometry.bounded_least_squares",
    "Camera": "mien.geometry.camera",
    "Skin": "mien.geometry.deform.skinning",
    "surface_points": "mien.geometry.barycentric",
    "ArapDeformer": "mien.geometry.deform.arap",
    "deformation_gradients": "mien.geometry.deform.gradients",
    "nearest_rotations": "mien.geometry.deform.gradients",
    "split_gradients": "mien.geometry.deform.gradients",
    "draw": "mien.geometry.draw",
    "write_png": "mien.geometry.draw",
    "EditList": "mien.editing.edit_list",
    "Contact": "mien.editing.contact",
    "check_edits": "mien.editing.checks",
    "Drag": "mien.editing.drag",
    "Gain": "mien.editing.gain",
    "Mirror": "mien.editing.mirror",
    "Neutral": "mien.editing.neutral",
    "Offset": "mien.editing.offset",
    "Paste": "mien.editing.paste",
    "Propagate": "mien.editing.propagate",
    "Retime": "mien.editing.retime",
    "Sculpt": "mien.editing.sculpt",
    "similar_expressions": "mien.editing.similarity",
    "Recombiner": "mien.editing.recombiner",
    "Blend": "mien.editing.blend",
    "Smooth": "mien.editing.smooth",
    "smooth_frames": "mien.geometry.smoothing",
    "Insert": "mien.editing.timeline",
    "Remove": "mien.editing.timeline",
    "recombine": "mien.editing.apply",
    "blend": "mien.geometry.blending",
    "resample": "mien.geometry.blending",
    "align_frames_by": "mien.geometry.robust",
    "robust_weights": "mien.geometry.robust",
    "VertexMedian": "mien.geometry.statistics",
    "vertex_median": "mien.geometry.statistics",
    "vertex_quantiles": "mien.geometry.statistics",
    "bilateral": "mien.geometry.filters",
    "savitzky_golay": "mien.geometry.filters",
    "envelope": "mien.geometry.regions",
    "geodesic_distance": "mien.geometry.regions",
    "region": "mien.geometry.regions",
    "Symmetry": "mien.geometry.symmetry",
    "symmetry": "mien.geometry.symmetry",
}
# Public names that are modules themselves.
_MODULES: tuple[str, ...] = ("datasets", "retarget")

__all__ = [*_HOMES, *_MODULES, "__version__"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from mien import _core

        return _core.version
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    elif name in _MODULES:
        value = importlib.import_module(f"mien.{name}")
    else:
        raise AttributeError(f"module 'mien' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
