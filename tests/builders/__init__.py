"""Files that only tests need: odd, old, damaged, or made by other programs."""
