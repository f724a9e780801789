// Pictures of meshes: a small z-buffer rasteriser on the processor, the same picture on every machine.
//
// Coverage is exact: vertices are rounded to 1/256 of a sample, edges are integers, and the top-left rule
// gives every sample between neighbouring triangles to exactly one of them. Equal depths go to the lower
// triangle.
#pragma once

#include "mien/views.h"

namespace mien {

// Where the picture is taken from. Camera axes: x right, y up, z towards the viewer.
struct DrawCamera {
    double rotation[9] = {1, 0, 0, 0, 1,
                          0, 0, 0, 1};  // rows: the camera's x, y, z in world space, orthonormal
    double position[3] = {0, 0, 0};     // the eye
    bool perspective = false;
    double scale = 1;  // pixels per unit; with perspective at distance 1 from the eye
    double near = 0;   // what is nearer to the eye than this is cut off; with perspective above 0
};

// Light and colours; linear RGB unless said otherwise. The formula is written in mien/geometry/look.py, where
// the package keeps its one set of values.
struct DrawLook {
    float keyDirection[3], keyLight[3], keyWrap;
    float skyLight[3], groundLight[3];
    float rimDirection[3], rimLight[3];
    float glossDirection[3], gloss;
    float backFace;       // the light that back faces keep, 0 to 1
    float clay[3];        // albedo where no colour is given
    float background[3];  // sRGB, 0 to 1
    float wire[3];        // sRGB, 0 to 1
    float wireWidth, wireOpacity;
};

// What is drawn besides shape. At most one of colors, heat and texture; null where absent.
struct DrawMesh {
    std::int64_t triangleCount = 0;
    const std::int32_t* triangles = nullptr;  // T x 3, counter-clockwise seen from outside, all below V
    const std::uint8_t* edges = nullptr;      // T bytes: bit k says that edge k to k + 1 is a polygon's
    const float* colors = nullptr;            // V x 3 linear RGB
    const float* heat = nullptr;              // V numbers, 0 to 1; what lies outside is clamped
    std::int64_t attributeFrameStride = 0;    // floats from one frame's colors or heat to the next; 0 repeats
    const float* heatTable = nullptr;         // 256 x 3 linear RGB
    const std::uint8_t* texture = nullptr;    // textureHeight x textureWidth x 3 sRGB, top row first
    std::int64_t textureWidth = 0, textureHeight = 0;
    std::int64_t uvCount = 0;
    const float* uvs = nullptr;                 // U x 2; (0, 0) is the bottom left, outside repeats
    const std::int32_t* uvTriangles = nullptr;  // T x 3 into uvs
};

struct DrawOptions {
    std::int64_t width = 800, height = 800;  // 1 to 8192 each
    int samples = 1;                         // per pixel and axis, 1 to 4
    bool flat = false;                       // one normal a triangle; else area-weighted vertex normals
    bool wireframe = false;                  // needs DrawMesh::edges
};

// Draws every frame of `points` into out: F x height x width x 3 bytes of sRGB, C-contiguous. Triangles with
// a vertex that is not finite are left out. Parallel over frames.
void draw(const ConstFrames& points, const DrawMesh& mesh, const DrawCamera& camera, const DrawLook& look,
          const DrawOptions& options, std::uint8_t* out);

}  // namespace mien
