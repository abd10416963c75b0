// A Node.js module that is loaded before TensorFlow, to define one function (see tf.ts).
//
// TensorFlow's libraries log through Abseil. TensorFlow passes TF_CPP_MIN_LOG_LEVEL to Abseil while it is loaded, but
// after the first messages. This module, loaded earlier into the global scope, overrides Abseil's function for the
// minimum severity: 0 is everything, 1 warnings, 2 errors, 3 fatal errors.

#include <cstdlib>

// absl::MinLogLevel(), mangled as in TensorFlow 2.21. Under another name nothing is silenced.
int minLogLevel() __asm__("_ZN4absl12lts_2025081411MinLogLevelEv");

static int levelOfEnvironment() {
  const char *level = std::getenv("TF_CPP_MIN_LOG_LEVEL");
  return level == nullptr ? 0 : std::atoi(level);
}

// Called from any thread: the environment is read once, while the libraries are loaded.
__attribute__((visibility("default"))) int minLogLevel() {
  static const int level = levelOfEnvironment();
  return level;
}

// Makes the library a Node-API module.
extern "C" __attribute__((visibility("default"))) void *napi_register_module_v1(void * /*env*/, void *exports) {
  return exports;
}
