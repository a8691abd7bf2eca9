"""Attacks: make fuzz, or

python -m fuzz                       all kinds, as often as a short run tries
python -m fuzz 1000 [KIND...]        so many attacks of each kind
python -m fuzz write [CASES]         the same, and the table of docs/safety.md
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fuzz import harness
from fuzz.kinds import KINDS

PAGE = Path(__file__).parents[2] / "docs" / "safety.md"
BEGIN, END = "<!-- attacks: begin -->\n", "<!-- attacks: end -->\n"


def main(words: list[str]) -> None:
    """Make attacks and print the table; status 1 if one had its way."""
    writes = words[:1] == ["write"]
    words = words[writes:]
    cases = int(words.pop(0)) if words and words[0].isdecimal() else 0
    names = words or list(KINDS)
    with ThreadPoolExecutor(2) as pool:
        made = pool.map(lambda name: harness.tally(name, cases or KINDS[name].cases), names)
        tallies = dict(zip(names, made, strict=True))
    table = harness.table(tallies, {name: kind.words for name, kind in KINDS.items()})
    print(table)
    wrong = [f"{name}, {reason}" for name, result in tallies.items() for reason in result.wrong]
    if wrong:
        sys.exit("\n".join(wrong))
    if writes:
        text = PAGE.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}{table}{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["attack"]:
        harness.attacks(KINDS[sys.argv[2]], int(sys.argv[3]), int(sys.argv[4]))
    else:
        main(sys.argv[1:])
