#include "log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int file = -1;

static void openLog(void) {
  const char *name = getenv("PRETENDED_GPU_LOG");
  if (name && *name) file = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

void tell(const char *kind, unsigned long amount, const char *name) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, openLog);
  if (file < 0) return;
  char line[512];
  int length = snprintf(line, sizeof line, "%s %lu %s\n", kind, amount, name);
  if (length >= (int)sizeof line) {
    length = sizeof line;
    line[length - 1] = '\n';
  }
  // One write for a line: lines of several threads and processes do not mix.
  if (write(file, line, length) < 0) return;
}
