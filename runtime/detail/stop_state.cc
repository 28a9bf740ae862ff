#include <sluice/runtime/detail/stop_state.h>

namespace sluice::detail {

std::stop_token stop_state::token() {
  source* s = as_source(word_.load(std::memory_order_relaxed));
  if (s == nullptr) {
    s = new source;
    happens_before(s);
    std::uintptr_t before = nothing;
    if (!word_.compare_exchange_strong(before, reinterpret_cast<std::uintptr_t>(s), std::memory_order_acq_rel)) {
      s->stop.request_stop();
      word_.store(reinterpret_cast<std::uintptr_t>(s), std::memory_order_release);
    }
  }
  return s->stop.get_token();
}

void stop_state::request() noexcept {
  if (source* s = request_later()) tell(*s);
}

// std::stop_source takes note of the thread; callbacks must not wait.
[[gnu::noinline]] void stop_state::tell(source& s) noexcept {
  s.stop.request_stop();
  s.release();
}

stop_state::source* stop_state::request_later() noexcept {
  std::uintptr_t word = nothing;
  if (word_.compare_exchange_strong(word, asked, std::memory_order_acq_rel)) return nullptr;
  source* const s = as_source(word);
  if (s == nullptr) return nullptr;
  if (s->stop.stop_requested()) return nullptr;
  s->add_ref();
  return s;
}

}  // namespace sluice::detail
