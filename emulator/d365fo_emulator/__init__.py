"""A local emulator of the file-based integration of Dynamics 365 Finance & Operations."""
