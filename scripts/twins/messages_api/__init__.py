"""A scripted Messages API for the real CLI."""
