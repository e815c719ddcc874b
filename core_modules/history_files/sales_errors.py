"""What is said of a wrong file or frame, always in one line."""


class SalesDataError(ValueError):
    """A file or frame that cannot be used; the message is one line: what, where, how to mend it."""


def quoted(value: str) -> str:
    """Return the value in quotes, on one line and not too long.

    >>> quoted('two' + chr(10) + 'lines')
    "'two\\\\nlines'"
    """
    return repr(value if len(value) <= 40 else value[:37] + "...")


def listed(names: list[str], most: int = 5) -> str:
    """Return the first names and how many more there are.

    >>> listed(['a', 'b', 'c'], most=2)
    "'a', 'b' and 1 more"
    """
    head = ", ".join(quoted(name) for name in names[:most])
    return head if len(names) <= most else f"{head} and {len(names) - most} more"
