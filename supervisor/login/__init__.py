"""Claude's login, kept outside of the walls and renewed in one place."""
