"""Maps from the forests of a version: scenes, where a map may be trusted, and the areas that follow from it."""
