// Sanitizer options: failed allocations return null.
extern "C" {
__attribute__((visibility("default"))) const char *__asan_default_options() { return "allocator_may_return_null=1"; }
__attribute__((visibility("default"))) const char *__tsan_default_options() { return "allocator_may_return_null=1"; }
}
