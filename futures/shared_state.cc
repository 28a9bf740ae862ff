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

void report_unobserved(const std::exception_ptr& error, const char* fiber_name) noexcept {
  if (is_departure(error)) return;
  const char* where = fiber_name != nullptr ? " in fiber " : "";
  const char* name = fiber_name != nullptr ? fiber_name : "";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "sluice: an error nobody looked at%s%s: %s\n", where, name, e.what());
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    std::fprintf(stderr, "sluice: an error nobody looked at%s%s: an exception of type %s\n", where, name,
                 type != nullptr ? type->name() : "unknown");
  }
}

}  // namespace sluice::detail
