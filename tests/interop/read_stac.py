"""Holds STAC files against the schemas that pystac brings; runs in the environment of requirements.lock.

    read_stac.py  FOLDER

Prints the names of the schemas that each catalog, collection and item was held against, as JSON; a file that does not
keep to them ends it.
"""

import json
import sys
from pathlib import Path


def main(folder: Path) -> None:
    """Read, validate, print."""
    from pystac.validation import validate_dict

    seen = {}
    for path in sorted(folder.rglob("*json")):
        node = json.loads(path.read_text(encoding="utf-8"))
        for each in node["features"] if node["type"] == "FeatureCollection" else [node]:
            seen[f"{path.relative_to(folder).as_posix()} {each['id']}"] = validate_dict(each)
    print(json.dumps(seen))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
