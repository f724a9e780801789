// Wavefront OBJ: text in memory to arrays and back. Files are the caller's.
//
// Read: v (also with colours or a weight behind), vt, f with v, v/vt, v//vn and v/vt/vn, negative indices, o,
// comments, lines continued by a backslash, and any line ends. Several objects become one mesh in file order.
// Vertices are never merged, split or reordered. Everything else is passed over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "mien/views.h"

namespace mien {

struct ObjMesh {
    std::vector<float> positions;           // 3 a vertex, correctly rounded
    std::vector<float> uvs;                 // 2 a texture coordinate; empty if no face uses them
    std::vector<std::int32_t> faceCounts;   // corners of each face, at least 3
    std::vector<std::int32_t> faceIndices;  // vertex of each corner, from 0
    std::vector<std::int32_t> uvIndices;    // texture coordinate of each corner, or empty. Where only some
                                            // corners have one, the others share an additional one at (0, 0).
    std::vector<std::string> names;         // of the objects, in file order

    // Where the text has faces without anything between, and how many vertices came before: what lets other
    // frames be checked by comparing text.
    struct Run {
        std::size_t begin, bytes;
        std::size_t vertices, uvs;
        bool endsLine;  // false where the text stops without a line end
    };
    std::vector<Run> runs;
};

// Throws Error (badFormat) whose message begins with the line: words that are not numbers, faces with fewer
// than three corners or with vertices that do not exist, or no vertices at all.
ObjMesh parseObj(const char* text, std::size_t bytes);

// The positions of another frame of a mesh. Throws Error (badFormat) if vertex count or faces differ.
//   first, firstText   what parseObj gave, and the text it was given
//   positions          room for 3 floats a vertex of `first`
void parseObjPositions(const char* text, std::size_t bytes, const ObjMesh& first, const char* firstText,
                       float* positions);

// The "v" lines of one frame (points.frames == 1), each number the shortest that reads back as the same
// float.
std::string formatObjPositions(const ConstFrames& points);

// The "vt" and "f" lines.
//   uvs, uvIndices   2 a coordinate and 1 a corner, or null
std::string formatObjFaces(const std::int32_t* faceCounts, std::int64_t faces,
                           const std::int32_t* faceIndices, const float* uvs, std::int64_t uvCount,
                           const std::int32_t* uvIndices);

}  // namespace mien
