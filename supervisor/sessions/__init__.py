"""The sessions: the store, what is wished and shown, what workers report, what only the logs know."""
