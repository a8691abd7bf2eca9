"""Lint the workflow: ``python tests/lint_workflow.py [SNAKEFILE]``.

One lint of Snakemake is left out: it wants a conda environment or container for each rule. The rules call the command
`sentinel-forest`, and no environment file can name the very checkout that the rules belong to: the package is
installed where Snakemake is.
"""

import re
import subprocess
import sys
from pathlib import Path

LEFT_OUT = "Specify a conda environment or container for each rule."


def lints(snakefile: str = "Snakefile") -> str:
    """What Snakemake prints, if it finds anything else; else nothing."""
    command = [Path(sys.executable).parent / "snakemake", "--snakefile", snakefile, "--lint"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    titles = set(re.findall(r"^    \* (.+):$", done.stdout, re.M))
    return done.stdout if (done.returncode and not titles) or titles - {LEFT_OUT} else ""


if __name__ == "__main__":
    sys.exit(lints(*sys.argv[1:]) or 0)
