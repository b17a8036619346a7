"""Garbage at every edge: nothing but the clean errors that the edge is known for may come of it."""
