"""``threadbridge install | uninstall | upgrade``: a service of systemd's, the user's own or the machine's."""
