"""``python -m d365fo_emulator`` is the command ``d365fo-emulator``."""

from d365fo_emulator.cli.main import main

if __name__ == "__main__":
    main()
