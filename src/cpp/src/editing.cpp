#include "mien/editing.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "kernels/table.h"
#include "mien/error.h"
#include "mien/parallel.h"
#include "streaming.h"

namespace mien {
namespace {

// Frames per range: enough work (about 16,000 vertices) to pay for handing it out.
std::int64_t frameGrain(std::int64_t vertices) {
    return 1 + 16384 / std::max<std::int64_t>(vertices, 1);
}

const char* frameAt(const ConstFrames& view, std::int64_t f) {
    return static_cast<const char*>(view.data) + f * view.frameStride;
}

char* frameAt(const Frames& view, std::int64_t f) {
    return static_cast<char*>(view.data) + f * view.frameStride;
}

// World -> head of one frame, as a matrix and an offset.
struct IntoHead {
    std::array<double, 9> matrix{};
    std::array<double, 3> offset{};

    IntoHead() = default;
    IntoHead(const HeadTake& head, std::int64_t f) {
        const double *r = head.rotation + 9 * f, *t = head.translation + 3 * f;
        for (int i = 0; i < 3; ++i) {
            for (int j = 0; j < 3; ++j) matrix[3 * i + j] = r[3 * j + i];
            offset[i] = -((r[i] * t[0] + r[3 + i] * t[1]) + r[6 + i] * t[2]);
        }
    }
};

// Some vertices of one frame.
struct Part {
    std::int64_t frame, begin, count;
};

const void* pointsAt(const ConstFrames& view, const Part& part) {
    return frameAt(view, part.frame) + part.begin * view.vertexStride;
}

// What a step asks for at a part.
EditPull pullAt(const ConstFrames& take, const EditStep& step, const Part& part) {
    EditPull pull{};
    pull.field = step.field ? step.field + part.begin : nullptr;
    pull.plane = take.vertices;
    pull.weights = step.weights ? step.weights + part.begin : nullptr;
    pull.factor = step.factors[part.frame];
    pull.kind = step.kind == EditStep::Kind::towardsShape ? EditPull::kShape : EditPull::kDisplacement;
    if (step.kind != EditStep::Kind::towardsSource) return pull;
    pull.kind = EditPull::kSource;
    pull.source = {pointsAt(step.source, part), step.source.vertexStride, step.matrix + 9 * part.frame,
                   step.offset + 3 * part.frame};
    pull.sourceIsFloat = step.source.scalar == Scalar::float32;
    return pull;
}

EditPoints placedAt(const ConstFrames& take, const IntoHead& into, const Part& part) {
    return {pointsAt(take, part), take.vertexStride, into.matrix.data(), into.offset.data()};
}

// Adds a step to the delta of a part, 3 x count.
void addStep(const ConstFrames& take, const IntoHead& into, const EditStep& step, const Part& part,
             double* delta) {
    const EditingKernels& table = kernels().editing;
    const auto kernel = take.scalar == Scalar::float32 ? table.addFloat : table.addDouble;
    if (step.factors[part.frame] != 0)
        kernel(placedAt(take, into, part), pullAt(take, step, part), part.count, delta);
}

void checkStep(const ConstFrames& take, const EditStep& step) {
    if (step.kind != EditStep::Kind::towardsSource) return;
    if (step.source.frames != take.frames || step.source.vertices != take.vertices)
        throw Error(Status::invalidArgument, "source and take must have the same frames and vertices");
}

void checkOut(const ConstFrames& take, const Frames& out) {
    if (out.frames != take.frames || out.vertices != take.vertices || out.scalar != take.scalar)
        throw Error(Status::invalidArgument,
                    "out must have the frames, vertices and scalar type of the take");
}

std::int64_t pointSize(Scalar scalar) {
    return 3 * static_cast<std::int64_t>(scalar == Scalar::float32 ? sizeof(float) : sizeof(double));
}

bool isPacked(const ConstFrames& view) {
    return view.vertexStride == pointSize(view.scalar);
}

void copyPart(const ConstFrames& take, const Part& part, const Frames& out, bool stream) {
    const auto* from = static_cast<const char*>(pointsAt(take, part));
    char* to = frameAt(out, part.frame) + part.begin * out.vertexStride;
    const std::int64_t size = pointSize(take.scalar);
    if (isPacked(take) && isPacked(out))
        return kernels().editing.copyBytes(from, to, size * part.count, stream);
    for (std::int64_t v = 0; v < part.count; ++v)
        std::memcpy(to + v * out.vertexStride, from + v * take.vertexStride, static_cast<std::size_t>(size));
}

// Vertices of a frame that are worked on at a time: their points and displacements stay in the first cache.
constexpr std::int64_t kTile = 256;

// Vertices that all edits leave alone, or that some may change.
struct Span {
    std::int64_t begin, count;
    bool inside;
};

std::vector<Span> spansOf(const double* weights, std::int64_t vertices) {
    std::vector<Span> spans;
    for (std::int64_t begin = 0; begin < vertices; begin += kTile) {
        const std::int64_t count = std::min(kTile, vertices - begin);
        const bool inside = !weights || std::any_of(weights + begin, weights + begin + count,
                                                    [](double w) { return w != 0; });
        if (!spans.empty() && spans.back().inside == inside)
            spans.back().count += count;
        else
            spans.push_back({begin, count, inside});
    }
    return spans;
}

// What writes frames with steps added, for one thread.
class StepWriter {
  public:
    StepWriter(const HeadTake& head, const EditStep* steps, std::size_t count, const double* weights,
               const Frames& out, bool stream)
        : head_(head), steps_(steps), end_(steps + count), weights_(weights), out_(out), stream_(stream) {
        const bool floats = head.take.scalar == Scalar::float32 && isPacked(head.take) && isPacked(out);
        const bool suits =
            count == 1 && (steps[0].kind != EditStep::Kind::towardsSource ||
                           (steps[0].source.scalar == Scalar::float32 && isPacked(steps[0].source)));
        isOne_ = floats && suits && kernels().editing.writeOne;
    }

