#include "mien/obj.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include "decimal_inline.h"
#include "mien/decimal.h"
#include "mien/error.h"

namespace mien {
namespace {

bool isSpace(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

// A text whose last character is a line end, so that every loop that stops there needs no other bound. Files
// that lack it, and those of old Macintoshes, are copied.
class Text {
  public:
    Text(const char* text, std::size_t bytes) : begin(text), end(text + bytes) {
        const bool lineFeeds = bytes > 0 && std::memchr(text, '\n', bytes);
        if (lineFeeds && text[bytes - 1] == '\n' && !(bytes > 1 && text[bytes - 2] == '\\')) return;
        copy_.assign(text, bytes);
        if (!lineFeeds) std::replace(copy_.begin(), copy_.end(), '\r', '\n');
        copy_ += "\n\n";
        begin = copy_.data();
        end = begin + copy_.size();
    }
    Text(const Text&) = delete;
    Text& operator=(const Text&) = delete;

    [[noreturn]] void fail(const char* place, const std::string& expected) const {
        const char* line = place;
        while (line > begin && line[-1] != '\n') --line;
        std::size_t length = 0;
        while (length < 60 && line[length] != '\n' && line[length] != '\r') ++length;
        throw Error(Status::badFormat, "line " + std::to_string(1 + std::count(begin, line, '\n')) +
                                           ": expected " + expected + "; found '" + printable(line, length) +
                                           "'");
    }

    const char* begin;
    const char* end;

  private:
    std::string copy_;
};

const char* skipLine(const char* p, const char* end) {
    if (*p == '\n') return p + 1;
    return static_cast<const char*>(std::memchr(p, '\n', static_cast<std::size_t>(end - p))) + 1;
}

// Blanks, and line ends behind a backslash.
const char* skipSpaces(const char* p, const char* end) {
    for (;;) {
        while (isSpace(*p)) ++p;
        if (*p != '\\') return p;
        const char* q = p + 1;
        if (*q == '\r') ++q;
        if (*q != '\n' || q + 1 >= end) return p;
        p = q + 1;
    }
}

// `count` numbers behind a keyword; returns the place behind them, or null if there are fewer.
const char* parseFloats(const char* p, const char* end, int count, float* out) {
    for (int i = 0; i < count; ++i) {
        p = skipSpaces(p, end);
        p = parseNumber(p, end, out + i);
        if (!p || !(isSpace(*p) || *p == '\n' || *p == '\\' || *p == '#')) return nullptr;
    }
    return p;
}

// A whole number that may be negative, at most 10 digits; null if there is none.
const char* parseIndex(const char* p, std::int64_t* out) {
    const bool negative = *p == '-';
    if (negative) ++p;
    const char* const digits = p;
    std::int64_t value = 0;
    while (isDigit(*p) && p - digits < 11) value = 10 * value + (*p++ - '0');
    if (p == digits || isDigit(*p)) return nullptr;
    *out = negative ? -value : value;
    return p;
}

class Parser {
  public:
    explicit Parser(const Text& text) : text_(text) {}

    // Faces may name what comes later in the file, so limits are known only at the end; see parseObj.
    void limit(std::size_t vertices, std::size_t uvs) {
        vertexLimit_ = static_cast<std::int64_t>(vertices);
        uvLimit_ = static_cast<std::int64_t>(uvs);
    }

    void run() {
        const std::size_t bytes = static_cast<std::size_t>(text_.end - text_.begin);
        mesh.positions.reserve(bytes / 24);  // about what faces with texture coordinates come to
        mesh.faceIndices.reserve(bytes / 24);
        mesh.faceCounts.reserve(bytes / 96);
        bool inRun = false;
        for (const char* p = text_.begin; p < text_.end;) {
            const char* line = p;
            while (isSpace(*p)) ++p;
            const bool face = *p == 'f' && isSpace(p[1]);
            if (face != inRun) {
                if (inRun) endRun(line);
                if (face) beginRun(line);
                inRun = face;
            }
            p = face ? parseFace(p) : parseOther(p);
        }
        if (inRun) endRun(text_.end);
    }

    ObjMesh mesh;
    std::int64_t highestVertex = -1, highestUv = -1;
    bool someCornersWithoutUv = false;

  private:
    void beginRun(const char* line) {
        mesh.runs.push_back({static_cast<std::size_t>(line - text_.begin), 0, mesh.positions.size() / 3,
                             mesh.uvs.size() / 2, true});
    }
    void endRun(const char* line) {
        mesh.runs.back().bytes = static_cast<std::size_t>(line - text_.begin) - mesh.runs.back().begin;
    }

    const char* parseOther(const char* p) {
        if (*p == 'v' && isSpace(p[1])) {
            float xyz[3];
            const char* after = parseFloats(p + 1, text_.end, 3, xyz);
            if (!after) text_.fail(p, "a vertex of three numbers");
            mesh.positions.insert(mesh.positions.end(), xyz, xyz + 3);
            p = after;
        } else if (*p == 'v' && p[1] == 't' && isSpace(p[2])) {
            float uv[2] = {0, 0};
            const char* after = parseFloats(p + 2, text_.end, 2, uv);
            if (!after) after = parseFloats(p + 2, text_.end, 1, uv);  // v may be left out
            if (!after) text_.fail(p, "a texture coordinate of two numbers");
            mesh.uvs.insert(mesh.uvs.end(), uv, uv + 2);
            p = after;
        } else if (*p == 'o' && isSpace(p[1])) {
            while (isSpace(*p) || *p == 'o') {
                const bool keyword = *p == 'o';
                ++p;
                if (keyword) break;
            }
            while (isSpace(*p)) ++p;
            const char* stop = p;
            while (*stop != '\n') ++stop;
            const char* next = stop;
            while (stop > p && isSpace(stop[-1])) --stop;
            if (stop > p) mesh.names.emplace_back(p, stop);
            p = next;
        }
        return skipLine(p, text_.end);
    }

    const char* parseFace(const char* p) {
        const char* const start = p++;
        const std::int64_t vertices = static_cast<std::int64_t>(mesh.positions.size() / 3);
        const std::int64_t uvs = static_cast<std::int64_t>(mesh.uvs.size() / 2);
        std::int32_t corners = 0;
        for (;; ++corners) {
            p = skipSpaces(p, text_.end);
            if (*p == '\n' || *p == '#') break;
            std::int64_t vertex = 0, uv = 0;
            p = parseIndex(p, &vertex);
            if (p && *p == '/') p = parseRest(p + 1, &uv);
            if (!p || !(isSpace(*p) || *p == '\n' || *p == '\\'))
                text_.fail(start, "corners like 1, 1/2, 1//3 or 1/2/3");
            mesh.faceIndices.push_back(
                resolve(start, vertex, vertices, vertexLimit_, "vertices", &highestVertex));
            if (uv == 0) {
                someCornersWithoutUv = true;
                mesh.uvIndices.push_back(-1);
            } else {
                mesh.uvIndices.push_back(
                    resolve(start, uv, uvs, uvLimit_, "texture coordinates", &highestUv));
            }
        }
        if (corners < 3) text_.fail(start, "a face with at least three corners");
        mesh.faceCounts.push_back(corners);
        return skipLine(p, text_.end);
    }

    // What follows a vertex and a slash: "vt", "vt/vn" or "/vn". Normals are not kept.
    static const char* parseRest(const char* p, std::int64_t* uv) {
        if (*p != '/') {
            p = parseIndex(p, uv);
            if (!p || *uv == 0) return nullptr;
        }
        std::int64_t normal;
        return *p == '/' ? parseIndex(p + 1, &normal) : p;
    }

    std::int32_t resolve(const char* face, std::int64_t index, std::int64_t known, std::int64_t limit,
                         const char* what, std::int64_t* highest) {
        const std::int64_t zeroBased = index > 0 ? index - 1 : known + index;
        if (index == 0 || zeroBased < 0 || zeroBased >= limit)
            text_.fail(face, std::string("a face that names ") + what + " of this file" +
                                 (limit < std::numeric_limits<std::int32_t>::max()
                                      ? ", 1 to " + std::to_string(limit)
                                      : ""));
        *highest = std::max(*highest, zeroBased);
        return static_cast<std::int32_t>(zeroBased);
    }

    const Text& text_;
    std::int64_t vertexLimit_ = std::numeric_limits<std::int32_t>::max();
    std::int64_t uvLimit_ = std::numeric_limits<std::int32_t>::max();
};

// Gives every corner a texture coordinate, or none.
void settleUvs(ObjMesh& mesh, bool someWithout, bool someWith) {
    if (!someWith) {
        mesh.uvs.clear();
        mesh.uvIndices.clear();
    } else if (someWithout) {
        const auto additional = static_cast<std::int32_t>(mesh.uvs.size() / 2);
        mesh.uvs.insert(mesh.uvs.end(), 2, 0.0f);
        std::replace(mesh.uvIndices.begin(), mesh.uvIndices.end(), -1, additional);
    }
}

}  // namespace

ObjMesh parseObj(const char* text, std::size_t bytes) {
    const Text lines(text, bytes);
    Parser parser(lines);
    parser.run();
    ObjMesh& mesh = parser.mesh;
    const std::size_t vertices = mesh.positions.size() / 3, uvs = mesh.uvs.size() / 2;
    if (vertices == 0)
        throw Error(Status::badFormat, "expected vertices (lines like 'v 0 0 0'); found none in " +
                                           std::to_string(bytes) + " bytes");
    if (parser.highestVertex >= static_cast<std::int64_t>(vertices) ||
        parser.highestUv >= static_cast<std::int64_t>(uvs)) {
        Parser again(lines);  // now that the counts are known, this one stops at the line that is wrong
        again.limit(vertices, uvs);
        again.run();
    }
    if (!mesh.runs.empty() && mesh.runs.back().begin + mesh.runs.back().bytes > bytes) {
        mesh.runs.back().bytes = bytes - mesh.runs.back().begin;  // the text has no line end there
        mesh.runs.back().endsLine = false;
    }
    settleUvs(mesh, parser.someCornersWithoutUv, parser.highestUv >= 0);
    return std::move(parser.mesh);
}

namespace {

// Reads positions and compares text; false where the text of faces differs, which alone means nothing yet.
bool parseSameFaces(const Text& text, const ObjMesh& first, const char* firstText, float* positions,
                    std::size_t* vertices) {
    const std::size_t expected = first.positions.size() / 3;
    std::size_t count = 0, uvs = 0, run = 0;
    for (const char* p = text.begin; p < text.end;) {
        const char* const line = p;
        while (isSpace(*p)) ++p;
        if (*p == 'v' && isSpace(p[1])) {
            float xyz[3];
            const char* after = parseFloats(p + 1, text.end, 3, xyz);
            if (!after) text.fail(p, "a vertex of three numbers");
            if (count < expected) std::memcpy(positions + 3 * count, xyz, sizeof xyz);
            ++count;
            p = after;
        } else if (*p == 'v' && p[1] == 't' && isSpace(p[2])) {
            ++uvs;
        } else if (*p == 'f' && isSpace(p[1])) {
            if (run == first.runs.size()) return false;
            const ObjMesh::Run& known = first.runs[run++];
            const auto left = static_cast<std::size_t>(text.end - line);
            const bool same = known.vertices == count && known.uvs == uvs &&
                              left > known.bytes - known.endsLine &&
                              std::memcmp(line, firstText + known.begin, known.bytes) == 0 &&
                              (known.endsLine || line[known.bytes] == '\n');
            if (!same) return false;
            p = line + known.bytes;
            continue;
        }
        p = skipLine(p, text.end);
    }
    *vertices = count;
    return run == first.runs.size();
}

void requireSameFaces(const ObjMesh& mesh, const ObjMesh& first) {
    if (mesh.faceCounts.size() != first.faceCounts.size())
        throw Error(Status::badFormat, "expected the " + std::to_string(first.faceCounts.size()) +
                                           " faces of the first frame; found " +
                                           std::to_string(mesh.faceCounts.size()));
    for (std::size_t face = 0, corner = 0; face < first.faceCounts.size(); ++face) {
        const auto corners = static_cast<std::size_t>(first.faceCounts[face]);
        if (mesh.faceCounts[face] != first.faceCounts[face] ||
            !std::equal(mesh.faceIndices.begin() + static_cast<std::ptrdiff_t>(corner),
                        mesh.faceIndices.begin() + static_cast<std::ptrdiff_t>(corner + corners),
                        first.faceIndices.begin() + static_cast<std::ptrdiff_t>(corner)))
            throw Error(Status::badFormat, "expected the faces of the first frame; found another face " +
                                               std::to_string(face) + ": the topology changes");
        corner += corners;
    }
}

void requireSameVertices(std::size_t found, std::size_t expected) {
    if (found != expected)
        throw Error(Status::badFormat, "expected the " + std::to_string(expected) +
                                           " vertices of the first frame; found " + std::to_string(found));
}

}  // namespace

void parseObjPositions(const char* text, std::size_t bytes, const ObjMesh& first, const char* firstText,
                       float* positions) {
    const std::size_t expected = first.positions.size() / 3;
    const Text lines(text, bytes);
    std::size_t vertices = 0;
    if (parseSameFaces(lines, first, firstText, positions, &vertices)) {
        requireSameVertices(vertices, expected);
        return;
    }
    const ObjMesh mesh = parseObj(text, bytes);
    requireSameVertices(mesh.positions.size() / 3, expected);
    requireSameFaces(mesh, first);
    std::memcpy(positions, mesh.positions.data(), mesh.positions.size() * sizeof(float));
}

std::string formatObjPositions(const ConstFrames& points) {
    std::string out(static_cast<std::size_t>(points.vertices) * (3 * (kLongestNumber + 1) + 3), '\0');
    char* p = out.data();
    for (std::int64_t v = 0; v < points.vertices; ++v) {
        const char* from = static_cast<const char*>(points.data) + v * points.vertexStride;
        *p++ = 'v';
        for (int i = 0; i < 3; ++i) {
            *p++ = ' ';
            const float x = points.scalar == Scalar::float32
                                ? reinterpret_cast<const float*>(from)[i]
                                : static_cast<float>(reinterpret_cast<const double*>(from)[i]);
            p = formatNumber(x, p);
        }
        *p++ = '\n';
    }
    out.resize(static_cast<std::size_t>(p - out.data()));
    return out;
}

std::string formatObjFaces(const std::int32_t* faceCounts, std::int64_t faces,
                           const std::int32_t* faceIndices, const float* uvs, std::int64_t uvCount,
                           const std::int32_t* uvIndices) {
    std::string out;
    char number[2 * kLongestNumber + 8];
    for (std::int64_t i = 0; uvs && i < uvCount; ++i) {
        char* p = formatNumber(uvs[2 * i], number);
        *p++ = ' ';
        p = formatNumber(uvs[2 * i + 1], p);
        out.append("vt ").append(number, p).push_back('\n');
    }
    std::int64_t corner = 0;
    for (std::int64_t face = 0; face < faces; ++face) {
        out.push_back('f');
        for (std::int32_t i = 0; i < faceCounts[face]; ++i, ++corner) {
            number[0] = ' ';
            char* p = std::to_chars(number + 1, number + 16, std::int64_t{faceIndices[corner]} + 1).ptr;
            if (uvs && uvIndices) {
                *p++ = '/';
                p = std::to_chars(p, p + 16, std::int64_t{uvIndices[corner]} + 1).ptr;
            }
            out.append(number, p);
        }
        out.push_back('\n');
    }
    return out;
}

}  // namespace mien
