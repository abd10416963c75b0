// Registers pefd's ops with TensorFlow's CPU device when it is loaded, and exports facts about them to Node.js.
#include <cstdint>
#include <string>

#include "../host/instruction_set.h"
#include "../host/redirected_stderr.h"
#include "op.h"

namespace pefd {
namespace {

struct Registered {
  // The instruction set; "none" without kernels.
  const char *instructions = "none";
  // TensorFlow's message if an op could not be registered.
  std::string problem;
};

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

Registered registerAll() {
  const InstructionSet &set = instructionSet();
  if (set.kernels == nullptr) return {set.name, ""};
  const Status status;
  withStatus(status.get(), [&] {
    for (const std::vector<Op> &ops : {batchNormOps(), convolutionOps(), depthwiseOps(), elementwiseOps(),
                                       normalizeOps(), resizeOps(), transposeOps()}) {
      for (const Op &op : ops) registerOp(op, status.get());
    }
  });
  return status.isOk() ? Registered{set.name, ""} : Registered{"none", TF_Message(status.get())};
}

const Registered registered = registerAll();

// The ops of elementwise programs in the order of their opcodes, separated by spaces.
std::string operations() {
  std::string names;
  for (const char *name : OPERATIONS) names += (names.empty() ? "" : " ") + std::string(name);
  return names;
}

}  // namespace
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

void describe(napi_env__ *env, napi_value__ *exports) {
  const auto set = [&](const char *name, napi_value__ *value) { napi_set_named_property(env, exports, name, value); };
  const auto function = [&](const char *name, Function called) {
    napi_value__ *value = nullptr;
    napi_create_function(env, name, std::char_traits<char>::length(name), called, nullptr, &value);
    set(name, value);
  };
  set("instructions", text(env, registered.instructions));
  set("reduced", text(env, reducedPrecision().name));
  set("narrow", text(env, reducedPrecision().bfloat16 == nullptr ? "" : "bfloat16"));
  set("problem", text(env, registered.problem));
  set("operations", text(env, operations()));
  function("divertWords", redirect);
  function("takeWords", take);
  function("inFloats", inFloats);
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
