"""How the emulator is told what to be: its own settings, and the environment that it imitates."""
