// A module that Node.js loads before TensorFlow and whose only effect is that of being loaded (see tf.ts).
//
// TensorFlow's libraries log through Abseil. TensorFlow gives Abseil the least severity to tell, TF_CPP_MIN_LOG_LEVEL,
// while it is being loaded, but after the first messages. This module answers Abseil's question for that severity in
// its place, from the environment: loaded earlier, into the global scope, its function is the one that the libraries
// find. 0 is everything, 1 warnings, 2 errors, 3 fatal errors.

#include <cstdlib>

// absl::MinLogLevel(), by the name it has in TensorFlow 2.21. Under another name nothing is silenced.
int minLogLevel() __asm__("_ZN4absl12lts_2025081411MinLogLevelEv");

static int levelOfEnvironment() {
  const char *level = std::getenv("TF_CPP_MIN_LOG_LEVEL");
  return level == nullptr ? 0 : std::atoi(level);
}

// Asked from any thread: the environment is read once, while the libraries are being loaded.
__attribute__((visibility("default"))) int minLogLevel() {
  static const int level = levelOfEnvironment();
  return level;
}

// What makes a shared library a Node-API module.
extern "C" __attribute__((visibility("default"))) void *napi_register_module_v1(void * /*env*/, void *exports) {
  return exports;
}
