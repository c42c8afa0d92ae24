"""Files and servers that somebody made to do harm."""
