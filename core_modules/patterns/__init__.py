"""Behind `pattern_extractor`: the parts of a pattern and how each is fitted."""
