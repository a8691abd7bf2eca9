"""Trials for other people's code: the publisher's layout, TFDS, arrays in Python."""
