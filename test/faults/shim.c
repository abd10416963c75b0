// A library that is loaded before all others (LD_PRELOAD) and stands between a program and the system calls by which it
// changes files below one folder. It counts them, and makes one of them fail or kills the program there.
//
// What it is to do is told in the variable PEFD_FAULT, "FOLDER:AT:HOW", and anew by opening a path that is none,
// "/pefd-fault/FOLDER:AT:HOW".
//
//   FOLDER  whole paths that begin so count
//   AT      the number of the call, from 1; 0 for none
//   HOW     kill       SIGKILL before the call
//           torn       SIGKILL after half of what was to be written; before the call, where it is no write
//           gone       it and every later one fails without a word, as for a process that is no more
//           short      half of a write is done, and the rest left to the caller
//           delay      the call is made a third of a second later, and so is every later one
//           ENOSPC+    it fails for lack of room, and so does every later one
//           ENOSPC, EIO, EINTR, ...  it fails so, once
//
// PEFD_FAULT_LOG names a file to which the name of each counted call is added.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static const char CONTROL[] = "/pefd-fault/";

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX];
static long at, count;
static char how[32];

// FOLDER:AT:HOW. A folder's name holds no colon here.
static void arm(const char *words) {
  pthread_mutex_lock(&lock);
  folder[0] = '\0';
  at = count = 0;
  how[0] = '\0';
  sscanf(words, "%4000[^:]:%ld:%31s", folder, &at, how);
  pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void begin(void) {
  const char *words = getenv("PEFD_FAULT");
  if (words != NULL) arm(words);
}

static int below(const char *path) {
  const size_t length = strlen(folder);
  return length > 0 && strncmp(path, folder, length) == 0;
}

// Relative paths are taken as being elsewhere: the tests give whole ones.
static int fileBelow(int file) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = '\0';
  return below(path);
}

static void note(const char *name, const char *path) {
  const char *log = getenv("PEFD_FAULT_LOG");
  if (log == NULL) return;
  char line[PATH_MAX + 64];
  const int length = snprintf(line, sizeof line, "%s %s\n", name, path);
  const int file = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
  syscall(SYS_write, file, line, (size_t)length);
  syscall(SYS_close, file);
}

static int errorNamed(const char *name) {
  static const struct { const char *name; int code; } known[] = {
      {"ENOSPC", ENOSPC}, {"EIO", EIO}, {"EINTR", EINTR}, {"EPERM", EPERM}, {"gone", EIO}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strncmp(name, known[i].name, strlen(known[i].name)) == 0) return known[i].code;
  }
  abort();
}

enum { GO_ON, FAIL, HALF, TORN };

