#include "pool.h"

#include <algorithm>
#include <cstdint>
#include <exception>

namespace pefd {

namespace {

// Indices in a row of which nobody has taken any yet. Each lies in a line of the cache of its own.
class alignas(64) Range {
 public:
  void fill(long first, long end) { left_.store(pack(first, end), std::memory_order_relaxed); }
  bool isEmpty() const { return sizeOf(left_.load(std::memory_order_relaxed)) == 0; }

  // One of them; false where there is none.
  bool takeFirst(long &index) { return take(index, true); }
  bool takeLast(long &index) { return take(index, false); }

 private:
  // The first one in the lower half, the end in the upper one: both change at once.
  static uint64_t pack(uint64_t first, uint64_t end) { return end << 32 | first; }
  static uint64_t firstOf(uint64_t left) { return left & 0xffffffff; }
  static uint64_t endOf(uint64_t left) { return left >> 32; }
  static uint64_t sizeOf(uint64_t left) { return endOf(left) - firstOf(left); }

  bool take(long &index, bool isFirst) {
    uint64_t left = left_.load(std::memory_order_relaxed), less;
    do {
      if (sizeOf(left) == 0) return false;
      less = isFirst ? pack(firstOf(left) + 1, endOf(left)) : pack(firstOf(left), endOf(left) - 1);
    } while (!left_.compare_exchange_weak(left, less, std::memory_order_relaxed));
    index = static_cast<long>(isFirst ? firstOf(left) : endOf(less));
    return true;
  }

  std::atomic<uint64_t> left_{0};
};

}  // namespace

// Work that somebody waits for. Each thread has a part of the indices of its own and takes of others' when it is done with
// them: so it works, job after job, on the same images, which lie in its own caches. Where processors share none, what
// another one has written comes from afar.
struct Pool::Job {
  // Most parts; with more threads some share one.
  static constexpr long PARTS = 16;

  const Task task;
  void *const context;
  const long parts;
  Range ranges[PARTS];
  // Threads of the pool that look at it; it may not go away before they have left.
  std::atomic<int> visitors{0};
  Job *later = nullptr;

  Job(long count, Task task, void *context, long workers)
      : task(task), context(context), parts(std::min(workers, PARTS)) {
    for (long part = 0; part < parts; part++) ranges[part].fill(count * part / parts, count * (part + 1) / parts);
  }

  bool isOpen() const {
    return std::any_of(ranges, ranges + parts, [](const Range &range) { return !range.isEmpty(); });
  }

  void help(long worker) {
    long index;
    for (Range &own = ranges[worker % parts]; own.takeFirst(index);) task(context, index, worker);
    for (long next = 1; next < parts; next++) {
      for (Range &other = ranges[(worker + next) % parts]; other.takeLast(index);) task(context, index, worker);
    }
  }
};

namespace {

// The number of the thread that has posted a job.
constexpr long CALLER = 0;

// How often a thread looks again before it goes to sleep: some ten microseconds. Jobs follow each other closely, and
// to be woken takes longer.
constexpr int LOOKS = 1000;

template <typename Condition>
void lookFor(Condition condition) {
  for (int i = 0; i < LOOKS && !condition(); i++) __builtin_ia32_pause();
}

}  // namespace

Pool::Pool(long workers) noexcept {
  try {
    for (long worker = CALLER + 1; worker < workers; worker++) {
      threads_.emplace_back([this, worker] { serve(worker); });
    }
  } catch (const std::exception &) {
    // The system has no more threads: the results are the same with those there are.
  }
}

Pool::~Pool() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ends_ = true;
    posts_++;
  }
  posted_.notify_all();
  for (std::thread &thread : threads_) thread.join();
}

void Pool::run(long count, Task task, void *context) noexcept {
  if (count <= 1 || workers() == 1) {
    for (long i = 0; i < count; i++) task(context, i, CALLER);
    return;
  }
  Job job(count, task, context, workers());
  {
    std::lock_guard<std::mutex> lock(mutex_);
    add(job);
    posts_++;
  }
  posted_.notify_all();
  job.help(CALLER);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    remove(job);
  }
  const auto isAlone = [&job] { return job.visitors.load(std::memory_order_acquire) == 0; };
  lookFor(isAlone);
  std::unique_lock<std::mutex> lock(mutex_);
  left_.wait(lock, isAlone);
}

// The jobs are a list through the jobs themselves, the oldest first: nothing has to be allocated.
void Pool::add(Job &job) {
  Job **end = &jobs_;
  while (*end != nullptr) end = &(*end)->later;
  *end = &job;
}

void Pool::remove(Job &job) {
  Job **place = &jobs_;
  while (*place != &job) place = &(*place)->later;
  *place = job.later;
}

Pool::Job *Pool::openJob() const {
  Job *job = jobs_;
  while (job != nullptr && !job->isOpen()) job = job->later;
  return job;
}

void Pool::serve(long worker) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!ends_) {
    const long known = posts_;
    Job *job = openJob();
    if (job == nullptr) {
      lock.unlock();
      lookFor([&] { return posts_ != known; });
      lock.lock();
      posted_.wait(lock, [&] { return ends_ || (job = openJob()) != nullptr; });
      if (ends_) return;
    }
    job->visitors++;
    lock.unlock();
    job->help(worker);
    lock.lock();
    if (--job->visitors == 0) left_.notify_all();
  }
}

}  // namespace pefd
