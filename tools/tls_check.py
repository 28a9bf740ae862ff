#!/usr/bin/env python3
"""tls_check.py FILE... - looks in x86-64 object code for thread pointers that may be kept over a context switch.

A fiber that waits may go on with another thread. A compiler takes the thread for fixed within a function: it may find out
where a thread-local is before the switch and use the address after it. So a function that may switch must not touch what is
the thread's at all: that is left to small functions of their own, which cannot switch and are not inlined.

What is the thread's: memory through %fs, except the stack protector's canary, which is the same in all threads, and calls of
functions that compilers take for constant within a thread (__errno_location, pthread_self, ...).
Who may switch: whoever contains the switch, calls indirectly (a virtual call may park), calls a function of sluice that is
not among the FILEs, or calls one who may switch. Functions of other libraries are taken not to: those that call back into
ours, such as pthread_once, must be given nothing that waits.

FILEs are objects, archives and programs, taken as one whole; at least one must contain the switch. Prints each violation with
the way to the switch, and exits with 1 if there is any.
--in REGEX: only functions whose demangled name matches are checked; all are followed.
--except REGEX: not those; for functions that are known to run nothing that waits.
"""
import argparse
import re
import subprocess
import sys

THREADS_OWN = re.compile(
    r"(__tls_get_addr|__errno_location|__h_errno_location|__res_state|__ctype_(b|tolower|toupper)_loc|pthread_self|thrd_current"
    r"|__cxa_get_globals(_fast)?|_ZT[WH].*)$")
FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
RELOCATION = re.compile(r"^\s+[0-9a-f]+: (R_X86_64_\w+)\s+(\S+)")
INSTRUCTION = re.compile(r"^\s+[0-9a-f]+:\s+(.*)$")
TARGET = re.compile(r"<([^>+]+)(?:\+0x[0-9a-f]+)?>")
SECTION_OF = re.compile(r"^\.text(?:\.(?:unlikely|startup|exit|hot))?\.(.+)$")
CALL = re.compile(r"^(?:\w+ )*?(call|jmp|j[a-z]{1,3})q?(?:,p[nt])?\s+(.*)$")


class Function:
    def __init__(self):
        self.touches = []  # what is the thread's
        self.calls = set()
        self.switches = None  # why, if it does so itself


def plain(symbol):
    """The name that a call or a relocation means: without addend, version and @plt."""
    symbol = re.sub(r"[-+]0x[0-9a-f]+$", "", symbol).split("@")[0]
    section = SECTION_OF.match(symbol)
    return section.group(1) if section else symbol


def read(path, functions):
    """Adds the functions of one file. Those of the same name are one: inline functions are, in effect, and for local ones
    it errs on the safe side."""
    listing = subprocess.run(["objdump", "-dr", "--no-show-raw-insn", "-M", "att", path], check=True, capture_output=True,
                             text=True).stdout
    here, last = None, []
    pending = None  # a call or a jump whose target the relocation after it may say
    name = None

    def settle(target):
        nonlocal pending
        if pending is not None and target != name:
            if target is None:
                here.switches = here.switches or "an indirect call: " + pending
            else:
                here.calls.add(target)
        pending = None

    def settle_without_relocation():
        if pending is None:
            return
        operand = CALL.match(pending).group(2)
        target = TARGET.search(operand)
        # Through a pointer, unless that is a slot of the linker's table of functions.
        if operand.startswith("*"):
            settle(plain(target.group(1)) if target and "(%rip)" in operand and "@" in target.group(1) else None)
        elif target is not None:
            settle(plain(target.group(1)))
        else:
            settle(name)  # within a section without symbols: ourselves

    for line in listing.splitlines():
        if match := FUNCTION.match(line):
            settle_without_relocation()
            if "@plt" in match.group(1):  # the way into another library
                here = None
                continue
            name = plain(match.group(1))
            here, last = functions.setdefault(name, Function()), []
        elif here is None:
            continue
        elif match := RELOCATION.match(line):
            kind, symbol = match.groups()
            if "TLS" in kind or "TPOFF" in kind or "DTPOFF" in kind:
                here.touches.append(f"{last[-1] if last else '?'} ({kind})")
            if pending is not None:
                through_pointer = CALL.match(pending).group(2).startswith("*") and "GOTPCREL" not in kind
                settle(None if through_pointer else plain(symbol))
        elif match := INSTRUCTION.match(line):
            settle_without_relocation()
            text = re.sub(r"\s+", " ", match.group(1)).strip()
            last = (last + [text])[-3:]
            if "%fs:" in text and "%fs:0x28" not in text or "fsbase" in text:
                here.touches.append(text)
            if call := CALL.match(text):
                if re.match(r"\*%r\w+$", call.group(2)) and any(re.match(r"mov %r\w+,%rsp$", t) for t in last):
                    here.switches = "the switch"
                else:
                    pending = text
    settle_without_relocation()


def why_switching(functions, demangled):
    """name -> how it gets to a switch, in words; for those who may."""
    why = {name: f.switches for name, f in functions.items() if f.switches}
    callers = {}
    for name, f in functions.items():
        for callee in f.calls:
            callers.setdefault(callee, []).append(name)
            if callee not in functions and callee not in why and "sluice::" in demangled[callee] \
                    and not THREADS_OWN.match(callee):
                why[callee] = "not among the files"
    front = list(why)
    while front:
        callee = front.pop()
        for caller in callers.get(callee, ()):
            if caller not in why:
                why[caller] = f"{demangled[callee]} -> {why[callee]}"
                front.append(caller)
    return why


def demangle(names):
    names = list(names)
    output = subprocess.run(["c++filt"], input="\n".join(names) + "\n", check=True, capture_output=True, text=True).stdout
    return dict(zip(names, output.splitlines()))


def main():
    parser = argparse.ArgumentParser(description="Looks for thread pointers that may be kept over a context switch.")
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--in", dest="only", default="", metavar="REGEX")
    parser.add_argument("--except", dest="excepted", default="(?!)", metavar="REGEX")
    options = parser.parse_args()
    functions = {}
    for path in options.files:
        read(path, functions)
    for f in functions.values():
        f.touches += [f"a call of {callee}" for callee in f.calls if THREADS_OWN.match(callee)]
    demangled = demangle(set(functions).union(*(f.calls for f in functions.values())))
    if not any(f.switches == "the switch" for f in functions.values()):
        sys.exit("tls_check: no context switch in these files: looks in the wrong place")
    why = why_switching(functions, demangled)
    violations = 0
    for name in sorted(functions):
        shown = demangled[name]
        if name not in why or not functions[name].touches or not re.search(options.only, shown) \
                or re.search(options.excepted, shown):
            continue
        violations += 1
        print(f"{shown}\n    touches what is the thread's: {functions[name].touches[0]}\n    and may switch: {why[name]}")
    touching = sum(1 for f in functions.values() if f.touches)
    print(f"{len(functions)} functions, {touching} touch what is the thread's, {len(why)} may switch, {violations} do both")
    sys.exit(1 if violations else 0)


if __name__ == "__main__":
    main()
