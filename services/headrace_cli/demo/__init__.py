"""`headrace demo`: the main job on a simulated market, with a crash and a zombie in the middle, and the proof."""

from headrace_cli.demo.command import app

__all__ = ["app"]
