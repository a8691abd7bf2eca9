"""Says what is missing on a machine before the environment is made. Runs on any Python 3."""

import sys


def missing():
    """What to install, in words; empty if nothing is missing."""
    found = []
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        version = ".".join(str(part) for part in sys.version_info[:2])
        found.append(
            f"Python 3.11, 3.12 or 3.13 is needed; this is {version}. "
            + "Install one and call: make PYTHON=python3.12 ..."
        )
    for module in ("venv", "ensurepip"):
        try:
            __import__(module)
        except ImportError:
            found.append(f"The module '{module}' is missing. On Debian or Ubuntu: apt install python3-venv")
    return found


if __name__ == "__main__":
    problems = missing()
    if problems:
        sys.exit("\n".join(["Cannot make the environment:", *problems]))
