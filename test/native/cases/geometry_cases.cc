// Validation of convolution arguments, and its messages.
#include <string>

#include "../../../src/native/ops/geometry.h"
#include "../cases.h"

namespace pefd::test {
namespace {

using Integers = std::vector<int64_t>;

const Integers ONES{1, 1, 1, 1}, TWOS{1, 2, 2, 1}, NONE{};
const Shape IMAGES{2, 5, 6, 16}, THREE{3, 3, 16, 32}, ONE{1, 1, 16, 32};

struct Served {
  const char *name;
  ConvolutionAttributes attributes;
  bool serves3x3, serves1x1;
};

std::vector<Served> served() {
  return {
      {"SAME, stride 1", {ONES, ONES, NONE, "SAME"}, true, true},
      {"SAME, stride 2", {TWOS, ONES, NONE, "SAME"}, false, true},
      {"VALID, stride 1", {ONES, ONES, NONE, "VALID"}, false, true},
      {"VALID, stride 2", {TWOS, ONES, NONE, "VALID"}, false, true},
      {"one pixel, stride 1", {ONES, ONES, {0, 0, 1, 1, 1, 1, 0, 0}, "EXPLICIT"}, true, false},
      {"one pixel, stride 2", {TWOS, ONES, {0, 0, 1, 1, 1, 1, 0, 0}, "EXPLICIT"}, true, false},
      {"no pixel, stride 2", {TWOS, ONES, {0, 0, 0, 0, 0, 0, 0, 0}, "EXPLICIT"}, false, true},
  };
}

struct Refused {
  const char *sentence;
  ConvolutionAttributes attributes;
};

std::vector<Refused> refused() {
  const char *const strides = "Strides must be 1 or 2, the same for rows and columns.";
  const char *const pads = "explicit_paddings must be no pixel or one, the same on all sides of the images.";
  return {
      {strides, {{1, 3, 3, 1}, ONES, NONE, "SAME"}},
      {strides, {{1, 0, 0, 1}, ONES, NONE, "SAME"}},
      {strides, {{1, 1, 2, 1}, ONES, NONE, "SAME"}},
      {strides, {{2, 1, 1, 1}, ONES, NONE, "SAME"}},
      {strides, {{1, 1, 1, 2}, ONES, NONE, "SAME"}},
      {strides, {{1, 1, 1}, ONES, NONE, "SAME"}},
      {strides, {{1, 1, 1, 1, 1}, ONES, NONE, "SAME"}},
      {"Dilations are not served.", {ONES, {1, 2, 2, 1}, NONE, "SAME"}},
      {"Dilations are not served.", {ONES, {1, 1}, NONE, "SAME"}},
      {pads, {ONES, ONES, {0, 0, 2, 2, 2, 2, 0, 0}, "EXPLICIT"}},
      {pads, {ONES, ONES, {0, 0, 1, 1, 0, 0, 0, 0}, "EXPLICIT"}},
      {pads, {ONES, ONES, {0, 0, 0, 1, 0, 1, 0, 0}, "EXPLICIT"}},
      {pads, {ONES, ONES, {1, 1, 1, 1, 1, 1, 1, 1}, "EXPLICIT"}},
      {pads, {ONES, ONES, {0, 0, -1, -1, -1, -1, 0, 0}, "EXPLICIT"}},
      {"explicit_paddings must be eight numbers with padding EXPLICIT.", {ONES, ONES, NONE, "EXPLICIT"}},
      {"explicit_paddings need padding EXPLICIT.", {ONES, ONES, {0, 0, 1, 1, 1, 1, 0, 0}, "SAME"}},
      {"Padding must be SAME, VALID or EXPLICIT.", {ONES, ONES, NONE, "FULL"}},
  };
}

struct RefusedShapes {
  const char *sentence;
  Geometry geometry;
  Shape images, filter;
};

std::vector<RefusedShapes> refusedShapes() {
  const Geometry any{1, true, true};
  const char *const filter = "The filter must be [3, 3, inputs, outputs] or [1, 1, inputs, outputs].";
  const char *const groups = "Images must be [N, H, W, C] with the filter's channels, or those of several groups.";
  const char *const channels = "Channels must come in multiples of 16.";
  const char *const padding =
      "Padding must be one pixel on all sides for a filter of 3x3, and none for a filter of 1x1.";
  return {
      {filter, any, IMAGES, {5, 5, 16, 32}},
      {filter, any, IMAGES, {3, 1, 16, 32}},
      {filter, any, IMAGES, {3, 3, 16}},
      {"Images must be [N, H, W, C].", any, {5, 6, 16}, THREE},
      {"Images must have no negative sizes.", any, {2, -1, 6, 16}, THREE},
      {"Images must be [N, H, W, C] with the filter's channels.", any, {2, 5, 6, 32}, THREE},
      {channels, any, {2, 5, 6, 24}, {3, 3, 24, 32}},
      {channels, any, {2, 5, 6, 3}, {3, 3, 3, 0}},
      {channels, any, IMAGES, {3, 3, 16, 24}},
      {channels, any, {2, 5, 6, 0}, {3, 3, 0, 32}},
      {channels, any, IMAGES, {3, 3, 16, 0}},
      {channels, {2, true, true}, {2, 5, 6, 8}, {1, 1, 8, 16}},
      {"Images must be [N, H, W, C] with the filter's channels.", any, {2, 5, 6, 32}, {3, 3, 16, 32}},
      {groups, any, {2, 5, 6, 7}, {1, 1, 2, 3}},
      {groups, any, {2, 5, 6, 0}, {1, 1, 2, 3}},
      {groups, any, {2, 5, 6, 4}, {1, 1, 0, 3}},
      {"All groups must have as many outputs.", any, {2, 5, 6, 4}, {1, 1, 2, 3}},
      {"All groups must have as many outputs.", any, {2, 5, 6, 4}, {1, 1, 2, 0}},
      {padding, {1, false, true}, IMAGES, THREE},
      {padding, {2, true, false}, IMAGES, ONE},
  };
}

void expectRefusal(const char *sentence, const std::function<void()> &run) {
  const std::string refusal = refusalOf(run);
  expect(refusal == sentence, refusal.empty() ? "it was not refused" : "it was refused with: " + refusal);
}

std::vector<RefusedShapes> refusedDepthwise() {
  const Geometry any{1, true, true};
  const char *const filter = "The filter must be [3, 3, channels, 1].";
  const char *const channels = "Images must be [N, H, W, C] with the filter's channels.";
  return {
      {filter, any, {2, 5, 6, 7}, {5, 5, 7, 1}},
      {filter, any, {2, 5, 6, 7}, {3, 1, 7, 1}},
      {filter, any, {2, 5, 6, 7}, {3, 3, 7, 2}},
      {filter, any, {2, 5, 6, 7}, {3, 3, 7}},
      {"Images must be [N, H, W, C].", any, {5, 6, 7}, {3, 3, 7, 1}},
      {"Images must have no negative sizes.", any, {2, -1, 6, 7}, {3, 3, 7, 1}},
      {channels, any, {2, 5, 6, 8}, {3, 3, 7, 1}},
      {channels, any, {2, 5, 6, 0}, {3, 3, 0, 1}},
      {"Padding must be one pixel on all sides.", {1, false, true}, {2, 5, 6, 7}, {3, 3, 7, 1}},
  };
}

void understoodGroups() {
  const Convolution conv = convolutionOf({1, false, true}, {2, 5, 6, 12}, {1, 1, 4, 9});
  expect(conv.groups == 3 && conv.inputs == 12 && conv.outputs == 9, "the groups are others");
  expect(filterOf(conv) == Shape{1, 1, 4, 9} && resultsOf(conv) == Shape{2, 5, 6, 9}, "the shapes are others");
}

void understoodDepthwise() {
  const Depthwise conv = depthwiseOf({2, true, false}, {2, 5, 6, 7}, {3, 3, 7, 1});
  expect(imagesOf(conv) == Shape{2, 5, 6, 7} && filterOf(conv) == Shape{3, 3, 7, 1}, "the shapes are others");
  expect(resultsOf(conv) == Shape{2, 3, 3, 7} && conv.stride == 2, "the results have another shape");
}

void understood() {
  const Geometry geometry{2, true, false};
  const Convolution conv = convolutionOf(geometry, {2, 5, 6, 16}, THREE);
  expect(imagesOf(conv) == IMAGES && filterOf(conv) == THREE, "the shapes are others");
  expect(resultsOf(conv) == Shape{2, 3, 3, 32}, "the results have another shape");
  expect(conv.kernel == 3 && conv.stride == 2, "kernel and stride are others");
}

Cases geometryCases() {
  Cases cases{{"geometry: shapes", understood},
              {"geometry: shapes of groups", understoodGroups},
              {"geometry: shapes of a depthwise convolution", understoodDepthwise}};
  for (const Served &one : served()) {
    cases.push_back({std::string("geometry: ") + one.name, [=] {
                       const Geometry geometry = geometryOf(one.attributes);
                       expect(geometry.stride == one.attributes.strides[1], "the stride is another");
                       expect(geometry.serves3x3 == one.serves3x3, "filters of 3x3");
                       expect(geometry.serves1x1 == one.serves1x1, "filters of 1x1");
                     }});
  }
  for (const Refused &one : refused()) {
    cases.push_back({std::string("geometry refused: ") + one.sentence,
                     [=] { expectRefusal(one.sentence, [&] { geometryOf(one.attributes); }); }});
  }
  for (const RefusedShapes &one : refusedShapes()) {
    cases.push_back({std::string("shapes refused: ") + one.sentence, [=] {
                       expectRefusal(one.sentence, [&] { convolutionOf(one.geometry, one.images, one.filter); });
                     }});
  }
  for (const RefusedShapes &one : refusedDepthwise()) {
    cases.push_back({std::string("depthwise shapes refused: ") + one.sentence,
                     [=] { expectRefusal(one.sentence, [&] { depthwiseOf(one.geometry, one.images, one.filter); }); }});
  }
  return cases;
}

const Registered registered{geometryCases};

}  // namespace
}  // namespace pefd::test
