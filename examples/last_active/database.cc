#include "examples/last_active/database.h"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>

namespace last_active {
namespace {

constexpr const char* schema = R"(
  CREATE TABLE IF NOT EXISTS user_last_active(user TEXT PRIMARY KEY, last_active INTEGER NOT NULL) WITHOUT ROWID;
  CREATE VIEW IF NOT EXISTS user_last_active_utc AS
    SELECT user, datetime(last_active, 'unixepoch') AS last_active FROM user_last_active;
)";

constexpr const char* upsert = R"(
  INSERT INTO user_last_active(user, last_active) VALUES(?1, ?2)
  ON CONFLICT(user) DO UPDATE SET last_active = excluded.last_active WHERE excluded.last_active > last_active
)";

bool may_pass(int code, int system_error) noexcept {
  switch (code & 0xff) {
    case SQLITE_CANTOPEN:
      return system_error == ENOSPC || system_error == EDQUOT || system_error == EMFILE || system_error == ENFILE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_PROTOCOL:
      return true;
    default:
      return false;
  }
}

// In the table's order: neighbours share a page.
std::vector<const user_times::entry*> sorted(const user_times& batch) {
  std::vector<const user_times::entry*> order;
  order.reserve(batch.size());
  for (const auto& e : batch.entries()) order.push_back(&e);
  std::sort(order.begin(), order.end(), [](auto* a, auto* b) { return a->user < b->user; });
  return order;
}

}  // namespace

void database::close_connection::operator()(sqlite3* c) const noexcept { sqlite3_close(c); }
void database::finalize::operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }

void database::check(int code) {
  if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) return;
  const char* const what = connection_ ? sqlite3_errmsg(connection_.get()) : sqlite3_errstr(code);
  const int system_error = connection_ ? sqlite3_system_errno(connection_.get()) : 0;
  throw database_error(file_ + ": " + what, may_pass(code, system_error));
}

void database::execute(const char* sql) { check(sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr)); }

void database::open() {
  sqlite3* c = nullptr;
  const int code = sqlite3_open_v2(file_.c_str(), &c, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  connection_.reset(c);
  check(code);
}

void database::prepare() {
  execute(schema);
  sqlite3_stmt* s = nullptr;
  check(sqlite3_prepare_v3(connection_.get(), upsert, -1, SQLITE_PREPARE_PERSISTENT, &s, nullptr));
  upsert_.reset(s);
}

void database::write(const user_times& batch) {
  sqlite3_stmt* const s = upsert_.get();
  for (const auto* e : sorted(batch)) {
    check(sqlite3_bind_text64(s, 1, e->user.data(), e->user.size(), SQLITE_STATIC, SQLITE_UTF8));
    check(sqlite3_bind_int64(s, 2, e->when));
    const int stepped = sqlite3_step(s);
    sqlite3_reset(s);
    check(stepped);
  }
}

void database::store(const user_times& batch) {
  try {
    if (!connection_) open();
    execute("BEGIN IMMEDIATE");
    if (!upsert_) prepare();
    write(batch);
    execute("COMMIT");
  } catch (...) {
    // A fresh connection next time: a failed write may leave this one in any state, and the file may have been replaced.
    // Closing rolls back what is open.
    upsert_.reset();
    connection_.reset();
    throw;
  }
}

}  // namespace last_active
