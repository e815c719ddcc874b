"""What the live agent knows, believes and decides; no HTTP, no SQL."""
