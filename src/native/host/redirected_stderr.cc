#include "redirected_stderr.h"

#include <unistd.h>

#include <cstdio>
#include <new>

namespace pefd {
namespace {

// A damaged image can make a library repeat itself thousands of times.
constexpr size_t MAX_BYTES = 1000;

// A pointer, since a thread may write while its thread-local objects are destroyed.
thread_local std::string *captured = nullptr;

ssize_t keepOrWrite(void * /*cookie*/, const char *text, size_t size) {
  if (captured == nullptr) return write(STDERR_FILENO, text, size);
  try {
    if (captured->size() < MAX_BYTES) captured->append(text, size);
  } catch (const std::bad_alloc &) {
    // Out of memory, text is dropped.
  }
  return static_cast<ssize_t>(size);
}

// Replaces stderr once, unbuffered as stderr is.
bool replaceStderr() {
  cookie_io_functions_t functions = {};
  functions.write = keepOrWrite;
  FILE *const stream = fopencookie(nullptr, "w", functions);
  if (stream == nullptr) return false;
  setvbuf(stream, nullptr, _IONBF, 0);
  stderr = stream;
  return true;
}

}  // namespace

void redirectStderr() {
  static const bool isReplaced = replaceStderr();
  if (!isReplaced || captured != nullptr) return;
  captured = new (std::nothrow) std::string;
}

std::string takeStderr() {
  if (captured == nullptr) return "";
  const std::string text = std::move(*captured);
  delete captured;
  captured = nullptr;
  return text;
}

}  // namespace pefd
