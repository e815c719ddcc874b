"""The three processes of the live system."""
