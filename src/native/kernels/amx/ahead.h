// What is read next, fetched from memory while tiles are multiplied, which needs none of it.
#pragma once

#include "../common.h"

namespace pefd {
namespace {

// Memory in a row, some lines of the cache at each step: as many as have all of it fetched in the end.
struct Stream {
  const char *at = nullptr, *end = nullptr;
  long lines = 0;

  Stream() = default;
  Stream(const float *from, long floats, long steps)
      : at(reinterpret_cast<const char *>(from)),
        end(reinterpret_cast<const char *>(from + floats)),
        lines(ceilDivide(end - at, steps * LINE)) {}

  inline void fetch() {
    for (long i = 0; i < lines && at < end; i++, at += LINE) __builtin_prefetch(at, 0, LOCALITY);
  }

 private:
  static constexpr long LINE = 64;
  // Not into the nearest cache, which is too small.
  static constexpr int LOCALITY = 2;
};

struct Ahead {
  Stream x, dy;

  inline void fetch() {
    x.fetch();
    dy.fetch();
  }
};

}  // namespace
}  // namespace pefd
