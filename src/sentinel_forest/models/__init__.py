"""Random forests: grown, tuned, stored, and asked for classes."""
