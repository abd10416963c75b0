// Images of bytes as normalised floats, by a table: training's images travel as bytes, four in a whole number.
#include <stdexcept>

#include "../host/workspace.h"
#include "op.h"

namespace pefd {
namespace {

constexpr int64_t COLORS = 3, LEVELS = 256;

// Values of one image.
struct Size {
  int64_t values;
};

Size sizeOfNode(const Attributes &attributes) {
  const int64_t values = attributes.integer("size");
  require(values % COLORS == 0, "Images must have three colours.");
  return {values};
}

struct Work {
  const unsigned char *bytes;
  // [LEVELS, COLORS]
  const float *table;
  float *values;
  // Bytes and values of an image.
  int64_t stride, size;
};

void normalizeImage(void *context, long image, long /*worker*/) noexcept {
  const auto &[bytes, table, values, stride, size] = *static_cast<const Work *>(context);
  const unsigned char *from = bytes + image * stride;
  float *to = values + image * size;
  for (int64_t i = 0; i < size; i += COLORS) {
    for (int64_t color = 0; color < COLORS; color++) to[i + color] = table[COLORS * from[i + color] + color];
  }
}

void normalize(const Size &size, const Call &call) {
  const Tensor words = call.input(0), table = call.input(1);
  const Shape shape = shapeOf(words);
  require(shape.size() == 2 && shape[1] == (size.values + 3) / 4, "Images must be [N, words] of as many bytes.");
  require(TF_TensorElementCount(table.get()) == LEVELS * COLORS, "The table must have 256 levels of 3 colours.");
  float *values = call.output(0, {shape[0], size.values});
  Work work{elements<unsigned char>(words), floats(table), values, 4 * shape[1], size.values};
  const Workspace workspace;
  const Host &host = workspace.host();
  host.parallelFor(host.self, static_cast<long>(shape[0]), normalizeImage, &work);
}

void normalizeShape(const Inference &inference) { inference.setUnknown(); }

}  // namespace

std::vector<Op> normalizeOps() {
  return {{"PefdNormalize",
           {"size: int >= 3"},
           {"words: int32", "table: float"},
           {"values: float"},
           inferShapes<normalizeShape>,
           createNode<Size, sizeOfNode>,
           computeNode<Size, normalize>,
           removeNode<Size>}};
}

}  // namespace pefd
