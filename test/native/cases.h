// Test cases, which pass or throw.
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

// @throws std::runtime_error with this message if the condition does not hold
void expect(bool condition, const std::string &otherwise);

// Returns the message of std::invalid_argument that `run` throws; empty if it does not.
std::string refusalOf(const std::function<void()> &run);

Cases batchNormCases();
Cases convolutionCases();
Cases amxCases();
Cases int16Cases();
Cases bfloat16Cases();
Cases depthwiseCases();
Cases epilogueCases();
Cases elementwiseCases();
Cases memoryCases();
Cases threadPoolCases();
Cases cpuCases();
Cases geometryCases();
Cases programCases();
Cases resizeCases();
Cases redirectedStderrCases();
Cases stemCases();
Cases transposeCases();

}  // namespace pefd::test
