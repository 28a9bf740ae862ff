// label.h - a channel's name: for messages, and to be found by named_channels().
//
// A channel without one has a null pointer here and is in no list.
// Lock: that of the list; the channel's own is taken inside it, never the other way round.
#pragma once

#include <sluice/channels/stats.h>

#include <string_view>
#include <utility>

namespace sluice::detail {

class label {
 public:
  label() = default;
  // The last member to be made: from now on others look at `core`. std::bad_alloc.
  template <class Core>
  label(std::string_view name, const char* kind, Core& core)
      : entry_(name.empty() ? nullptr : enlist(name, kind, &core, [](void* c) { return static_cast<Core*>(c)->stats(); })) {}
  label(const label&) = delete;
  label& operator=(const label&) = delete;
  ~label() { withdraw(); }

  // Nobody looks any more: to be called before the channel begins to go.
  void withdraw() noexcept {
    if (entry_ != nullptr) unlist(std::exchange(entry_, nullptr));
  }

  // "" if there is none.
  const char* text() const noexcept { return entry_ != nullptr ? text_of(*entry_) : ""; }

 private:
  friend class label_list;
  struct entry;
  using figures = channel_stats (*)(void* core);
  static entry* enlist(std::string_view name, const char* kind, void* core, figures look);
  static void unlist(entry* e) noexcept;
  static const char* text_of(const entry& e) noexcept;

  friend std::vector<named_channel> sluice::named_channels();
  entry* entry_ = nullptr;
};

}  // namespace sluice::detail
