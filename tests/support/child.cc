#include "tests/support/child.h"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <sys/wait.h>
#include <unistd.h>

namespace test {

namespace {
std::map<std::string, int (*)()>& children() {
  static std::map<std::string, int (*)()> all;
  return all;
}
}  // namespace

bool register_child(const char* name, int (*body)()) { return children().emplace(name, body).second; }

int run_child(const std::string& name) {
  const auto found = children().find(name);
  if (found != children().end()) return found->second();
  std::fprintf(stderr, "no child program is called %s\n", name.c_str());
  return 125;
}

ended start_child(const std::string& name) {
  char self[4096] = {};
  int ends[2] = {};
  if (readlink("/proc/self/exe", self, sizeof self - 1) < 0 || pipe(ends) != 0) return {126, "no pipe"};
  const std::string setting = std::string(child_variable) + "=" + name;
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    // execle would replace the environment; the worker counts and the sanitizers' options must go along.
    static_cast<void>(putenv(const_cast<char*>(setting.c_str())));
    execl(self, self, static_cast<char*>(nullptr));
    _exit(127);
  }
  close(ends[1]);
  ended result;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
    result.error_output.append(buffer, static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace test
