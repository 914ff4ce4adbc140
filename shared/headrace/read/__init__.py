"""Reading what Headrace wrote: the quarantine, and the proof that nothing was lost or doubled."""
