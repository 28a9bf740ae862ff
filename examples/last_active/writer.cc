#include "examples/last_active/writer.h"

#include "examples/last_active/database.h"

#include <algorithm>
#include <cstdio>
#include <thread>

namespace last_active {
namespace {

using steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

std::string seconds(steady::duration d) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", std::chrono::duration<double>(d).count());
  return text;
}

// Empty, or why the batch could not be written within `patience`.
std::string store_patiently(database& db, const user_times& batch, milliseconds patience, stats& counts, reporter& tell) {
  const auto start = steady::now();
  milliseconds pause(10);
  for (bool told = false;; pause = std::min(pause * 2, milliseconds(500))) {
    try {
      db.store(batch);
      counts.retrying = false;
      if (told) tell.say("written after " + seconds(steady::now() - start));
      return {};
    } catch (const database_error& e) {
      const auto left = patience - (steady::now() - start);
      if (!e.passing()) return e.what();
      if (left <= left.zero()) return std::string(e.what()) + ": gave up after " + seconds(steady::now() - start);
      // Most locks are short: no message for those.
      if (!told && (pause > milliseconds(100) || pause > left)) {
        tell.say(std::string(e.what()) + ": trying again for up to " + seconds(patience));
        told = true;
        counts.retrying = true;
      }
      std::this_thread::sleep_for(std::min<steady::duration>(pause, left));
    } catch (const std::exception& e) {
      return e.what();
    }
  }
}

}  // namespace

void write_batches(const sluice::channel<user_times>& batches, const sluice::channel<written>& out, const options& o,
                   stats& counts, reporter& tell) {
  database db(o.database);
  const auto store = [&](user_times batch) {
    written result;
    result.error = store_patiently(db, batch, o.retry, counts, tell);
    const bool stored = result.error.empty();
    if (!stored) {
      result.batch = std::move(batch);
    } else if (!batch.empty()) {
      counts.batches.fetch_add(1, std::memory_order_relaxed);
      counts.updates.fetch_add(batch.size(), std::memory_order_relaxed);
    }
    return out.send(std::move(result)) && stored;
  };
  if (!store(user_times{})) return;
  for (user_times& batch : batches)
    if (!store(std::move(batch))) return;
}

}  // namespace last_active
