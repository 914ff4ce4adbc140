"""`headrace doctor`: checks of everything a worker rests on, each with what to do about it."""

from headrace_cli.doctor.command import app

__all__ = ["app"]
