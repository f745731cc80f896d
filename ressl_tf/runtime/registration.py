"""Make the package's classes known to Keras without loading Keras for it.

Keras finds the class of a saved model by its registered name, so the modules of all
public classes have to be imported before a model is opened. Importing them takes
seconds, which a command line must not spend on `--help`: they are imported when Keras
itself is.
"""

import importlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Iterable

from ressl_tf.runtime import backend
from ressl_tf.runtime.quiet_import import without_notes


def register_with_keras(modules: Iterable[str]) -> None:
    """Import modules now if Keras is loaded, else as soon as it has been.

    Args:
        modules: names of modules that register classes of Keras.

    Raises:
        UsageError: Keras is loaded, and set as this package cannot use it.
    """
    if "keras" in sys.modules:
        import_all(modules)
    else:
        sys.meta_path.insert(0, _AfterKeras(tuple(modules)))


def import_all(modules: Iterable[str]) -> None:
    """Import modules, unless one of this package is being imported just now.

    Whoever imports a module of the package by its name knows what to import.
    """
    package = __name__.partition(".")[0]
    ours = [m for n, m in sys.modules.items() if n.startswith(f"{package}.")]
    if any(getattr(m.__spec__, "_initializing", False) for m in ours):
        return
    for module in modules:
        importlib.import_module(module)


class _AfterKeras(importlib.abc.MetaPathFinder):
    """A finder that finds nothing; it sees Keras being imported, once."""

    def __init__(self, modules: tuple[str, ...]):
        self.modules = modules

    def find_spec(self, fullname, path=None, target=None):
        """Return Keras's own spec, whose loader also imports the modules."""
        if fullname != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module):
            with without_notes():
                execute(module)
            if not backend.refusal():  # whoever uses the package gets it as an error
                import_all(self.modules)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
