// Runs all cases, or those whose name contains one of the arguments.
#include <cstdio>
#include <exception>
#include <stdexcept>

#include "cases.h"

namespace pefd::test {

void expect(bool condition, const std::string &otherwise) {
  if (!condition) throw std::runtime_error(otherwise);
}

std::string refusalOf(const std::function<void()> &run) {
  try {
    run();
  } catch (const std::invalid_argument &refusal) {
    return refusal.what();
  }
  return "";
}

namespace {

// The functions that make cases, in the order in which files are linked.
std::vector<Cases (*)()> &registered() {
  static std::vector<Cases (*)()> all;
  return all;
}

bool isWanted(const std::string &name, int words, char **word) {
  for (int i = 0; i < words; i++) {
    if (name.find(word[i]) != std::string::npos) return true;
  }
  return words == 0;
}

bool passes(const Case &one) {
  try {
    one.run();
    return true;
  } catch (const std::exception &error) {
    std::printf("failed: %s: %s\n", one.name.c_str(), error.what());
    return false;
  }
}

int run(int words, char **word) {
  int passed = 0, failed = 0;
  for (Cases (*const cases)() : registered()) {
    for (const Case &one : cases()) {
      if (isWanted(one.name, words, word)) (passes(one) ? passed : failed)++;
    }
  }
  if (failed > 0) std::printf("%d cases failed\n", failed);
  std::printf("%d cases passed\n", passed);
  return failed == 0 && passed > 0 ? 0 : 1;
}

}  // namespace

Registered::Registered(Cases (*cases)()) { registered().push_back(cases); }

}  // namespace pefd::test

int main(int count, char **words) { return pefd::test::run(count - 1, words + 1); }
