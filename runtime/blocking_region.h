// blocking_region.h - a stretch of a fiber that blocks its thread.
//
//   {
//     const blocking_region slow;
//     rows = database.query(text);      // holds the thread, not the runtime: a spare worker comes for the others at once
//   }
//
// Without it the runtime finds out too, a few milliseconds later. For long or many calls blocking(f) is the better choice:
// it does not hold a worker at all, and its future can be waited for among other things.
// A fiber that waits for something of the library in the stretch ends it by that: it may go on with another worker.
// Outside of a fiber it does nothing. Cost: some ten ns, and a few us if there are others that a spare has to come for.
#pragma once

namespace sluice {

class [[nodiscard]] blocking_region {
 public:
  blocking_region() noexcept;
  blocking_region(const blocking_region&) = delete;
  blocking_region& operator=(const blocking_region&) = delete;
  ~blocking_region();

 private:
  const bool outermost_;
};

}  // namespace sluice
