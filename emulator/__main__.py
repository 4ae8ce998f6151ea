"""Runs the emulator from a checkout: ``python emulator serve``."""

from d365fo_emulator.cli.main import main

main()
