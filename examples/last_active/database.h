// database.h - the table user_last_active in an SQLite file.
// Threads: one at a time. Everything blocks on the disk.
#pragma once

#include "examples/last_active/user_times.h"

#include <memory>
#include <stdexcept>
#include <string>

struct sqlite3;
struct sqlite3_stmt;

namespace last_active {

class database_error : public std::runtime_error {
 public:
  database_error(const std::string& what, bool passing) : std::runtime_error(what), passing_(passing) {}
  // It may go away by itself or by somebody's help (locked, disk full, input/output error): worth trying again.
  bool passing() const noexcept { return passing_; }

 private:
  bool passing_;
};

class database {
 public:
  explicit database(std::string file) : file_(std::move(file)) {}

  // One transaction: all of `batch`, or nothing and database_error. A stored time is only replaced by a newer one. Opens
  // the file and makes the table when needed, so an empty batch does just that.
  void store(const user_times& batch);

 private:
  struct close_connection {
    void operator()(sqlite3* c) const noexcept;
  };
  struct finalize {
    void operator()(sqlite3_stmt* s) const noexcept;
  };
  void open();
  void prepare();
  void write(const user_times& batch);
  void execute(const char* sql);
  void check(int code);

  std::string file_;
  std::unique_ptr<sqlite3, close_connection> connection_;
  std::unique_ptr<sqlite3_stmt, finalize> upsert_;
};

}  // namespace last_active
