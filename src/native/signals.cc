// A module that ends the process at a signal while JavaScript cannot: during a long blocking call, such
// as XLA's compilation of a program.
//
//   answer(text)  from now on SIGINT, SIGTERM and SIGHUP write `Stopped by SIGNAL.` and the text to stderr, and end the
//                 process with 128 + the signal's number
//   release()     they do what they did before
//
// Between the two nothing of JavaScript runs. The functions of Node-API are declared here: they are the same for every
// Node.js, and no headers are needed.

#include <csignal>
#include <cstring>

#include <unistd.h>

using Value = void *;
using Callback = Value (*)(void *env, void *info);

extern "C" {
int napi_get_cb_info(void *env, void *info, size_t *count, Value *arguments, Value *self, void **data);
int napi_get_value_string_utf8(void *env, Value value, char *buffer, size_t size, size_t *length);
int napi_create_function(void *env, const char *name, size_t length, Callback callback, void *data, Value *result);
int napi_set_named_property(void *env, Value object, const char *name, Value value);
}

namespace {

struct Signal {
  int number;
  const char *name;
  struct sigaction before;
};

Signal signals[] = {{SIGINT, "SIGINT", {}}, {SIGTERM, "SIGTERM", {}}, {SIGHUP, "SIGHUP", {}}};
bool isAnswering = false;
char text[4096];

// Async-signal-safe.
void say(const char *words) {
  if (write(STDERR_FILENO, words, strlen(words)) < 0) return;
}

void end(int number) {
  for (const Signal &signal : signals) {
    if (signal.number != number) continue;
    say("\nStopped by ");
    say(signal.name);
    say(".\n");
  }
  say(text);
  _exit(128 + number);
}

Value answer(void *env, void *info) {
  size_t count = 1;
  Value argument = nullptr;
  text[0] = '\0';
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_get_value_string_utf8(env, argument, text, sizeof text, nullptr);
  if (isAnswering) return nullptr;
  isAnswering = true;
  for (Signal &signal : signals) {
    struct sigaction action = {};
    action.sa_handler = end;
    sigfillset(&action.sa_mask);
    sigaction(signal.number, nullptr, &signal.before);
    // An ignored signal (nohup) stays ignored.
    if (signal.before.sa_handler != SIG_IGN) sigaction(signal.number, &action, nullptr);
  }
  return nullptr;
}

Value release(void *, void *) {
  if (!isAnswering) return nullptr;
  isAnswering = false;
  for (const Signal &signal : signals) sigaction(signal.number, &signal.before, nullptr);
  return nullptr;
}

void add(void *env, Value exports, const char *name, Callback callback) {
  Value function = nullptr;
  napi_create_function(env, name, strlen(name), callback, nullptr, &function);
  napi_set_named_property(env, exports, name, function);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void *napi_register_module_v1(void *env, void *exports) {
  add(env, exports, "answer", answer);
  add(env, exports, "release", release);
  return exports;
}
