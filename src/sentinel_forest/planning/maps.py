"""Maps that a configuration asks for: whether the version will have their forests, and their scenes are there."""

from pathlib import Path
from typing import TYPE_CHECKING

from sentinel_forest.config.validation import nearest
from sentinel_forest.errors import InputError

if TYPE_CHECKING:
    from sentinel_forest.planning.selection import Selection


def check_maps(selection: "Selection") -> None:
    """Check the maps of a configuration before anything runs.

    Raises
    ------
    InputError
        If a map names a forest that the version will not have, or a scene that is not there.
    """
    for name, about in selection.configuration.maps.items():
        if about.release not in selection.releases:
            raise _unknown(name, "release", about.release, nearest(about.release, selection.releases))
        schemes = {scheme for scheme, _ in selection.trials(about.release)}
        if about.scheme not in schemes:
            raise _unknown(name, "scheme", about.scheme, nearest(about.scheme, schemes))
        if (about.scheme, about.trial) not in selection.trials(about.release):
            trials = sum(scheme == about.scheme for scheme, _ in selection.trials(about.release))
            raise _unknown(name, "trial", about.trial, f"1 to {trials}")
        if about.set not in selection.sets(about.release):
            raise _unknown(name, "set", about.set, nearest(about.set, selection.sets(about.release)))
        if about.applicability and selection.configuration.applicability is None:
            raise InputError(
                "A map asks for a layer that needs training samples, and the version keeps none.",
                where=f"key 'maps.{name}.applicability'",
                found="no key 'applicability' in the configuration",
                remedy="add `applicability: {}`",
            )
        for key, path in (("scene", about.scene), ("radar", about.radar)):
            if path is not None and not Path(path).exists():
                raise InputError("There is no such file or folder.", where=f"key 'maps.{name}.{key}'", found=path)


def _unknown(name: str, key: str, found: object, expected: str) -> InputError:
    return InputError(
        "A map asks for a forest that the version does not have.",
        where=f"key 'maps.{name}.{key}'",
        found=found,
        expected=expected,
    )
