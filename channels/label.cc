#include <sluice/channels/detail/label.h>

#include <list>
#include <mutex>
#include <pthread.h>

namespace sluice {

namespace detail {

struct label::entry {
  std::string name;
  const char* kind;
  void* core;
  figures look;
  std::list<entry>::iterator self{};
};

class label_list {
 public:
  // It may be needed until the last static object has gone.
  static label_list& the_one() {
    static auto* const forever = [] {
      auto* const made = new label_list;
      pthread_atfork([] { the_one().mutex.lock(); }, [] { the_one().mutex.unlock(); }, [] { the_one().mutex.unlock(); });
      return made;
    }();
    return *forever;
  }

  std::mutex mutex;
  std::list<label::entry> all;  // in the order of their making
};

label::entry* label::enlist(std::string_view name, const char* kind, void* core, figures look) {
  std::list<entry> one;
  one.push_back({std::string(name), kind, core, look});
  one.front().self = one.begin();
  label_list& list = label_list::the_one();
  const std::lock_guard guard(list.mutex);
  list.all.splice(list.all.end(), one);
  return &list.all.back();
}

void label::unlist(entry* e) noexcept {
  std::list<entry> one;
  label_list& list = label_list::the_one();
  const std::lock_guard guard(list.mutex);
  one.splice(one.end(), list.all, e->self);
}

const char* label::text_of(const entry& e) noexcept { return e.name.c_str(); }

}  // namespace detail

std::vector<named_channel> named_channels() {
  detail::label_list& list = detail::label_list::the_one();
  std::vector<named_channel> found;
  const std::lock_guard guard(list.mutex);
  found.reserve(list.all.size());
  for (const detail::label::entry& e : list.all) found.push_back({e.name, e.kind, e.core, e.look(e.core)});
  return found;
}

}  // namespace sluice
