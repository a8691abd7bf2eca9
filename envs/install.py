"""Install the packages of a lock file into an environment, and show how far that has come."""

import re
import subprocess
import sys
from pathlib import Path


def main(python: str, lock: str) -> int:
    """Install; print a line that is rewritten on a terminal, and pip's own words if it fails."""
    total = len(re.findall(r"^\S+==", Path(lock).read_text(), re.MULTILINE))
    print(f"Installing up to {total} packages of {lock} (a minute or two) ...", flush=True)
    command = [python, "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes", "-r", lock]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines, count = [], 0
    for line in process.stdout or ():
        lines.append(line)
        if line.startswith("Collecting "):
            count += 1
            if sys.stdout.isatty():
                print(f"\r\x1b[K  {count}: {line.split()[1].split('==')[0]}", end="", flush=True)
        elif line.startswith("Installing collected") and sys.stdout.isatty():
            print(f"\r\x1b[K  {count} packages are here, unpacking them", end="", flush=True)
    if sys.stdout.isatty():
        print("\r\x1b[K", end="")
    if process.wait():
        print("".join(lines[-30:]), end="")
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
