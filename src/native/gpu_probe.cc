// A separate program, run before TensorFlow is loaded: the GPUs that the CUDA driver makes visible, what memory is
// free, and whether the libraries that TensorFlow opens are found from where TensorFlow searches. A driver that crashes
// or hangs affects nothing else, and every printed line, a JSON document, stands.
#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>

#include <cstdio>
#include <cstring>
#include <string>

namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const unsigned char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c >= ' ') out += static_cast<char>(c);
  }
  return out + "\"";
}

// The last error of dlopen, without a line break.
std::string lastError() {
  const char* text = dlerror();
  return text == nullptr ? "unknown" : text;
}

// The file of a loaded library, symbolic links resolved: the driver's own has its version in its name.
std::string fileOf(void* library) {
  link_map* map = nullptr;
  if (dlinfo(library, RTLD_DI_LINKMAP, &map) != 0 || map == nullptr) return "";
  char* resolved = realpath(map->l_name, nullptr);
  const std::string file = resolved == nullptr ? map->l_name : resolved;
  free(resolved);
  return file;
}

template <typename Function>
Function symbol(void* library, const char* name) {
  return reinterpret_cast<Function>(dlsym(library, name));
}

template <typename Result>
std::string versionBy(void* library, const char* name) {
  auto function = symbol<Result (*)()>(library, name);
  return function == nullptr ? "" : std::to_string(function());
}

// The version of a library, for those that report it without a GPU; else empty.
std::string versionOf(void* library) {
  if (auto runtime = symbol<int (*)(int*)>(library, "cudaRuntimeGetVersion")) {
    int version = 0;
    return runtime(&version) == 0 ? std::to_string(version) : "";
  }
  const std::string cublas = versionBy<size_t>(library, "cublasLtGetVersion");
  return cublas.empty() ? versionBy<size_t>(library, "cudnnGetVersion") : cublas;
}

// Attributes of the CUDA driver API.
constexpr int kCapabilityMajor = 75;
constexpr int kCapabilityMinor = 76;

struct Driver {
  void* library;

  template <typename... Arguments>
  int call(const char* name, Arguments... arguments) const {
    auto function = symbol<int (*)(Arguments...)>(library, name);
    constexpr int kNotFound = 500;  // CUDA_ERROR_NOT_FOUND
    return function == nullptr ? kNotFound : function(arguments...);
  }

  std::string errorName(int code) const {
    const char* name = nullptr;
    call("cuGetErrorName", code, &name);
    return name == nullptr ? "CUDA error " + std::to_string(code) : name;
  }

  std::string error(const char* function, int code) const {
    return "\"error\":" + quoted(std::string(function) + " failed: " + errorName(code)) +
           ",\"code\":" + std::to_string(code);
  }

  std::string device(int ordinal) const {
    int handle = 0, major = 0, minor = 0;
    size_t memory = 0;
    char name[256] = "", bus[32] = "";
    unsigned char uuid[16] = {};
    if (call("cuDeviceGet", &handle, ordinal) != 0) return "null";
    call("cuDeviceGetName", static_cast<char*>(name), 255, handle);
    call("cuDeviceGetAttribute", &major, kCapabilityMajor, handle);
    call("cuDeviceGetAttribute", &minor, kCapabilityMinor, handle);
    call("cuDeviceTotalMem_v2", &memory, handle);
    call("cuDeviceGetUuid_v2", static_cast<unsigned char*>(uuid), handle);
    call("cuDeviceGetPCIBusId", static_cast<char*>(bus), 31, handle);
    std::string hex;
    for (int i = 0; i < 16; i++) {
      char digits[4];
      snprintf(digits, sizeof digits, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid[i]);
      hex += digits;
    }
    return "{\"name\":" + quoted(name) + ",\"capability\":\"" + std::to_string(major) + "." +
           std::to_string(minor) + "\",\"memory\":" + std::to_string(memory) + ",\"uuid\":\"" +
           (strstr(name, "MIG ") == nullptr ? "GPU-" : "MIG-") + hex + "\",\"bus\":" + quoted(bus) + "}";
  }

  // Free and total bytes of the first GPU, whose context is made for it as TensorFlow makes its own.
  std::string memory() const {
    void* context = nullptr;
    int handle = 0;
    size_t free = 0, total = 0;
    if (const int code = call("cuInit", 0U)) return error("cuInit", code);
    if (const int code = call("cuDeviceGet", &handle, 0)) return error("cuDeviceGet", code);
    if (const int code = call("cuDevicePrimaryCtxRetain", &context, handle)) {
      return error("cuDevicePrimaryCtxRetain", code);
    }
    if (const int code = call("cuCtxSetCurrent", context)) return error("cuCtxSetCurrent", code);
    if (const int code = call("cuMemGetInfo_v2", &free, &total)) return error("cuMemGetInfo", code);
    return "\"free\":" + std::to_string(free) + ",\"total\":" + std::to_string(total);
  }

