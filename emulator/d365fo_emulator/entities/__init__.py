"""Standard entities: what is known of each, checks of values, and the rows that are stored."""
