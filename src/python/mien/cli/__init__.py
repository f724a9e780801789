"""What the command line is: one file per command."""
