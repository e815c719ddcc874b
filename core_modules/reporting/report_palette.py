"""The colours of pictures and HTML report: Okabe and Ito's, told apart with any colour vision."""

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#767676"
PALE, INK, LIGHT = "#D9D9D9", "#222222", "#B0B0B0"
EVENT = "#F3E3A0"  # the days of market events
SOLD = "#CFE5F5"  # what was sold, where lost units are the matter

URGENCY_COLOURS = {"critical": VERMILLION, "high": ORANGE, "normal": SKY, "low": LIGHT}
ZONE_COLOURS = {"critical": VERMILLION, "caution": ORANGE, "safe": GREEN}
POLICY_COLOURS = {"agent": BLUE, "baseline": "#8A8A8A", "bound": INK}
