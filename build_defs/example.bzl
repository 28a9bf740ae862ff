"""An example: one folder, one program, and its tests."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_test")

def example(deps = []):
    """Declares the program of an example and its tests.

    The program is named like the folder and has its main function in main.cc, or in a file that is named like the folder too.
    X_test.cc are unit tests of the rest; FOLDER_test.sh gets the path of the program, and the files in data/ beside it.

    Args:
      deps: libraries that it needs besides sluice.
    """
    name = native.package_name().split("/")[-1]
    main = native.glob(["main.cc"]) or [name + ".cc"]
    tests = native.glob(["*_test.cc"])
    cc_library(
        name = "parts",
        srcs = native.glob(["*.cc"], exclude = main + tests),
        hdrs = native.glob(["*.h"]),
        linkstatic = True,
        deps = ["//:sluice"] + deps,
    )
    cc_binary(
        name = name,
        srcs = main,
        deps = [":parts"],
    )
    for test in tests:
        cc_test(
            name = test[:-len(".cc")],
            size = "medium",
            srcs = [test],
            deps = [
                ":parts",
                "//tests:support",
            ],
        )
    for script in native.glob([name + "_test.sh"]):
        native.sh_test(
            name = name + "_test",
            size = "large",
            srcs = [script],
            args = ["$(location :%s)" % name],
            data = [name] + native.glob(["data/*"]),
        )
