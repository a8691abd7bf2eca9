"""Reads Croissant metadata with the real mlcroissant; runs in the environment of requirements.lock.

    read_croissant.py  METADATA...

Prints, for each, the errors of the validation and the records of each record set, as JSON.
"""

import json
import sys


def main(paths: list[str]) -> None:
    """Validate, read, print."""
    import mlcroissant

    seen = {}
    for path in paths:
        read = mlcroissant.Dataset(jsonld=path)
        seen[path] = {
            "errors": sorted(read.metadata.ctx.issues.errors),
            "records": {
                entry.name: [{key: text(value) for key, value in record.items()} for record in read.records(entry.id)]
                for entry in read.metadata.record_sets
            },
        }
    print(json.dumps(seen))


def text(value: object) -> object:
    """Texts come as bytes."""
    return value.decode() if isinstance(value, bytes) else value


if __name__ == "__main__":
    main(sys.argv[1:])
