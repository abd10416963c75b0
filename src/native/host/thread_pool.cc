#include "thread_pool.h"

#include <algorithm>
#include <cstdint>
#include <exception>

namespace pefd {

namespace {

// A range of task indices that is consumed from both ends, on a cache line of its own.
class alignas(64) Range {
 public:
  void fill(long first, long end) { left_.store(pack(first, end), std::memory_order_relaxed); }
  bool isEmpty() const { return sizeOf(left_.load(std::memory_order_relaxed)) == 0; }

  // Takes an index; false if there is none.
  bool takeFirst(long &index) { return take(index, true); }
  bool takeLast(long &index) { return take(index, false); }

 private:
  // Begin in the lower half, end in the upper one, so that both change atomically.
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

// A job: contiguous ranges of tasks, one per thread and the same for every job, so that a thread finds its images in
// its own caches. A thread that is done steals from the back of others' ranges.
struct ThreadPool::Job {
  // Ranges at most; more threads share them.
  static constexpr long MAX_PARTS = 16;

  const Task task;
  void *const context;
  const long parts;
  Range ranges[MAX_PARTS];
  // Pool threads that hold a reference; the job may not be destroyed before they leave.
  std::atomic<int> visitors{0};
  Job *later = nullptr;

  Job(long count, Task task, void *context, long workers)
      : task(task), context(context), parts(std::min(workers, MAX_PARTS)) {
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

// The worker index of the thread that posts a job.
constexpr long CALLER = 0;

// Iterations of spinning before a thread sleeps, about ten microseconds: jobs follow each other closely, and waking
// takes longer.
constexpr int SPINS = 1000;

template <typename Condition>
void spinUntil(Condition condition) {
  for (int i = 0; i < SPINS && !condition(); i++) __builtin_ia32_pause();
}

}  // namespace

ThreadPool::ThreadPool(long workers) noexcept {
  try {
    for (long worker = CALLER + 1; worker < workers; worker++) {
      threads_.emplace_back([this, worker] { serve(worker); });
    }
  } catch (const std::exception &) {
    // The system has no more threads: fewer give the same results.
  }
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ends_ = true;
    posts_++;
  }
  posted_.notify_all();
  for (std::thread &thread : threads_) thread.join();
}

void ThreadPool::run(long count, Task task, void *context) noexcept {
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
  spinUntil(isAlone);
  std::unique_lock<std::mutex> lock(mutex_);
  left_.wait(lock, isAlone);
}

// An intrusive list, oldest first: nothing is allocated.
void ThreadPool::add(Job &job) {
  Job **end = &jobs_;
  while (*end != nullptr) end = &(*end)->later;
  *end = &job;
}

void ThreadPool::remove(Job &job) {
  Job **place = &jobs_;
  while (*place != &job) place = &(*place)->later;
  *place = job.later;
}

ThreadPool::Job *ThreadPool::openJob() const {
  Job *job = jobs_;
  while (job != nullptr && !job->isOpen()) job = job->later;
  return job;
}

void ThreadPool::serve(long worker) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!ends_) {
    const long known = posts_;
    Job *job = openJob();
    if (job == nullptr) {
      lock.unlock();
      spinUntil([&] { return posts_ != known; });
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
