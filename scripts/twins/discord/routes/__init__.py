"""The REST routes of the scripted Discord."""
