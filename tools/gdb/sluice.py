"""The fibers of a sluice program in gdb, live or from a core file.

    (gdb) source tools/gdb/sluice.py
    (gdb) fiber list             all fibers: number, name, what it is doing
    (gdb) fiber 7 bt             the stack of fiber 7; `fiber 1.7` if there are several runtimes; or its name
    (gdb) fiber 7 COMMAND        any command, with the innermost frame of that stack selected: `fiber 7 info registers`
    (gdb) fiber all bt           all stacks

Needs no debug information: where things lie stands in sluice_for_debuggers (runtime/detail/debugger.h), and stacks are walked
by the unwind tables. With debug information there are arguments, lines and variables as well.
"""

import re

import gdb
import gdb.unwinder

VERSION = 1
FIELDS = (
    "version first entry next_scheduler worker_count workers workers_made shard_count shards shard_size first_fiber "
    "thread_id current_fiber next_fiber number name stack_pointer is_running stack_bottom stack_size"
).split()
WORD = 8
LEFT_BY_SWITCH = 152  # rip, rbx, rbp, and the red zone: runtime/detail/context.h


def read(address, size=WORD):
    return int.from_bytes(bytes(gdb.selected_inferior().read_memory(address, size)), "little")


def view():
    try:
        at = int(gdb.parse_and_eval("(unsigned long)&sluice_for_debuggers"))
    except gdb.error:
        raise gdb.GdbError("no sluice runtime in this program, or its symbols are stripped") from None
    found = {name: read(at + i * WORD) for i, name in enumerate(FIELDS)}
    if found["version"] != VERSION:
        raise gdb.GdbError(f"this program's sluice has version {found['version']} of what this script reads, not {VERSION}")
    return found


class Fiber:
    def __init__(self, v, runtime, address, threads):
        self.runtime = runtime
        self.address = address
        self.number = read(address + v["number"])
        name = read(address + v["name"])  # a std::string's address, or null
        text, length = (read(name), read(name + WORD)) if name else (0, 0)
        self.name = bytes(gdb.selected_inferior().read_memory(text, length)).decode(errors="replace") if length else ""
        self.thread = threads.get(address)
        self.parked_at = read(address + v["stack_pointer"])
        self.stack = read(address + v["stack_bottom"]), read(address + v["stack_size"])
        if self.stack[0] == 0 or (not self.thread and read(self.parked_at) == v["entry"]):
            self.state = "not begun"
        elif read(address + v["is_running"], 1):
            self.state = "running"
        else:
            self.state = "parked"

    def __str__(self):
        text = f"fiber #{self.number}" if not self.name else f"fiber '{self.name}' (#{self.number})"
        where = f" on thread {self.thread.num}" if self.thread and self.state == "running" else ""
        return f"{text}, {self.state}{where}"

    def registers(self):
        """As they are when the fiber goes on."""
        rip, rbx, rbp = (read(self.parked_at + i * WORD) for i in range(3))
        return {"rip": rip, "rbx": rbx, "rbp": rbp, "rsp": self.parked_at + LEFT_BY_SWITCH}


def fibers():
    """Of all runtimes, in the order of their numbers."""
    v = view()
    by_id = {t.ptid[1]: t for t in gdb.selected_inferior().threads()}
    found = []
    scheduler, runtime = v["first"], 0
    while scheduler:
        runtime += 1
        threads = {}
        workers = read(scheduler + v["workers"])
        for i in range(read(scheduler + v["workers_made"])):
            worker = read(workers + i * WORD)
            threads[read(worker + v["current_fiber"])] = by_id.get(read(worker + v["thread_id"], 4))
        threads.pop(0, None)
        shards = read(scheduler + v["shards"])
        of_runtime = []
        for i in range(read(scheduler + v["shard_count"])):
            fiber = read(shards + i * v["shard_size"] + v["first_fiber"])
            while fiber:
                of_runtime.append(Fiber(v, runtime, fiber, threads))
                fiber = read(fiber + v["next_fiber"])
        found += sorted(of_runtime, key=lambda f: f.number)
        scheduler = read(scheduler + v["next_scheduler"])
    return found


