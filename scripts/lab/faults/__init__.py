"""The fault matrix: supervisor, workers, Claude and Discord are struck at every boundary of a prompt's path."""
