// Images as lists of pixels.
#pragma once

#include "../ahead.h"
#include "../common.h"

namespace pefd {
namespace {

// Images [n, height, width, channels] of which every so many pixels in both directions count, numbered image by image and
// row by row.
template <typename Number>
struct Pixels {
  Number *images;
  long n, height, width, channels, apart;

  long rows() const { return ceilDivide(height, apart); }
  long columns() const { return ceilDivide(width, apart); }
  long count() const { return n * rows() * columns(); }

  struct Place {
    long image, y, x;
  };
  Place place(long pixel) const {
    const long inImage = pixel % (rows() * columns());
    return {pixel / (rows() * columns()), inImage / columns() * apart, inImage % columns() * apart};
  }
  Number *at(Place place) const {
    return images + ((place.image * height + place.y) * width + place.x) * channels;
  }
  Number *at(long pixel) const { return apart == 1 ? images + pixel * channels : at(place(pixel)); }

  // Pointers to some pixels.
  void list(long first, long count, Number **to) const {
    if (count == 0) return;
    Place next = place(first);
    for (long t = 0; t < count; t++) {
      to[t] = at(next);
      next.x += apart;
      if (next.x < width) continue;
      next.x = 0;
      next.y += apart;
      if (next.y < height) continue;
      next.y = 0;
      next.image++;
    }
  }

  // All that lies between some pixels, as far as there are as many.
  Row row(long first, long some) const {
    const long end = min(first + some, count());
    if (first >= end) return {};
    return {at(first), at(end - 1) + channels - at(first)};
  }
};

}  // namespace
}  // namespace pefd
