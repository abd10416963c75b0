// Overrides for TensorFlow.js's binding, included before its sources while setup compiles it (setup/binding.ts):
// sessions without Grappler, error messages of any length, an error where TensorFlow can make no context, and a context
// that is one of several processes' (train/devices.ts).
//
// With TF_PEFD_GRAPH_OPTIMIZER=off sessions open without Grappler: pefd's own passes have optimized the graph
// (compile/passes), and Grappler takes longer than all else before a first step.
#pragma once

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>  // utils.h needs it
#include <vector>

#include "tensorflow/c/eager/c_api.h"
#include "utils.h"

namespace pefd {

/** Session options, with or without Grappler. */
inline TF_SessionOptions *newSessionOptions() {
  TF_SessionOptions *options = TF_NewSessionOptions();
  const char *optimizer = std::getenv("TF_PEFD_GRAPH_OPTIMIZER");
  if (optimizer == nullptr || std::strcmp(optimizer, "off") != 0) return options;
  // A ConfigProto: graph_options { rewrite_options { disable_meta_optimizer: true } }.
  static const unsigned char config[] = {0x52, 5, 0x52, 3, 0x98, 1, 1};
  TF_Status *status = TF_NewStatus();
  TF_SetConfig(options, config, sizeof(config), status);
  TF_DeleteStatus(status);
  return options;
}

}  // namespace pefd

#define TF_NewSessionOptions pefd::newSessionOptions

namespace pefd {

/** Throws an Error with a printf-style message. */
__attribute__((format(printf, 2, 3))) inline void throwMessage(napi_env env, const char *format, ...) {
  va_list values, again;
  va_start(values, format);
  va_copy(again, values);
  const int length = std::vsnprintf(nullptr, 0, format, values);
  std::vector<char> text(length < 0 ? 1 : length + 1, '\0');
  std::vsnprintf(text.data(), text.size(), format, again);
  va_end(again);
  va_end(values);
  napi_throw_error(env, nullptr, text.data());
}

/** Throws the message of a status that is not OK. @returns whether it is */
inline bool isOk(napi_env env, const TF_Status *status) {
  const TF_Code code = TF_GetCode(status);
  // The numeric code is parsed again in common/deviceMemory.ts.
  if (code != TF_OK) throwMessage(env, "Invalid TF_Status: %u\nMessage: %s", code, TF_Message(status));
  return code == TF_OK;
}

}  // namespace pefd

#undef NAPI_THROW_ERROR
#define NAPI_THROW_ERROR(env, ...) pefd::throwMessage(env, __VA_ARGS__)

#undef ENSURE_TF_OK
#define ENSURE_TF_OK(env, autoStatus) \
  if (!pefd::isOk(env, (autoStatus).status)) return

#undef ENSURE_TF_OK_RETVAL
#define ENSURE_TF_OK_RETVAL(env, autoStatus, result) \
  if (!pefd::isOk(env, (autoStatus).status)) return result

extern "C" void TFE_EnableCollectiveOps(TFE_Context *, const void *, size_t, TF_Status *);

namespace pefd {

/** A context; with TF_PEFD_SERVER, a ServerDef's bytes in hexadecimal, a gRPC server of that cluster for collectives. */
inline TFE_Context *newContext(const TFE_ContextOptions *options, TF_Status *status) {
  TFE_Context *made = TFE_NewContext(options, status);
  const char *text = std::getenv("TF_PEFD_SERVER");
  if (made == nullptr || text == nullptr) return made;
  std::string bytes;
  unsigned byte = 0;
  for (; std::sscanf(text, "%2x", &byte) == 1; text += 2) bytes += static_cast<char>(byte);
  TFE_EnableCollectiveOps(made, bytes.data(), bytes.size(), status);
  if (TF_GetCode(status) == TF_OK) return made;
  TFE_DeleteContext(made);
  return nullptr;
}

}  // namespace pefd

// On a busy, full or failed GPU TensorFlow makes no context. The binding's constructor throws a message without the
// reason then, and goes on with a null pointer, which crashes. Here it throws TensorFlow's own message and returns.
// Both are used only in that constructor, where `env` is the environment to throw in.
#define TFE_NewContext(options, status)                                       \
  ({                                                                          \
    TFE_Context *made = pefd::newContext(options, status);                    \
    if (made == nullptr) pefd::throwMessage(env, "%s", TF_Message(status));   \
    made;                                                                     \
  })

#define TFE_ContextListDevices(context, status) \
  ({                                            \
    if ((context) == nullptr) return;           \
    TFE_ContextListDevices(context, status);    \
  })
