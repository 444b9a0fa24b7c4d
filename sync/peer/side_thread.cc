// See side_thread.h.
#include "sync/peer/side_thread.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace lockstitch::sync {

struct SideThread::Queue {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> jobs;
  bool ended = false;

  void work() {
    for (;;) {
      std::function<void()> job;
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return ended || !jobs.empty(); });
        if (ended) return;
        job = std::move(jobs.front());
        jobs.pop_front();
      }
      job();
    }
  }
};

SideThread::SideThread() : queue_(std::make_shared<Queue>()) {
  std::thread([queue = queue_] { queue->work(); }).detach();
}

SideThread::~SideThread() {
  std::deque<std::function<void()>> dropped;
  {
    const std::lock_guard lock(queue_->mutex);
    queue_->ended = true;
    dropped.swap(queue_->jobs);
  }
  queue_->changed.notify_one();
}

void SideThread::run(std::function<void()> job) {
  {
    const std::lock_guard lock(queue_->mutex);
    queue_->jobs.push_back(std::move(job));
  }
  queue_->changed.notify_one();
}

}  // namespace lockstitch::sync
