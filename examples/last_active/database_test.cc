#include "examples/last_active/database.h"

#include <doctest/doctest.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>

using last_active::database;
using last_active::database_error;
using last_active::user_times;

namespace {

struct folder {
  folder() {
    char name[] = "/tmp/last_active_test.XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    path = name;
  }
  ~folder() { std::filesystem::remove_all(path); }
  std::string file(const char* name) const { return (path / name).string(); }
  std::filesystem::path path;
};

// Another program's connection.
struct other {
  explicit other(const std::string& file) { REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK); }
  ~other() { sqlite3_close(db); }
  void execute(const char* sql) { REQUIRE(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK); }
  std::map<std::string, std::string> table(const char* name) {
    std::map<std::string, std::string> rows;
    const auto collect = [](void* to, int, char** v, char**) {
      (*static_cast<std::map<std::string, std::string>*>(to))[v[0]] = v[1];
      return 0;
    };
    REQUIRE(sqlite3_exec(db, (std::string("SELECT * FROM ") + name).c_str(), collect, &rows, nullptr) == SQLITE_OK);
    return rows;
  }
  sqlite3* db = nullptr;
};

user_times batch(const std::map<std::string, std::int64_t>& users) {
  user_times t;
  for (const auto& [user, when] : users) t.note(user, when);
  return t;
}

using rows = std::map<std::string, std::string>;

}  // namespace

TEST_CASE("an empty batch makes the table; a newer time replaces, an older one does not") {
  folder f;
  database db(f.file("x.db"));
  db.store(user_times{});
  CHECK(other(f.file("x.db")).table("user_last_active").empty());
  db.store(batch({{"a", 10}, {"b", 20}}));
  db.store(batch({{"a", 9}, {"b", 21}, {"c", -1}}));
  CHECK(other(f.file("x.db")).table("user_last_active") == rows{{"a", "10"}, {"b", "21"}, {"c", "-1"}});
  CHECK(other(f.file("x.db")).table("user_last_active_utc").at("b") == "1970-01-01 00:00:21");
}

TEST_CASE("a lock may pass: nothing is written, and the same batch can be stored later") {
  folder f;
  database db(f.file("x.db"));
  db.store(batch({{"a", 1}}));
  other o(f.file("x.db"));
  o.execute("BEGIN EXCLUSIVE");
  try {
    db.store(batch({{"a", 2}}));
    FAIL("stored in a locked database");
  } catch (const database_error& e) {
    CHECK(e.passing());
    CHECK(std::string(e.what()) == f.file("x.db") + ": database is locked");
  }
  o.execute("COMMIT");
  CHECK(o.table("user_last_active") == rows{{"a", "1"}});
  db.store(batch({{"a", 2}}));
  CHECK(o.table("user_last_active") == rows{{"a", "2"}});
}

TEST_CASE("a batch that fails half-way leaves nothing") {
  folder f;
  database db(f.file("x.db"));
  db.store(batch({{"a", 1}}));
  other o(f.file("x.db"));
  o.execute(
      "CREATE TRIGGER no_m BEFORE INSERT ON user_last_active WHEN NEW.user = 'm' "
      "BEGIN SELECT raise(ABORT, 'no m here'); END");
  CHECK_THROWS_WITH_AS(db.store(batch({{"a", 5}, {"m", 5}, {"z", 5}})), (f.file("x.db") + ": no m here").c_str(),
                       database_error);
  CHECK(o.table("user_last_active") == rows{{"a", "1"}});
}

TEST_CASE("what does not pass") {
  folder f;
  const auto passing = [](const std::string& file) {
    try {
      database(file).store(user_times{});
    } catch (const database_error& e) {
      return e.passing();
    }
    FAIL("stored in " << file);
    return true;
  };
  CHECK(!passing(f.file("no/such/folder.db")));
  std::ofstream(f.file("text.db")) << std::string(5000, 'x');
  CHECK(!passing(f.file("text.db")));
}
