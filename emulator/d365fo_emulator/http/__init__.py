"""What every surface shares: listeners, TLS, the gateway and its ordered list, streamed bodies."""
