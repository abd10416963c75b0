#include "machine.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *DEFAULT_GPUS = "NVIDIA H100 80GB HBM3, 9.0, 580.82.07, 81559";

static Machine visible;

long numberInEnvironment(const char *name, long otherwise) {
  const char *text = getenv(name);
  return text && *text ? atol(text) : otherwise;
}

int cudaVersionOf(int driver) {
  static const int VERSIONS[][2] = {{580, 13000}, {575, 12090}, {570, 12080}, {565, 12070}, {560, 12060},
                                    {555, 12050}, {550, 12040}, {545, 12030}, {535, 12020}, {530, 12010},
                                    {525, 12000}, {520, 11080}, {470, 11040}};
  for (unsigned i = 0; i < sizeof VERSIONS / sizeof *VERSIONS; i++)
    if (driver >= VERSIONS[i][0]) return VERSIONS[i][1];
  return 11000;
}

// Reads lines of `name, capability, driver, megabytes`.
static int readGpus(Gpu *gpus) {
  const char *given = getenv("PRETENDED_GPUS");
  char *text = strdup(given ? given : DEFAULT_GPUS), *rest = text, *line;
  int count = 0;
  while ((line = strtok_r(rest, "\n", &rest)) && count < MOST_GPUS) {
    Gpu gpu = {.bus = count};
    int fields = sscanf(line, " %127[^,], %d.%d, %d%*[^,], %ld", gpu.name, &gpu.major, &gpu.minor,
                        &gpu.driver, &gpu.megabytes);
    if (fields == 5) gpus[count++] = gpu;
  }
  free(text);
  return count;
}

static int isFaster(const Gpu *a, const Gpu *b) {
  int capabilities = 10 * (a->major - b->major) + a->minor - b->minor;
  return capabilities ? capabilities > 0 : a->megabytes > b->megabytes;
}

// Unless it is told to go by the bus, CUDA puts the fastest GPU first.
static void sortByCudasOrder(Gpu *gpus, int count) {
  const char *order = getenv("CUDA_DEVICE_ORDER");
  if (order && strcmp(order, "PCI_BUS_ID") == 0) return;
  for (int i = 1; i < count; i++) {
    Gpu gpu = gpus[i];
    int place = i;
    for (; place > 0 && isFaster(&gpu, &gpus[place - 1]); place--) gpus[place] = gpus[place - 1];
    gpus[place] = gpu;
  }
}

// The GPU that a word of CUDA_VISIBLE_DEVICES means: its number or its UUID; NULL for none.
static const Gpu *gpuNamed(const char *word, const Gpu *gpus, int count) {
  char uuid[64], *end;
  for (int i = 0; i < count; i++) {
    snprintf(uuid, sizeof uuid, "GPU-00000000-0000-0000-0000-%012x", gpus[i].bus + 1);
    if (strcmp(word, uuid) == 0) return &gpus[i];
  }
  long number = strtol(word, &end, 10);
  return end != word && *end == '\0' && number >= 0 && number < count ? &gpus[number] : NULL;
}

// The first word that names no GPU ends the list, as with the real driver.
static void chooseVisible(const Gpu *gpus, int count) {
  const char *given = getenv("CUDA_VISIBLE_DEVICES");
  if (!given) {
    memcpy(visible.gpus, gpus, count * sizeof *gpus);
    visible.count = count;
    return;
  }
  char *text = strdup(given), *rest = text, *word;
  const Gpu *gpu;
  while ((word = strtok_r(rest, ", ", &rest)) && (gpu = gpuNamed(word, gpus, count)))
    visible.gpus[visible.count++] = *gpu;
  free(text);
}

static void readMachine(void) {
  Gpu gpus[MOST_GPUS];
  int count = readGpus(gpus);
  sortByCudasOrder(gpus, count);
  chooseVisible(gpus, count);
}

const Machine *machine(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, readMachine);
  return &visible;
}

int faultOf(const char *function) {
  static long calls;
  const char *given = getenv("PRETENDED_FAULT");
  size_t length = strlen(function);
  if (!given || strncmp(given, function, length) != 0 || given[length] != ':') return 0;
  char *rest;
  long first = strtol(given + length + 1, &rest, 10);
  return __sync_add_and_fetch(&calls, 1) >= first ? atoi(rest + 1) : 0;
}
