"""The launcher: the demo's processes, from their ports to their last words."""
