"""What a process may do, set in it before it becomes the command. Imports little, as every process does it."""

import ctypes
import os
import resource

_PR_CAPBSET_DROP = 24
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_OVERRIDE = 1


def heed_permissions() -> None:
    """Root, too, may write only where the mode of a folder lets it, and so may the programs it starts."""
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    # Effective, permitted and inheritable ones below 32, then the same of those above.
    sets = (ctypes.c_uint32 * 6)()
    failed = libc.prctl(_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, 0, 0, 0) or libc.capget(header, sets)
    for effective_or_permitted in (0, 1):
        sets[effective_or_permitted] &= ~(1 << _CAP_DAC_OVERRIDE)
    if failed or libc.capset(header, sets):
        raise OSError(ctypes.get_errno(), "the capability could not be dropped")


def limit_files() -> None:
    """No file grows beyond what a small batch takes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (25_000, resource.RLIM_INFINITY))