    void writeFrame(std::int64_t f, const std::vector<Span>& spans) {
        if (std::all_of(steps_, end_, [f](const EditStep& step) { return step.factors[f] == 0; }))
            return copyPart(head_.take, {f, 0, head_.take.vertices}, out_, stream_);
        const IntoHead into(head_, f);
        for (const Span& span : spans) {
            const Part part{f, span.begin, span.count};
            if (!span.inside)
                copyPart(head_.take, part, out_, stream_);
            else if (isOne_)
                writeWhole(into, part);
            else
                for (std::int64_t done = 0; done < span.count; done += kTile)
                    writeTile(into, {f, span.begin + done, std::min(kTile, span.count - done)});
        }
    }

  private:
    void writeWhole(const IntoHead& into, const Part& part) {
        const ConstFrames& take = head_.take;
        kernels().editing.writeOne(placedAt(take, into, part), pullAt(take, *steps_, part),
                                   head_.rotation + 9 * part.frame, part.count,
                                   reinterpret_cast<float*>(outAt(part)), stream_);
    }

    void writeTile(const IntoHead& into, const Part& part) {
        const ConstFrames& take = head_.take;
        for (const EditStep* step = steps_; step != end_; ++step) addStep(take, into, *step, part, delta_);
        const EditPoints points{pointsAt(take, part), take.vertexStride, head_.rotation + 9 * part.frame,
                                nullptr};
        const double* weights = weights_ ? weights_ + part.begin : nullptr;
        const auto kernel =
            take.scalar == Scalar::float32 ? kernels().editing.writeFloat : kernels().editing.writeDouble;
        if (!stream_) return kernel(points, weights, part.count, delta_, outAt(part), out_.vertexStride);
        const std::int64_t size = pointSize(take.scalar);
        kernel(points, weights, part.count, delta_, room_, size);
        kernels().editing.copyBytes(room_, outAt(part), size * part.count, true);
    }

    char* outAt(const Part& part) const { return frameAt(out_, part.frame) + part.begin * out_.vertexStride; }

    const HeadTake& head_;
    const EditStep *steps_, *end_;
    const double* weights_;
    const Frames& out_;
    bool stream_, isOne_;
    alignas(64) double delta_[3 * kTile] = {};
    alignas(64) char room_[3 * kTile * sizeof(double)];
};

}  // namespace

void accumulate(const HeadTake& head, const EditStep& step, double* delta) {
    const ConstFrames& take = head.take;
    checkStep(take, step);
    parallelFor(take.frames, frameGrain(take.vertices), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t f = begin; f < end; ++f) {
            const IntoHead into = step.kind == EditStep::Kind::displacement ? IntoHead{} : IntoHead(head, f);
            addStep(take, into, step, {f, 0, take.vertices}, delta + 3 * take.vertices * f);
        }
    });
}

void writeEdited(const HeadTake& head, const double* weights, double* delta, const Frames& out) {
    const ConstFrames& take = head.take;
    checkOut(take, out);
    const auto kernel =
        take.scalar == Scalar::float32 ? kernels().editing.writeFloat : kernels().editing.writeDouble;
    parallelFor(take.frames, frameGrain(take.vertices), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t f = begin; f < end; ++f) {
            const EditPoints points{frameAt(take, f), take.vertexStride, head.rotation + 9 * f, nullptr};
            kernel(points, weights, take.vertices, delta + 3 * take.vertices * f, frameAt(out, f),
                   out.vertexStride);
        }
    });
}

void writeSteps(const HeadTake& head, const EditStep* steps, std::size_t count, const double* weights,
                const Frames& out) {
    const ConstFrames& take = head.take;
    checkOut(take, out);
    for (std::size_t s = 0; s < count; ++s) checkStep(take, steps[s]);
    const bool stream = streamed(take, out) && isPacked(out);
    const std::vector<Span> spans = spansOf(weights, take.vertices);
    parallelFor(take.frames, frameGrain(take.vertices), [&](std::int64_t begin, std::int64_t end) {
        StepWriter writer(head, steps, count, weights, out, stream);
        for (std::int64_t f = begin; f < end; ++f) writer.writeFrame(f, spans);
        if (stream) kernels().editing.finishStreams();
    });
}

void copyFrames(const ConstFrames& take, const Frames& out) {
    checkOut(take, out);
    const bool stream = streamed(take, out);
    parallelFor(take.frames, frameGrain(take.vertices), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t f = begin; f < end; ++f) copyPart(take, {f, 0, take.vertices}, out, stream);
        if (stream) kernels().editing.finishStreams();
    });
}

}  // namespace mien
