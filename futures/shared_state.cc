#include <sluice/futures/cancelled.h>
#include <sluice/futures/shared_state.h>

#include <cstdio>
#include <cxxabi.h>
#include <future>
#include <string>

namespace sluice::detail {

bool is_departure(const std::exception_ptr& error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const cancelled&) {
    return true;
  } catch (const std::future_error& e) {
    return e.code() == std::future_errc::broken_promise;
  } catch (...) {
    return false;
  }
}

void report_unobserved(const std::exception_ptr& error, const char* whose) noexcept {
  if (is_departure(error)) return;
  const char* in = whose != nullptr ? " in " : "";
  if (whose == nullptr) whose = "";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "sluice: an error nobody looked at%s%s: %s\n", in, whose, e.what());
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    std::fprintf(stderr, "sluice: an error nobody looked at%s%s: an exception of type %s\n", in, whose,
                 type != nullptr ? type->name() : "unknown");
  }
}

void report_unobserved(const std::exception_ptr& error, const error_handler* handler, const char* whose) noexcept {
  if (is_departure(error)) return;
  try {
    if (handler != nullptr) return (*handler)(error);
  } catch (...) {
    report_unobserved(std::current_exception(), "the handler unobserved_error");
  }
  report_unobserved(error, whose);
}

}  // namespace sluice::detail
