// The forward pass in whole numbers, which is the gradient of the input as well: that of the output convolved with turned
// taps.
#pragma once

#include "../tiled/forward.h"
#include "by_columns.h"
#include "by_tiles.h"

namespace pefd {
namespace {

// The same bits either way.
template <typename Algorithm, typename Number>
struct PairForward {
  const Host &host;
  const Taps taps;
  const Squares<const Number> windows;
  const TileResults<Algorithm, Number> results;

  Outcome run() const {
    const PairWork<Algorithm, Number> work{host, taps, windows, results};
    if (PairsByColumns<Algorithm, Number>::isFor(work)) return PairsByColumns<Algorithm, Number>{work}.run();
    return PairsByTiles<Algorithm, Number>{work}.run();
  }
};

}  // namespace
}  // namespace pefd
