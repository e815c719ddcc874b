"""Orders on their way to the supplier, and a small supplier to try them on."""
