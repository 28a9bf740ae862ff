"""Tests that run once for each number of workers."""

load("@rules_cc//cc:defs.bzl", "cc_binary")

WORKERS = [
    1,
    2,
    4,
]

def _with_workers_test_impl(ctx):
    program = ctx.attr.program[DefaultInfo]
    link = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(
        output = link,
        target_file = ctx.executable.program,
        is_executable = True,
    )
    return [
        DefaultInfo(
            executable = link,
            runfiles = program.default_runfiles.merge(ctx.runfiles(files = [ctx.executable.program])),
        ),
        testing.TestEnvironment({"SLUICE_TEST_WORKERS": str(ctx.attr.workers)}),
    ]

_with_workers_test = rule(
    implementation = _with_workers_test_impl,
    test = True,
    attrs = {
        "program": attr.label(executable = True, cfg = "target", mandatory = True),
        "workers": attr.int(mandatory = True),
    },
    doc = "Runs a program that is built once, with SLUICE_TEST_WORKERS in its environment.",
)

def worker_test(name, srcs, deps = [], size = "medium", tags = [], **kwargs):
    """One test program, and a test NAME_1, NAME_2 and NAME_4 that runs it with so many workers.

    Args:
      name: what the tests' names begin with; the program is NAME_program.
      srcs: of the program.
      deps: of the program.
      size: of each test.
      tags: of each test.
      **kwargs: more for the program.
    """
    cc_binary(
        name = name + "_program",
        testonly = True,
        srcs = srcs,
        deps = deps,
        **kwargs
    )
    for workers in WORKERS:
        _with_workers_test(
            name = "%s_%d" % (name, workers),
            size = size,
            program = name + "_program",
            tags = tags + ["workers%d" % workers],
            workers = workers,
        )
