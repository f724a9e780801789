// The kernels that exist once per instruction set, as tables of function pointers.
//
// What goes in here crosses between files with different -march flags: plain pointers and numbers only. A
// concept brings kernels/<stem>.h (its struct), kernels/<stem>.inc (the code) and one line in each place
// marked below.
#pragma once

#include "kernels/alignment.h"
#include "kernels/arap_deformer.h"
#include "kernels/barycentric.h"
#include "kernels/bounded_least_squares.h"
#include "kernels/draw.h"
#include "kernels/editing.h"
#include "kernels/factor.h"
#include "kernels/joint.h"
#include "kernels/laplacian.h"
#include "kernels/laplacian_deformer.h"
#include "kernels/packing.h"
#include "kernels/rig.h"
#include "kernels/rigid.h"
#include "kernels/shape_projection.h"
#include "kernels/skinning.h"
#include "kernels/transfer.h"
#include "kernels/triangular.h"

namespace mien {

struct KernelTable {
    RigidKernels rigid;
    RigKernels rig;
    AlignmentKernels alignment;
    DrawKernels draw;
    EditingKernels editing;
    ArapKernels arap;
    TransferKernels transfer;
    SkinningKernels skinning;
    BarycentricKernels barycentric;
    LaplacianKernels laplacian;
    FactorKernels factor;
    TriangularKernels triangular;
    PackingKernels packing;
    RefinementKernels refinement;
    BoundedKernels bounded;
    ProjectionKernels projection;
    LaplacianDeformerKernels laplacianDeformer;
    JointKernels joint;
    // one line per concept
};

// The table for this process; see mien/dispatch.h.
const KernelTable& kernels();

}  // namespace mien
