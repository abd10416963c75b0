// What is read or written next, fetched from memory while products are made, which need none of it.
#pragma once

#include "common.h"

namespace pefd {
namespace {

// Floats in a row.
struct Row {
  const float *from = nullptr;
  long floats = 0;

  // One of so many parts.
  Row part(long index, long parts) const { return {from + floats * index / parts, ceilDivide(floats, parts)}; }
};

// Memory in a row, some lines of the cache at each step: as many as have all of it fetched in the end.
class Stream {
 public:
  Stream() = default;
  Stream(const Row &row, long steps) : Stream(row.from, row.floats, steps) {}
  Stream(const float *from, long floats, long steps)
      : at_(reinterpret_cast<const char *>(from)),
        end_(reinterpret_cast<const char *>(from + floats)),
        lines_(ceilDivide(end_ - at_, steps * LINE)) {}

  inline void fetch() { next<0>(); }
  // To be written.
  inline void fetchToWrite() { next<1>(); }

 private:
  static constexpr long LINE = 64;
  // Not into the nearest cache, which is too small.
  static constexpr int LOCALITY = 2;

  template <int WRITES>
  inline void next() {
    for (long i = 0; i < lines_ && at_ < end_; i++, at_ += LINE) __builtin_prefetch(at_, WRITES, LOCALITY);
  }

  const char *at_ = nullptr, *end_ = nullptr;
  long lines_ = 0;
};

// What a task over tiles writes and adds, and what the next one reads.
struct TilesAhead {
  Stream reads, writes, image, features;

  inline void fetch() {
    reads.fetch();
    writes.fetchToWrite();
    image.fetch();
    features.fetch();
  }
};

// That of a task that writes a row of some images, with what follows; the thread's next one reads another row.
inline TilesAhead aheadOf(const Row &written, const float *images, const Epilogue &epilogue, const Row &read, long steps) {
  const auto beside = [&](const float *image) {
    return image == nullptr ? Stream() : Stream(image + (written.from - images), written.floats, steps);
  };
  return {{read, steps}, {written, steps}, beside(epilogue.image), beside(epilogue.features)};
}

// Of both images that are transformed next.
struct ImagesAhead {
  Stream x, dy;

  inline void fetch() {
    x.fetch();
    dy.fetch();
  }
};

// Where nothing is known of what comes next.
struct NothingAhead {
  void fetch() {}
};

}  // namespace
}  // namespace pefd
