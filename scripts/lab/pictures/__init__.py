"""Pictures of the playground's page for the docs, taken with Chromium."""
