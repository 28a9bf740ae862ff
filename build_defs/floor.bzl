"""A floor of the library: one folder, one target, included as <sluice/FOLDER/file.h>."""

load("@rules_cc//cc:defs.bzl", "cc_library")

def floor(above, deps = []):
    """Declares the folder's library, named like the folder.

    The build knows its headers only under their include prefix, and a target sees only the prefixes of what it depends on:
    including a floor above, or a sibling, is a file that does not exist.

    Args:
      above: the packages that may depend on it.
      deps: the floors below that it uses, and external libraries.
    """
    name = native.package_name()
    headers = native.glob(["*.h", "detail/*.h"])
    cc_library(
        name = name,
        srcs = native.glob(["*.cc", "detail/*.cc"]),
        hdrs = headers,
        include_prefix = "sluice/" + name,
        strip_include_prefix = "/" + name,
        linkopts = ["-pthread"],
        linkstatic = True,
        visibility = ["//:__pkg__"] + ["//%s:__pkg__" % package for package in above],
        deps = deps,
    )
    native.filegroup(
        name = "headers",
        srcs = headers,
        visibility = ["//:__pkg__"],
    )
    native.filegroup(
        name = "sources",
        srcs = native.glob(["*.h", "*.cc", "detail/*.h", "detail/*.cc"]),
        visibility = ["//:__pkg__"],
    )
