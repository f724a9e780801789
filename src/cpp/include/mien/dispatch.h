// Which instruction set the kernels run on. Every path gives the same bits.
#pragma once

namespace mien {

// "base", "avx2" (x86-64-v3) or "avx512" (x86-64-v4): the best this processor has, or what the environment
// variable MIEN_ISA asks for. Throws Error (invalidArgument) if MIEN_ISA names a path this build or processor
// lacks.
const char* instructionSet();

}  // namespace mien
