"""Data packages: the zip, its control files, the mapping and the source formats."""
