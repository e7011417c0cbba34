"""How fast and how large a month is: the whole of it, timed stage by stage on invented people."""
