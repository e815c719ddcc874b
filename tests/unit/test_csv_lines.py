"""A line that is too long is found wherever it stands, and no other line is."""

from pathlib import Path

import pytest

from core_modules.history_files.csv_text import LONGEST_LINE, check_text
from core_modules.history_files.sales_errors import SalesDataError

SHORT = b"a,b\n"


@pytest.mark.parametrize("before", [0, 1, LONGEST_LINE // 4, LONGEST_LINE])
@pytest.mark.parametrize("end", [b"\n", b""])
@pytest.mark.parametrize("after", [0, 3])
def test_the_longest_line_allowed_passes_and_one_byte_more_does_not(
    before: int, end: bytes, after: int
) -> None:
    # A line counts with its line end; the last one as if it had one.
    longest = b"x" * (LONGEST_LINE - 1) + (end if not after else b"\n")
    check_text(Path("f.csv"), before * SHORT + longest + after * SHORT)
    with pytest.raises(SalesDataError, match=rf"line {before + 1}: has 131,073 bytes"):
        check_text(Path("f.csv"), before * SHORT + b"x" + longest + after * SHORT)
