// Registration of pefd's ops with TensorFlow's CPU device, and facts about them for Node.js.
#include <cstdint>
#include <string>

#include "../host/instruction_set.h"
#include "../host/redirected_stderr.h"
#include "op.h"

namespace pefd {
namespace {

// TensorFlow's message if an op could not be registered. Objects of other files set it before this file's are made.
std::string &problem() {
  static std::string message;
  return message;
}

// @throws StatusIsSet
void registerOp(const Op &op, TF_Status *status) {
  TF_OpDefinitionBuilder *definition = TF_NewOpDefinitionBuilder(op.name);
  for (const char *attribute : op.attributes) TF_OpDefinitionBuilderAddAttr(definition, attribute);
  for (const char *input : op.inputs) TF_OpDefinitionBuilderAddInput(definition, input);
  for (const char *output : op.outputs) TF_OpDefinitionBuilderAddOutput(definition, output);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, op.shape);
  TF_RegisterOpDefinition(definition, status);
  check(status);
  TF_KernelBuilder *kernel = TF_NewKernelBuilder(op.name, "CPU", op.create, op.compute, op.remove);
  TF_RegisterKernelBuilder(op.name, kernel, status);
  check(status);
}

}  // namespace

Registered::Registered(std::initializer_list<Op> ops) {
  if (instructionSet().kernels == nullptr || !problem().empty()) return;
  const Status status;
  withStatus(status.get(), [&] {
    for (const Op &op : ops) registerOp(op, status.get());
  });
  if (!status.isOk()) problem() = TF_Message(status.get());
}

}  // namespace pefd

// Node-API without its headers. Weak, since Python's TensorFlow loads this as an op library, too
// (scripts/profile-step.py).
extern "C" {
struct napi_env__;
struct napi_value__;
struct napi_callback_info__;
using Function = napi_value__ *(*)(napi_env__ *env, napi_callback_info__ *info);
__attribute__((weak)) int napi_create_string_utf8(napi_env__ *env, const char *text, size_t length,
                                                  napi_value__ **result);
__attribute__((weak)) int napi_create_bigint_uint64(napi_env__ *env, uint64_t number, napi_value__ **result);
__attribute__((weak)) int napi_get_cb_info(napi_env__ *env, napi_callback_info__ *info, size_t *count,
                                           napi_value__ **arguments, napi_value__ **self, void **data);
__attribute__((weak)) int napi_get_typedarray_info(napi_env__ *env, napi_value__ *array, int *type, size_t *length,
                                                   void **data, napi_value__ **buffer, size_t *offset);
__attribute__((weak)) int napi_create_function(napi_env__ *env, const char *name, size_t length, Function function,
                                               void *data, napi_value__ **result);
__attribute__((weak)) int napi_set_named_property(napi_env__ *env, napi_value__ *object, const char *name,
                                                  napi_value__ *value);
}

namespace pefd {
namespace {

napi_value__ *text(napi_env__ *env, const std::string &string) {
  napi_value__ *value = nullptr;
  napi_create_string_utf8(env, string.data(), string.size(), &value);
  return value;
}

napi_value__ *redirect(napi_env__ * /*env*/, napi_callback_info__ * /*info*/) {
  redirectStderr();
  return nullptr;
}

napi_value__ *take(napi_env__ *env, napi_callback_info__ * /*info*/) { return text(env, takeStderr()); }

napi_value__ *inFloats(napi_env__ *env, napi_callback_info__ * /*info*/) { return text(env, convolutionsInFloat32()); }

// The address of a typed array's elements, for PefdHostMemory.
napi_value__ *hostAddress(napi_env__ *env, napi_callback_info__ *info) {
  size_t count = 1;
  napi_value__ *array = nullptr, *address = nullptr;
  void *data = nullptr;
  napi_get_cb_info(env, info, &count, &array, nullptr, nullptr);
  napi_get_typedarray_info(env, array, nullptr, nullptr, &data, nullptr, nullptr);
  napi_create_bigint_uint64(env, reinterpret_cast<uintptr_t>(data), &address);
  return address;
}

void describe(napi_env__ *env, napi_value__ *exports) {
  const auto set = [&](const char *name, napi_value__ *value) { napi_set_named_property(env, exports, name, value); };
  const auto function = [&](const char *name, Function called) {
    napi_value__ *value = nullptr;
    napi_create_function(env, name, std::char_traits<char>::length(name), called, nullptr, &value);
    set(name, value);
  };
  set("instructions", text(env, problem().empty() ? instructionSet().name : "none"));
  set("reduced", text(env, reducedPrecision().name));
  set("narrow", text(env, reducedPrecision().bfloat16 == nullptr ? "" : "bfloat16"));
  set("problem", text(env, problem()));
  function("divertWords", redirect);
  function("takeWords", take);
  function("inFloats", inFloats);
  function("hostAddress", hostAddress);
}

}  // namespace
}  // namespace pefd

extern "C" __attribute__((visibility("default"))) napi_value__ *napi_register_module_v1(napi_env__ *env,
                                                                                        napi_value__ *exports) {
  try {
    pefd::describe(env, exports);
  } catch (const std::bad_alloc &) {
    // Missing exports count as none.
  }
  return exports;
}
