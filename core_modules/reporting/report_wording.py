"""Figures and names in words: the one way in which every picture and table writes them."""

import math

NONE = "n/a"  # a figure that does not exist
_MINUS = "\N{MINUS SIGN}"


def whole(value: float) -> str:
    """Write a number of units without decimals.

    >>> whole(1234567.4), whole(-0.2), whole(float("nan"))
    ('1,234,567', '0', 'n/a')
    """
    if not math.isfinite(value):
        return NONE
    number = round(value)
    return f"{_MINUS if number < 0 else ''}{abs(number):,}"


def number(value: float, decimals: int = 1) -> str:
    """Write a ratio or a small number with its decimals.

    >>> number(1234.56), number(float("inf"))
    ('1,234.6', 'n/a')
    """
    if not math.isfinite(value):
        return NONE
    text = f"{abs(value):,.{decimals}f}"
    return f"{_MINUS if value < 0 and float(text.replace(',', '')) else ''}{text}"


def percent(share: float) -> str:
    """Write a share (0 to 1) as percent; what is not all of it never reads '100 %'.

    >>> percent(1.0), percent(0.9891), percent(0.99996), percent(0.00001), percent(0.0)
    ('100 %', '98.9 %', '99.9 %', '0.1 %', '0 %')
    """
    if not math.isfinite(share):
        return NONE
    if share in (0, 1):
        return f"{share:.0%}".replace("%", " %")
    shown = round(100 * share, 1)
    if 0 < share < 1:
        shown = min(max(shown, 0.1), 99.9)
    return f"{number(shown)} %"


def amount(value: float, currency: str) -> str:
    """Write an amount of money with its currency: a symbol before it, a code behind it.

    >>> amount(981095.2, "$"), amount(1200, "USD")
    ('$981,095', '1,200 USD')
    """
    text = whole(value)
    if text == NONE:
        return NONE
    if len(currency) != 1:
        return f"{text} {currency}".rstrip()
    return f"{_MINUS}{currency}{text[1:]}" if text.startswith(_MINUS) else f"{currency}{text}"


def readable(label: str) -> str:
    """Write an identifier as a person would.

    >>> readable("Viral_Social_Media_Boost")
    'Viral Social Media Boost'
    """
    return " ".join(label.replace("_", " ").split())


def shorten(name: str, length: int) -> str:
    """Cut a long name to `length` characters, keeping its end, which often tells items apart.

    >>> shorten("FOODS_3_090_TX_3_evaluation", 14), shorten("short", 14)
    ('FOODS_3…uation', 'short')
    """
    if len(name) <= length:
        return name
    head = (length - 1) // 2 + (length - 1) % 2
    return f"{name[:head]}…{name[len(name) - (length - 1 - head) :]}"


def plural(count: float, one: str, many: str = "") -> str:
    """Write a count with its noun.

    >>> plural(1, "item"), plural(2000, "item"), plural(0, "day")
    ('1 item', '2,000 items', '0 days')
    """
    return f"{whole(count)} {one if round(count) == 1 else many or one + 's'}"
