"""The live system: events in, explained orders out, watched and steered in a browser."""
