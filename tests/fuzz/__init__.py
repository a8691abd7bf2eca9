"""Seeded attacks on everything that comes from outside; see `fuzz.harness`."""
