#include "multifrontal.h"

#include <algorithm>
#include <limits>
#include <mutex>
#include <vector>

#include "kernels/table.h"
#include "mien/parallel.h"

namespace mien {
namespace {

constexpr std::int32_t kBlock = 64;          // columns that are factored before the rest is updated
constexpr double kParallelFlops = 4e6;       // an update smaller than this stays in one thread
constexpr std::int32_t kTasksPerThread = 6;  // subtrees, so that threads end together

// The leading dimension of a dense matrix: room for whole vectors from any row on, and no multiple of 512
// bytes, at which columns would compete for the same places of the cache.
std::int64_t leading(std::int64_t rows) {
    const std::int64_t padded = (rows + kFrontPad - 1 + 7) / 8 * 8;
    return padded % 64 == 0 ? padded + 8 : padded;
}

std::int64_t updateSize(std::int64_t rows) {
    return rows == 0 ? 0 : leading(rows) * ((rows + 7) / 8 * 8);
}

// Scratch of one thread: a panel, and two stacks of updates. A supernode's update goes on the stack of its
// depth's parity while those of its children are on the other, so each is a stack and nothing is ever moved.
struct Arena {
    double* panel = nullptr;
    double* top[2] = {nullptr, nullptr};
};

struct Need {
    std::int64_t panel = 0, stack[2] = {0, 0};

    void include(const Need& other) {
        panel = std::max(panel, other.panel);
        for (int i = 0; i < 2; ++i) stack[i] = std::max(stack[i], other.stack[i]);
    }
    std::int64_t total() const { return panel + stack[0] + stack[1]; }
};

class Factorisation {
  public:
    Factorisation(const Symbolic& symbolic, const double* diagonal, const double* lower, Scalar storage,
                  void* values)
        : symbolic_(symbolic),
          nodes_(symbolic.supernodes),
          diagonal_(diagonal),
          lower_(lower),
          storage_(storage),
          values_(values),
          update_(static_cast<std::size_t>(nodes_.count()), nullptr),
          inTask_(static_cast<std::size_t>(nodes_.count()), 0) {}

    std::int32_t run(Scratch* workspace);

  private:
    void split(int threads);
    template <class Visit>
    void children(std::int32_t s, const Visit& visit) const;
    bool isTaskRoot(std::int32_t s) const {
        return inTask_[s] && (nodes_.parent[s] < 0 || !inTask_[nodes_.parent[s]]);
    }
    Need need(std::int32_t begin, std::int32_t end, bool task) const;
    void assemble(std::int32_t s, double* panel, std::int64_t ld, double* update,
                  std::int64_t ldUpdate) const;
    std::int32_t front(std::int32_t s, double* update, Arena* arena, bool parallel);
    void takeOff(const double* a, std::int64_t ld, std::int32_t depth, double* c, std::int64_t ldc,
                 std::int32_t columns, std::int32_t rows, bool fresh, bool parallel) const;
    std::int32_t range(std::int32_t begin, std::int32_t end, bool task, Arena arena);

