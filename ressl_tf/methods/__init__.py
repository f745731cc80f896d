"""One method a file; a name on the command line is the name of its file."""

import pkgutil

SHARED = ("base", "images")  # what methods have in common
OF_GRAPHS = ("rgrl",)  # the others learn from images


def names() -> tuple[str, ...]:
    """The methods there are."""
    modules = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name for name in modules if name not in SHARED))
