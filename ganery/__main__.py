"""`python -m ganery`: the command line, for where the command is not on the PATH."""

from ganery.cli import main

main()
