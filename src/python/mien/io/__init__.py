"""One file per format, one registry: paths in, takes out, and back."""
