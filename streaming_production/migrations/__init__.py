"""How the store's tables became what they are."""
