#include "separator.h"

namespace mien {
namespace {

constexpr std::int32_t kNone = -1, kOutside = -2;
constexpr std::int32_t kFarthest = 4096;  // a path is followed by as many nested calls

}  // namespace

void Band::clear() {
    start_.clear();
    neighbours_.clear();
    low_.clear();
    high_.clear();
}

void Band::add() {
    start_.push_back(static_cast<std::int64_t>(neighbours_.size()));
    low_.push_back(0);
    high_.push_back(0);
}

// Breadth first from the low side over what can still take flow; whether the high side was reached. A vertex
// has two halves, the way in and the way out, joined by a step that carries at most one.
Band::Reach Band::levels() {
    const std::int32_t n = size();
    levelIn_.assign(n, -1);
    levelOut_.assign(n, -1);
    queue_.clear();
    for (std::int32_t v = 0; v < n; ++v)
        if (low_[v]) {
            levelIn_[v] = 0;
            queue_.push_back(2 * v);
        }
    bool reached = false;
    const auto visit = [&](std::vector<std::int32_t>& level, std::int32_t v, int half, std::int32_t at) {
        if (level[v] >= 0) return;
        level[v] = at;
        queue_.push_back(2 * v + half);
    };
    for (std::size_t k = 0; k < queue_.size(); ++k) {
        const std::int32_t v = queue_[k] >> 1;
        if (queue_[k] & 1) {
            const std::int32_t at = levelOut_[v] + 1;
            if (at > kFarthest) return Reach::tooFar;
            reached = reached || (high_[v] && to_[v] != kOutside);
            for (std::int64_t e = start_[v]; e < start_[v + 1]; ++e) visit(levelIn_, neighbours_[e], 0, at);
            if (from_[v] != kNone) visit(levelIn_, v, 0, at);
        } else {
            const std::int32_t at = levelIn_[v] + 1;
            if (from_[v] == kNone)
                visit(levelOut_, v, 1, at);
            else if (from_[v] >= 0)
                visit(levelOut_, from_[v], 1, at);
        }
    }
    return reached ? Reach::high : Reach::nothing;
}

bool Band::into(std::int32_t v) {
    const std::int32_t at = levelIn_[v] + 1;
    if (from_[v] == kNone) {
        if (levelOut_[v] == at && outOf(v)) return true;
    } else if (from_[v] >= 0 && levelOut_[from_[v]] == at && outOf(from_[v])) {
        return true;  // what came from there goes another way
    }
    levelIn_[v] = -1;
    return false;
}

bool Band::outOf(std::int32_t v) {
    if (high_[v] && to_[v] != kOutside) {
        to_[v] = kOutside;
        return true;
    }
    const std::int32_t at = levelOut_[v] + 1;
    for (std::int64_t& e = next_[v]; e < start_[v + 1]; ++e) {
        const std::int32_t w = neighbours_[e];
        if (levelIn_[w] != at || !into(w)) continue;
        to_[v] = w;
        from_[w] = v;
        return true;
    }
    if (from_[v] >= 0 && levelIn_[v] == at && levelOut_[from_[v]] == at + 1 && outOf(from_[v])) {
        from_[v] = to_[v] = kNone;
        return true;
    }
    levelOut_[v] = -1;
    return false;
}

const char* Band::separate() {
    const std::int32_t n = size();
    start_.push_back(static_cast<std::int64_t>(neighbours_.size()));
    from_.assign(n, kNone);
    to_.assign(n, kNone);
    for (;;) {
        const Reach reach = levels();
        if (reach == Reach::tooFar) return nullptr;
        if (reach == Reach::nothing) break;
        next_.assign(start_.begin(), start_.end() - 1);
        bool more = false;
        for (std::int32_t v = 0; v < n; ++v)
            if (low_[v] && levelIn_[v] == 0 && from_[v] != kOutside && into(v)) {
                from_[v] = kOutside;
                more = true;
            }
        if (!more) break;
    }
    side_.resize(n);
    for (std::int32_t v = 0; v < n; ++v)
        side_[v] = levelOut_[v] >= 0 ? kLow : levelIn_[v] >= 0 ? kSeparator : kHigh;
    return side_.data();
}

}  // namespace mien
