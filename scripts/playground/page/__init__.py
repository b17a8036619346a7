"""The playground's page: a server, what the page shows and does, and its assets."""
