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

// Adds a file's cases to those that main runs; a static object in that file.
struct Registered {
  explicit Registered(Cases (*cases)());
};

}  // namespace pefd::test
