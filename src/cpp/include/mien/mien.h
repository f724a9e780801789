/* The C API of mien: rigid alignment of 4D faces, sparse Cholesky, mesh operators, deformers, bounded
 * weights.
 *
 *  - C99, any compiler. Shared library mien_c (CMake: mien::c, pkg-config: mien_c). Needs no Python.
 *  - Memory of the host is borrowed during a call, by byte strides, and never kept: points may be padded to
 *    four floats or lie in a vertex buffer among other things. Inputs are never written.
 *  - Structs set to zero hold the documented defaults. Sizes are int64_t; indices of vertices are int32_t.
 *  - Every working function returns a status. With a mien_error it also says what is wrong, with what was
 *    expected and what came. Nothing throws, prints or exits; nothing is kept between calls but handles and
 *    the idle threads of the pool. A call that failed may have written part of its output.
 *  - A handle (mien_..._create) may be used from many threads at once by functions that take it as const.
 *  - Results are the same bits on every x86-64 processor and for any number of threads, the host's included.
 *  - Letters: F frames, V vertices, T triangles, H handles, K columns or weights.
 */
#ifndef MIEN_MIEN_H
#define MIEN_MIEN_H

#include "mien/c/alignment.h"
#include "mien/c/arap_deformer.h"
#include "mien/c/base.h"
#include "mien/c/bounded_least_squares.h"
#include "mien/c/laplacian.h"
#include "mien/c/laplacian_deformer.h"
#include "mien/c/sparse_factor.h"
#include "mien/c/transfer.h"

#endif
