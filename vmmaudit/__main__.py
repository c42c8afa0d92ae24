"""`python -m vmmaudit`: the same as the command."""

from vmmaudit.cli import main

main()
