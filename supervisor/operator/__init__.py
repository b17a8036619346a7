"""The command line of who runs the service."""
