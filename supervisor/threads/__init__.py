"""What goes into and comes out of Discord's channels and threads: prompts, files, posts."""
