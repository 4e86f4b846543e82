"""`python -m translate`: the command, where the script of that name is not on the path."""

from translate.cli import main

main()
