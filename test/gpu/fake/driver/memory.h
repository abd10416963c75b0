// The memory of the pretended GPUs.
#pragma once

#include <stddef.h>

#include "../status.h"

// Takes memory of a GPU.
Status takeMemory(int gpu, size_t bytes, void **address);

// Gives it back; what is not an address from takeMemory is passed over.
void giveMemory(void *address);

// Bytes in use on a GPU.
size_t memoryInUse(int gpu);

// Bytes that a GPU has.
size_t memoryOf(int gpu);

// The GPU that an address belongs to; -1 for memory of the host.
int gpuOf(const void *address);

// Where the bytes behind an address of a GPU really lie; an address of the host's memory is returned as it is.
void *bytesBehind(const void *address);
