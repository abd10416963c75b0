#include "memory.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "../log.h"
#include "../machine.h"

// Each GPU has a range of addresses that the host can neither read nor write, as on a real one, and a range of the
// same length that holds its bytes. Addresses are never given twice, so the ranges are far longer than the memory.
static const size_t RANGE = (size_t)1 << 40;
static const size_t ALIGNMENT = 512;

typedef struct {
  uint8_t *address;
  size_t bytes;
  int gpu;
} Block;

static uint8_t *addresses, *contents;
static size_t next[MOST_GPUS], inUse[MOST_GPUS];
static Block *blocks;
static size_t blockCount, blockRoom;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *reserve(int protection) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void *range = mmap(NULL, RANGE * MOST_GPUS, protection, flags, -1, 0);
  if (range == MAP_FAILED) abort();
  return range;
}

static void reserveRanges(void) {
  addresses = reserve(PROT_NONE);
  contents = reserve(PROT_READ | PROT_WRITE);
}

static void prepare(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, reserveRanges);
}

size_t memoryOf(int gpu) { return (size_t)machine()->gpus[gpu].megabytes << 20; }

// PRETENDED_TAKEN: what other processes hold, in MB.
size_t memoryInUse(int gpu) { return inUse[gpu] + ((size_t)numberInEnvironment("PRETENDED_TAKEN", 0) << 20); }

static void remember(Block block) {
  if (blockCount == blockRoom) {
    blockRoom = blockRoom ? 2 * blockRoom : 256;
    blocks = realloc(blocks, blockRoom * sizeof *blocks);
    if (!blocks) abort();
  }
  blocks[blockCount++] = block;
}

Status takeMemory(int gpu, size_t bytes, void **address) {
  prepare();
  size_t taken = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  pthread_mutex_lock(&mutex);
  int fits = memoryInUse(gpu) + taken <= memoryOf(gpu) && next[gpu] + taken <= RANGE;
  if (fits) {
    *address = addresses + gpu * RANGE + next[gpu];
    next[gpu] += taken;
    inUse[gpu] += taken;
    remember((Block){*address, taken, gpu});
  }
  pthread_mutex_unlock(&mutex);
  tell("allocate", bytes, fits ? "" : "refused");
  return fits ? SUCCESS : OUT_OF_MEMORY;
}

void giveMemory(void *address) {
  pthread_mutex_lock(&mutex);
  for (size_t i = 0; i < blockCount; i++) {
    if (blocks[i].address != address) continue;
    tell("free", blocks[i].bytes, "");
    madvise(bytesBehind(address), blocks[i].bytes, MADV_DONTNEED);
    inUse[blocks[i].gpu] -= blocks[i].bytes;
    blocks[i] = blocks[--blockCount];
    break;
  }
  pthread_mutex_unlock(&mutex);
}

int gpuOf(const void *address) {
  prepare();
  const uint8_t *place = address;
  if (place < addresses || place >= addresses + RANGE * MOST_GPUS) return -1;
  return (place - addresses) / RANGE;
}

void *bytesBehind(const void *address) {
  return gpuOf(address) < 0 ? (void *)address : contents + ((const uint8_t *)address - addresses);
}
