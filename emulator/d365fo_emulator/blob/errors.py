"""Errors of the blob service: the table of codes, and the exception that carries a row of it."""
