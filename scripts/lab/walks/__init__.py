"""docs/walks.md: what happens to one thing, file by file; each arrow of it is looked up in the code."""
