// context.h - leave one stack for another. The only assembly there is.
//
// The switch saves rbp, rbx, the stack pointer and where to go on; the compiler saves what else is live, because every
// other register is declared clobbered. It goes on by pop and indirect jump: a `ret` would defeat the return predictor
// (7 ns against 2.5). mxcsr and the x87 control word are not switched: they belong to the thread.
#pragma once

#include <sluice/runtime/detail/sanitizers.h>

#include <cstddef>
#include <cstdint>

#if !defined(__x86_64__) || !defined(__linux__)
#error "sluice: fibers are implemented for Linux on x86-64 so far (runtime/detail/context.h)"
#endif

namespace sluice::detail {

using stack_pointer = void*;
using context_entry = void (*)(void* argument);  // never returns

// A context that starts in entry(argument), `argument` being what the first switch to it passes.
inline stack_pointer make_context(void* stack_top, context_entry entry) noexcept {
  auto top = reinterpret_cast<std::uintptr_t>(stack_top) & ~std::uintptr_t{15};
  auto* frame = reinterpret_cast<std::uintptr_t*>(top) - 4;
  frame[0] = reinterpret_cast<std::uintptr_t>(entry);
  frame[1] = 0;  // the entry's return address, where unwinding ends; rsp is here then, aligned as after a call
  frame[2] = frame[3] = 0;
  return frame;
}

// Stores where this context goes on in `from`, and goes on with `to`, passing `argument` if that one is new.
[[gnu::always_inline]] inline void switch_context(stack_pointer& from, stack_pointer to, void* argument) noexcept {
  stack_pointer* save = &from;  // in and out, like the others: the other side comes back with its own in the register
  asm volatile(
      "leaq -128(%%rsp), %%rsp\n\t"  // the red zone
      "pushq %%rbp\n\t"
      "pushq %%rbx\n\t"
      "leaq 1f(%%rip), %%rax\n\t"
      "pushq %%rax\n\t"
      "movq %%rsp, (%%rsi)\n\t"
      "movq %%rdx, %%rsp\n\t"
      "popq %%rax\n\t"
      "jmpq *%%rax\n\t"
      "1:\n\t"
      "popq %%rbx\n\t"
      "popq %%rbp\n\t"
      "leaq 128(%%rsp), %%rsp\n\t"
      : "+D"(argument), "+d"(to), "+S"(save)
      :
      : "rax", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc", "mm0", "mm1", "mm2", "mm3",
        "mm4", "mm5", "mm6", "mm7", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
#if defined(__AVX512F__)
        ,
        "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28",
        "xmm29", "xmm30", "xmm31", "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#endif
  );
}

}  // namespace sluice::detail
