// Starts what the page needs: words in the reader's time zone, live renewal, actions, charts.

import { startActions } from "./actions.js";
import { startAutonomy } from "./autonomy.js";
import { startCharts } from "./charts.js";
import { startFilters } from "./filters.js";
import { startLive } from "./live.js";
import { startSignals } from "./signals.js";
import { startTheme } from "./theme_switch.js";
import { startClock } from "./words.js";
import { startWhatIf } from "./what_if.js";

startClock();
startTheme();
startFilters();
startActions();
startSignals();
startAutonomy();
startCharts();
startWhatIf();
startLive();
document.querySelector("nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
document.body.dataset.ready = "true";
