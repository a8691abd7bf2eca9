"""Configuration and registry: what a user may write, checked and completed before anything runs."""