    const Symbolic& symbolic_;
    const Supernodes& nodes_;
    const double *diagonal_, *lower_;
    const Scalar storage_;
    void* const values_;
    std::vector<double*> update_;      // of supernodes that are done and whose parents are not
    std::vector<char> inTask_;         // belongs to a subtree that one thread does
    std::vector<std::int32_t> roots_;  // of these subtrees, the most work first
};

template <class Visit>
void Factorisation::children(std::int32_t s, const Visit& visit) const {
    const std::int32_t end = symbolic_.firstDescendant[s];
    for (std::int32_t c = s - 1; c >= end; c = symbolic_.firstDescendant[c] - 1) visit(c);
}

// Disjoint subtrees of about the same work, for threads to take; what is above them is done afterwards.
void Factorisation::split(int threads) {
    if (threads == 1) return;
    const std::int32_t count = nodes_.count();
    std::vector<double> work(static_cast<std::size_t>(count), 0.0);
    double total = 0;
    for (std::int32_t s = 0; s < count; ++s) {
        const double nc = nodes_.columns(s), nr = nodes_.rowsBelow(s);
        const double own = nc * (nc + nr) * (nc + nr) + 500;
        total += own;
        work[s] += own;
        if (nodes_.parent[s] >= 0) work[nodes_.parent[s]] += work[s];
    }
    const double most = total / (threads * kTasksPerThread);
    for (std::int32_t s = count; s-- > 0;) {
        const std::int32_t parent = nodes_.parent[s];
        if (parent >= 0 && inTask_[parent])
            inTask_[s] = 1;
        else if (work[s] <= most) {
            inTask_[s] = 1;
            roots_.push_back(s);
        }
    }
    std::sort(roots_.begin(), roots_.end(),
              [&](std::int32_t a, std::int32_t b) { return work[a] != work[b] ? work[a] > work[b] : a < b; });
}

Need Factorisation::need(std::int32_t begin, std::int32_t end, bool task) const {
    Need most;
    std::int64_t now[2] = {0, 0};
    for (std::int32_t s = begin; s < end; ++s) {
        if (inTask_[s] != task) continue;
        const std::int64_t nc = nodes_.columns(s), nr = nodes_.rowsBelow(s);
        const int side = symbolic_.parity[s];
        most.panel = std::max(most.panel, leading(nc + nr) * (nc + kFrontPad));
        if (!(task && s == end - 1)) now[side] += updateSize(nr);
        most.stack[side] = std::max(most.stack[side], now[side]);
        children(s, [&](std::int32_t c) {
            if (inTask_[c] == task) now[1 - side] -= updateSize(nodes_.rowsBelow(c));
        });
    }
    return most;
}

void Factorisation::assemble(std::int32_t s, double* panel, std::int64_t ld, double* update,
                             std::int64_t ldUpdate) const {
    const std::int32_t first = nodes_.firstColumn[s], nc = nodes_.columns(s), nr = nodes_.rowsBelow(s);
    std::fill(panel, panel + ld * nc, 0.0);
    for (std::int32_t c = 0; c < nc; ++c) {
        double* column = panel + c * ld;
        column[c] = diagonal_[first + c];
        const std::int64_t end = symbolic_.columnStart[first + c + 1];
        for (std::int64_t k = symbolic_.columnStart[first + c]; k < end; ++k)
            column[symbolic_.place[k]] = lower_[k];
    }
    if (symbolic_.firstDescendant[s] < s) std::fill(update, update + updateSize(nr), 0.0);
    children(s, [&](std::int32_t c) {
        const std::int32_t size = nodes_.rowsBelow(c);
        kernels().factor.addChild(update_[c], leading(size), size,
                                  symbolic_.relative.data() + nodes_.rowStart[c], nc, panel, ld, update,
                                  ldUpdate);
    });
}

void Factorisation::takeOff(const double* a, std::int64_t ld, std::int32_t depth, double* c, std::int64_t ldc,
                            std::int32_t columns, std::int32_t rows, bool fresh, bool parallel) const {
    const double flops = static_cast<double>(columns) * (2.0 * rows - columns) * depth;
    if (!parallel || flops < kParallelFlops) {
        kernels().factor.update(a, ld, depth, c, ldc, columns, 0, rows, fresh);
        return;
    }
    const std::int64_t tiles = (rows + kFrontRows - 1) / kFrontRows;
    parallelFor(tiles, std::max<std::int64_t>(1, tiles / (threadCount() * 8)),
                [&](std::int64_t begin, std::int64_t end) {
                    kernels().factor.update(
                        a, ld, depth, c, ldc, columns, static_cast<std::int32_t>(begin * kFrontRows),
                        static_cast<std::int32_t>(std::min<std::int64_t>(rows, end * kFrontRows)), fresh);
                });
}

// Assembles and factors one supernode; its first bad column or -1.
std::int32_t Factorisation::front(std::int32_t s, double* update, Arena* arena, bool parallel) {
    const std::int32_t first = nodes_.firstColumn[s], nc = nodes_.columns(s), nr = nodes_.rowsBelow(s);
    const std::int32_t rows = nc + nr;
    const std::int64_t ld = leading(rows), ldUpdate = leading(nr);
    double* panel = arena->panel;
    const FactorKernels& kernel = kernels().factor;
    assemble(s, panel, ld, update, ldUpdate);
    for (std::int32_t begin = 0; begin < nc; begin += kBlock) {
        const std::int32_t end = std::min(nc, begin + kBlock);
        const std::int32_t bad = kernel.columns(panel, ld, begin, end, rows);
        if (bad >= 0) return first + bad;
        const double* a = panel + begin * ld;
        if (end < nc)
            takeOff(a + end, ld, end - begin, panel + end * ld + end, ld, nc - end, rows - end, false,
                    parallel);
        if (nr > 0)
            takeOff(a + nc, ld, end - begin, update, ldUpdate, nr, nr,
                    begin == 0 && symbolic_.firstDescendant[s] == s, parallel);
    }
    const std::int64_t at = nodes_.panelStart[s];
    if (storage_ == Scalar::float32)
        kernel.storeFloat(panel, ld, rows, nc, static_cast<float*>(values_) + at);
    else
        kernel.storeDouble(panel, ld, rows, nc, static_cast<double*>(values_) + at);
    return -1;
}

std::int32_t Factorisation::range(std::int32_t begin, std::int32_t end, bool task, Arena arena) {
    for (std::int32_t s = begin; s < end; ++s) {
        if (inTask_[s] != task) continue;
        const std::int64_t size = updateSize(nodes_.rowsBelow(s));
        const int side = symbolic_.parity[s];
        if (!(task && s == end - 1)) {  // a subtree's root has a place that outlives the arena
            update_[s] = arena.top[side];
            arena.top[side] += size;
        }
        const std::int32_t bad = front(s, update_[s], &arena, !task);
        if (bad >= 0) return bad;
        children(s, [&](std::int32_t c) {
            if (inTask_[c] == task) arena.top[1 - side] -= updateSize(nodes_.rowsBelow(c));
        });
    }
    return -1;
}

std::int32_t Factorisation::run(Scratch* workspace) {
    const std::int32_t count = nodes_.count();
    const int threads = threadCount();
    split(threads);
    Need most = need(0, count, false);
    std::int64_t rootSize = 0;
    for (const std::int32_t root : roots_) {
        most.include(need(symbolic_.firstDescendant[root], root + 1, true));
        rootSize += updateSize(nodes_.rowsBelow(root));
    }
    const std::int64_t each = most.total();
    auto* memory = static_cast<double*>(
        workspace->reserve(sizeof(double) * static_cast<std::size_t>(each * threads + rootSize + kFrontPad)));
    std::vector<Arena> free(static_cast<std::size_t>(threads));
    for (Arena& arena : free) {
        arena.panel = memory;
        arena.top[0] = memory + most.panel;
        arena.top[1] = arena.top[0] + most.stack[0];
        memory += each;
    }
    for (const std::int32_t root : roots_) {
        update_[root] = memory;
        memory += updateSize(nodes_.rowsBelow(root));
    }

    constexpr std::int32_t kNone = std::numeric_limits<std::int32_t>::max();
    std::int32_t worst = kNone;
    std::mutex mutex;
    parallelFor(static_cast<std::int64_t>(roots_.size()), 1, [&](std::int64_t begin, std::int64_t end) {
        std::unique_lock<std::mutex> lock(mutex);
        const Arena arena = free.back();
        free.pop_back();
        for (std::int64_t k = begin; k < end; ++k) {
            lock.unlock();
            const std::int32_t bad = range(symbolic_.firstDescendant[roots_[k]], roots_[k] + 1, true, arena);
            lock.lock();
            if (bad >= 0) worst = std::min(worst, bad);
        }
        free.push_back(arena);
    });
    // Only what comes before a bad column is still of interest: a worse one may be among it.
    std::int32_t end = count;
    while (worst < kNone && end > 0 && nodes_.firstColumn[end - 1] > worst) --end;
    const std::int32_t bad = range(0, end, false, free.front());
    if (bad >= 0) worst = std::min(worst, bad);
    return worst == kNone ? -1 : worst;
}

}  // namespace

std::int32_t factorise(const Symbolic& symbolic, const double* diagonal, const double* lower, Scalar storage,
                       void* values, Scratch* workspace) {
    return Factorisation(symbolic, diagonal, lower, storage, values).run(workspace);
}

}  // namespace mien
