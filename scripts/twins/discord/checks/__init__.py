"""What Discord refuses in a request's body, and in which words."""
