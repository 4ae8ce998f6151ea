"""Looking into and steering an emulator: one protocol, in process and over HTTP."""
