"""The playground: what a person tries by hand."""
