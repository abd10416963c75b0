#include "diverted_words.h"

#include <cstdio>
#include <new>
#include <unistd.h>

namespace pefd {
namespace {

// More is of no use: a damaged image can make a library say the same thousands of times.
constexpr size_t MOST_BYTES = 1000;

// A pointer, since a thread may write while its own objects are being destroyed.
thread_local std::string *kept = nullptr;

ssize_t writeWords(void * /*cookie*/, const char *words, size_t size) {
  if (kept == nullptr) return write(STDERR_FILENO, words, size);
  try {
    if (kept->size() < MOST_BYTES) kept->append(words, size);
  } catch (const std::bad_alloc &) {
    // What there is no memory for is not told.
  }
  return static_cast<ssize_t>(size);
}

// A stream of ours takes the place of stderr, once and for good. It writes at once, as stderr does.
bool replaceStderr() {
  cookie_io_functions_t functions = {};
  functions.write = writeWords;
  FILE *const stream = fopencookie(nullptr, "w", functions);
  if (stream == nullptr) return false;
  setvbuf(stream, nullptr, _IONBF, 0);
  stderr = stream;
  return true;
}

}  // namespace

void divertWords() {
  static const bool isReplaced = replaceStderr();
  if (!isReplaced || kept != nullptr) return;
  kept = new (std::nothrow) std::string;
}

std::string takeWords() {
  if (kept == nullptr) return "";
  const std::string words = std::move(*kept);
  delete kept;
  kept = nullptr;
  return words;
}

}  // namespace pefd
