"""Source data formats: a reader and a writer each, found by name in `registry`."""
