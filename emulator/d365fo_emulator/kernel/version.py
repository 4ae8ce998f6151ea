"""The version of this release; the build reads it here too."""

# Asking the installed metadata would take 40 ms at each start.
__version__ = "0.1.0"
