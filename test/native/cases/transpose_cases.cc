// Transpose of the last two axes, and refused permutations.
#include <string>
#include <tuple>

#include "../../../src/native/ops/geometry.h"
#include "../cases.h"
#include "../test_host.h"

namespace pefd::test {
namespace {

constexpr Matrices MATRICES[] = {{1, 1, 1},   {7, 3, 20}, {5, 20, 3}, {9, 2, 58}, {4, 58, 2},
                                 {300, 4, 9}, {3, 9, 4},  {6, 5, 7},  {0, 2, 3},  {3, 0, 4}};

void check(const Kernels &kernels, const Matrices &matrices, long workers) {
  const auto &[count, rows, columns] = matrices;
  const TestHost host(workers);
  const Floats from = randomFloats(count * rows * columns, 1);
  Floats to(from.count()), expected(from.count());
  for (long m = 0; m < count; m++)
    for (long r = 0; r < rows; r++)
      for (long c = 0; c < columns; c++) expected[(m * columns + c) * rows + r] = from[(m * rows + r) * columns + c];
  kernels.transposeLastAxes(host.host(), matrices, from.data(), to.data());
  expectSameBits(to, expected);
}

void understood() {
  const Matrices matrices = lastAxesOf({2, 5, 6, 3, 20}, {0, 1, 2, 4, 3});
  expect(matrices.count == 60 && matrices.rows == 3 && matrices.columns == 20, "the matrices are others");
  expect(withLastAxesSwapped({2, 3, 20}) == Shape{2, 20, 3}, "the shape is another");
}

Cases transposeCases() {
  Cases cases{{"transpose: matrices of a shape", understood}};
  for (const auto &[sentence, shape, permutation] :
       {std::tuple{"There must be two axes or more.", Shape{4}, Shape{0}},
        std::tuple{"Only the two last axes are exchanged.", Shape{4, 5}, Shape{0, 1}},
        std::tuple{"Only the two last axes are exchanged.", Shape{4, 5, 6}, Shape{2, 1, 0}},
        std::tuple{"Only the two last axes are exchanged.", Shape{4, 5, 6}, Shape{1, 0}}}) {
    cases.push_back({std::string("transpose refused: ") + sentence,
                     [=, sentence = sentence, shape = shape, permutation = permutation] {
                       const std::string refusal = refusalOf([&] { lastAxesOf(shape, permutation); });
                       expect(refusal == sentence, "it was refused with: " + refusal);
                     }});
  }
  for (const KernelSet &set : kernelSets()) {
    for (const Matrices &matrices : MATRICES) {
      for (const long workers : {1, 3}) {
        const std::string name = "transpose " + std::to_string(matrices.count) + " of [" +
                                 std::to_string(matrices.rows) + ", " + std::to_string(matrices.columns) + "], " +
                                 set.name + ", " + std::to_string(workers) + " threads";
        cases.push_back({name, [=] { check(*set.kernels, matrices, workers); }});
      }
    }
  }
  return cases;
}

const Registered registered{transposeCases};

}  // namespace
}  // namespace pefd::test
