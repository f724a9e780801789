// What the example for Unreal names, and no more, so that a compiler can read it. Not Unreal's interface.
#pragma once

#include <mien/mien.h>

using int32 = int;
using int64 = long long;
struct FVector3f {
    float X, Y, Z;
};
template <class Item>
struct TArray {
    Item* GetData();
    int32 Num() const;
};
struct FPlatformMisc {
    static int32 NumberOfCoresIncludingHyperthreads();
};
template <class Body>
void ParallelFor(int32 count, Body body) {
    for (int32 i = 0; i < count; ++i) body(i);
}
#define TEXT(text) text
#define UE_LOG(category, verbosity, format, argument) logLine(format, argument)
void logLine(const char* format, const char* argument);
struct FFaceModule {
    bool Transfer(TArray<FVector3f>& Expression, TArray<FVector3f>& Character);
    mien_transfer* Carrier;
};
