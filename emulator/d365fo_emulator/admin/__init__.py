"""The admin API: one protocol, in process and over HTTP."""
