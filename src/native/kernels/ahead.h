// What is read or written next, fetched from memory while products are made, which need none of it.
#pragma once

#include "common.h"

namespace pefd {
namespace {

// Bytes of a line of the cache.
constexpr long LINE = 64;
// Which cache lines are fetched into: not the nearest one, which is too small.
constexpr int LOCALITY = 2;

// Bytes in a row.
struct Row {
  const char *from = nullptr;
  long bytes = 0;

  Row() = default;
  template <typename Number>
  Row(const Number *first, long numbers)
      : from(reinterpret_cast<const char *>(first)), bytes(numbers * long{sizeof(Number)}) {}

  // One of so many parts.
  Row part(long index, long parts) const { return {from + bytes * index / parts, ceilDivide(bytes, parts)}; }
};

// Memory in a row, some lines of the cache at each step: as many as have all of it fetched in the end.
class Stream {
 public:
  Stream() = default;
  Stream(const Row &row, long steps)
      : at_(row.from), end_(row.from + row.bytes), lines_(ceilDivide(row.bytes, steps * LINE)) {}

  inline void fetch() { next<0>(); }
  // To be written.
  inline void fetchToWrite() { next<1>(); }

 private:
  template <int WRITES>
  inline void next() {
    for (long i = 0; i < lines_ && at_ < end_; i++, at_ += LINE) __builtin_prefetch(at_, WRITES, LOCALITY);
  }

  const char *at_ = nullptr, *end_ = nullptr;
  long lines_ = 0;
};

// So many rows of bytes, each so far after the one before.
struct Rows {
  Row first;
  long count = 0, apart = 0;
};

// Such rows, some lines of the cache at each step.
class RowsStream {
 public:
  RowsStream() = default;
  RowsStream(const Rows &rows, long steps)
      : row_(rows.first.from),
        bytes_(rows.first.bytes),
        apart_(rows.apart),
        left_(rows.count),
        lines_(ceilDivide(rows.count * ceilDivide(rows.first.bytes, LINE), steps)) {}

  inline void fetch() { next<0>(); }
  // To be written.
  inline void fetchToWrite() { next<1>(); }

 private:
  template <int WRITES>
  inline void next() {
    for (long i = 0; i < lines_ && left_ > 0; i++) {
      __builtin_prefetch(row_ + at_, WRITES, LOCALITY);
      at_ += LINE;
      if (at_ < bytes_) continue;
      at_ = 0;
      row_ += apart_;
      left_--;
    }
  }

  const char *row_ = nullptr;
  long bytes_ = 0, apart_ = 0, left_ = 0, lines_ = 0, at_ = 0;
};

// What a task writes and adds, and what the next one reads.
template <typename Lines>
struct ResultsAhead {
  Lines reads, writes, image, features;

  inline void fetch() {
    reads.fetch();
    writes.fetchToWrite();
    image.fetch();
    features.fetch();
  }
};

// Of a task over tiles, and of one over columns, which reads a filter.
using TilesAhead = ResultsAhead<Stream>;
using ColumnsAhead = ResultsAhead<RowsStream>;

// That of a task that writes a row of some images, with what follows; the thread's next one reads another row.
template <typename Number>
TilesAhead aheadOf(const Row &written, const Number *images, const EpilogueOf<Number> &epilogue, const Row &read,
                   long steps) {
  const auto beside = [&](const Number *image) {
    if (image == nullptr) return Stream();
    const long place = written.from - reinterpret_cast<const char *>(images);
    return Stream({reinterpret_cast<const char *>(image) + place, written.bytes}, steps);
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
