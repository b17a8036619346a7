"""Project files that act by themselves: what of them is understood, in words and as a copy. Pure."""
