// Cases that pass or throw, and how they are counted.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace pefd::test {

struct Case {
  std::string name;
  std::function<void()> run;
};
using Cases = std::vector<Case>;

// @throws std::runtime_error with the sentence where the condition does not hold
void expect(bool condition, const std::string &otherwise);

// Runs something and says what it refused, with std::invalid_argument; empty where it did not.
std::string refusalOf(const std::function<void()> &run);

// One file of cases each.
Cases batchNormCases();
Cases convolutionCases();
Cases matrixCases();
Cases integerCases();
Cases narrowCases();
Cases depthwiseCases();
Cases epilogueCases();
Cases elementwiseCases();
Cases memoryCases();
Cases poolCases();
Cases processorCases();
Cases geometryCases();
Cases programCases();
Cases resizeCases();
Cases divertedCases();
Cases stemCases();
Cases swapCases();

}  // namespace pefd::test
