// What sanitizers ask a program that is compiled with them: memory that cannot be had is a null pointer to us.
extern "C" {
__attribute__((visibility("default"))) const char *__asan_default_options() { return "allocator_may_return_null=1"; }
__attribute__((visibility("default"))) const char *__tsan_default_options() { return "allocator_may_return_null=1"; }
}
