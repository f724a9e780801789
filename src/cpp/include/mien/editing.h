// Edits as displacements: what an edit adds to a face in head space, and the take with it added.
//
// A displacement buffer holds F x 3 x V doubles in head space (of each frame all x, then y, then z; other
// fields of doubles likewise) and starts as zeros. Edits add to it one after the other, each seeing the
// expression as those before it left it: current = R_f^T (take - t_f) + delta. Where it stays zero the result
// keeps the take's bits. Everything is per vertex and frame, so blocks of frames can be worked on in any
// order. A vertex for which an edit has no finite displacement keeps what it has.
//
// Weights are V doubles in [0, 1]; null means 1 everywhere. Time is spent where they are not zero.
#pragma once

#include "mien/views.h"

namespace mien {

// A take with its head, head -> world: rotation F x 9 row-major, translation F x 3.
struct HeadTake {
    ConstFrames take;
    const double* rotation = nullptr;
    const double* translation = nullptr;
};

// What one edit adds to delta, in every frame f and vertex v:
//
//   towardsShape    factors[f] weights[v] (field[v] - current). A gain g under an envelope e pulls to the
//                   neutral with factors e_f (1 - g).
//   towardsSource   factors[f] weights[v] (matrix_f source[f, v] + offset_f + field[v] - current)
//   displacement    factors[f] weights[v] field[v]
struct EditStep {
    enum class Kind { towardsShape, towardsSource, displacement };

    Kind kind = Kind::displacement;
    const double* field = nullptr;    // 3 x V in head space; may be null towards a source
    const double* weights = nullptr;  // V or null
    const double* factors = nullptr;  // F; frames with 0 are not touched
    ConstFrames source;               // F frames of V points in any space, float32 or float64
    const double* matrix = nullptr;   // F x 9, row-major: with offset, from the source's space to head space
    const double* offset = nullptr;   // F x 3
};

// Adds a step to delta, F x 3 x V.
void accumulate(const HeadTake& head, const EditStep& step, double* delta);

// out[f, v] = take[f, v] + R_f delta[f, v] where delta is not zero, and the take's bits elsewhere. Sets delta
// back to zeros.
//
//   weights   zero only where delta is; what they are otherwise does not matter
//   delta     F x 3 x V
//   out       like the take, in memory of its own
void writeEdited(const HeadTake& head, const double* weights, double* delta, const Frames& out);

// The same bits as `count` calls of accumulate and one of writeEdited, in one pass over the take: delta never
// leaves the processor.
void writeSteps(const HeadTake& head, const EditStep* steps, std::size_t count, const double* weights,
                const Frames& out);

// out = take, bit for bit.
void copyFrames(const ConstFrames& take, const Frames& out);

}  // namespace mien
