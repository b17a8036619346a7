"""What the supervisor decides and sees, as facts: what a rebuilt store knows again, and what an audit reads. Pure."""
