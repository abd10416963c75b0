// What a thread writes to C's stderr is kept for it alone.
#include <cstdio>
#include <string>
#include <thread>

#include "../../../src/native/host/diverted_words.h"
#include "../cases.h"

namespace pefd::test {
namespace {

void keepsWords() {
  expect(takeWords().empty(), "nothing is kept before it is asked for");
  divertWords();
  std::fprintf(stderr, "one %d", 1);
  std::fputs(" two\n", stderr);
  expect(takeWords() == "one 1 two\n", "what was written is kept, in its order");
  expect(takeWords().empty(), "it is taken once");
}

void keepsFew() {
  divertWords();
  for (int i = 0; i < 100000; i++) std::fputs("again and again\n", stderr);
  expect(takeWords().size() < 5000, "what is said without end is kept in part");
}

void keepsThreadsApart() {
  std::string others[4];
  divertWords();
  std::thread threads[4];
  for (int i = 0; i < 4; i++) {
    threads[i] = std::thread([&others, i] {
      divertWords();
      for (int n = 0; n < 10; n++) std::fprintf(stderr, "%d", i);
      others[i] = takeWords();
    });
  }
  for (std::thread &thread : threads) thread.join();
  for (int i = 0; i < 4; i++) expect(others[i] == std::string(10, '0' + i), "each thread has its own words");
  expect(takeWords().empty(), "and nobody has another one's");
}

}  // namespace

Cases divertedCases() {
  return {{"diverted words are kept", keepsWords},
          {"diverted words have an end", keepsFew},
          {"diverted words of threads", keepsThreadsApart}};
}

}  // namespace pefd::test
