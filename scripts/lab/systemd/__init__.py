"""The service in a real systemd: a small Debian that boots in a container, and what befalls a service there."""
