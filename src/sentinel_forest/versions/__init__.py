"""Versions of results: sealed, held, compared and described for other tools."""
