// C's stderr is captured for one thread only.
#include <cstdio>
#include <string>
#include <thread>

#include "../../../src/native/host/redirected_stderr.h"
#include "../cases.h"

namespace pefd::test {
namespace {

void capturesText() {
  expect(takeStderr().empty(), "something is captured before the redirection");
  redirectStderr();
  std::fprintf(stderr, "one %d", 1);
  std::fputs(" two\n", stderr);
  expect(takeStderr() == "one 1 two\n", "what was written is kept, in its order");
  expect(takeStderr().empty(), "it is taken once");
}

void capturesLittle() {
  redirectStderr();
  for (int i = 0; i < 100000; i++) std::fputs("again and again\n", stderr);
  expect(takeStderr().size() < 5000, "what is said without end is kept in part");
}

void capturesPerThread() {
  std::string others[4];
  redirectStderr();
  std::thread threads[4];
  for (int i = 0; i < 4; i++) {
    threads[i] = std::thread([&others, i] {
      redirectStderr();
      for (int n = 0; n < 10; n++) std::fprintf(stderr, "%d", i);
      others[i] = takeStderr();
    });
  }
  for (std::thread &thread : threads) thread.join();
  for (int i = 0; i < 4; i++) expect(others[i] == std::string(10, '0' + i), "each thread has its own words");
  expect(takeStderr().empty(), "and nobody has another one's");
}

Cases redirectedStderrCases() {
  return {{"stderr: captured", capturesText},
          {"stderr: the end of capture", capturesLittle},
          {"stderr: threads", capturesPerThread}};
}

const Registered registered{redirectedStderrCases};

}  // namespace
}  // namespace pefd::test