class FrameId:
    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class ParkedUnwinder(gdb.unwinder.Unwinder):
    """While a fiber is looked at, it is what called the innermost frame of the selected thread."""

    def __init__(self):
        super().__init__("sluice fibers")
        self.fiber = None

    def __call__(self, pending):
        if self.fiber is None or pending.level() != 0:
            return None
        word = gdb.lookup_type("unsigned long")
        # Below the fiber's frames, as a frame that was called by them would be.
        info = pending.create_unwind_info(FrameId(gdb.Value(self.fiber.parked_at).cast(word), pending.read_register("rip")))
        for name, value in self.fiber.registers().items():
            info.add_saved_register(name, gdb.Value(value).cast(word))
        return info

    def look_at(self, fiber):
        self.fiber = fiber
        gdb.invalidate_cached_frames()


unwinder = ParkedUnwinder()
gdb.unwinder.register_unwinder(None, unwinder, replace=True)


def backtrace(command, skip):
    """Prints it without the first `skip` frames, the rest counted from 0, and without the end that is no frame."""
    text = gdb.execute(command, to_string=True)
    frames = re.split(r"^(?=#\d)", text, flags=re.MULTILINE)[1 + skip :]

    def renumbered(match):
        return f"#{int(match[1]) - skip}".ljust(len(match[0]))

    for frame in frames:
        if not re.match(r"#\d+ +0x0+ in \?\? \(\)$", frame):
            print(re.sub(r"^#(\d+) *", renumbered, frame), end="")


def run(fiber, command):
    if fiber.state == "not begun":
        raise gdb.GdbError("it has not begun: there is no stack")
    if fiber.state == "running" and not fiber.thread:
        raise gdb.GdbError("it is between two threads: its stack is not known")
    thread, frame = gdb.selected_thread(), gdb.selected_frame()
    try:
        is_parked = fiber.state == "parked"
        if is_parked:
            unwinder.look_at(fiber)
            gdb.newest_frame().older().select()
        else:
            fiber.thread.switch()
        if re.match(r"(bt|backtrace|where)\b", command):
            backtrace(command, 1 if is_parked else 0)
        else:
            gdb.execute(command)
    finally:
        if unwinder.fiber:
            unwinder.look_at(None)
        if thread.is_valid():
            thread.switch()
        if frame.is_valid():
            frame.select()


class FiberCommand(gdb.Command):
    """The fibers of a sluice program.

fiber list            all fibers: number, name, what each is doing
fiber N COMMAND       runs COMMAND (most often bt) with the stack of fiber N, a number or a name; R.N: of runtime R
fiber all COMMAND     the same for each fiber that has a stack"""

    def __init__(self):
        super().__init__("fiber", gdb.COMMAND_STACK, gdb.COMPLETE_NONE)

    def invoke(self, argument, from_tty):
        which, _, command = argument.strip().partition(" ")
        command = command.strip()
        if which == "list" and not command:
            self.list()
        elif not command:
            raise gdb.GdbError("fiber list, fiber N COMMAND, or fiber all COMMAND")
        elif which == "all":
            for fiber in fibers():
                print(fiber)
                try:
                    run(fiber, command)
                except (gdb.error, gdb.GdbError) as e:
                    print(e)
                print()
        else:
            run(self.find(which), command)

    def list(self):
        runtime = 0
        for fiber in fibers():
            if fiber.runtime != runtime:
                runtime = fiber.runtime
                print(f"runtime {runtime}:")
            print(f"  {fiber}")

    def find(self, which):
        runtime, _, fiber = which.rpartition(".") if re.match(r"\d+\.", which) else ("", "", which)
        found = [f for f in fibers() if fiber in (str(f.number), f"#{f.number}", f.name) and runtime in ("", str(f.runtime))]
        if not found:
            raise gdb.GdbError(f"there is no fiber {which}")
        if len(found) > 1:
            raise gdb.GdbError("which? " + ", ".join(f"{f.runtime}.{f.number}" for f in found[:20]))
        return found[0]


FiberCommand()
