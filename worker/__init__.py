"""One process: one session, one Claude child. It owns the session's event log and nothing else."""
