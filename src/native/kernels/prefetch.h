// Software prefetch of the operands and outputs that come next, issued between microkernels.
#pragma once

#include "common.h"

namespace pefd {
namespace {

// Bytes of a cache line.
constexpr long CACHE_LINE = 64;
// Prefetch into L2: L1 is too small.
constexpr int LOCALITY = 2;

// A range of memory.
struct MemoryRange {
  const char *from = nullptr;
  long bytes = 0;

  MemoryRange() = default;
  template <typename Number>
  MemoryRange(const Number *first, long numbers)
      : from(reinterpret_cast<const char *>(first)), bytes(numbers * long{sizeof(Number)}) {}

  MemoryRange part(long index, long parts) const { return {from + bytes * index / parts, ceilDivide(bytes, parts)}; }
};

// A range, prefetched a few cache lines per step, so that all of it is requested within `steps` steps.
class PrefetchStream {
 public:
  PrefetchStream() = default;
  PrefetchStream(const MemoryRange &row, long steps)
      : at_(row.from), end_(row.from + row.bytes), lines_(ceilDivide(row.bytes, steps * CACHE_LINE)) {}

  inline void fetch() { next<0>(); }
  inline void prefetchForWrite() { next<1>(); }

 private:
  template <int WRITES>
  inline void next() {
    for (long i = 0; i < lines_ && at_ < end_; i++, at_ += CACHE_LINE) __builtin_prefetch(at_, WRITES, LOCALITY);
  }

  const char *at_ = nullptr, *end_ = nullptr;
  long lines_ = 0;
};

// `count` ranges, `apart` bytes from each other.
struct MemoryRows {
  MemoryRange first;
  long count = 0, apart = 0;
};

// The same for such ranges.
class StridedPrefetchStream {
 public:
  StridedPrefetchStream() = default;
  StridedPrefetchStream(const MemoryRows &rows, long steps)
      : row_(rows.first.from),
        bytes_(rows.first.bytes),
        apart_(rows.apart),
        left_(rows.count),
        lines_(ceilDivide(rows.count * ceilDivide(rows.first.bytes, CACHE_LINE), steps)) {}

  inline void fetch() { next<0>(); }
  inline void prefetchForWrite() { next<1>(); }

 private:
  template <int WRITES>
  inline void next() {
    for (long i = 0; i < lines_ && left_ > 0; i++) {
      __builtin_prefetch(row_ + at_, WRITES, LOCALITY);
      at_ += CACHE_LINE;
      if (at_ < bytes_) continue;
      at_ = 0;
      row_ += apart_;
      left_--;
    }
  }

  const char *row_ = nullptr;
  long bytes_ = 0, apart_ = 0, left_ = 0, lines_ = 0, at_ = 0;
};

// A task's outputs and epilogue operands, and the next task's input.
template <typename Lines>
struct OutputPrefetch {
  Lines reads, writes, image, features;

  inline void fetch() {
    reads.fetch();
    writes.prefetchForWrite();
    image.fetch();
    features.fetch();
  }
};

// For tasks of tiles, and of output channels, whose next input is a filter.
using TilePrefetch = OutputPrefetch<PrefetchStream>;
using ChannelPrefetch = OutputPrefetch<StridedPrefetchStream>;

// For a task that writes a range of `images`, with its epilogue; the thread's next task reads another range.
template <typename Number>
TilePrefetch prefetchOf(const MemoryRange &written, const Number *images, const EpilogueOf<Number> &epilogue,
                        const MemoryRange &read, long steps) {
  const auto beside = [&](const Number *image) {
    if (image == nullptr) return PrefetchStream();
    const long place = written.from - reinterpret_cast<const char *>(images);
    return PrefetchStream({reinterpret_cast<const char *>(image) + place, written.bytes}, steps);
  };
  return {{read, steps}, {written, steps}, beside(epilogue.image), beside(epilogue.features)};
}

// Both operands of wgrad that are transformed or converted next.
struct WgradPrefetch {
  PrefetchStream x, dy;

  inline void fetch() {
    x.fetch();
    dy.fetch();
  }
};

struct NoPrefetch {
  void fetch() {}
};

}  // namespace
}  // namespace pefd
