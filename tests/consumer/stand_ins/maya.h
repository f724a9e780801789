// What the example for Maya names, and no more, so that a compiler can read it. Not Maya's interface.
#pragma once

#include <mien/mien.h>

struct MPoint {
    double x, y, z, w;
};
struct MMatrix {};
struct MDataBlock {};
struct MS {
    enum Code { kSuccess, kFailure };
};
struct MStatus {
    MStatus(MS::Code) {}
};
struct MPointArray {
    MPoint& operator[](unsigned int index);
    unsigned int length() const;
};
struct MItGeometry {
    MStatus allPositions(MPointArray& points);
    MStatus setAllPositions(const MPointArray& points);
};
struct MGlobal {
    static MStatus displayError(const char* message);
};
struct FollowHandles {
    MStatus deform(MDataBlock& block, MItGeometry& geometry, const MMatrix& world, unsigned int index);
    MPointArray handlePositions(MDataBlock& block);
    mien_laplacian_deformer* deformer_;
};
