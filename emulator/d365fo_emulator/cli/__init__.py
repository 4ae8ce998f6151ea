"""The command `d365fo-emulator`."""
