"""A turn as Discord posts: pure functions from records to text, cards and buttons."""