// What a call is to do. Everything that never returns happens here.
static int fault(const char *name, const char *path, int isWrite) {
  pthread_mutex_lock(&lock);
  const long number = ++count;
  const int isDue = at > 0 && number == at, isLater = at > 0 && number > at;
  pthread_mutex_unlock(&lock);
  note(name, path);
  if (strcmp(how, "delay") == 0 && (isDue || isLater)) {
    const struct timespec third = {0, 333000000};
    nanosleep(&third, NULL);
    return GO_ON;
  }
  const int lasts = strchr(how, '+') != NULL || strcmp(how, "gone") == 0;
  if (!isDue && !(isLater && lasts)) return GO_ON;
  if (strcmp(how, "kill") == 0 || (strcmp(how, "torn") == 0 && !isWrite)) kill(getpid(), SIGKILL);
  if (strcmp(how, "torn") == 0) return TORN;
  if (strcmp(how, "short") == 0) return isWrite ? HALF : GO_ON;
  errno = errorNamed(how);
  return FAIL;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

// --- Calls with a path

static int changes(int flags) { return (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) != 0; }

// Opening a folder in order to sync it counts as well.
#define OPEN(name, first, pathArgument, ...)                                                   \
  int name(first const char *path, int flags, ...) {                                           \
    va_list list;                                                                              \
    va_start(list, flags);                                                                     \
    const mode_t mode = va_arg(list, mode_t);                                                  \
    va_end(list);                                                                              \
    if (strncmp(path, CONTROL, sizeof CONTROL - 1) == 0) {                                     \
      arm(path + sizeof CONTROL - 1);                                                          \
      errno = ENOENT;                                                                          \
      return -1;                                                                               \
    }                                                                                          \
    if (below(path) && changes(flags) && fault("open", path, 0) == FAIL) return -1;            \
    return REAL(name)(__VA_ARGS__ path, flags, mode);                                          \
  }
OPEN(open, , path, )
OPEN(open64, , path, )
#define COMMA ,
OPEN(openat, int at_ COMMA, path, at_ COMMA)
OPEN(openat64, int at_ COMMA, path, at_ COMMA)

#define ONE_PATH(name)                                                                         \
  int name(const char *path) {                                                                 \
    return below(path) && fault(#name, path, 0) == FAIL ? -1 : REAL(name)(path);               \
  }
ONE_PATH(unlink)
ONE_PATH(rmdir)

int unlinkat(int at_, const char *path, int flags) {
  return below(path) && fault("unlinkat", path, 0) == FAIL ? -1 : REAL(unlinkat)(at_, path, flags);
}

int mkdir(const char *path, mode_t mode) {
  return below(path) && fault("mkdir", path, 0) == FAIL ? -1 : REAL(mkdir)(path, mode);
}

#define TWO_PATHS(name)                                                                        \
  int name(const char *from, const char *to) {                                                 \
    return below(to) && fault(#name, to, 0) == FAIL ? -1 : REAL(name)(from, to);               \
  }
TWO_PATHS(rename)
TWO_PATHS(link)

// --- Calls with an open file

#define SYNC(name)                                                                             \
  int name(int file) {                                                                         \
    return fileBelow(file) && fault(#name, "", 0) == FAIL ? -1 : REAL(name)(file);             \
  }
SYNC(fsync)
SYNC(fdatasync)

#define TRUNCATE(name, type)                                                                   \
  int name(int file, type length) {                                                            \
    return fileBelow(file) && fault(#name, "", 0) == FAIL ? -1 : REAL(name)(file, length);     \
  }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define WRITE(name, extraType, ...)                                                            \
  {                                                                                            \
    const int what = fileBelow(file) ? fault(#name, "", 1) : GO_ON;                            \
    if (what == FAIL) return -1;                                                               \
    const size_t part = what == GO_ON || size < 2 ? size : size / 2;                           \
    const ssize_t done = REAL(name)(file, data, part __VA_ARGS__);                             \
    if (what == TORN) kill(getpid(), SIGKILL);                                                 \
    return done;                                                                               \
  }
ssize_t write(int file, const void *data, size_t size) WRITE(write, )
ssize_t pwrite(int file, const void *data, size_t size, off_t to) WRITE(pwrite, , , to)
ssize_t pwrite64(int file, const void *data, size_t size, off64_t to) WRITE(pwrite64, , , to)

// Several pieces: only the first of them is written where it is to be short.
#define WRITE_PIECES(name, ...)                                                                \
  {                                                                                            \
    const int what = fileBelow(file) ? fault(#name, "", 1) : GO_ON;                            \
    if (what == FAIL) return -1;                                                               \
    const ssize_t done = REAL(name)(file, pieces, what == GO_ON ? number : 1 __VA_ARGS__);     \
    if (what == TORN) kill(getpid(), SIGKILL);                                                 \
    return done;                                                                               \
  }
ssize_t writev(int file, const struct iovec *pieces, int number) WRITE_PIECES(writev)
ssize_t pwritev(int file, const struct iovec *pieces, int number, off_t to) WRITE_PIECES(pwritev, , to)
ssize_t pwritev64(int file, const struct iovec *pieces, int number, off64_t to) WRITE_PIECES(pwritev64, , to)
