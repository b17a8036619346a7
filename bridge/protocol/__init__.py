"""What worker and supervisor agree on: facts, wishes, messages on the socket, paths, limits, errors."""
