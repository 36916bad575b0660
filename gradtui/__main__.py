"""`python -m gradtui` is the command `gradtui`."""

from gradtui.cli import main

if __name__ == "__main__":
    main()
