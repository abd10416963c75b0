// Ops of ours for TensorFlow's processor device. A Node-API module; being loaded registers them, and `instructions`
// says for which processors they are compiled.
#include <cstdint>

#include "instructions.h"
#include "op.h"
#include "tensorflow/c/tf_status.h"

namespace pefd {
namespace {

bool registerOp(const Op &op) {
  TF_Status *status = TF_NewStatus();
  TF_OpDefinitionBuilder *definition = TF_NewOpDefinitionBuilder(op.name);
  for (const char *attribute : op.attributes) TF_OpDefinitionBuilderAddAttr(definition, attribute);
  for (const char *input : op.inputs) TF_OpDefinitionBuilderAddInput(definition, input);
  for (const char *output : op.outputs) TF_OpDefinitionBuilderAddOutput(definition, output);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, op.shape);
  TF_RegisterOpDefinition(definition, status);
  if (TF_GetCode(status) == TF_OK) {
    TF_KernelBuilder *kernel = TF_NewKernelBuilder(op.name, "CPU", op.create, op.compute, op.remove);
    TF_RegisterKernelBuilder(op.name, kernel, status);
  }
  const bool done = TF_GetCode(status) == TF_OK;
  TF_DeleteStatus(status);
  return done;
}

// Registers everything. @returns for which instructions
const char *registerAll() {
  if (instructions().kernels == nullptr) return instructions().name;
  bool done = true;
  for (const std::vector<Op> &ops : {convolutionOps(), elementwiseOps()}) {
    for (const Op &op : ops) done = registerOp(op) && done;
  }
  return done ? instructions().name : "none";
}

const char *const registered = registerAll();

}  // namespace
}  // namespace pefd

// The two functions of Node-API that are needed, without its headers. Weak: Python's TensorFlow loads this as a library
// of ops (scripts/profile-step.py), and there is no Node.js in it.
extern "C" {
struct napi_env__;
struct napi_value__;
__attribute__((weak)) int napi_create_string_utf8(napi_env__ *env, const char *text, size_t length,
                                                  napi_value__ **result);
__attribute__((weak)) int napi_set_named_property(napi_env__ *env, napi_value__ *object, const char *name,
                                                  napi_value__ *value);

__attribute__((visibility("default"))) napi_value__ *napi_register_module_v1(napi_env__ *env, napi_value__ *exports) {
  napi_value__ *text = nullptr;
  napi_create_string_utf8(env, pefd::registered, SIZE_MAX, &text);
  napi_set_named_property(env, exports, "instructions", text);
  return exports;
}
}
