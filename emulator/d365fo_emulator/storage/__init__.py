"""All stores, on embedded SQLite: the only importer of the database library."""
