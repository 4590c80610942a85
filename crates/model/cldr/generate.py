"""Writes language-matching.txt from the supplemental data of CLDR as JSON. See README.md."""

import json
import sys
from pathlib import Path

folder = Path(sys.argv[1])
matching = json.loads((folder / "languageMatching.json").read_text())["supplemental"]
areas = json.loads((folder / "territoryContainment.json").read_text())["supplemental"]["territoryContainment"]


def children(area):
    """What an area contains, over every kind of containment that is in use."""
    keys = (area, area + "-status-grouping")
    return {child for key in keys if key in areas for child in areas[key]["_contains"]}


def countries(area):
    """The countries of an area, through every area that it contains."""
    below = children(area)
    return set().union(*(countries(child) for child in below)) if below else {area}


world = countries("001")
macro = sorted(area for area in areas if "-status" not in area)
rules = matching["languageMatching"]["written-new"]

print("# Language distances of Unicode CLDR", matching["version"]["_cldrVersion"])
print("# Copyright 2004-2026 Unicode, Inc.; see LICENSE. Written by generate.py.")
print("#")
print("# paradigm  the locales that stand for a cluster of regions")
print("# inside    the regions that belong wholly to a variable")
print("# across    the regions that belong to it in part")
print("# match     desired, supported, distance; `one-way` where the reverse does not hold")
print("paradigm", *rules["paradigmLocales"]["_locales"])
for variable, value in sorted(rules["matchVariables"].items()):
    name = variable.removeprefix("$")
    members = set().union(*(countries(part) for part in value["_value"].split("+")))
    wholly = sorted(area for area in macro if countries(area) <= members)
    partly = sorted(area for area in macro if countries(area) & members and area not in wholly)
    print("inside", name, *sorted(members), *wholly)
    print("across", name, *partly)
for rule in rules["languageMatch"]:
    end = ["one-way"] if rule.get("_oneway") else []
    print("match", rule["_desired"], rule["_supported"], rule["_distance"], *end)
