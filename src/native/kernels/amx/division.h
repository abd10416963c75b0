// How the gradient of a filter is divided into tasks, and a task into what is summed over at once: by the sizes alone,
// so that the order of sums is the same for any number of threads.
#pragma once

#include "bands.h"

namespace pefd {
namespace {

// Bytes of both images that are summed over at once: with the sums, as much as stays in a thread's own cache.
constexpr long SUMMED_BYTES = 768 << 10;
// Bytes of all slices' sums at most, and most slices.
constexpr long SLICES_BYTES = 5 << 20, MOST_SLICES = 16;
// Input channels of a task at most, and fewest tasks that are aimed at.
constexpr long TASK_CHANNELS = 128, FEWEST_TASKS = 8;

// Images come in slices, input channels in groups; there is a task for each group of each slice.
struct Division {
  long slices, groups, inputTiles, bandsOfImage, bandsAtOnce;

  // Tiles of input channels in a group at most.
  long mostTiles() const { return ceilDivide(inputTiles, groups); }
  long firstTile(long group) const { return inputTiles * group / groups; }
};

inline Division divisionOf(const Convolution &conv, const Axis &axis) {
  const long sumBytes = conv.kernel * conv.kernel * conv.inputs * conv.outputs * long{sizeof(float)};
  Division division;
  division.inputTiles = conv.inputs / SIDE;
  division.slices = min(conv.n, min(MOST_SLICES, max(1, SLICES_BYTES / sumBytes)));
  division.groups = min(division.inputTiles, max(ceilDivide(conv.inputs, TASK_CHANNELS),
                                                 ceilDivide(FEWEST_TASKS, division.slices)));
  const auto bytesOf = [&](const Bands &bands) {
    return (bands.pixelNumbers(division.mostTiles() * SIDE) + bands.gradientNumbers()) * long{sizeof(Bfloat16)};
  };
  const Bands whole(conv, axis, 1);
  division.bandsOfImage = min(whole.resultRows(), ceilDivide(bytesOf(whole), SUMMED_BYTES));
  const Bands bands(conv, axis, division.bandsOfImage);
  division.bandsAtOnce = min(ceilDivide(bands.count(), division.slices), max(1, SUMMED_BYTES / bytesOf(bands)));
  return division;
}

}  // namespace
}  // namespace pefd
