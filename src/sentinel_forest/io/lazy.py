"""Modules that are imported when something of them is first used.

A plan of a run names datasets and reads no pixel; a step uses some of what its dataset can do. Neither waits for
libraries that it does not use::

    if TYPE_CHECKING:
        import pandas as pd
    else:
        pd = lazy("pandas")
"""

from importlib import import_module
from types import ModuleType


class _Lazy(ModuleType):
    """Stands for a module until something is taken from it."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # asked by tools that look at all names of a module
            raise AttributeError(name)
        return getattr(self._own(), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._own(), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._own(), name)

    def _own(self) -> ModuleType:
        # Not from sys.modules: there a module stands while another thread has imported only half of it.
        return import_module(self.__name__)


def lazy(name: str) -> ModuleType:
    """A module by its full name, imported at its first use."""
    return _Lazy(name)


def parts_of(package: str, *names: str) -> tuple[ModuleType, ...]:
    """Modules of a package, each imported at its first use."""
    return tuple(lazy(f"{package}.{name}") for name in names)
