"""Discord itself: its gateway, its REST, its limits, its shapes and errors. Knows nothing of sessions."""
