"""Settings of the program, and the environment file that says what is imitated."""
