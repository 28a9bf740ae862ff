#include <sluice/runtime/detail/backtrace.h>

#include <unwind.h>

namespace sluice::detail {

namespace {

constexpr std::size_t left_by_switch = 152;

// Calls body(argument) as if the parked context `parked` had done so: this is a frame whose caller, as far as its unwind
// information tells, is where that context goes on. What switch_context() has left lies at `parked`: rip, rbx, rbp, and
// 128 bytes of red zone, 152 bytes in all. Every other register is the enclosing function's to save, and it did.
[[gnu::naked, gnu::noinline, gnu::used]] SLUICE_NO_TSAN void call_below(stack_pointer /*parked*/, void (* /*body*/)(void*),
                                                                        void* /*argument*/) noexcept {
  asm(R"(
    pushq %rbx
    .cfi_def_cfa_offset 16
    .cfi_offset %rbx, -16
    movq %rdi, %rbx
    .cfi_remember_state
    .cfi_def_cfa %rbx, 152
    .cfi_offset %rip, -152
    .cfi_offset %rbx, -144
    .cfi_offset %rbp, -136
    movq %rdx, %rdi
    call *%rsi
    .cfi_restore_state
    popq %rbx
    .cfi_def_cfa_offset 8
    .cfi_restore %rbx
    ret
  )");
}

struct walk {
  explicit walk(const stack& memory) noexcept
      : from(reinterpret_cast<std::uintptr_t>(memory.bottom)), to(reinterpret_cast<std::uintptr_t>(memory.top())) {}
  explicit walk(std::uintptr_t at_least) noexcept : from(at_least), to(UINTPTR_MAX) {}

  backtrace found;
  const std::uintptr_t from, to;  // frames count whose stack pointer lies there
};

_Unwind_Reason_Code note(_Unwind_Context* context, void* argument) {
  walk& w = *static_cast<walk*>(argument);
  int before_instruction = 0;
  const std::uintptr_t pc = _Unwind_GetIPInfo(context, &before_instruction);
  if (pc == 0) return _URC_END_OF_STACK;
  if (const std::uintptr_t sp = _Unwind_GetCFA(context); sp < w.from || sp > w.to)
    return w.found.count == 0 ? _URC_NO_REASON : _URC_END_OF_STACK;
  if (w.found.count == backtrace::most) {
    w.found.cut = true;
    return _URC_END_OF_STACK;
  }
  w.found.pcs[w.found.count++] = before_instruction != 0 ? pc : pc - 1;
  return _URC_NO_REASON;
}

}  // namespace

backtrace walk_parked(stack_pointer parked, const stack& memory) noexcept {
  walk w(memory);
  if (static_cast<std::byte*>(parked) + left_by_switch > memory.top()) return w.found;  // made, and never entered
  call_below(
      parked, [](void* argument) { _Unwind_Backtrace(note, argument); }, &w);
  return w.found;
}

backtrace walk_interrupted(const stack& memory) noexcept {
  walk w(memory);
  _Unwind_Backtrace(note, &w);
  return w.found;
}

[[gnu::noinline]] backtrace walk_caller() noexcept {
  walk w(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) + 2 * sizeof(void*));  // past rbp and rip
  _Unwind_Backtrace(note, &w);
  return w.found;
}

}  // namespace sluice::detail
