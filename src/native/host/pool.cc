#include "pool.h"

#include <exception>

namespace pefd {

// Work that somebody waits for. Whoever has time takes its next index.
struct Pool::Job {
  const long count;
  const Task task;
  void *const context;
  std::atomic<long> next{0};
  // Threads of the pool that look at it; it may not go away before they have left.
  std::atomic<int> visitors{0};
  Job *later = nullptr;

  Job(long count, Task task, void *context) : count(count), task(task), context(context) {}

  bool isOpen() const { return next.load(std::memory_order_relaxed) < count; }

  void help(long worker) {
    for (long i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) task(context, i, worker);
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
  Job job(count, task, context);
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
