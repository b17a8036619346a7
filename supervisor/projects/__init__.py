"""A project directory from outside of the walls: its repository, its remote, its files that act."""
