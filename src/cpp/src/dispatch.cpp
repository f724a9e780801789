#include "mien/dispatch.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include "kernels/table.h"
#include "mien/error.h"

namespace mien {

extern const KernelTable table_base;
#if defined(MIEN_HAVE_avx2)
extern const KernelTable table_avx2;
#endif
#if defined(MIEN_HAVE_avx512)
extern const KernelTable table_avx512;
#endif

namespace {

struct Path {
    const char* name;
    const KernelTable* table;
    bool supported;
};

#if defined(MIEN_HAVE_avx2) && (defined(__GNUC__) || defined(__clang__))
bool hasV3() {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
}
bool hasV4() {
    return hasV3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}
#else
bool hasV3() {
    return false;
}  // MSVC: the base path until cpuid is read and tested there
bool hasV4() {
    return false;
}
#endif

Path choose() {
    const Path paths[] = {
#if defined(MIEN_HAVE_avx512)
        {"avx512", &table_avx512, hasV4()},
#endif
#if defined(MIEN_HAVE_avx2)
        {"avx2", &table_avx2, hasV3()},
#endif
        {"base", &table_base, true},
    };
    const char* wanted = std::getenv("MIEN_ISA");
    for (const Path& path : paths) {
        if (wanted && *wanted ? std::strcmp(wanted, path.name) == 0 && path.supported : path.supported)
            return path;
    }
    (void)hasV3, (void)hasV4;
    throw Error(Status::invalidArgument,
                std::string("MIEN_ISA must name an instruction set of this processor and "
                            "build (base, avx2 or avx512), got '") +
                    wanted + "'");
}

const Path& chosen() {
    static const Path path = choose();
    return path;
}

}  // namespace

const char* instructionSet() {
    return chosen().name;
}
const KernelTable& kernels() {
    return *chosen().table;
}

}  // namespace mien
