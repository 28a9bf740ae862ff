// accounts.h - what became of every value, every fiber and every job of an era of the torture program.
//
// A parcel is a value that knows where it belongs: it is minted, and settled once, as received, as still the sender's, or as
// undelivered. One that is destroyed before was lost by somebody. Fibers are counted where they begin and end, and by what
// their futures say; jobs of blocking() by what they capture.
#pragma once

#include <sluice/sluice.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <utility>
#include <vector>

namespace torture {

// What some fibers and jobs throw.
struct deliberate : std::exception {
  const char* what() const noexcept override { return "deliberate"; }
};

class count {
 public:
  void operator++() noexcept { n_.fetch_add(1, std::memory_order_relaxed); }
  void operator+=(std::uint64_t k) noexcept { n_.fetch_add(k, std::memory_order_relaxed); }
  operator std::uint64_t() const noexcept { return n_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> n_{0};
};

struct accounts {
  struct values {
    count minted, received, kept, undelivered, lost;
    count minted_ids, settled_ids;  // their sums
  } parcels;
  struct bodies {
    count begun, returned, threw, cancelled, late;
  } seen_inside;
  struct results {
    count launched, value, error, cancelled, late;
  } seen_outside;
  struct jobs {
    count made, ran, removed, refused_but_ran;
  } jobs;
  count errors_dropped, errors_reported;
  count locked, locked_inside;
  count wrong;  // something that must not be was seen on the way
  count short_fibers, kills, regions, hogs;

  void expect(bool ok) noexcept {
    if (!ok) ++wrong;
  }
  // Says what does not agree.
  bool agree() const;
};

class parcel {
 public:
  explicit parcel(accounts& book) noexcept : book_(&book) {
    static std::atomic<std::uint64_t> next{1};
    id_ = next.fetch_add(1, std::memory_order_relaxed);
    ++book.parcels.minted;
    book.parcels.minted_ids += id_;
  }
  parcel(parcel&& other) noexcept : book_(std::exchange(other.book_, nullptr)), id_(other.id_) {}
  parcel& operator=(parcel&& other) noexcept {
    lose();
    book_ = std::exchange(other.book_, nullptr);
    id_ = other.id_;
    return *this;
  }
  ~parcel() { lose(); }

  bool there() const noexcept { return book_ != nullptr; }
  void settle(count accounts::values::*as) noexcept {
    if (book_ == nullptr) return;
    ++(book_->parcels.*as);
    book_->parcels.settled_ids += id_;
    book_ = nullptr;
  }

 private:
  void lose() noexcept {
    if (book_ != nullptr) ++book_->parcels.lost;
  }
  accounts* book_;
  std::uint64_t id_ = 0;
};

// A parcel in the hands of its sender: what is not accepted stays there.
struct outgoing {
  explicit outgoing(accounts& book) noexcept : value(book) {}
  outgoing(outgoing&&) noexcept = default;
  ~outgoing() { value.settle(&accounts::values::kept); }
  parcel value;
};

// Takes a parcel back from an event that has not sent it, also when the wait throws.
template <class Event>
struct take_back {
  Event& event;
  outgoing& sender;
  ~take_back() {
    if (event.value()) sender.value = std::move(*event.value());
  }
};
template <class Event>
take_back(Event&, outgoing&) -> take_back<Event>;

// Captured by a job of blocking(): it runs, or is removed.
class ticket {
 public:
  explicit ticket(accounts& book) noexcept : book_(&book) { ++book.jobs.made; }
  ticket(ticket&& other) noexcept : book_(std::exchange(other.book_, nullptr)), used_(other.used_) {}
  ticket& operator=(ticket&&) = delete;
  ~ticket() {
    if (book_ != nullptr && !used_) ++book_->jobs.removed;
  }
  void use() noexcept {
    used_ = true;
    ++book_->jobs.ran;
  }

 private:
  accounts* book_;
  bool used_ = false;
};

// Starts f as a fiber, which is counted.
template <class F>
sluice::future<void> start(accounts& book, F f) {
  ++book.seen_outside.launched;
  return sluice::go([&book, f = std::move(f)]() mutable {
    auto& seen = book.seen_inside;
    ++seen.begun;
    try {
      f();
    } catch (const sluice::deadline_exceeded&) {
      ++seen.late;
      throw;
    } catch (const sluice::cancelled&) {
      ++seen.cancelled;
      throw;
    } catch (...) {
      ++seen.threw;
      throw;
    }
    ++seen.returned;
  });
}

// Waits until it has ended, and counts how.
inline void collect(accounts& book, sluice::future<void>& f) {
  auto& seen = book.seen_outside;
  auto ended = sluice::done(f);
  const sluice::shield until_then;
  sluice::select(ended);
  const sluice::outcome<void> how = ended.take();
  if (how) return ++seen.value;
  try {
    std::rethrow_exception(how.error());
  } catch (const sluice::deadline_exceeded&) {
    ++seen.late;
  } catch (const sluice::cancelled&) {
    ++seen.cancelled;
  } catch (const deliberate&) {
    ++seen.error;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "torture: a fiber ended with: %s\n", e.what());
    ++book.wrong;
  }
}

inline void collect(accounts& book, std::vector<sluice::future<void>>& all) {
  for (auto& f : all) collect(book, f);
  all.clear();
}

inline bool accounts::agree() const {
  bool good = true;
  const auto same = [&](const char* what, std::uint64_t a, std::uint64_t b) {
    if (a == b) return;
    good = false;
    std::fprintf(stderr, "torture: %s: %llu and %llu\n", what, static_cast<unsigned long long>(a),
                 static_cast<unsigned long long>(b));
  };
  const auto& p = parcels;
  same("parcels minted, and received or kept or undelivered", p.minted, p.received + p.kept + p.undelivered);
  same("the sums of their numbers", p.minted_ids, p.settled_ids);
  same("parcels lost", p.lost, 0);
  const auto& in = seen_inside;
  const auto& out = seen_outside;
  same("fibers begun, and ended", in.begun, in.returned + in.threw + in.cancelled + in.late);
  same("fibers launched, and futures that say how they ended", out.launched,
       out.value + out.error + out.cancelled + out.late);
  same("fibers that returned, inside and outside", in.returned, out.value);
  same("fibers that threw, inside and outside", in.threw, out.error);
  same("fibers that were late, inside and outside", in.late, out.late);
  same("fibers cancelled, and those that were cancelled inside or never began", out.cancelled,
       in.cancelled + (out.launched - in.begun));
  same("jobs made, and run or removed", jobs.made, jobs.ran + jobs.removed);
  same("jobs that were removed and ran", jobs.refused_but_ran, 0);
  same("errors dropped, and reported", errors_dropped, errors_reported);
  same("times a mutex was locked, and counted under it", locked, locked_inside);
  same("other things that must not be", wrong, 0);
  return good;
}

}  // namespace torture