  std::string devices() const {
    int count = 0;
    if (const int code = call("cuInit", 0U)) return error("cuInit", code);
    if (const int code = call("cuDeviceGetCount", &count)) return error("cuDeviceGetCount", code);
    std::string list;
    for (int i = 0; i < count; i++) list += (i == 0 ? "" : ",") + device(i);
    return "\"devices\":[" + list + "]";
  }
};

void printLine(const std::string& members) {
  printf("{%s}\n", members.c_str());
  fflush(stdout);
}

// The driver's GPUs: "library", "cuda" and "devices", or "error".
std::string driverAnswer() {
  const Driver driver{dlopen("libcuda.so.1", RTLD_NOW)};
  if (driver.library == nullptr) return "\"error\":" + quoted(lastError());
  int version = 0;
  driver.call("cuDriverGetVersion", &version);
  return "\"library\":" + quoted(fileOf(driver.library)) + ",\"cuda\":" + std::to_string(version) +
         "," + driver.devices();
}

void printMemory() {
  const Driver driver{dlopen("libcuda.so.1", RTLD_NOW)};
  printLine(driver.library == nullptr ? "\"error\":" + quoted(lastError()) : driver.memory());
}

void printDevices() {
  printLine(driverAnswer());
  void* cudnn = dlopen("libcudnn.so.9", RTLD_LAZY);
  if (cudnn == nullptr) return;
  printLine("\"cudnnFile\":" + quoted(fileOf(cudnn)) + ",\"cudnn\":" + versionOf(cudnn));  // it aborts where a part of it is missing
}

// Opens a library as TensorFlow does: TF_LoadLibrary calls dlopen from within TensorFlow, whose own search path counts.
class TensorFlow {
 public:
  explicit TensorFlow(const char* file) : library_(dlopen(file, RTLD_LAZY | RTLD_GLOBAL)) {}

  bool loaded() const { return library_ != nullptr; }

  // The error, or empty.
  std::string open(const char* name) const {
    auto newStatus = symbol<void* (*)()>(library_, "TF_NewStatus");
    auto load = symbol<void* (*)(const char*, void*)>(library_, "TF_LoadLibrary");
    auto message = symbol<const char* (*)(const void*)>(library_, "TF_Message");
    if (newStatus == nullptr || load == nullptr || message == nullptr) return "no C interface";
    void* status = newStatus();
    return load(name, status) == nullptr ? message(status) : "";
  }

 private:
  void* library_;
};

// The file of a library, or why it was not found.
void describe(const TensorFlow& tensorflow, const char* name) {
  const std::string problem = tensorflow.open(name);
  void* library = problem.empty() ? dlopen(name, RTLD_LAZY | RTLD_NOLOAD) : nullptr;
  printLine("\"name\":" + quoted(name) +
            (library == nullptr ? ",\"error\":" + quoted(problem) : ",\"file\":" + quoted(fileOf(library))));
}

void printLibraries(const char* tensorflowFile, char** names, int count) {
  const TensorFlow tensorflow(tensorflowFile);
  if (!tensorflow.loaded()) return printLine("\"error\":" + quoted(lastError()));
  for (int i = 0; i < count; i++) describe(tensorflow, names[i]);
  for (int i = 0; i < count; i++) {  // last, since cuDNN aborts here where a part of it is missing
    void* library = dlopen(names[i], RTLD_LAZY | RTLD_NOLOAD);
    const std::string version = library == nullptr ? "" : versionOf(library);
    if (!version.empty()) printLine("\"name\":" + quoted(names[i]) + ",\"version\":" + version);
  }
}

}  // namespace

int main(int count, char** words) {
  if (count == 2 && strcmp(words[1], "devices") == 0) {
    printDevices();
  } else if (count == 2 && strcmp(words[1], "memory") == 0) {
    printMemory();
  } else if (count > 2 && strcmp(words[1], "libraries") == 0) {
    printLibraries(words[2], words + 3, count - 3);
  } else {
    fprintf(stderr, "usage: gpu_probe devices | gpu_probe memory | gpu_probe libraries LIBTENSORFLOW NAME...\n");
    return 2;
  }
  _Exit(0);  // What the libraries do at the end of a process is of no use here.
}
