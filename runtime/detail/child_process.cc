#include <sluice/runtime/detail/child_process.h>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace sluice::detail {

namespace {

class descriptor {
 public:
  explicit descriptor(int number) noexcept : number_(number) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() { reset(); }
  void reset() noexcept {
    if (number_ >= 0) close(number_);
    number_ = -1;
  }
  int get() const noexcept { return number_; }

 private:
  int number_;
};

// All of `input`, in a file without a name: a pipe could fill up while the other one does.
int file_with(std::string_view input) noexcept {
  const int file = memfd_create("sluice", MFD_CLOEXEC);
  while (file >= 0 && !input.empty()) {
    const ssize_t n = write(file, input.data(), input.size());
    if (n <= 0) break;
    input.remove_prefix(static_cast<std::size_t>(n));
  }
  if (file >= 0) lseek(file, 0, SEEK_SET);
  return file;
}

// With no signal blocked or ignored. 0 if that fails.
pid_t start(std::vector<std::string>& words, int in, int out) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t child = 0;
  if (posix_spawnp(&child, words[0].c_str(), &files, &attributes, arguments.data(), environ) != 0) child = 0;
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return child;
}

}  // namespace

std::string run_program(std::vector<std::string> words, std::string_view input) {
  int ends[2];
  const descriptor in(file_with(input));
  if (in.get() < 0 || pipe2(ends, O_CLOEXEC) != 0) return {};
  const descriptor from(ends[0]);
  descriptor to(ends[1]);
  const pid_t child = start(words, in.get(), to.get());
  to.reset();
  std::string output;
  if (child == 0) return output;
  std::array<char, 4096> part;
  for (ssize_t n = 0; (n = read(from.get(), part.data(), part.size())) > 0 || (n < 0 && errno == EINTR);)
    if (n > 0) output.append(part.data(), static_cast<std::size_t>(n));
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {}
  return output;
}

}  // namespace sluice::detail
