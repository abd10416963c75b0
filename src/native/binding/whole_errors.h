// Included before TensorFlow.js's own sources while set-up compiles its binding, and nowhere else (setup/binding.ts).
//
// The binding's header writes every message into 500 bytes, which cuts TensorFlow's account of what failed where. Its
// sources throw through macros; here they get helpers that take a message of any length.
#pragma once

#include <cstdarg>
#include <cstdio>
#include <string>  // utils.h needs it
#include <vector>

#include "utils.h"

namespace pefd {

/** Throws an Error whose message is formatted as printf does it. */
__attribute__((format(printf, 2, 3))) inline void throwWhole(napi_env env, const char *format, ...) {
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

/** Whether TensorFlow did what it was asked; else its message is thrown. */
inline bool succeeded(napi_env env, const TF_Status *status) {
  const TF_Code code = TF_GetCode(status);
  // The numeric code is read again in common/deviceMemory.ts.
  if (code != TF_OK) throwWhole(env, "Invalid TF_Status: %u\nMessage: %s", code, TF_Message(status));
  return code == TF_OK;
}

}  // namespace pefd

#undef NAPI_THROW_ERROR
#define NAPI_THROW_ERROR(env, ...) pefd::throwWhole(env, __VA_ARGS__)

#undef ENSURE_TF_OK
#define ENSURE_TF_OK(env, autoStatus) \
  if (!pefd::succeeded(env, (autoStatus).status)) return

#undef ENSURE_TF_OK_RETVAL
#define ENSURE_TF_OK_RETVAL(env, autoStatus, result) \
  if (!pefd::succeeded(env, (autoStatus).status)) return result
