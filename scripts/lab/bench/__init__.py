"""The bench: one turn measured from the first delta to the last post."""
