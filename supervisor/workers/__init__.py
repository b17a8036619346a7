"""Worker processes and the sockets to them."""
