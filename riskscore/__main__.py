"""`python -m riskscore`."""

from riskscore.cli import main

if __name__ == "__main__":
    main()
