"""The supervisor, Claude and project that the playground starts."""
