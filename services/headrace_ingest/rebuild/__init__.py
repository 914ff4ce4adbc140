"""The rebuild: a table of latest rows made anew from all events, compared with what is there, and put in its place."""
