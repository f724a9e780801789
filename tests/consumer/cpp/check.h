// Counting what does not hold.
#pragma once

#include <cstdio>

inline int failures = 0;

inline void checkAt(bool holds, const char* what, const char* file, int line) {
    if (holds) return;
    ++failures;
    std::fprintf(stderr, "%s:%d: %s does not hold\n", file, line, what);
}

#define CHECK(condition) checkAt(condition, #condition, __FILE__, __LINE__)

void testThreads();
