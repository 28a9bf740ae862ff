"""What the build needs from outside, all of it from Debian packages: nothing is downloaded."""

def _system_headers_impl(ctx):
    for path in ctx.attr.paths:
        found = ctx.path("/usr/include/" + path)
        if not found.exists:
            fail("{} is missing: install the Debian package {} (./dev does)".format(found, ctx.attr.package))
        ctx.symlink(found, "include/" + path)
    ctx.file("BUILD.bazel", """\
load("@rules_cc//cc:defs.bzl", "cc_library")

cc_library(
    name = "{name}",
    hdrs = glob(["include/**"]),
    includes = ["include"],  # as system headers: their warnings are not ours
    defines = {defines},
    linkopts = {linkopts},
    visibility = ["//visibility:public"],
)
""".format(name = ctx.name, defines = ctx.attr.defines, linkopts = ctx.attr.linkopts))

_system_headers = repository_rule(
    implementation = _system_headers_impl,
    attrs = {
        "paths": attr.string_list(doc = "files or folders below /usr/include"),
        "defines": attr.string_list(doc = "for all who depend on it"),
        "linkopts": attr.string_list(),
        "package": attr.string(doc = "the Debian package that has them"),
    },
    local = True,
    doc = "A library that Debian has installed: only the headers named here are visible to those who depend on it.",
)

# Debian's Bazel has the C++ rules built in; its own tools ask for them under the name of the separate repository.
_CC_RULES = [
    "cc_binary",
    "cc_import",
    "cc_library",
    "cc_libc_top_alias",
    "cc_proto_library",
    "cc_test",
    "cc_toolchain",
    "cc_toolchain_alias",
    "cc_toolchain_suite",
]

def _files_impl(ctx):
    for path, content in ctx.attr.files.items():
        ctx.file(path, content)

_files = repository_rule(
    implementation = _files_impl,
    attrs = {"files": attr.string_dict(doc = "path to content")},
)

def sluice_repositories():
    """Declares every external repository."""
    _system_headers(
        name = "concurrentqueue",
        package = "libconcurrentqueue-dev",
        paths = ["concurrentqueue"],
    )
    _system_headers(
        name = "doctest",
        # Its counters are found through a thread-local otherwise, and assertions are made in fibers, which move.
        # An assertion is a call, not a page of code: a third less to compile.
        defines = [
            "DOCTEST_CONFIG_NO_MULTI_LANE_ATOMICS",
            "DOCTEST_CONFIG_SUPER_FAST_ASSERTS",
        ],
        package = "doctest-dev",
        paths = ["doctest"],
    )
    _system_headers(
        name = "benchmark",
        linkopts = ["-lbenchmark"],
        package = "libbenchmark-dev",
        paths = ["benchmark"],
    )
    _system_headers(
        name = "sqlite3",
        linkopts = ["-lsqlite3"],
        package = "libsqlite3-dev",
        paths = ["sqlite3.h"],
    )
    _files(
        name = "rules_cc",
        files = {
            "BUILD.bazel": "",
            "cc/BUILD.bazel": "",
            "cc/defs.bzl": "".join(["%s = native.%s\n" % (rule, rule) for rule in _CC_RULES]),
        },
    )
    native.local_repository(
        name = "rules_java",
        path = "/usr/share/bazel/rules/java",
    )
    native.local_repository(
        name = "rules_proto",
        path = "/usr/share/bazel/rules/proto",
    )

    # Asked for by Bazel's test runner, used only to merge coverage reports.
    _files(
        name = "remote_coverage_tools",
        files = {"BUILD.bazel": """\
filegroup(
    name = "coverage_report_generator",
    visibility = ["//visibility:public"],
)
"""},
    )
