"""A Discord on loopback: gateway, REST, limits, the checks of its API, and a person who uses it."""
